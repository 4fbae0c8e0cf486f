//! Victims for profilers of any make: they do their work and say what it took, and measure nothing
//! unless asked to.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::bail;
use serde::Serialize;
use traceq::probe::Backend;
use traceq::{Growth, Region, Target};

use crate::blocks::Block;

/// First argument of such a victim; the name of its work and a [`Mode`] follow.
pub(crate) const ARGUMENT: &str = "__plain";

const MIB: usize = 1 << 20;
/// Long enough for the slowest sampler to look three times.
const HOLD: Duration = Duration::from_millis(350);
const OBJECTS: usize = 400_000;
const OBJECT_BYTES: usize = 64;
const ROUNDS: usize = 5;

/// What a victim does besides its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Alone,
    /// Wraps its work into a region.
    Region,
    /// Has its page tables walked before the work and at its peak.
    Walk,
    /// Is ended by SIGKILL at its peak.
    Kill,
}

/// What it prints.
#[derive(Debug, Serialize)]
struct Report {
    /// Seconds without sleeping.
    work_s: f64,
    /// Most bytes requested and not given back.
    live: usize,
    walked: Option<u64>,
    region_resident: Option<u64>,
    region_heap: Option<u64>,
}

/// Does the work of one victim, with the allocator of the program that this is part of.
struct Victim {
    mode: Mode,
    begun: Instant,
    slept: Duration,
    walked: Option<u64>,
}

pub(crate) fn serve(name: &str, mode: &str) -> anyhow::Result<()> {
    let mode = match mode {
        "alone" => Mode::Alone,
        "region" => Mode::Region,
        "walk" => Mode::Walk,
        "kill" => Mode::Kill,
        _ => bail!("there is no mode `{mode}`"),
    };
    // Its buffer is there from the beginning, and no part of what grows.
    let out = std::io::stdout().lock();
    let before = (mode == Mode::Walk).then(walk).transpose()?;
    let region = (mode == Mode::Region).then(|| Region::enter("work"));
    let mut victim = Victim { mode, begun: Instant::now(), slept: Duration::ZERO, walked: None };
    let live = match name {
        "idle" => victim.idle(),
        "steady" => victim.steady(),
        "spike" => victim.spike(),
        "small" => victim.small(),
        _ => bail!("there is no victim `{name}`"),
    }?;
    let work_s = (victim.begun.elapsed() - victim.slept).as_secs_f64();
    let taken = region.map(Region::close);
    let growth = |growth: Option<&Growth>| growth.map(Growth::bytes);
    let report = Report {
        work_s,
        live,
        walked: victim.walked.zip(before).map(|(peak, before)| peak.saturating_sub(before)),
        region_resident: growth(taken.as_ref().and_then(|report| report.rss.as_ref())),
        region_heap: growth(taken.as_ref().and_then(|report| report.heap.as_ref())),
    };
    Ok(serde_json::to_writer(out, &report)?)
}

impl Victim {
    /// The program alone, against which the others grow.
    fn idle(&mut self) -> anyhow::Result<usize> {
        self.hold();
        Ok(0)
    }

    /// 256 MiB, written and held.
    fn steady(&mut self) -> anyhow::Result<usize> {
        let bytes = 256 * MIB;
        let block = written(bytes)?;
        self.peak()?;
        self.hold();
        drop(block);
        Ok(bytes)
    }

    /// 32 MiB held, and 64 MiB more that are given back 1 ms after the last page was written.
    fn spike(&mut self) -> anyhow::Result<usize> {
        let base = written(32 * MIB)?;
        self.hold();
        let spike = written(64 * MIB)?;
        self.peak()?;
        self.sleep(Duration::from_millis(1));
        drop(spike);
        self.hold();
        drop(base);
        Ok(96 * MIB)
    }

    /// Many small objects; every second one is given back and requested again, some times over.
    fn small(&mut self) -> anyhow::Result<usize> {
        let object = |i: usize| Some(Box::new([i as u8; OBJECT_BYTES]));
        let mut objects: Vec<_> = Vec::with_capacity(OBJECTS);
        objects.extend((0..OBJECTS).map(object));
        for round in 0..ROUNDS {
            for i in (round % 2..OBJECTS).step_by(2) {
                objects[i] = None;
            }
            for i in (round % 2..OBJECTS).step_by(2) {
                objects[i] = object(i);
            }
        }
        std::hint::black_box(&objects);
        self.peak()?;
        self.hold();
        let slots = OBJECTS * size_of_val(&objects[0]);
        drop(objects);
        Ok(OBJECTS * OBJECT_BYTES + slots)
    }

    fn peak(&mut self) -> anyhow::Result<()> {
        match self.mode {
            Mode::Walk => self.walked = Some(walk()?),
            Mode::Kill => {
                // A while, so that whoever samples has seen it.
                std::thread::sleep(HOLD);
                // From outside: some profilers see what a program does to itself.
                let kill = format!("kill -9 {}", std::process::id());
                Command::new("sh").args(["-c", &kill]).status()?;
            }
            Mode::Alone | Mode::Region => {}
        }
        Ok(())
    }

    fn hold(&mut self) {
        self.sleep(HOLD);
    }

    fn sleep(&mut self, time: Duration) {
        let begin = Instant::now();
        std::thread::sleep(time);
        self.slept += begin.elapsed();
    }
}

fn written(bytes: usize) -> anyhow::Result<Block> {
    let block = Block::request(bytes, false)?;
    block.touch(bytes);
    Ok(block)
}

/// Resident bytes by a walk over the page tables.
fn walk() -> anyhow::Result<u64> {
    Ok(Backend::Smaps.open(Target::Own)?.read()?.bytes)
}

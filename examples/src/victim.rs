//! A fresh process that does a job, measures itself, and prints what it saw as JSON.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use rustix::thread::{CpuSet, sched_setaffinity};
use serde::{Deserialize, Serialize};
use traceq::probe::Hwm;
use traceq::{Growth, Region, RegionReport, Target};

use crate::actor::Actor;
use crate::blocks::{Block, populate_program};
use crate::levels::{Counters, Levels};
use crate::observer::{self, Observer, Place, Running, Watch};
use crate::operator::Operator;
use crate::plain;
use crate::schedule::{PageSize, Step};
use crate::supervisor;

/// First argument of a victim.
pub(crate) const ARGUMENT: &str = "__victim";

/// What a victim is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) work: Work,
    /// The only CPU that it may use.
    pub(crate) cpu: Option<usize>,
    /// A sampler inside.
    pub(crate) observer: Option<Observer>,
    /// A library loaded before all others, to take the place of the C library's allocator.
    pub(crate) preload: Option<PathBuf>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    Steps(Vec<Step>),
    Operator(Operator),
}

impl Job {
    pub(crate) fn steps(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            work: Work::Steps(steps.into_iter().collect()),
            cpu: None,
            observer: None,
            preload: None,
        }
    }
}

/// What a victim saw of itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Before the first step.
    pub(crate) baseline: Levels,
    /// At each [`Step::Check`].
    pub(crate) checks: Vec<Levels>,
    /// After the last step.
    pub(crate) end: Levels,
    pub(crate) spikes: Vec<Spike>,
    /// One for each [`Step::Close`].
    pub(crate) regions: Vec<Taken>,
    pub(crate) ledgers: Vec<Ledgers>,
    pub(crate) children: Vec<Self>,
    /// Begin and end of each [`Step::Lock`], by the monotonic clock.
    pub(crate) locks: Vec<(u64, u64)>,
    /// All steps, as a region; of no use where [`Step::Ledgers`] reset the mark meanwhile.
    pub(crate) whole: Taken,
    pub(crate) watch: Option<Watch>,
}

/// What a region took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Taken {
    pub(crate) resident: Option<u64>,
    pub(crate) heap: Option<u64>,
    pub(crate) wall_s: f64,
    pub(crate) major_faults: Option<u64>,
}

impl From<RegionReport> for Taken {
    fn from(report: RegionReport) -> Self {
        Self {
            resident: report.rss.as_ref().map(Growth::bytes),
            heap: report.heap.as_ref().map(Growth::bytes),
            wall_s: report.wall.unwrap_or_default().as_secs_f64(),
            major_faults: report.faults.map(|faults| faults.major),
        }
    }
}

/// A spike, from when nine tenths were touched until it was given back.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Spike {
    pub(crate) begin_ns: u64,
    pub(crate) end_ns: u64,
    /// By the region around it.
    pub(crate) resident: Option<u64>,
}

/// Growth of the high-water mark over two baselines.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Ledgers {
    /// Over field 24 of `stat`: the ledger of the mark itself.
    pub(crate) same: i64,
    /// Over `VmRSS`.
    pub(crate) mixed: i64,
}

/// The victim process.
pub(crate) fn serve(job: &str) -> anyhow::Result<()> {
    let job: Job = serde_json::from_str(job)?;
    if let Some(cpu) = job.cpu {
        let mut cpus = CpuSet::new();
        cpus.set(cpu);
        sched_setaffinity(None, &cpus).with_context(|| format!("cannot use CPU {cpu}"))?;
    }
    let record = work(job)?;
    serde_json::to_writer(std::io::stdout().lock(), &record)?;
    Ok(())
}

fn work(job: Job) -> anyhow::Result<Record> {
    let prepared = match &job.work {
        Work::Operator(operator) => Some(operator.prepare()?),
        Work::Steps(_) => None,
    };
    let mut counters = Counters::open();
    let mut actor = Actor::new();
    actor.warm_up(&mut counters)?;
    populate_program()?;
    supervisor::wait_for_go()?;
    let running = match job.observer {
        Some(observer) if observer.place == Place::Thread => {
            Some(Running::thread(observer, Target::Own))
        }
        Some(observer) => Some(Running::process(observer)?),
        None => None,
    };
    if running.is_some() {
        // Its first sample is before the first step.
        std::thread::sleep(Duration::from_millis(5));
    }
    let spare = settle()?;
    actor.record.baseline = counters.read();
    let region = Region::enter("whole");
    match (&job.work, prepared) {
        (Work::Steps(steps), _) => actor.all(steps, &mut counters)?,
        (Work::Operator(_), Some(prepared)) => prepared.run()?,
        (Work::Operator(_), None) => {}
    }
    actor.record.whole = region.close().into();
    drop(spare);
    actor.record.end = counters.read();
    actor.record.watch = running.map(Running::stop).transpose()?;
    actor.leave()
}

/// Touches pages until the batched counter moves, so that each run begins with nothing held back by
/// this CPU, and returns them.
fn settle() -> anyhow::Result<Block> {
    let mut mark = Hwm::open(Target::Own)?;
    let before = mark.reset()?.bytes;
    let spare = Block::map(4 << 20, PageSize::Small)?;
    for page in 0..1024 {
        spare.touch_from(page * 4096, (page + 1) * 4096);
        if mark.reset()?.bytes != before {
            break;
        }
    }
    Ok(spare)
}

/// Does the work of a helper and exits, if this process was started as one.
///
/// The programs of this package call it first in `main`.
pub fn serve_if_called() {
    memcage::init();
    let arguments: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        [_, ARGUMENT, job] => serve(job),
        [_, plain::ARGUMENT, name, mode] => plain::serve(name, mode),
        [_, observer::ARGUMENT, observer, target] => observer::serve(observer, target),
        _ => return,
    };
    let code = match result {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error:#}");
            1
        }
    };
    std::process::exit(code);
}

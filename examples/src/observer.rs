//! Who looks at a process while it runs: from a thread inside, from a child, or from outside.

use std::io::Read;
use std::ops::ControlFlow;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use traceq::Target;
use traceq::probe::Backend;
use traceq::sampler::Sampler;

/// Where a sampler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// A thread of the measured process.
    Thread,
    /// A child of the measured process, in its control group.
    Process,
    /// The supervisor, outside its control group.
    Outside,
}

impl Place {
    pub(crate) const ALL: [Self; 3] = [Self::Thread, Self::Process, Self::Outside];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Process => "process",
            Self::Outside => "outside",
        }
    }
}

/// One sampler.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Observer {
    pub(crate) place: Place,
    pub(crate) backend: Backend,
    pub(crate) every_us: u64,
    pub(crate) style: Style,
}

/// How a sampler is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Style {
    /// A loop that opens, reads, and sleeps.
    Direct,
    /// `traceq`'s sampler: files kept open, absolute deadlines.
    Traceq,
    /// `traceq`'s sampler, which needs a lock for each sample.
    Locked,
}

/// What a sampler saw.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Watch {
    pub(crate) samples: u64,
    pub(crate) missed: u64,
    pub(crate) real_period_s: Option<f64>,
    pub(crate) late_p99_s: Option<f64>,
    pub(crate) cost_s: Option<f64>,
    /// Nanoseconds of the monotonic clock, and bytes.
    pub(crate) trace: Vec<(u64, u64)>,
}

impl Watch {
    pub(crate) fn first_bytes(&self) -> Option<u64> {
        self.trace.first().map(|sample| sample.1)
    }

    pub(crate) fn peak_bytes(&self) -> Option<u64> {
        self.trace.iter().map(|sample| sample.1).max()
    }
}

/// Held by victims that play native code under an interpreter's lock.
pub(crate) static LOCK: Mutex<()> = Mutex::new(());

pub(crate) fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

/// Samples until told to stop, or the process has ended.
fn watch(observer: Observer, target: Target, stop: &AtomicBool) -> anyhow::Result<Watch> {
    match observer.style {
        Style::Direct => direct(observer, stop),
        Style::Traceq | Style::Locked => by_traceq(observer, target, stop),
    }
}

fn by_traceq(observer: Observer, target: Target, stop: &AtomicBool) -> anyhow::Result<Watch> {
    let every = Duration::from_micros(observer.every_us);
    let mut sampler = Sampler::open(target, &[observer.backend], every)?;
    let mut trace = Vec::with_capacity(1 << 16);
    let timing = sampler.run(|sample| {
        trace.extend(sample.levels[0].map(|bytes| (monotonic_ns(), bytes)));
        if observer.style == Style::Locked {
            drop(LOCK.lock().unwrap_or_else(PoisonError::into_inner));
        }
        if stop.load(Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    Ok(Watch {
        samples: timing.samples,
        missed: timing.missed,
        real_period_s: timing.real_period_s,
        late_p99_s: Some(timing.late_p99_s),
        cost_s: Some(timing.cost_s),
        trace,
    })
}

/// As one writes it by hand: the file is opened for each sample, and the sleep follows the work.
fn direct(observer: Observer, stop: &AtomicBool) -> anyhow::Result<Watch> {
    let mut trace = Vec::with_capacity(1 << 12);
    while !stop.load(Relaxed) {
        let bytes = observer.backend.open(Target::Own)?.read()?.bytes;
        trace.push((monotonic_ns(), bytes));
        std::thread::sleep(Duration::from_micros(observer.every_us));
    }
    // A mark is still right when the work is over; a level no longer is.
    if observer.backend == Backend::Rusage {
        trace.push((monotonic_ns(), observer.backend.open(Target::Own)?.read()?.bytes));
    }
    let (first, last) = (trace.first().copied(), trace.last().copied());
    let span = first.zip(last).map(|(first, last)| (last.0 - first.0) as f64 / 1e9);
    let samples = trace.len() as u64;
    let real_period_s = span.filter(|_| samples > 1).map(|span| span / (samples - 1) as f64);
    Ok(Watch { samples, real_period_s, trace, ..Watch::default() })
}

/// A sampler at work.
pub(crate) enum Running {
    Thread { stop: Arc<AtomicBool>, handle: JoinHandle<anyhow::Result<Watch>> },
    Process(Child),
}

/// First argument of a sampler process.
pub(crate) const ARGUMENT: &str = "__observer";

impl Running {
    /// Starts a sampler in a thread of this process.
    pub(crate) fn thread(observer: Observer, target: Target) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let handle = std::thread::spawn(move || watch(observer, target, &flag));
        Self::Thread { stop, handle }
    }

    /// Starts a sampler in a child of this process, which is its target.
    pub(crate) fn process(observer: Observer) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([ARGUMENT, &serde_json::to_string(&observer)?]);
        command.arg(std::process::id().to_string());
        Ok(Self::Process(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?))
    }

    pub(crate) fn stop(self) -> anyhow::Result<Watch> {
        match self {
            Self::Thread { stop, handle } => {
                stop.store(true, Relaxed);
                handle.join().map_err(|_| anyhow::anyhow!("the sampler panicked"))?
            }
            Self::Process(mut child) => {
                drop(child.stdin.take());
                let output = child.wait_with_output()?;
                serde_json::from_slice(&output.stdout).context("the sampler's result")
            }
        }
    }
}

/// The sampler process: samples until its standard input ends.
pub(crate) fn serve(observer: &str, target: &str) -> anyhow::Result<()> {
    let observer = serde_json::from_str(observer)?;
    let target = Target::Pid(target.parse()?);
    let running = Running::thread(observer, target);
    std::io::stdin().read_to_end(&mut Vec::new())?;
    serde_json::to_writer(std::io::stdout(), &running.stop()?)?;
    Ok(())
}

//! The approaches: four by hand, the same four as probes, a mark and a control group.

use traceq::probe::Backend;

use super::subject::Subject;
use crate::levels::GROUP_NOW;
use crate::observer::{Observer, Place, Style};
use crate::supervisor::Outcome;
use crate::victim::{Job, Record};

/// How a peak is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Approach {
    /// Not at all: the time that the others are held against.
    None,
    /// Polled by hand in a thread, every 10 ms.
    Direct(Backend),
    /// Polled by `traceq`, every 10 ms: outside where the counter can be read there.
    Probe(Backend),
    /// The region's high-water mark.
    Hwm,
    /// The peak of the control group.
    Cgroup,
}

const EVERY_US: u64 = 10_000;

impl Approach {
    /// In the order of the tables.
    pub(super) const ALL: [Self; 11] = [
        Self::None,
        Self::Direct(Backend::Statm),
        Self::Direct(Backend::Rusage),
        Self::Direct(Backend::Heap),
        Self::Direct(Backend::Status),
        Self::Probe(Backend::Statm),
        Self::Probe(Backend::Rusage),
        Self::Probe(Backend::Heap),
        Self::Probe(Backend::Status),
        Self::Hwm,
        Self::Cgroup,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Direct(Backend::Statm) => "direct statm (psutil)",
            Self::Direct(Backend::Rusage) => "direct getrusage (resource)",
            Self::Direct(Backend::Heap) => "direct heap (tracemalloc)",
            Self::Direct(_) => "direct status (kernel)",
            Self::Probe(Backend::Statm) => "traceq statm",
            Self::Probe(Backend::Rusage) => "traceq rusage",
            Self::Probe(Backend::Heap) => "traceq heap",
            Self::Probe(_) => "traceq status",
            Self::Hwm => "hwm",
            Self::Cgroup => "cgroup",
        }
    }

    pub(super) fn job(self, subject: &Subject, cpu: Option<usize>) -> Job {
        let observer =
            |place, backend, style| Observer { place, backend, every_us: EVERY_US, style };
        let observer = match self {
            Self::None | Self::Hwm | Self::Cgroup => None,
            Self::Direct(backend) => Some(observer(Place::Thread, backend, Style::Direct)),
            // These two count the process that asks.
            Self::Probe(backend @ (Backend::Rusage | Backend::Heap)) => {
                Some(observer(Place::Thread, backend, Style::Traceq))
            }
            Self::Probe(backend) => Some(observer(Place::Outside, backend, Style::Traceq)),
        };
        Job { work: subject.work.clone(), cpu, observer, preload: None }
    }

    /// What this approach takes for the peak, as growth over its own baseline, in bytes.
    pub(super) fn peak(self, outcome: &Outcome, record: &Record) -> Option<f64> {
        let over = |peak: u64, counter: &str| {
            Some((peak as f64 - record.baseline.get(counter)? as f64).max(0.0))
        };
        match self {
            Self::None => None,
            Self::Direct(backend) | Self::Probe(backend) => {
                let watch = outcome.watch.as_ref().or(record.watch.as_ref())?;
                over(watch.peak_bytes()?, backend.name())
            }
            Self::Hwm => record.whole.resident.map(|bytes| bytes as f64),
            Self::Cgroup => over(record.end.get("cgroup")?, GROUP_NOW),
        }
    }
}

//! From what the user said about memory to what the planner needs.

use anyhow::bail;
use chunkfit_core::{Axis, ByteSize, Shape};
use chunkfit_io::zarr;
use chunkfit_plan::{Budget, Memory, Reserve, Workers};
use memcage::{Cage, resident};
use serde::{Deserialize, Serialize};

use crate::progress::say;

/// What the user allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Allowed {
    /// All workers and the parent together.
    Total(ByteSize),
    /// Each worker.
    PerWorker(ByteSize),
}

/// Resident set of an idle worker, where none has been measured yet. A run measures it.
pub(crate) const TYPICAL_BASE: ByteSize = ByteSize::mib(8);

/// Share of what this process tree may use that a run takes when nothing is said.
const DEFAULT_SHARE: f64 = 0.8;

impl Allowed {
    /// From `--memory` and `--worker-memory`, of which at most one is given.
    pub(crate) fn from_options(
        total: Option<ByteSize>,
        per_worker: Option<ByteSize>,
    ) -> anyhow::Result<Self> {
        if let Some(limit) = per_worker {
            return Ok(Self::PerWorker(limit));
        }
        let allowance = memcage::allowance()?;
        let most = ByteSize::new(allowance.bytes);
        match total {
            Some(limit) if limit > most => {
                say(&format!(
                    "warning: --memory {limit} is more than the {most} that this process may use ({})",
                    allowance.bound_by
                ));
                Ok(Self::Total(limit))
            }
            Some(limit) => Ok(Self::Total(limit)),
            None => Ok(Self::Total(most.scale(DEFAULT_SHARE))),
        }
    }

    /// The limit of everything together, if there is one.
    pub(crate) const fn total(self) -> Option<ByteSize> {
        match self {
            Self::Total(limit) => Some(limit),
            Self::PerWorker(_) => None,
        }
    }

    /// The limit that the user named.
    pub(crate) const fn limit(self) -> ByteSize {
        match self {
            Self::Total(limit) | Self::PerWorker(limit) => limit,
        }
    }

    /// The planner's budget, with `shared` bytes of a total taken by the parent.
    pub(crate) fn budget(self, workers: Option<usize>, shared: ByteSize) -> Budget {
        let cpus = memcage::cpus();
        match self {
            Self::Total(limit) => Budget {
                memory: Memory::Total { limit, shared },
                workers: Workers::UpTo(workers.unwrap_or(cpus)),
                reserve: Reserve::default(),
            },
            Self::PerWorker(limit) => Budget {
                memory: Memory::PerWorker(limit),
                workers: Workers::Exactly(workers.unwrap_or(cpus)),
                reserve: Reserve::default(),
            },
        }
    }
}

/// What the parent itself takes of a total: its resident set, room to grow for the journal, pipes,
/// thread stacks and the plan, and the mask and coordinates of as many inlines as are copied at once.
pub(crate) fn parent_share(volume: Shape) -> anyhow::Result<ByteSize> {
    /// The mask, and two coordinates as read, as scaled and as encoded.
    const BYTES_PER_TRACE: u64 = 1 + 2 * (8 + 8) + 8;
    let traces = zarr::TRACE_ROWS.min(volume[Axis::Inline]) * volume[Axis::Crossline];
    let copied = ByteSize::new(BYTES_PER_TRACE) * traces as u64;
    Ok(ByteSize::new(resident::current_bytes()?) + ByteSize::mib(4) + copied)
}

/// A cage for a run over `volume`. Under a total limit this process is inside, so that it counts.
pub(crate) fn cage_for(allowed: Allowed, volume: Shape) -> anyhow::Result<Cage> {
    let Some(limit) = allowed.total() else { return Ok(Cage::new("chunkfit", None)?) };
    let least = parent_share(volume)? + TYPICAL_BASE;
    if limit < least {
        bail!(
            "--memory {limit} is too little: this process and one worker need {least} before any \
             voxel; raise --memory to more than that"
        );
    }
    let cage = Cage::new("chunkfit", Some(limit.as_u64()))?;
    cage.enter()?;
    Ok(cage)
}

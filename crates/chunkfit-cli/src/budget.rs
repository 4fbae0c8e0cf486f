//! From what the user said about memory to what the planner needs.

use chunkfit_core::ByteSize;
use chunkfit_plan::{Budget, Memory, Reserve, Workers};
use memcage::resident;
use serde::{Deserialize, Serialize};

/// What the user allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Allowed {
    /// All workers and the parent together.
    Total(ByteSize),
    /// Each worker.
    PerWorker(ByteSize),
}

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
                eprintln!(
                    "warning: --memory {limit} is more than the {most} that this process may use ({})",
                    allowance.bound_by
                );
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

/// What the parent itself takes of a total: its resident set so far, and room to grow for the
/// journal, pipes, thread stacks and the janitor process.
pub(crate) fn parent_share() -> anyhow::Result<ByteSize> {
    Ok(ByteSize::new(resident::peak_bytes()?) + ByteSize::mib(4))
}

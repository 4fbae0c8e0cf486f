use chunkfit_core::ByteSize;
use serde::{Deserialize, Serialize};

use crate::PlanError;

/// The memory that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Memory {
    /// For everything together: each of w workers gets `(limit − shared) / w`.
    Total {
        /// The limit of everything.
        limit: ByteSize,
        /// The part that no worker can have, such as the parent process.
        shared: ByteSize,
    },
    /// The hard limit of each worker.
    PerWorker(ByteSize),
}

/// The number of workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Workers {
    /// As many as serve, at most this many. Fewer workers have larger shares of a total.
    UpTo(usize),
    /// This many.
    Exactly(usize),
}

/// The part of a worker's hard limit that the resident set of a task must leave free.
///
/// The limit is that of a cgroup, and counts more than a resident set: page tables (1/512 of what is
/// mapped), kernel stacks, pipes and other kernel objects, dirty pages on their way to the output,
/// and up to 64 pages per processor that are charged before they are used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reserve {
    /// Bytes, whatever the limit.
    pub fixed: ByteSize,
    /// Share of the limit, in `[0, 1)`.
    pub share: f64,
}

impl Default for Reserve {
    /// 4 MiB (a storage chunk or two being written, charges of 16 processors or fewer) and 1/32 of
    /// the limit (page tables take 1/512, the rest is for dirty pages and allocation in batches).
    fn default() -> Self {
        Self { fixed: ByteSize::mib(4), share: 1.0 / 32.0 }
    }
}

impl Reserve {
    /// Nothing is left free: the limit counts what the memory model counts.
    pub const NONE: Self = Self { fixed: ByteSize::ZERO, share: 0.0 };

    /// What a task's bound must stay within under a hard limit of `limit`.
    #[must_use]
    pub fn usable(&self, limit: ByteSize) -> ByteSize {
        limit - self.fixed - limit.scale(self.share.clamp(0.0, 1.0))
    }

    /// A hard limit, in whole MiB, under which `need` is usable.
    #[must_use]
    pub fn limit_for(&self, need: ByteSize) -> ByteSize {
        let left = (1.0 - self.share).max(f64::MIN_POSITIVE);
        let mib = ByteSize::mib(1).as_u64();
        let mut limit = ByteSize::mib((need + self.fixed).scale(1.0 / left).as_u64().div_ceil(mib));
        // The share is rounded up to whole bytes, which can cost one more step.
        if self.usable(limit) < need {
            limit += ByteSize::mib(1);
        }
        limit
    }
}

/// What a plan may use.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// The memory that is allowed.
    pub memory: Memory,
    /// The number of workers.
    pub workers: Workers,
    /// The part of each worker's limit that a task must leave free.
    pub reserve: Reserve,
}

/// What one of `workers` equal workers gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The number of workers.
    pub workers: usize,
    /// Hard limit of one worker.
    pub limit: ByteSize,
    /// What a task's bound must stay within.
    pub usable: ByteSize,
}

impl Budget {
    /// The ways to share the budget out, fewest workers first.
    ///
    /// # Errors
    ///
    /// When there are no workers.
    pub fn shares(&self) -> Result<Vec<Share>, PlanError> {
        let counts = match self.workers {
            Workers::UpTo(0) | Workers::Exactly(0) => return Err(PlanError::NoWorkers),
            Workers::UpTo(n) => 1..=n,
            Workers::Exactly(n) => n..=n,
        };
        Ok(counts.map(|workers| self.share(workers)).collect())
    }

    /// The share with the most workers that are allowed.
    pub(crate) fn all_workers(&self) -> Result<Share, PlanError> {
        match self.workers {
            Workers::UpTo(0) | Workers::Exactly(0) => Err(PlanError::NoWorkers),
            Workers::UpTo(n) | Workers::Exactly(n) => Ok(self.share(n)),
        }
    }

    fn share(&self, workers: usize) -> Share {
        let limit = match self.memory {
            Memory::Total { limit, shared } => {
                ByteSize::new((limit - shared).as_u64() / workers as u64)
            }
            Memory::PerWorker(limit) => limit,
        };
        Share { workers, limit, usable: self.reserve.usable(limit) }
    }

    /// This budget with `factor` times the memory.
    #[must_use]
    pub fn with_memory_times(mut self, factor: f64) -> Self {
        match &mut self.memory {
            Memory::Total { limit, .. } | Memory::PerWorker(limit) => *limit = limit.scale(factor),
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_shared_out_after_the_parent_has_its_part() {
        let memory = Memory::Total { limit: ByteSize::mib(100), shared: ByteSize::mib(10) };
        let budget = Budget { memory, workers: Workers::UpTo(3), reserve: Reserve::NONE };
        let limits: Vec<_> = budget.shares().unwrap().iter().map(|s| s.limit).collect();
        assert_eq!(limits, [ByteSize::mib(90), ByteSize::mib(45), ByteSize::mib(30)]);
        let none = Budget { workers: Workers::UpTo(0), ..budget };
        assert!(matches!(none.shares(), Err(PlanError::NoWorkers)));
    }

    #[test]
    fn the_limit_for_a_need_is_enough_and_not_a_lot_more() {
        for reserve in [Reserve::default(), Reserve::NONE] {
            for need in [1, 1_000_000, 123_456_789, 7_000_000_001].map(ByteSize::new) {
                let limit = reserve.limit_for(need);
                assert!(reserve.usable(limit) >= need, "{need}: {limit}");
                assert!(reserve.usable(limit - ByteSize::mib(2)) < need, "{need}: {limit}");
            }
        }
    }
}

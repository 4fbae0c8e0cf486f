use std::fmt;

use chunkfit_core::{Halo, MemoryModel, Shape, StorageLayout};

use crate::{Budget, CostModel, OutputChunk};

/// Everything that a choice of chunks depends on.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    /// The volume to cut, `(inline, crossline, sample)` in voxels.
    pub volume: Shape,
    /// Bytes of one voxel in memory and in the output.
    pub element_bytes: usize,
    /// What a block needs around its core. An axis with [`Reach::Whole`] is never cut by
    /// `memory-aware` and `even`.
    ///
    /// [`Reach::Whole`]: chunkfit_core::Reach::Whole
    pub halo: Halo,
    /// How the input lies in storage, which decides what a block costs to read.
    pub layout: StorageLayout,
    /// The storage chunks of the output, on which cores are cut.
    pub storage: OutputChunk,
    /// Memory and workers.
    pub budget: Budget,
    /// Seconds of a task, to rank plans by.
    pub cost: CostModel,
    /// Bytes of a task, the base of a worker included.
    pub model: &'a dyn MemoryModel,
}

impl fmt::Debug for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problem")
            .field("volume", &self.volume)
            .field("element_bytes", &self.element_bytes)
            .field("halo", &self.halo)
            .field("layout", &self.layout)
            .field("storage", &self.storage)
            .field("budget", &self.budget)
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}

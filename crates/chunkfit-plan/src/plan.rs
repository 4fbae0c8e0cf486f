use std::sync::Arc;

use chunkfit_core::{Axis, ByteSize, ChunkGrid, Halo, Placement, Prediction, Shape};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Explanation, Rationale};

/// The version of the JSON form of a [`Plan`].
pub const SCHEMA_VERSION: u32 = 1;

/// Chunks, workers, and what is expected of them: plain data.
///
/// A plan that is read back is checked: its version, and that its numbers agree with each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Plan {
    /// Version of this form, [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The strategy that made it, as on the command line.
    pub strategy: String,
    /// The cores.
    pub grid: ChunkGrid,
    /// The storage chunk of the output; cores are multiples of it.
    pub output_chunk: Shape,
    /// What a block has around its core.
    pub halo: Halo,
    /// The number of workers.
    pub workers: usize,
    /// The number of tasks: one for each core.
    pub tasks: usize,
    /// Hard limit of one worker.
    pub limit_bytes: ByteSize,
    /// What the bound of a task must stay within.
    pub usable_bytes: ByteSize,
    /// What the task with the largest bound is expected to need.
    pub largest_task: Prediction,
    /// Voxels of all blocks ÷ voxels of the volume.
    pub halo_factor: f64,
    /// Bytes expected to be read ÷ bytes of the volume as it is stored.
    pub read_factor: f64,
    /// Seconds until the last worker is done, by the cost model.
    pub makespan_s: f64,
    /// Seconds of work ÷ (workers × makespan), in `(0, 1]`.
    pub efficiency: f64,
    /// How often each worker is given a task, rounded up.
    pub waves: usize,
    /// Why a search chose these chunks; `None` when they follow from a rule that does not look at the
    /// memory of a task.
    pub rationale: Option<Rationale>,
}

/// One chunk to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    /// Number of the chunk in the grid.
    pub index: usize,
    /// The core and its block.
    pub placement: Placement,
}

/// Why data is not a plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPlan {
    /// Another version of the form.
    #[error("the plan has schema version {got}, this program reads {SCHEMA_VERSION}; plan again")]
    Version {
        /// The version found.
        got: u32,
    },
    /// The number of tasks is not that of the grid.
    #[error("the plan states {tasks} tasks, its grid has {chunks} chunks")]
    TaskCount {
        /// Tasks stated.
        tasks: usize,
        /// Chunks of the grid.
        chunks: usize,
    },
    /// A plan for nobody.
    #[error("the plan has no workers")]
    NoWorkers,
    /// Cores would share a storage chunk.
    #[error(
        "along {axis} the cores are {core} voxels, not a multiple of the storage chunk's {chunk}"
    )]
    NotAligned {
        /// The axis.
        axis: Axis,
        /// Voxels of a core.
        core: usize,
        /// Voxels of a storage chunk.
        chunk: usize,
    },
    /// A worker cannot use more than its limit.
    #[error("{usable} are usable of a limit of {limit}")]
    MoreUsableThanLimit {
        /// The bytes that a task may use.
        usable: ByteSize,
        /// The hard limit.
        limit: ByteSize,
    },
    /// A number that cannot be.
    #[error("{field} is {value}, it must be {must_be}")]
    BadNumber {
        /// The field.
        field: &'static str,
        /// Its value.
        value: f64,
        /// The range.
        must_be: &'static str,
    },
}

impl Plan {
    /// Whether the bound of every task stays within what is usable. The plans of `memory-aware` always
    /// fit; other strategies do not look at memory, and a run then splits what does not fit.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.largest_task.upper <= self.usable_bytes
    }

    /// The plan for people: what was chosen and why.
    #[must_use]
    pub fn explain(&self) -> Explanation<'_> {
        Explanation::new(self)
    }

    /// The tasks, those with most voxels to read first. Every chunk of the grid comes once; only the
    /// numbers of chunks along each axis are held in memory.
    pub fn tasks(&self) -> impl Iterator<Item = Task> + Send + use<> {
        let (grid, halo) = (self.grid, self.halo);
        let kinds = Arc::new(Axis::ALL.map(|axis| kinds_along(&grid, &halo, axis)));
        let mut order = Vec::new();
        for i in 0..kinds[0].len() {
            for x in 0..kinds[1].len() {
                for s in 0..kinds[2].len() {
                    let voxels = kinds[0][i].block * kinds[1][x].block * kinds[2][s].block;
                    order.push((voxels, [i, x, s]));
                }
            }
        }
        order.sort_by_key(|&(voxels, _)| std::cmp::Reverse(voxels));
        let [_, n_x, n_s] = grid.counts();
        order.into_iter().flat_map(move |(_, kind)| {
            let kinds = Arc::clone(&kinds);
            let lengths = [0, 1, 2].map(|a| kinds[a][kind[a]].positions.len());
            (0..lengths.iter().product()).filter_map(move |k: usize| {
                let within =
                    [k / (lengths[1] * lengths[2]), k / lengths[2] % lengths[1], k % lengths[2]];
                let position = [0, 1, 2].map(|a| kinds[a][kind[a]].positions[within[a]]);
                let index = (position[0] * n_x + position[1]) * n_s + position[2];
                let core = grid.at(position)?;
                Some(Task { index, placement: Placement::new(grid.volume(), core, &halo) })
            })
        })
    }

    /// Checks that the numbers of this plan agree with each other.
    ///
    /// # Errors
    ///
    /// When they do not, or the version is another one.
    pub fn check(&self) -> Result<(), InvalidPlan> {
        if self.schema_version != SCHEMA_VERSION {
            return Err(InvalidPlan::Version { got: self.schema_version });
        }
        if self.workers == 0 {
            return Err(InvalidPlan::NoWorkers);
        }
        let (grid, volume) = (self.grid, self.grid.volume());
        if self.tasks != grid.len() {
            return Err(InvalidPlan::TaskCount { tasks: self.tasks, chunks: grid.len() });
        }
        for axis in Axis::ALL {
            let (core, chunk) = (grid.chunk()[axis], self.output_chunk[axis]);
            if core < volume[axis] && !core.is_multiple_of(chunk) {
                return Err(InvalidPlan::NotAligned { axis, core, chunk });
            }
        }
        if self.usable_bytes > self.limit_bytes {
            let (usable, limit) = (self.usable_bytes, self.limit_bytes);
            return Err(InvalidPlan::MoreUsableThanLimit { usable, limit });
        }
        let slack = 1e-9;
        for (field, value, least, must_be) in [
            ("halo_factor", self.halo_factor, 1.0 - slack, "at least 1"),
            ("read_factor", self.read_factor, f64::MIN_POSITIVE, "greater than 0"),
            ("makespan_s", self.makespan_s, 0.0, "at least 0"),
            ("efficiency", self.efficiency, 0.0, "at least 0"),
        ] {
            if !(value.is_finite() && value >= least) {
                return Err(InvalidPlan::BadNumber { field, value, must_be });
            }
        }
        Ok(())
    }
}

/// Chunks along one axis whose blocks are equally long.
struct Kind {
    block: usize,
    positions: Vec<usize>,
}

fn kinds_along(grid: &ChunkGrid, halo: &Halo, axis: Axis) -> Vec<Kind> {
    let volume = grid.volume();
    let mut kinds: Vec<Kind> = Vec::new();
    for position in 0..grid.counts()[axis.index()] {
        let mut at = [0; 3];
        at[axis.index()] = position;
        let Some(core) = grid.at(at) else { continue };
        let block = core.expand(halo, volume).shape()[axis];
        match kinds.iter_mut().find(|kind| kind.block == block) {
            Some(kind) => kind.positions.push(position),
            None => kinds.push(Kind { block, positions: vec![position] }),
        }
    }
    kinds
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let plan = Self::deserialize(deserializer)?;
        plan.check().map_err(serde::de::Error::custom)?;
        Ok(plan)
    }
}

use std::fmt;

use chunkfit_core::{Axis, ByteSize, Shape};

use crate::{Memory, Share};

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Not even the smallest chunk that the rules allow fits a worker.
    #[error(transparent)]
    DoesNotFit(Box<DoesNotFit>),
    /// No strategy has this name.
    #[error(
        "there is no strategy `{name}`; choose memory-aware, dask-auto, even, cube or fixed=AxBxC"
    )]
    UnknownStrategy {
        /// The name.
        name: String,
    },
    /// The shape after `fixed=` is none.
    #[error("`{text}` is not the shape of a chunk; write fixed=128x128x462: {reason}")]
    BadFixedShape {
        /// The text after `fixed=`.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A plan for nobody.
    #[error("a plan needs at least one worker, 0 were given; raise --workers")]
    NoWorkers,
}

/// The smallest chunk that the rules allow, and why it does not fit.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "the smallest chunk {chunk} needs {need}; usable per worker is {} ({}); {blame}; raise {} to at \
     least {enough}{}",
    share.usable,
    Sum { memory, share },
    option(memory),
    fewer(memory, share)
)]
pub struct DoesNotFit {
    /// The smallest chunk.
    pub chunk: Shape,
    /// The bound of a task with it.
    pub need: ByteSize,
    /// What the user allows.
    pub memory: Memory,
    /// What a worker gets of it.
    pub share: Share,
    /// The term that takes most.
    pub blame: Blame,
    /// The smallest value of the memory option that would do.
    pub enough: ByteSize,
}

/// The term that makes the smallest chunk as large as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Blame {
    /// A task of one voxel needs this much: the worker itself.
    Base(ByteSize),
    /// An axis that must stay whole; a chunk that could split it would need this much less.
    WholeAxis(Axis, ByteSize),
    /// The halo; a chunk without it would need this much less.
    Halo(ByteSize),
    /// The storage chunk of a store that exists; one voxel would need this much less.
    StorageChunk(Shape, ByteSize),
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base(bytes) => write!(f, "{bytes} of it is the worker before any voxel"),
            Self::WholeAxis(axis, bytes) => {
                write!(f, "{bytes} of it because the operator needs the {axis} axis whole")
            }
            Self::Halo(bytes) => write!(f, "{bytes} of it is the halo"),
            Self::StorageChunk(chunk, bytes) => {
                write!(f, "{bytes} of it because the store has chunks of {chunk}")
            }
        }
    }
}

/// How what is usable came about.
struct Sum<'a> {
    memory: &'a Memory,
    share: &'a Share,
}

impl fmt::Display for Sum<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Share { workers, limit, usable } = *self.share;
        match *self.memory {
            Memory::Total { limit: total, shared } => {
                let plural = if workers == 1 { "" } else { "s" };
                write!(f, "{total} allowed − {shared} shared, {workers} worker{plural}, ")?;
            }
            Memory::PerWorker(_) => write!(f, "{limit} allowed, ")?,
        }
        write!(f, "{} reserved", limit - usable)
    }
}

fn option(memory: &Memory) -> &'static str {
    match memory {
        Memory::Total { .. } => "--memory",
        Memory::PerWorker(_) => "--worker-memory",
    }
}

/// Fewer workers help when they share a total.
fn fewer(memory: &Memory, share: &Share) -> &'static str {
    match memory {
        Memory::Total { .. } if share.workers > 1 => ", or use fewer workers",
        _ => "",
    }
}

use chunkfit_core::{ByteSize, Placement, Region};

use crate::Done;

/// Something that happened during a run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A core was written.
    Done {
        /// The voxels read and written.
        at: Placement,
        /// What it cost.
        done: Done,
        /// The predicted upper bound.
        upper: ByteSize,
    },
    /// A task hit a memory limit.
    OverLimit {
        /// The voxels that were read, and were to be written.
        at: Placement,
        /// What it needs at least, when the limit was that of its own worker: what a task may use of it.
        at_least: Option<ByteSize>,
    },
    /// A chunk was cut in two because it hit the limit, or would have.
    Split {
        /// The chunk.
        core: Region,
        /// Why.
        reason: String,
    },
    /// A chunk will be tried again as it is.
    Again {
        /// The chunk.
        core: Region,
        /// Why.
        reason: String,
    },
}

/// Called for every event of a run, one at a time.
pub type Observer<'a> = dyn FnMut(&Event) + Send + 'a;

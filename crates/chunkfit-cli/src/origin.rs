//! Where readings are taken, and what a model is of.

use chunkfit_core::{MemoryModel, Operator, Shape};
use chunkfit_predict::{Dtype, Identity, Origin, Scope};
use chunkfit_run::TaskLedger;

use crate::engine::{STORAGE_CHUNK, write_scratch};
use crate::imagined::Imagined;

/// The allocator of our workers, as they tune it.
const OUR_ALLOCATOR: &str = "system, arrays mapped";

/// The allocator of a command, which is its own affair.
const ITS_ALLOCATOR: &str = "of the command";

/// Readings of our workers, or of a command, on this machine.
pub(crate) fn origin(ours: bool) -> Origin {
    Origin {
        dtype: Dtype::F32,
        scope: Scope::HighWater,
        machine: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        allocator: if ours { OUR_ALLOCATOR } else { ITS_ALLOCATOR }.to_owned(),
    }
}

/// What a model of `operator`, one of ours, would be of now.
pub(crate) fn identity_of(operator: &dyn Operator) -> Identity {
    identity(operator.name(), origin(true))
}

/// A model of whatever was read at `origin` with this version.
pub(crate) fn identity(operator: String, origin: Origin) -> Identity {
    Identity {
        operator,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        dtype: origin.dtype,
        scope: origin.scope,
        threads: 1,
        allocator: origin.allocator,
        page_bytes: rustix::param::page_size() as u64,
        machine: origin.machine,
    }
}

/// The heap bytes of a task of `operator` with reading and writing, as a model.
pub(crate) fn ledger(operator: &dyn Operator) -> anyhow::Result<impl MemoryModel + Sync> {
    let most = Shape::new([STORAGE_CHUNK; 3])?;
    // What reading holds does not depend on the shape of the source.
    let source = Imagined::new(Shape::new([1; 3])?, size_of::<f32>());
    Ok(move |block: Shape, core: Shape| {
        let scratch = |core: Shape| write_scratch(core, most);
        TaskLedger::before_sinks(operator, &source, &scratch).predict(block, core)
    })
}

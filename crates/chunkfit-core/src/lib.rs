//! The vocabulary of chunkfit: nouns, and four traits that let crates compose.
//!
//! A volume is `(inline, crossline, sample)` with the sample axis contiguous. A [`Region`] is a box
//! inside it, a *core* is the region that a task must produce, and a *block* is that core plus the
//! [`Halo`] around it, clipped to the volume. An [`Operator`] turns a block into a core; a
//! [`MemoryModel`] says how many bytes that takes; a [`Source`] and a [`Sink`] are where blocks come
//! from and cores go to. Bytes are [`ByteSize`], never a bare integer.
//!
//! ```
//! use chunkfit_core::{Halo, Placement, Region, Shape};
//!
//! # fn main() -> Result<(), chunkfit_core::ShapeError> {
//! let volume = Shape::new([5, 7, 11])?;
//! let core = Region::new([2, 0, 4], Shape::new([2, 7, 3])?);
//! let at = Placement::new(volume, core, &Halo::uniform(1));
//! assert_eq!(at.block().to_string(), "[1..5, 0..7, 3..8]");
//! # Ok(())
//! # }
//! ```
//!
//! This crate does no I/O, starts no thread and keeps no global state. Kernels are in
//! `chunkfit-seismic`, files in `chunkfit-io`, the choice of chunks in `chunkfit-plan`.

mod bytes;
mod chain;
mod grid;
mod halo;
mod memory;
mod operator;
mod region;
mod shape;
mod storage;
#[cfg(feature = "testing")]
pub mod testing;

pub use bytes::{ByteSize, ParseByteSizeError};
pub use chain::{Chain, ChainError};
pub use grid::ChunkGrid;
pub use halo::{Halo, Reach};
pub use memory::{Ledger, MemoryModel, Prediction, Regime};
pub use operator::{Operator, OperatorError, OutputSpec, Placement};
pub use region::Region;
pub use shape::{Axis, Shape, ShapeError};
pub use storage::{AxisLabel, Sink, Source, StorageError, StorageLayout, TraceOrder};

//! Zarr v3: results in the smallest layout that MDIO v1 and xarray understand, and volumes to read.
//!
//! A store is a group with one f32 array per output of an operator, over (inline, crossline, time),
//! and beside them `trace_mask` (true where the survey has a trace), the line numbers `inline` and
//! `crossline`, the sample axis, and, where the survey has them, the coordinates `cdp_x` and `cdp_y`.
//! Chunks are plain little-endian numbers, without compression, so a chunk is one file whose size is
//! known before it is written.
//!
//! [`create`] makes the store, [`ZarrSink`] writes one output of it, by several processes at once,
//! and [`ZarrSource`] reads this or any other array that the codecs compiled in can decode.
//!
//! Reference: Zarr v3 core specification; MDIO v1 as written by multidimio 1.1.3.

mod create;
mod node;
mod plain;
mod sink;
mod source;

use std::path::Path;

pub use create::{StoreSpec, TRACE_ROWS, create, write_coordinates, write_mask};
pub use sink::{ZarrSink, write_scratch};
pub use source::{ZarrDescriptor, ZarrSource};

use crate::IoError;

/// Why a Zarr store cannot be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ZarrError {
    /// There is a store already.
    #[error("there is a Zarr group or array already")]
    Exists,
    /// A name that cannot be an array of the store.
    #[error("`{name}` cannot be the name of an output: it is taken, empty or no plain file name")]
    Name {
        /// The name.
        name: String,
    },
    /// An axis has another number of coordinates than the volume has elements.
    #[error("the axis {axis} has {got} coordinates, the volume has {expected} elements there")]
    AxisLength {
        /// Name of the axis.
        axis: String,
        /// Coordinates given.
        got: usize,
        /// Elements of the volume.
        expected: usize,
    },
    /// Rows that do not make whole chunks.
    #[error(
        "{rows} rows from {first} on do not fit `{array}` of {shape:?}: begin at a multiple of \
         {}, and write as many rows or up to the end",
        TRACE_ROWS
    )]
    Rows {
        /// The array.
        array: &'static str,
        /// The first row.
        first: usize,
        /// Rows given.
        rows: usize,
        /// Shape of the array.
        shape: Vec<usize>,
    },
    /// Not a Zarr v3 group or array.
    #[error("{problem}")]
    NotAStore {
        /// What is there instead.
        problem: &'static str,
    },
    /// `zarr.json` is no metadata.
    #[error("zarr.json is damaged")]
    Json(#[from] serde_json::Error),
    /// An array that was not made by [`create`].
    #[error("its {field} is not what chunkfit writes, so chunkfit does not write to it")]
    NotOurs {
        /// The field of `zarr.json` that differs.
        field: &'static str,
    },
    /// A group without a three-dimensional array.
    #[error("the group has no three-dimensional array of numbers")]
    NoVolume,
    /// A group with several three-dimensional arrays.
    #[error("the group has several volumes: {}; choose one with --variable", names.join(", "))]
    SeveralVolumes {
        /// Their names.
        names: Vec<String>,
    },
    /// No such array in the group.
    #[error("there is no volume `{name}`; --variable can be {}", names.join(", "))]
    NoSuchVolume {
        /// The name asked for.
        name: String,
        /// The volumes that there are.
        names: Vec<String>,
    },
    /// The array is not three-dimensional.
    #[error("its array has the shape {shape:?}; a volume has three axes, none of them empty")]
    NotAVolume {
        /// The shape.
        shape: Vec<u64>,
    },
    /// The axes come in another order.
    #[error("its axes are ({}); they must be (inline, crossline, time or depth)", names.join(", "))]
    AxisOrder {
        /// The names of the axes.
        names: Vec<String>,
    },
    /// Elements that are not plain numbers.
    #[error("its elements are {data_type}; integers of 8 to 64 bits, float32 and float64 are read")]
    DataType {
        /// The type.
        data_type: String,
    },
    /// Chunks that are not all alike.
    #[error("its chunk grid is not regular")]
    ChunkGrid,
    /// A codec that is not compiled in, or other metadata that is not understood.
    #[error("its metadata is not understood")]
    Metadata(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Coordinates or a mask that cannot be read.
    #[error("`{array}` cannot be read")]
    Array {
        /// The array.
        array: String,
        /// What is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ZarrError {
    /// This error, about the group or array at `path`.
    fn at(self, path: &Path) -> IoError {
        IoError::Zarr { path: path.to_owned(), source: Box::new(self) }
    }
}

/// The file that makes a folder a Zarr v3 group or array.
const METADATA: &str = "zarr.json";

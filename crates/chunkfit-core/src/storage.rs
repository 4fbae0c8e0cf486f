use std::error::Error;
use std::fmt;

use ndarray::{ArrayView3, ArrayViewMut3};
use serde::{Deserialize, Serialize};

use crate::{ByteSize, Region, Shape};

/// The coordinates of one axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AxisLabel {
    /// `inline`, `crossline`, `time`, `depth` or `sample`.
    pub name: String,
    /// Unit of the coordinates (`ms`, `m`), or `None` for line numbers and plain indices.
    pub unit: Option<String>,
    /// One coordinate per element of the axis.
    pub values: Vec<f64>,
}

impl AxisLabel {
    /// An axis of plain indices from 0.
    #[must_use]
    pub fn indices(name: &str, n: usize) -> Self {
        Self { name: name.to_owned(), unit: None, values: (0..n).map(|i| i as f64).collect() }
    }
}

/// The order in which the traces of a file follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TraceOrder {
    /// Crosslines run fastest: an inline is contiguous.
    Inline,
    /// Inlines run fastest: a crossline is contiguous.
    Crossline,
    /// No order that a reader could use.
    Scattered,
}

/// How a source lays its voxels out, which decides what a region costs to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[non_exhaustive]
pub enum StorageLayout {
    /// One dense array, the sample axis fastest.
    Contiguous {
        /// Bytes of one stored element.
        element_bytes: usize,
    },
    /// Stored chunks, each of which is read as a whole.
    Chunked {
        /// Voxels of one stored chunk.
        chunk: Shape,
        /// Bytes of one stored element.
        element_bytes: usize,
    },
    /// Traces with a header each, as in SEG-Y.
    Traces {
        /// The order of the traces.
        order: TraceOrder,
        /// Bytes of the header (or headers) of one trace.
        header_bytes: usize,
        /// Bytes of one stored sample.
        sample_bytes: usize,
    },
}

/// Why a source or a sink failed; the reason is in [`source`](Error::source).
#[derive(Debug)]
pub struct StorageError {
    context: String,
    source: Box<dyn Error + Send + Sync>,
}

impl StorageError {
    /// `context` says what was being done and to which file; `source` says what went wrong.
    pub fn new(
        context: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { context: context.into(), source: source.into() }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)
    }
}

impl Error for StorageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

/// A volume that can be read region by region.
///
/// Reads may run at the same time. `testing::check_source` checks that any region reads the same
/// voxels as a slice of the whole.
pub trait Source<T = f32>: Send + Sync {
    /// The shape of the volume.
    fn shape(&self) -> Shape;

    /// How the voxels lie in storage.
    fn layout(&self) -> StorageLayout;

    /// The coordinates of the three axes.
    fn axes(&self) -> &[AxisLabel; 3];

    /// Heap bytes that reading a region of `shape` holds at most, beyond the output array.
    /// Never decreases when an extent grows.
    fn read_scratch(&self, shape: Shape) -> ByteSize;

    /// Fills `out`, whose shape is that of `region`, and returns the bytes fetched from storage.
    ///
    /// # Errors
    ///
    /// When the region sticks out of the volume, `out` has another shape, or the storage fails.
    fn read(&self, region: &Region, out: ArrayViewMut3<'_, T>) -> Result<ByteSize, StorageError>;
}

/// A volume that can be written region by region.
///
/// Regions that start on multiples of [`alignment`](Self::alignment), and end on one or at the end
/// of the volume, may be written at the same time by several threads or processes, each with its own
/// sink. Writing a region again is idempotent. `testing::check_sink` checks both.
pub trait Sink<T = f32>: Send + Sync {
    /// The shape of the volume.
    fn shape(&self) -> Shape;

    /// The storage chunk: regions are cut on multiples of it.
    fn alignment(&self) -> Shape;

    /// Heap bytes that writing a region of `shape` holds at most, beyond the input array.
    /// Never decreases when an extent grows.
    fn write_scratch(&self, shape: Shape) -> ByteSize;

    /// Writes `block` to `region`; on return the voxels survive a kill of the process.
    ///
    /// # Errors
    ///
    /// When the region is not aligned, `block` has another shape, or the storage fails.
    fn write(&self, region: &Region, block: ArrayView3<'_, T>) -> Result<(), StorageError>;

    /// Makes everything written so far durable.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    fn finish(&self) -> Result<(), StorageError>;
}

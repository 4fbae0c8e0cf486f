//! Volumes in files: SEG-Y and npy to read, Zarr v3 in the MDIO layout to read and write.
//!
//! Every reader is a [`Source`](chunkfit_core::Source): it fetches a region with positioned reads
//! through a small buffer, whose size [`read_scratch`](chunkfit_core::Source::read_scratch) states,
//! and never maps or loads a whole file. [`Input`] picks the reader by what is in the file, and
//! [`InputDescriptor`] opens the same input again, in another process, without scanning it.
//!
//! ```
//! use chunkfit_core::{Region, Shape, Source};
//! use chunkfit_io::segy::{SegyLayout, SegyWriter};
//! use chunkfit_io::{Input, InputOptions};
//! use ndarray::{Array2, Array3};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("survey.sgy");
//! let mut writer = SegyWriter::create(&path, &SegyLayout::new(Shape::new([5, 7, 11])?))?;
//! for inline in 0..5 {
//!     writer.write_inline(inline, Array2::from_elem((7, 11), inline as f32).view())?;
//! }
//! writer.finish()?;
//!
//! let input = Input::open(&path, &InputOptions::default())?;
//! assert_eq!(input.shape().to_string(), "5×7×11");
//! let region = Region::new([2, 3, 4], Shape::new([2, 1, 3])?);
//! let mut block = Array3::zeros(region.shape().extents());
//! input.read(&region, block.view_mut())?;
//! assert_eq!(block[[1, 0, 2]], 3.0);
//! # Ok(())
//! # }
//! ```
//!
//! It does not stack or sort pre-stack data, resample, or write SEG-Y from SEG-Y with the headers
//! kept; segyio and MDIO do. Zarr v2 and remote stores are not read.

mod element;
mod error;
mod info;
#[cfg(all(feature = "segy", feature = "npy", feature = "zarr"))]
mod input;
#[cfg(feature = "npy")]
pub mod npy;
#[cfg(any(feature = "segy", feature = "npy"))]
mod records;
#[cfg(feature = "segy")]
pub mod segy;
mod stamp;
#[cfg(feature = "zarr")]
pub mod zarr;

/// Coordinates x and y of traces, as two arrays (inline, crossline).
#[cfg(any(feature = "segy", feature = "zarr"))]
pub type Coordinates = (ndarray::Array2<f64>, ndarray::Array2<f64>);

pub use element::ByteOrder;
pub use error::IoError;
pub use info::{AxisInfo, Info, LineBytes};
#[cfg(all(feature = "segy", feature = "npy", feature = "zarr"))]
pub use input::{Input, InputDescriptor, InputOptions};

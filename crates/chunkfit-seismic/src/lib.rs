//! Seismic operators on array views, each stating its halo and its memory.
//!
//! A volume is `(inline, crossline, sample)` in `f32`. Three operators:
//!
//! | name | output | function |
//! |---|---|---|
//! | `envelope` | absolute value of the analytic signal of each trace | [`envelope()`] |
//! | `gaussian` | 3-D Gaussian filter | [`gaussian()`] |
//! | `gst` | dip, azimuth and planarity from the gradient structure tensor | [`gst()`] |
//!
//! The plain functions take a whole volume and know nothing of chunks. The [`Operator`]s
//! [`Envelope`], [`Gaussian`] and [`StructureTensor`] compute one core from a block that holds the
//! halo too, and give the same bits however the volume is cut. [`parse`] makes one from a line of
//! text, [`catalog`] lists what can be written there.
//!
//! ```
//! use chunkfit_core::{Operator, Placement, Region, Shape};
//! use ndarray::Array3;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let volume = Array3::from_shape_fn([5, 7, 11], |(i, x, k)| (i + 2 * x) as f32 - k as f32);
//! let whole = chunkfit_seismic::gaussian(volume.view(), [1.0; 3], 4.0)?;
//!
//! let operator = chunkfit_seismic::parse("gaussian:sigma=1")?;
//! let core = Region::new([0, 3, 4], Shape::new([5, 2, 3])?);
//! let at = Placement::new(Shape::new([5, 7, 11])?, core, &operator.halo());
//! let mut chunk = Array3::zeros([5, 2, 3]);
//! operator.apply(at.block().view(volume.view()), &at, &mut [chunk.view_mut()])?;
//! assert_eq!(chunk, core.view(whole.view()));
//! # Ok(())
//! # }
//! ```
//!
//! [`reference`](mod@reference) computes the same three again, slowly and by other means, to check
//! results with; [`synthetic`] makes volumes to try them on.
//!
//! What this crate does not do: read files (`chunkfit-io`), choose chunks (`chunkfit-plan`), or
//! start threads (`chunkfit-run`). Kernels are single-threaded, so that their memory depends on
//! shapes alone.
//!
//! [`Operator`]: chunkfit_core::Operator

mod catalog;
mod edge;
mod envelope;
mod error;
mod gaussian;
mod gst;
mod parse;
pub mod reference;
pub mod synthetic;
mod task;

pub use catalog::{CatalogEntry, Parameter, catalog};
pub use envelope::{Envelope, envelope};
pub use error::ParameterError;
pub use gaussian::{Gaussian, gaussian};
pub use gst::{Orientation, Quantity, StructureTensor, gst};
pub use parse::{ParseError, parse};

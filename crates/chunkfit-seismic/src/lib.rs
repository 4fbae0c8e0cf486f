//! Seismic operators on array views, each stating its halo and its memory.
//!
//! A volume is `(inline, crossline, sample)` in `f32`; [`Derivative`], [`Gaussian`],
//! [`GradientMagnitude`], [`Mean`], [`ReflectionIntensity`], [`Rms`] and [`Semblance`] take `f64` too.
//! Operators:
//!
//! | name | output | in Rust |
//! |---|---|---|
//! | `envelope` | absolute value of the analytic signal of each trace | [`envelope()`] |
//! | `gaussian` | 3-D Gaussian filter | [`gaussian()`] |
//! | `gst` | dip, azimuth and planarity from the gradient structure tensor | [`gst()`] |
//! | `complex-trace`, `phase`, `frequency`, `sweetness`, … | attributes of the analytic signal | [`ComplexTrace`] |
//! | `first-derivative`, `second-derivative` | derivatives along an axis | [`Derivative`] |
//! | `rms`, `mean`, `median` | statistics of a window | [`Rms`], [`Mean`], [`Median`] |
//! | `gradient-magnitude` | length of the gradient of a Gaussian | [`GradientMagnitude`] |
//! | `gst-slopes` | slopes of reflectors from the structure tensor | [`GstSlopes`] |
//! | `semblance` | likeness of neighbouring traces | [`Semblance`] |
//! | `eigen-attributes` | chaos, planarity, line, fault from the structure tensor | [`EigenAttributes`] |
//! | `reflection-intensity` | integral over a window of samples | [`ReflectionIntensity`] |
//! | `gradient-dips` | slopes of reflectors from gradients | [`GradientDips`] |
//! | `time-gain`, `rescale` | sample by sample | [`TimeGain`], [`Rescale`] |
//!
//! The plain functions take a whole volume and know nothing of chunks; [`whole`] does the same for
//! any operator. An [`Operator`] computes one core from a block that holds the halo too, and gives the
//! same bits however the volume is cut. [`parse`] makes one from a line of text, [`catalog`] lists
//! what can be written there. [`filter`] has the filters below them, for arrays of any number of axes.
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
//! [`reference`](mod@reference) computes the same again, slowly and by other means, to check
//! results with; [`synthetic`] makes volumes to try them on.
//!
//! Kernels are single-threaded, so that their memory depends on shapes alone. With the feature
//! `rayon`, `whole_parallel` puts a volume in memory on the threads of a pool.
//!
//! What this crate does not do: read files (`chunkfit-io`), choose chunks (`chunkfit-plan`), or run
//! them under a limit (`chunkfit-run`).
//!
//! [`Operator`]: chunkfit_core::Operator

mod aligned;
mod catalog;
mod complex_trace;
mod derivative;
mod edge;
mod eigen_attributes;
mod envelope;
mod error;
pub mod filter;
mod fresh;
mod gaussian;
mod gradient;
mod gradient_dips;
mod gradient_magnitude;
mod gst;
mod gst_slopes;
mod hilbert;
mod mean;
mod median;
mod parse;
pub mod reference;
mod reflection_intensity;
mod rescale;
mod ring;
mod rms;
mod semblance;
pub mod synthetic;
mod task;
mod tensor;
#[cfg(test)]
mod testing;
mod time_gain;
mod trace;
mod turn;
mod whole;
mod window;

pub use catalog::{CatalogEntry, Parameter, catalog};
pub use complex_trace::{ComplexAttribute, ComplexTrace, Definition, Settings};
pub use derivative::Derivative;
pub use eigen_attributes::{Chaos, EigenAttribute, EigenAttributes, Planarity};
pub use envelope::{Envelope, envelope};
pub use error::ParameterError;
pub use gaussian::{Gaussian, Precision, gaussian};
pub use gradient_dips::GradientDips;
pub use gradient_magnitude::GradientMagnitude;
pub use gst::{Orientation, Quantity, StructureTensor, gst};
pub use gst_slopes::GstSlopes;
pub use mean::Mean;
pub use median::Median;
pub use parse::{ParseError, parse, parse_for};
pub use reflection_intensity::ReflectionIntensity;
pub use rescale::Rescale;
pub use rms::Rms;
pub use semblance::Semblance;
pub use time_gain::TimeGain;
pub use whole::whole;
#[cfg(feature = "rayon")]
pub use whole::whole_parallel;

//! The operators once more, slowly and by other means, to check results with.
//!
//! Whole arrays at a time and in `f64` throughout: a complex FFT of the whole spectrum, filters over
//! padded lines one after the other, and a Jacobi eigenvalue solver. Nothing here is shared with the
//! kernels except the reading of an operator's name. Expect some 200 bytes a voxel.

mod attributes;
mod chain;
mod complex_trace;
mod eigen;
mod filter;
mod hilbert;
mod orientation;
mod tally;
mod window;

use chunkfit_core::{Operator, OperatorError, Placement, Region};
use ndarray::ArrayView3;

use crate::parse::{ParseError, parse_verifiable};
pub(crate) use tally::Tally;

/// An operator that can be computed again by other means.
pub(crate) trait Verifiable: Operator {
    /// Counts how `outputs`, the core that the operator made of `block`, compare with an independent
    /// computation. The arrays fit the placement.
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError>;
}

/// How outputs compare with the independent computation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Check {
    /// Voxels compared, all outputs together.
    pub voxels: usize,
    /// Largest error over the tolerance of its output; infinite where a value is missing or NaN.
    pub worst: f64,
    /// Whether every voxel is within tolerance.
    pub passed: bool,
}

/// Why outputs could not be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// The name is not that of an operator.
    #[error(transparent)]
    Operator(#[from] ParseError),
    /// The arrays do not fit the placement.
    #[error(transparent)]
    Arrays(#[from] OperatorError),
}

/// Compares `outputs`, what the operator of this name made of `block`, with an independent
/// computation.
///
/// **Shape.** As in [`Operator::apply`]: the block is that of the placement, each output its core.
///
/// **Tolerance.** The largest error allowed is
///
/// - envelope, quadrature, phase rotation: 1e-6 of the largest envelope of the trace;
/// - phase and what is made of it or of slopes: what follows from that, sample by sample, where the
///   envelope is small too; any number where a divisor may be 0 or a step of the phase half a turn;
/// - gaussian: 2.5e-7 of the largest magnitude after the first pass (the three passes round to `f32`),
///   with `precision=f32` 5e-7 of the largest magnitude of the block;
/// - dip: 0.001° where the planarity is above 0.001, and from 0 to 90° elsewhere;
/// - azimuth: 0.01° around the circle where moreover the dip is from 0.1° to 89.9°, and in (−180°,
///   180°] elsewhere;
/// - planarity: 2e-6;
/// - first and second derivative, mean: 2.5e-7 of the largest magnitude of the block, gradient magnitude
///   5e-7 of it (passes round to `f32`);
/// - rms, reflection intensity, time gain: 6e-8 of the value, one rounding; median and rescale: none;
/// - semblance: 1.2e-7; chaos, planarity of `eigen-attributes`, line and fault: 2e-7, the last two within
///   0 and 1 where l2 and l3 are below 1e-9 of the sum of the eigenvalues;
/// - slopes of `gst-slopes`: one rounding, and 1e-9 · (1 + p² + q²), where the planarity is above 0.001
///   and slopes are below 10⁴; any number elsewhere;
/// - dips of `gradient-dips`: two roundings, where the gradient along samples is above 1e-12 of the
///   largest magnitude, and what the median can be otherwise.
///
/// Where the computation gives NaN the output must be NaN; without any gradient it must be 0.
///
/// ```
/// use chunkfit_core::{Placement, Shape};
/// use chunkfit_seismic::{gaussian, reference};
/// use ndarray::Array3;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let volume = Array3::from_shape_fn([5, 7, 11], |(i, x, k)| ((i * 7 + x * 5 + k) % 3) as f32);
/// let mut smooth = gaussian(volume.view(), [1.0; 3], 4.0)?;
/// let at = Placement::whole(Shape::new([5, 7, 11])?);
/// let name = "gaussian:sigma=1";
/// assert!(reference::verify(name, volume.view(), &at, &[smooth.view()])?.passed);
/// smooth[[2, 3, 4]] += 1e-5;
/// assert!(!reference::verify(name, volume.view(), &at, &[smooth.view()])?.passed);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When the name is not that of an operator, or the arrays do not fit the placement.
pub fn verify(
    operator_name: &str,
    block: ArrayView3<'_, f32>,
    at: &Placement,
    outputs: &[ArrayView3<'_, f32>],
) -> Result<Check, ReferenceError> {
    let operator = parse_verifiable(operator_name, None)?;
    check_arrays(operator.as_ref(), &block, at, outputs)?;
    let mut tally = Tally::default();
    operator.compare(block, at, outputs, &mut tally)?;
    Ok(tally.check())
}

fn check_arrays(
    operator: &dyn Operator,
    block: &ArrayView3<'_, f32>,
    at: &Placement,
    outputs: &[ArrayView3<'_, f32>],
) -> Result<(), OperatorError> {
    let expected = operator.outputs().len();
    if outputs.len() != expected {
        return Err(OperatorError::WrongOutputCount { got: outputs.len(), expected });
    }
    let needed = at.core().expand(&operator.halo(), at.volume());
    let core = at.core();
    let arrays = outputs.iter().map(|output| ("an output", output, core));
    for (what, array, region) in arrays.chain([("the block", block, needed)]) {
        let region: Region = region;
        if array.shape() != region.shape().extents() {
            let got = array.shape().to_vec();
            return Err(OperatorError::WrongShape { what, got, expected: region.shape() });
        }
    }
    Ok(())
}

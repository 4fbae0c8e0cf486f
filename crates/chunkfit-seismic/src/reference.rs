//! The operators once more, slowly and by other means, to check results with.
//!
//! Whole arrays at a time and in `f64` throughout: a complex FFT of the whole spectrum, filters over
//! padded lines one after the other, and a Jacobi eigenvalue solver. Nothing here is shared with the
//! kernels except the reading of an operator's name. Expect some 200 bytes a voxel.

mod eigen;
mod filter;
mod hilbert;
mod orientation;
mod tally;

use chunkfit_core::{Operator, OperatorError, Placement, Region};
use ndarray::ArrayView3;

use crate::parse::{Kind, ParseError, parse_kind};
use tally::Tally;

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
/// - envelope: 1e-6 of the largest envelope of the trace;
/// - gaussian: 2.5e-7 of the largest magnitude after the first pass (the three passes round to `f32`);
/// - dip: 0.001° where the planarity is above 0.001, and from 0 to 90° elsewhere;
/// - azimuth: 0.01° around the circle where moreover the dip is from 0.1° to 89.9°, and in (−180°,
///   180°] elsewhere;
/// - planarity: 2e-6.
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
    let kind = parse_kind(operator_name)?;
    check_arrays(&kind, &block, at, outputs)?;
    let core = at.core_in_block();
    let mut tally = Tally::default();
    match &kind {
        Kind::Envelope(_) => hilbert::compare(block, &core, &outputs[0], &mut tally),
        Kind::Gaussian(operator) => {
            filter::compare_gaussian(operator, block, &core, &outputs[0], &mut tally);
        }
        Kind::StructureTensor(operator) => {
            orientation::compare(operator, block, &core, outputs, &mut tally);
        }
    }
    Ok(tally.check())
}

fn check_arrays(
    kind: &Kind,
    block: &ArrayView3<'_, f32>,
    at: &Placement,
    outputs: &[ArrayView3<'_, f32>],
) -> Result<(), OperatorError> {
    let operator: &dyn Operator = match kind {
        Kind::Envelope(operator) => operator,
        Kind::Gaussian(operator) => operator,
        Kind::StructureTensor(operator) => operator,
    };
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

//! One-axis filters on arrays of one to any number of axes, in `f32` or `f64`.
//!
//! Every filter is a sequence of passes, each along one axis, in ascending order. Inside a pass sums
//! are `f64`; between passes values are rounded to the type of the array. Arrays reflect at their
//! edges: d c b a | a b c d | d c b a, however far a kernel reaches.
//!
//! The numbers are those of `scipy.ndimage` 1.17.1 with mode `reflect`, bit for bit, apart from
//! [`uniform`], which says where it differs.
//!
//! # Memory
//!
//! Beside the result, an array of one to three axes needs what [`Gaussian`](crate::Gaussian) declares for
//! a volume of that shape with kernels as long: a few planes and buffers. An array of more axes, and
//! every derivative, goes pass by pass, which takes one more array of that size and less than 100 KB and
//! 0.5 KB for each element that a kernel sees. Arrays that are not contiguous are copied.

mod arithmetic;
mod array;
pub(crate) mod bell;
mod columns;
mod error;
mod gradient;
mod kernel;
mod pass;
mod sample;
mod volume;

use ndarray::{Array, ArrayView, RemoveAxis};

pub(crate) use arithmetic::{Arithmetic, Double, Single};
pub use error::FilterError;
pub use gradient::gaussian_gradient_magnitude;
pub(crate) use kernel::Kernel;
pub use sample::Sample;
pub(crate) use volume::{bytes, sweep};

/// A kernel has this many weights at most: more than any axis has elements.
const LARGEST_KERNEL: usize = 2 * 16_384 + 1;

/// Weights of the first derivative along its axis.
const SLOPE: [f64; 3] = [-0.5, 0.0, 0.5];
/// Weights of the first derivative across its axis.
const SLOPE_SMOOTHER: [f64; 3] = [0.178_947, 0.642_105, 0.178_947];
/// Weights of the second derivative along its axis.
const CURVATURE: [f64; 5] = [0.232_905, 0.002_668, -0.471_147, 0.002_668, 0.232_905];
/// Weights of the second derivative across its axis.
const CURVATURE_SMOOTHER: [f64; 5] = [0.030_32, 0.249_724, 0.439_911, 0.249_724, 0.030_32];

/// Correlates every line along `axis` with `weights`.
///
/// Output `i` is the sum over `j` of `weights[j] · line[i + j − weights.len() / 2]`, in the unit of
/// the input; so an even number of weights leans left. As `scipy.ndimage.correlate1d`.
///
/// **Shape.** That of the input.
///
/// **Memory.** As for [all filters](self#memory).
///
/// # Errors
///
/// When there is no such axis, or no weight.
pub fn correlate1d<T: Sample, D: RemoveAxis>(
    array: ArrayView<'_, T, D>,
    weights: &[f64],
    axis: usize,
) -> Result<Array<T, D>, FilterError> {
    check_axis(&array, axis)?;
    if !(1..=LARGEST_KERNEL).contains(&weights.len()) {
        return Err(FilterError::Weights { axis, got: weights.len(), largest: LARGEST_KERNEL });
    }
    Ok(array::pass(array, &Kernel::new(weights), axis))
}

/// First derivative along `axis`, per element, smoothed a little along every other axis.
///
/// \[−0.5, 0, 0.5\] along the axis, then \[0.178947, 0.642105, 0.178947\] along each other axis in
/// ascending order.
///
/// **Shape.** That of the input; an element sees one neighbour on each side along every axis.
///
/// **Memory.** As for [all filters](self#memory).
///
/// # Errors
///
/// When there is no such axis.
pub fn derivative<T: Sample, D: RemoveAxis>(
    array: ArrayView<'_, T, D>,
    axis: usize,
) -> Result<Array<T, D>, FilterError> {
    along_and_across(array, axis, &SLOPE, &SLOPE_SMOOTHER)
}

/// Second derivative along `axis`, per element squared, smoothed a little along every other axis.
///
/// \[0.232905, 0.002668, −0.471147, 0.002668, 0.232905\] along the axis, then \[0.03032, 0.249724,
/// 0.439911, 0.249724, 0.03032\] along each other axis in ascending order.
///
/// **Shape.** That of the input; an element sees two neighbours on each side along every axis.
///
/// **Memory.** As for [all filters](self#memory).
///
/// # Errors
///
/// When there is no such axis.
pub fn second_derivative<T: Sample, D: RemoveAxis>(
    array: ArrayView<'_, T, D>,
    axis: usize,
) -> Result<Array<T, D>, FilterError> {
    along_and_across(array, axis, &CURVATURE, &CURVATURE_SMOOTHER)
}

fn along_and_across<T: Sample, D: RemoveAxis>(
    array: ArrayView<'_, T, D>,
    axis: usize,
    along: &[f64],
    across: &[f64],
) -> Result<Array<T, D>, FilterError> {
    let first = correlate1d(array.view(), along, axis)?;
    (0..array.ndim())
        .filter(|other| *other != axis)
        .try_fold(first, |passed, other| correlate1d(passed.view(), across, other))
}

/// Mean over a window of `size` elements along each axis.
///
/// An even size leans left: size 4 at `i` covers `i − 2` to `i + 1`. A size of 1 leaves its axis
/// alone. As `scipy.ndimage.uniform_filter` on ordinary data; but every window is summed on its own,
/// where SciPy keeps a running sum, so that a NaN, an infinity or a large value reaches its own
/// windows only, and a part of an array gives the bits of the whole.
///
/// **Shape.** That of the input.
///
/// **Memory.** As for [all filters](self#memory).
///
/// # Errors
///
/// When there is not one size per axis, or a size is 0.
pub fn uniform<T: Sample, D: RemoveAxis>(
    array: ArrayView<'_, T, D>,
    size: &[usize],
) -> Result<Array<T, D>, FilterError> {
    check_per_axis(&array, size.len())?;
    let window = |(axis, &size)| match size {
        1..=LARGEST_KERNEL => Ok(Kernel::mean(size)),
        got => Err(FilterError::Weights { axis, got, largest: LARGEST_KERNEL }),
    };
    let kernels: Vec<_> = size.iter().enumerate().map(window).collect::<Result<_, _>>()?;
    Ok(array::passes(array, &kernels))
}

/// Gaussian filter with standard deviation `sigma`, in elements along each axis, cut at `truncate`
/// standard deviations. As `scipy.ndimage.gaussian_filter`.
///
/// **Shape.** That of the input.
///
/// **Memory.** As for [all filters](self#memory).
///
/// # Errors
///
/// When there is not one sigma per axis, or a parameter is out of range.
pub fn gaussian<T: Sample, D: RemoveAxis>(
    array: ArrayView<'_, T, D>,
    sigma: &[f64],
    truncate: f64,
) -> Result<Array<T, D>, FilterError> {
    check_per_axis(&array, sigma.len())?;
    let bell = |(axis, &sigma): (usize, &f64)| {
        check_sigma(axis, sigma, truncate)?;
        Ok(bell::kernel(sigma, truncate))
    };
    let kernels: Vec<_> = sigma.iter().enumerate().map(bell).collect::<Result<_, _>>()?;
    Ok(array::passes(array, &kernels))
}

fn check_axis<T, D: RemoveAxis>(
    array: &ArrayView<'_, T, D>,
    axis: usize,
) -> Result<(), FilterError> {
    let n_axes = array.ndim();
    if axis < n_axes { Ok(()) } else { Err(FilterError::Axis { axis, n_axes }) }
}

fn check_per_axis<T, D: RemoveAxis>(
    array: &ArrayView<'_, T, D>,
    got: usize,
) -> Result<(), FilterError> {
    let n_axes = array.ndim();
    if got == n_axes { Ok(()) } else { Err(FilterError::PerAxis { got, n_axes }) }
}

fn check_sigma(axis: usize, sigma: f64, truncate: f64) -> Result<(), FilterError> {
    let largest = LARGEST_KERNEL;
    let sound = sigma.is_finite() && sigma >= 0.0 && truncate.is_finite() && truncate > 0.0;
    if sound && 2.0 * bell::radius(sigma, truncate) < largest as f64 {
        Ok(())
    } else {
        Err(FilterError::Sigma { axis, sigma, truncate, largest })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array4, array};

    use super::*;

    #[test]
    fn a_slope_of_one_has_derivative_one() {
        let line = array![0.0_f32, 1.0, 2.0, 3.0];
        assert_eq!(derivative(line.view(), 0).unwrap(), array![0.5, 1.0, 1.0, 0.5]);
        let ramp = Array4::from_shape_fn([3, 4, 2, 5], |(_, _, _, k)| k as f64);
        let slope = derivative(ramp.view(), 3).unwrap();
        assert!((slope[[1, 2, 0, 2]] - 0.999_999_f64.powi(3)).abs() < 1e-12);
    }

    #[test]
    fn even_kernels_lean_left() {
        let line = array![0.0_f64, 0.0, 0.0, 1.0, 0.0, 0.0];
        let mean = uniform(line.view(), &[4]).unwrap();
        assert_eq!(mean, array![0.0, 0.0, 0.25, 0.25, 0.25, 0.25]);
        let pair = correlate1d(line.view(), &[1.0, 10.0], 0).unwrap();
        assert_eq!(pair, array![0.0, 0.0, 0.0, 10.0, 1.0, 0.0]);
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let plane = ndarray::Array2::<f32>::zeros([2, 3]);
        assert!(matches!(derivative(plane.view(), 2), Err(FilterError::Axis { n_axes: 2, .. })));
        assert!(matches!(uniform(plane.view(), &[3]), Err(FilterError::PerAxis { got: 1, .. })));
        assert!(matches!(
            uniform(plane.view(), &[3, 0]),
            Err(FilterError::Weights { axis: 1, .. })
        ));
        assert!(correlate1d(plane.view(), &[], 0).is_err());
        assert!(gaussian(plane.view(), &[1.0, f64::NAN], 4.0).is_err());
    }
}

use ndarray::{Array, ArrayView, RemoveAxis, Zip};

use super::{FilterError, Sample, array, bell, check_per_axis, check_sigma};
use crate::fresh::fresh;

/// Length of the gradient of the array smoothed by a Gaussian, in the unit of the input per element.
///
/// Each component is a pass along every axis, with the derivative of the Gaussian along its own and
/// the Gaussian along the others; squares, their sum and its root are rounded to the type of the array.
/// `sigma` is the standard deviation in elements along each axis, `truncate` the place where the kernels
/// are cut, in standard deviations. As `scipy.ndimage.gaussian_gradient_magnitude`.
///
/// **Shape.** That of the input.
///
/// **Memory.** As for [all filters](super#memory), and one more array of that size.
///
/// ```
/// use chunkfit_seismic::filter::gaussian_gradient_magnitude;
/// use ndarray::Array2;
///
/// let slope = Array2::from_shape_fn([30, 40], |(i, k)| 3.0 * i as f64 + 4.0 * k as f64);
/// let length = gaussian_gradient_magnitude(slope.view(), &[1.0, 2.0], 4.0)?;
/// assert!((length[[15, 20]] - 5.0).abs() < 1e-2);
/// # Ok::<(), chunkfit_seismic::filter::FilterError>(())
/// ```
///
/// # Errors
///
/// When there is not one sigma per axis, a parameter is out of range, or a kernel is cut before the
/// neighbours of its centre, so that there is no derivative.
pub fn gaussian_gradient_magnitude<T: Sample, D: RemoveAxis>(
    array: ArrayView<'_, T, D>,
    sigma: &[f64],
    truncate: f64,
) -> Result<Array<T, D>, FilterError> {
    check_per_axis(&array, sigma.len())?;
    for (axis, &sigma) in sigma.iter().enumerate() {
        check_sigma(axis, sigma, truncate)?;
        if bell::radius(sigma, truncate) < 1.0 {
            return Err(FilterError::SmallSigma { axis, sigma, smallest: 0.5 / truncate });
        }
    }
    let component = |along: usize| {
        let kernels = sigma.iter().enumerate().map(|(axis, &sigma)| {
            let kernel = if axis == along { bell::slope } else { bell::kernel };
            kernel(sigma, truncate)
        });
        array::passes(array.view(), &kernels.collect::<Vec<_>>())
    };
    let mut length: Array<T, D> = fresh(array.raw_dim());
    for axis in 0..array.ndim() {
        let component = component(axis);
        Zip::from(&mut length).and(&component).for_each(|sum, &value| *sum += value * value);
    }
    length.mapv_inplace(T::sqrt);
    Ok(length)
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn refuses_what_has_no_derivative() {
        let plane = Array2::<f32>::zeros([2, 3]);
        let refused = |sigma: &[f64]| gaussian_gradient_magnitude(plane.view(), sigma, 4.0);
        assert!(matches!(refused(&[1.0]), Err(FilterError::PerAxis { got: 1, .. })));
        assert!(matches!(refused(&[1.0, -1.0]), Err(FilterError::Sigma { axis: 1, .. })));
        let error = refused(&[0.1, 1.0]).unwrap_err();
        assert!(matches!(error, FilterError::SmallSigma { axis: 0, .. }));
        assert!(error.to_string().contains("give at least 0.125"), "{error}");
    }
}

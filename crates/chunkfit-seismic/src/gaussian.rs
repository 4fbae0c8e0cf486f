use std::borrow::Cow;

use chunkfit_core::{Axis, ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement};
use chunkfit_core::{Region, Shape};
use ndarray::{Array2, Array3, ArrayView1, ArrayView3, ArrayViewMut1, ArrayViewMut3, Zip, s};

use crate::edge::{reflect, reflect_around};
use crate::error::ParameterError;
use crate::parse::per_axis;
use crate::task;

pub(crate) static OUTPUTS: [OutputSpec; 1] = [OutputSpec {
    name: Cow::Borrowed("gaussian"),
    unit: None,
    description: Cow::Borrowed("the input, smoothed by a Gaussian along every axis"),
}];

/// A kernel reaches this many voxels at most: further than any axis is long.
const LARGEST_RADIUS: usize = 16_384;

/// 3-D Gaussian filter, in the unit of the input.
///
/// `sigma` is the standard deviation in voxels along inline, crossline and sample, `truncate` the
/// place where the kernel is cut, in standard deviations. As
/// `scipy.ndimage.gaussian_filter(volume, sigma, truncate=truncate)` of SciPy 1.17.1 with mode
/// `reflect`: the same bits, unless the mathematics library rounds an exponential differently.
///
/// **Memory.** The output, and [`Gaussian::workspace`](Operator::workspace).
///
/// ```
/// use ndarray::Array3;
///
/// let volume = Array3::from_elem([5, 7, 11], 2.0_f32);
/// let smooth = chunkfit_seismic::gaussian(volume.view(), [1.0, 1.0, 3.0], 4.0)?;
/// assert_eq!(smooth, volume);
/// # Ok::<(), chunkfit_seismic::ParameterError>(())
/// ```
///
/// # Errors
///
/// When a parameter is out of range, as for [`Gaussian::new`].
pub fn gaussian(
    volume: ArrayView3<'_, f32>,
    sigma: [f64; 3],
    truncate: f64,
) -> Result<Array3<f32>, ParameterError> {
    let filter = Gaussian::new(sigma, truncate)?;
    let mut out = Array3::zeros(volume.raw_dim());
    if let Ok(shape) = Shape::new(volume.dim().into()) {
        filter.sweep(volume, &Region::whole(shape), out.view_mut());
    }
    Ok(out)
}

/// The Gaussian filter as an operator: output `gaussian`.
///
/// Three passes, along inline, crossline and sample, each rounded to `f32`, as in SciPy.
///
/// **Halo.** int(truncate·sigma + 0.5) voxels along each axis.
///
/// **Memory.** For a block of `(_, x, k)` and a core of `(_, _, c)` with radius `r` along the sample
/// axis, [`workspace`](Operator::workspace) is 4·x·k + 4·(c + 2·r) + 8·k bytes: one plane and two
/// lines.
///
/// **Reference.** `scipy.ndimage.gaussian_filter`, SciPy 1.17.1.
#[derive(Debug, Clone, PartialEq)]
pub struct Gaussian {
    sigma: [f64; 3],
    truncate: f64,
    /// Along each axis the centre of the kernel, and then one side of it outwards.
    weights: [Vec<f64>; 3],
}

impl Gaussian {
    /// A filter with standard deviation `sigma` in voxels along inline, crossline and sample, cut at
    /// `truncate` standard deviations.
    ///
    /// # Errors
    ///
    /// When a standard deviation is negative or not finite, `truncate` is not positive and finite, or
    /// the kernel reaches more than 16 384 voxels.
    pub fn new(sigma: [f64; 3], truncate: f64) -> Result<Self, ParameterError> {
        if !(truncate.is_finite() && truncate > 0.0) {
            return Err(ParameterError::Truncate { truncate });
        }
        for axis in Axis::ALL {
            let sigma = sigma[axis.index()];
            if !(sigma.is_finite() && sigma >= 0.0) {
                return Err(ParameterError::Sigma { axis, sigma });
            }
            let (radius, largest) = (radius(sigma, truncate), LARGEST_RADIUS);
            if radius > largest as f64 {
                return Err(ParameterError::Radius { axis, sigma, truncate, radius, largest });
            }
        }
        Ok(Self { sigma, truncate, weights: sigma.map(|sigma| weights(sigma, truncate)) })
    }

    /// Standard deviation in voxels along inline, crossline and sample.
    #[must_use]
    pub const fn sigma(&self) -> [f64; 3] {
        self.sigma
    }

    /// Where the kernel is cut, in standard deviations.
    #[must_use]
    pub const fn truncate(&self) -> f64 {
        self.truncate
    }

    fn radii(&self) -> [usize; 3] {
        [0, 1, 2].map(|a| self.weights[a].len() - 1)
    }

    /// Filters `core` of `block`, inline by inline: all crosslines and samples of the block along the
    /// first axis, so that the other two passes find neighbours that are as exact as the rest.
    fn sweep(&self, block: ArrayView3<'_, f32>, core: &Region, mut out: ArrayViewMut3<'_, f32>) {
        let (n_inlines, n_crosslines, n_samples) = block.dim();
        let [along_inlines, along_crosslines, along_samples] = &self.weights;
        let samples = core.range(Axis::Sample);
        let radius = along_samples.len() - 1;
        let before = radius - samples.start;
        let mut plane = Array2::zeros((n_crosslines, n_samples));
        let mut line = vec![0.0; samples.len() + 2 * radius];
        let mut sums = vec![0.0; n_samples];
        for (inline, mut out) in core.range(Axis::Inline).zip(out.outer_iter_mut()) {
            for (crossline, row) in plane.outer_iter_mut().enumerate() {
                let tap = |by| block.slice(s![shifted(inline, by, n_inlines), crossline, ..]);
                correlate(along_inlines, tap, &mut sums, row);
            }
            for (crossline, out) in core.range(Axis::Crossline).zip(out.outer_iter_mut()) {
                let tap = |by| plane.row(shifted(crossline, by, n_crosslines));
                let row = &mut line[before..before + n_samples];
                correlate(along_crosslines, tap, &mut sums, row.into());
                reflect_around(&mut line, before, n_samples);
                let tap = |by| {
                    let start = radius.wrapping_add_signed(by);
                    ArrayView1::from(&line[start..start + samples.len()])
                };
                correlate(along_samples, tap, &mut sums[..samples.len()], out);
            }
        }
    }
}

impl Operator for Gaussian {
    fn name(&self) -> String {
        let sigma = per_axis::write(&self.sigma);
        if self.truncate == 4.0 {
            format!("gaussian:sigma={sigma}")
        } else {
            format!("gaussian:sigma={sigma},truncate={}", self.truncate)
        }
    }

    fn outputs(&self) -> &[OutputSpec] {
        &OUTPUTS
    }

    fn halo(&self) -> Halo {
        Halo::symmetric(self.radii())
    }

    fn workspace(&self, block: Shape, core: Shape) -> ByteSize {
        let [_, n_crosslines, n_samples] = block.extents();
        let [.., radius] = self.radii();
        ByteSize::of::<f32>(n_crosslines * n_samples)
            + ByteSize::of::<f32>(core[Axis::Sample] + 2 * radius)
            + ByteSize::of::<f64>(n_samples)
    }

    fn apply(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        let core = task::core_in_block(self, &block, at, outputs)?;
        for out in outputs {
            self.sweep(block, &core, out.view_mut());
        }
        Ok(())
    }
}

/// Voxels on each side of the centre, a whole number. A sigma of 1e-15 or less filters nothing.
fn radius(sigma: f64, truncate: f64) -> f64 {
    if sigma <= 1e-15 { 0.0 } else { (truncate * sigma + 0.5).floor() }
}

/// The centre of a normalised kernel and then one side of it outwards.
fn weights(sigma: f64, truncate: f64) -> Vec<f64> {
    let radius = radius(sigma, truncate) as usize;
    if radius == 0 {
        return vec![1.0];
    }
    let weight = |x: usize| (-0.5 / (sigma * sigma) * (x * x) as f64).exp();
    let sum: f64 = (0..=2 * radius).map(|position| weight(position.abs_diff(radius))).sum();
    (0..=radius).map(|x| weight(x) / sum).collect()
}

fn shifted(position: usize, by: isize, n: usize) -> usize {
    reflect(position as isize + by, n)
}

/// One pass over a line: `tap(by)` is the line that lies `by` steps away along the filtered axis.
///
/// The order of the sum is SciPy's: centre first, then pairs from the far end inwards, in `f64`. Taps
/// are the outer loop, so that the inner one vectorises without changing that order.
fn correlate<'a>(
    weights: &[f64],
    tap: impl Fn(isize) -> ArrayView1<'a, f32>,
    sums: &mut [f64],
    out: ArrayViewMut1<'_, f32>,
) {
    let mut sums = ArrayViewMut1::from(sums);
    let centre = weights[0];
    Zip::from(&mut sums).and(tap(0)).for_each(|sum, &value| *sum = f64::from(value) * centre);
    for (by, &weight) in weights.iter().enumerate().skip(1).rev() {
        let by = by as isize;
        Zip::from(&mut sums).and(tap(-by)).and(tap(by)).for_each(|sum, &before, &after| {
            *sum += (f64::from(before) + f64::from(after)) * weight;
        });
    }
    Zip::from(out).and(&sums).for_each(|out, &sum| *out = sum as f32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_have_the_size_of_scipy() {
        for (sigma, truncate, radius) in [
            (3.0, 4.0, 12),
            (1.0, 4.0, 4),
            (0.5, 4.0, 2),
            (0.1, 4.0, 0),
            (2.0, 3.2, 6),
            (0.0, 4.0, 0),
        ] {
            let weights = weights(sigma, truncate);
            assert_eq!(weights.len() - 1, radius, "{sigma} {truncate}");
            let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
            assert!((sum - 1.0).abs() < 1e-15);
        }
    }

    /// Any other order loses the 1, as would single precision.
    #[test]
    fn sums_the_centre_then_pairs_from_the_far_end() {
        let lines = [[-5e19_f32], [0.5], [1e20], [0.5], [-5e19]];
        let tap = |by| ArrayView1::from(&lines[2_usize.wrapping_add_signed(by)]);
        let mut out = [0.0];
        correlate(&[1.0, 1.0, 1.0], tap, &mut [0.0], (&mut out).into());
        assert_eq!(out, [1.0]);
    }

    #[test]
    fn sigma_zero_leaves_an_axis_alone() {
        let volume = Array3::from_shape_fn([3, 4, 5], |(i, x, k)| (i * 20 + x * 5 + k * k) as f32);
        assert_eq!(gaussian(volume.view(), [0.0; 3], 4.0).unwrap(), volume);
        let only_inlines = gaussian(volume.view(), [1.5, 0.0, 1e-16], 4.0).unwrap();
        let step = &only_inlines.slice(s![.., .., 1..]) - &only_inlines.slice(s![.., .., ..-1]);
        assert!(step.rows().into_iter().all(|row| row[0] == 1.0 && row[3] == 7.0));
    }

    #[test]
    fn refuses_parameters_out_of_range() {
        let refused = |sigma, truncate| Gaussian::new([1.0, sigma, 1.0], truncate).unwrap_err();
        assert!(matches!(refused(-1.0, 4.0), ParameterError::Sigma { axis: Axis::Crossline, .. }));
        assert!(matches!(refused(f64::NAN, 4.0), ParameterError::Sigma { .. }));
        assert!(matches!(refused(1.0, 0.0), ParameterError::Truncate { .. }));
        assert!(matches!(refused(1.0, f64::INFINITY), ParameterError::Truncate { .. }));
        assert!(matches!(refused(1e6, 4.0), ParameterError::Radius { .. }));
    }

    #[test]
    fn an_empty_volume_stays_empty() {
        assert!(gaussian(Array3::zeros([0, 2, 5]).view(), [1.0; 3], 4.0).unwrap().is_empty());
    }
}

use std::borrow::Cow;

use chunkfit_core::{Axis, ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement};
use chunkfit_core::{Region, Shape};
use ndarray::{Array3, ArrayView3, ArrayViewMut3};

use crate::catalog::{Parameter, Recipe};
use crate::error::ParameterError;
use crate::filter::{self, Arithmetic, Double, Kernel, Sample, Single, bell, sweep};
use crate::fresh::fresh;
use crate::parse::per_axis;
use crate::task;

pub(crate) static OUTPUTS: [OutputSpec; 1] = [OutputSpec {
    name: Cow::Borrowed("gaussian"),
    unit: None,
    description: Cow::Borrowed("the input, smoothed by a Gaussian along every axis"),
}];

pub(crate) const RECIPE: Recipe = Recipe {
    name: "gaussian",
    summary: "Gaussian filter along the three axes, reflecting at the faces of the volume",
    parameters: &[
        Parameter {
            name: "sigma",
            default: "3",
            unit: "voxels",
            meaning: "standard deviation; 3x3x1 for inline, crossline and sample apart",
        },
        Parameter {
            name: "truncate",
            default: "4",
            unit: "standard deviations",
            meaning: "where the kernel is cut",
        },
        Parameter {
            name: "precision",
            default: "f64",
            unit: "",
            meaning: "numbers that sums are formed in: f64, with the bits of SciPy, or f32, which is faster",
        },
    ],
    outputs: || OUTPUTS.to_vec(),
    reference: "scipy.ndimage.gaussian_filter, SciPy 1.17.1",
    build: |values| {
        let sigma = values.get("sigma", "a number, or three as 3x3x1", per_axis::read)?;
        let truncate = values.get("truncate", "a number", |text| text.parse().ok())?;
        let precision = values.get("precision", "f64 or f32", |text| match text {
            "f64" => Some(Precision::Double),
            "f32" => Some(Precision::Single),
            _ => None,
        })?;
        let filter = Gaussian::new(sigma, truncate);
        values.checked(filter.map(|filter| filter.with_precision(precision)))
    },
};

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
    let mut out = fresh(volume.raw_dim());
    if let Ok(shape) = Shape::new(volume.dim().into()) {
        filter.sweep(volume, &Region::whole(shape), out.view_mut());
    }
    Ok(out)
}

/// In which numbers the sums of a filter are formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Precision {
    /// In `f64`, with the bits of SciPy.
    #[default]
    Double,
    /// In `f32` with fused operations: faster, with errors below 5e-7 of the largest value that the
    /// kernel sees. The bits depend on the processor, but not on how a volume is cut. A volume of
    /// `f64` keeps sums in `f64`.
    Single,
}

/// The Gaussian filter as an operator on volumes of `f32` or `f64`: output `gaussian`.
///
/// Three passes, along inline, crossline and sample, each rounded to the type of the volume, as in
/// SciPy.
///
/// **Halo.** int(truncate·sigma + 0.5) voxels along each axis.
///
/// **Memory.** For elements of `e` bytes, a block of `(_, x, k)` and a core of `(ci, cx, ck)` with radii
/// `ri`, `rx`, `rk` and p = min(k, 4096 + 2·rk), [`workspace`](Operator::workspace) is a ring of
/// e·min(ci, 32)·min(x, min(cx, 32) + 2·rx)·p bytes, lines of e·min(cx, 32)·p bytes or a little more,
/// and buffers of about 130 KB that grow with the radii alone. A ring of more inlines, 128 at most, has
/// 8192 elements or fewer. From 64 inlines on, where `ri` is 64 at most, there is room for small inlines
/// side by side, e·(3·min(ci, 128) + 2·ri)·min(x·k, 128) bytes and buffers, if that is more.
///
/// **Reference.** `scipy.ndimage.gaussian_filter`, SciPy 1.17.1.
#[derive(Debug, Clone, PartialEq)]
pub struct Gaussian {
    sigma: [f64; 3],
    truncate: f64,
    precision: Precision,
    kernels: [Kernel; 3],
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
            let (radius, largest) = (bell::radius(sigma, truncate), LARGEST_RADIUS);
            if radius > largest as f64 {
                return Err(ParameterError::Radius { axis, sigma, truncate, radius, largest });
            }
        }
        let kernels = sigma.map(|sigma| bell::kernel(sigma, truncate));
        Ok(Self { sigma, truncate, precision: Precision::Double, kernels })
    }

    /// The same filter with sums formed in other numbers.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// In which numbers the sums are formed.
    #[must_use]
    pub const fn precision(&self) -> Precision {
        self.precision
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

    fn name(&self) -> String {
        let mut name = format!("gaussian:sigma={}", per_axis::write(&self.sigma));
        if self.truncate != 4.0 {
            name += &format!(",truncate={}", self.truncate);
        }
        if self.precision == Precision::Single {
            name += ",precision=f32";
        }
        name
    }

    /// Filters `core` of `block`.
    fn sweep<T: Amplitude>(
        &self,
        block: ArrayView3<'_, T>,
        core: &Region,
        out: ArrayViewMut3<'_, T>,
    ) {
        let core = Axis::ALL.map(|axis| core.range(axis));
        match self.precision {
            Precision::Double => sweep::<T, Double>(&self.kernels, block, core, out),
            Precision::Single => sweep::<T, T::Fast>(&self.kernels, block, core, out),
        }
    }
}

/// The type of an amplitude, with the fastest arithmetic that is good enough for it.
trait Amplitude: Sample {
    type Fast: Arithmetic<Self>;
}

impl Amplitude for f32 {
    type Fast = Single;
}

impl Amplitude for f64 {
    type Fast = Double;
}

impl<T: Amplitude> Operator<T> for Gaussian {
    fn name(&self) -> String {
        Self::name(self)
    }

    fn outputs(&self) -> &[OutputSpec] {
        &OUTPUTS
    }

    fn halo(&self) -> Halo {
        Halo::symmetric(self.kernels.each_ref().map(|kernel| kernel.reach()[0]))
    }

    fn workspace(&self, block: Shape, core: Shape) -> ByteSize {
        let (block, core) = (block.extents(), core.extents());
        ByteSize::new(match self.precision {
            Precision::Double => filter::bytes::<T, f64>(&self.kernels, block, core),
            Precision::Single => {
                filter::bytes::<T, <T::Fast as Arithmetic<T>>::Number>(&self.kernels, block, core)
            }
        } as u64)
    }

    fn apply(
        &self,
        block: ArrayView3<'_, T>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, T>],
    ) -> Result<(), OperatorError> {
        let core = task::core_in_block(self, &block, at, outputs)?;
        for out in outputs {
            self.sweep(block, &core, out.view_mut());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::s;

    use super::*;

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

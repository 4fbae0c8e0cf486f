use std::borrow::Cow;

use chunkfit_core::{Axis, ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};

use crate::catalog::{Parameter, Recipe};
use crate::error::ParameterError;
use crate::filter::{Sample, bell};
use crate::parse::per_axis;
use crate::window::{self, Kernel, Line, Rows, Traces, Weights, convolve};

static OUTPUTS: [OutputSpec; 1] = [OutputSpec {
    name: Cow::Borrowed("gradient-magnitude"),
    unit: None,
    description: Cow::Borrowed("length of the gradient of the smoothed input, per voxel"),
}];

pub(crate) const RECIPE: Recipe = Recipe {
    name: "gradient-magnitude",
    summary: "Length of the gradient, by derivatives of Gaussians",
    parameters: &[
        Parameter {
            name: "sigma",
            default: "1",
            unit: "voxels",
            meaning: "standard deviation; 3x3x1 for inline, crossline and sample apart",
        },
        Parameter {
            name: "truncate",
            default: "4",
            unit: "standard deviations",
            meaning: "where the kernel is cut",
        },
    ],
    outputs: || OUTPUTS.to_vec(),
    reference: "scipy.ndimage.gaussian_gradient_magnitude, SciPy 1.17.1",
    build: |values| {
        let sigma = values.get("sigma", "a number, or three as 3x3x1", per_axis::read)?;
        let truncate = values.get("truncate", "a number", |text| text.parse().ok())?;
        values.checked(GradientMagnitude::new(sigma, truncate))
    },
};

/// A kernel reaches this many voxels at most: further than any axis is long.
const LARGEST_RADIUS: usize = 16_384;

/// Length of the gradient of a volume of `f32` or `f64` smoothed by a Gaussian, in the unit of the
/// input per voxel; output `gradient-magnitude`.
///
/// Three components, each of three passes with a Gaussian or its derivative that sum in `f64` and
/// round to the type of the volume, then squares, sum and root in that type, reflecting at the faces:
/// the bits of `scipy.ndimage.gaussian_gradient_magnitude`, SciPy 1.17.1, unless the mathematics
/// library rounds an exponential differently.
///
/// **Halo.** int(truncate·sigma + 0.5) voxels along each axis.
///
/// **Memory.** For elements of `e` bytes, radii (a, b, c), a block of (_, x, k), a core of (i, _, n)
/// and p = n + 2·c, [`workspace`](Operator::workspace) is
/// e·(min(2·b + 1, x)·2·min(p, k) + 3·p + 2·n) bytes; where inlines are many, i ≥ max(40, 8·a + 4), not
/// less than e·(2048·(2·min(2·b + 1, x) + 6) + 2·a).
#[derive(Debug, Clone, PartialEq)]
pub struct GradientMagnitude {
    sigma: [f64; 3],
    truncate: f64,
    smooth: [Weights; 3],
    derive: [Weights; 3],
}

impl GradientMagnitude {
    /// The gradient of the input smoothed with standard deviation `sigma` in voxels along inline,
    /// crossline and sample, with kernels cut at `truncate` standard deviations.
    ///
    /// # Errors
    ///
    /// When a standard deviation or `truncate` is not positive and finite, or a kernel reaches less
    /// than 1 or more than 16 384 voxels.
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
            if radius < 1.0 {
                return Err(ParameterError::SmallSigma { axis, sigma, smallest: 0.5 / truncate });
            }
            if radius > largest as f64 {
                return Err(ParameterError::Radius { axis, sigma, truncate, radius, largest });
            }
        }
        let smooth = sigma.map(|sigma| Weights::even(&bell::weights(sigma, truncate)));
        let derive = sigma.map(|sigma| Weights::odd(&bell::slopes(sigma, truncate)));
        Ok(Self { sigma, truncate, smooth, derive })
    }

    /// Standard deviation in voxels along inline, crossline and sample.
    #[must_use]
    pub const fn sigma(&self) -> [f64; 3] {
        self.sigma
    }

    /// Where the kernels are cut, in standard deviations.
    #[must_use]
    pub const fn truncate(&self) -> f64 {
        self.truncate
    }
}

impl<T: Sample> Kernel<T> for GradientMagnitude {
    type Value = T;
    type Output = T;

    fn half(&self) -> [usize; 3] {
        self.smooth.each_ref().map(Weights::radius)
    }

    /// Derived and smoothed along inlines; then the components along inline, crossline and sample.
    fn channels(&self) -> [usize; 2] {
        [2, 3]
    }

    fn scratch(&self, samples: usize) -> usize {
        samples
    }

    fn across_inlines(&self, traces: &Traces<'_, T>, row: &mut [T]) {
        let (derived, smooth) = row.split_at_mut(row.len() / 2);
        convolve(&self.derive[0], |by| traces.tap(by), derived);
        convolve(&self.smooth[0], |by| traces.tap(by), smooth);
    }

    fn across_crosslines(&self, rows: &Rows<'_, T>, line: &mut Line<'_, T>) {
        let (derive, smooth) = (&self.derive[1], &self.smooth[1]);
        for (component, (weights, channel)) in
            [(smooth, 0), (derive, 1), (smooth, 1)].into_iter().enumerate()
        {
            convolve(weights, |by| rows.tap(channel, by).into(), line.fill(component));
        }
    }

    fn along_samples(&self, line: &Line<'_, T>, component: &mut [T], outputs: &mut [T]) {
        let (derive, smooth) = (&self.derive[2], &self.smooth[2]);
        outputs.fill(T::default());
        for (channel, weights) in [smooth, smooth, derive].into_iter().enumerate() {
            convolve(weights, |by| line.tap(channel, by).into(), component);
            outputs.iter_mut().zip(&*component).for_each(|(sum, &value)| *sum += value * value);
        }
        outputs.iter_mut().for_each(|sum| *sum = sum.sqrt());
    }
}

impl<T: Sample> Operator<T> for GradientMagnitude {
    fn name(&self) -> String {
        let sigma = per_axis::write(&self.sigma);
        if self.truncate == 4.0 {
            format!("gradient-magnitude:sigma={sigma}")
        } else {
            format!("gradient-magnitude:sigma={sigma},truncate={}", self.truncate)
        }
    }

    fn outputs(&self) -> &[OutputSpec] {
        &OUTPUTS
    }

    fn halo(&self) -> Halo {
        window::halo::<T, _>(self)
    }

    fn workspace(&self, block: Shape, core: Shape) -> ByteSize {
        window::workspace::<T, _>(self, 1, block, core)
    }

    fn apply(
        &self,
        block: ArrayView3<'_, T>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, T>],
    ) -> Result<(), OperatorError> {
        window::apply(self, block, at, outputs)
    }
}

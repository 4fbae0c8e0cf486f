use std::borrow::Cow;

use chunkfit_core::{ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};
use pulp::Simd;

use crate::catalog::{Parameter, Recipe};
use crate::error::ParameterError;
use crate::parse::per_axis;
use crate::tensor::{Eigen, Lines, Solver, TIE, Tensor, Wide};
use crate::window::{self, Window};

static OUTPUTS: [OutputSpec; 2] = [
    OutputSpec {
        name: Cow::Borrowed("inline-slope"),
        unit: Some(Cow::Borrowed("samples per inline")),
        description: Cow::Borrowed("how far the reflector goes down per inline, times the scale"),
    },
    OutputSpec {
        name: Cow::Borrowed("crossline-slope"),
        unit: Some(Cow::Borrowed("samples per crossline")),
        description: Cow::Borrowed(
            "how far the reflector goes down per crossline, times the scale",
        ),
    },
];

pub(crate) const RECIPE: Recipe = Recipe {
    name: "gst-slopes",
    summary: "Slopes of reflectors from the gradient structure tensor",
    parameters: &[
        Parameter {
            name: "kernel",
            default: "3",
            unit: "voxels",
            meaning: "odd window of the average; 3x3x9 for inline, crossline and sample apart",
        },
        Parameter {
            name: "scale",
            default: "1",
            unit: "",
            meaning: "what slopes are multiplied with: 1 for samples per trace, 10 as in dasf",
        },
    ],
    outputs: || OUTPUTS.to_vec(),
    reference: "numpy.linalg.eigh, NumPy 2.4.6; Marfurt 2006",
    build: |values| {
        let kernel = values.get("kernel", window::EXPECTED, per_axis::read)?;
        let scale = values.get("scale", "a number", |text| text.parse().ok())?;
        values.checked(GstSlopes::new(kernel, scale))
    },
};

/// Slopes of the reflectors along inlines and crosslines from the gradient structure tensor: outputs
/// `inline-slope`, −n_inline/n_sample, and `crossline-slope`, −n_crossline/n_sample, in samples per
/// trace times `scale`, where n is the eigenvector of the largest eigenvalue.
///
/// The tensor is that of `gst`, averaged over `kernel` voxels; tan(dip) is the length of both slopes.
///
/// - No gradient, or l1 and l2 within 1e-6 of each other: no direction stands out, and both are 0.
/// - Layers along the sample axis have slopes of infinity.
/// - A NaN or an infinity makes the voxels within the halo NaN, and no others.
///
/// **Halo.** 1 + kernel/2, rounded down, along each axis.
///
/// **Memory.** [`workspace`](Operator::workspace) is that of
/// [`StructureTensor`](crate::StructureTensor) with this window, w = 0 and v = 1.
#[derive(Debug, Clone, PartialEq)]
pub struct GstSlopes {
    tensor: Tensor<Slopes>,
}

impl GstSlopes {
    /// Slopes times `scale`, of the tensor averaged over `kernel` voxels along inline, crossline and
    /// sample.
    ///
    /// # Errors
    ///
    /// When an extent of `kernel` is not an odd number up to 16 383, or `scale` is not finite.
    pub fn new(kernel: [usize; 3], scale: f64) -> Result<Self, ParameterError> {
        if !scale.is_finite() {
            let expected = "a finite number";
            return Err(ParameterError::Number { parameter: "scale", value: scale, expected });
        }
        let window = Window::from_parameter("kernel", kernel)?;
        Ok(Self { tensor: Tensor::new(window, Slopes { scale }) })
    }

    /// The window in voxels along inline, crossline and sample.
    #[must_use]
    pub const fn kernel(&self) -> [usize; 3] {
        self.tensor.kernel()
    }

    /// What slopes are multiplied with.
    #[must_use]
    pub const fn scale(&self) -> f64 {
        self.tensor.solver().scale
    }
}

/// Slopes along inlines and crosslines, in place of the first two sums.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Slopes {
    scale: f64,
}

impl Solver for Slopes {
    const ROOM: [usize; 2] = [0, 1];

    #[inline(always)]
    fn solve<S: Simd>(&self, simd: S, lines: &mut Lines) {
        let ([l0, l1, l2, l3, l4, l5], []) = lines.wide();
        let (l0, l1) = (Wide::<S>::view_mut(l0), Wide::<S>::view_mut(l1));
        let n = l0.len();
        let l1 = &mut l1[..n];
        let (l2, l3) = (&Wide::<S>::view(l2)[..n], &Wide::<S>::view(l3)[..n]);
        let (l4, l5) = (&Wide::<S>::view(l4)[..n], &Wide::<S>::view(l5)[..n]);
        for k in 0..n {
            let (ii, ix, is) =
                (Wide::new(simd, l0[k]), Wide::new(simd, l1[k]), Wide::new(simd, l2[k]));
            let (xx, xs, ss) =
                (Wide::new(simd, l3[k]), Wide::new(simd, l4[k]), Wide::new(simd, l5[k]));
            let eigen = Eigen::of([ii, ix, is, xx, xs, ss]);
            let [along_inline, along_crossline] = slopes(eigen, self.scale);
            l0[k] = along_inline.lanes();
            l1[k] = along_crossline.lanes();
        }
    }

    #[inline(always)]
    fn output<'l, S: Simd>(&self, _: S, number: usize, lines: &'l mut Lines) -> &'l [f32] {
        let [slopes] = lines.narrow([number]);
        slopes
    }
}

#[inline(always)]
fn slopes<S: Simd>(eigen: Eigen<S>, scale: f64) -> [Wide<S>; 2] {
    let [first, second, _] = eigen.values;
    let [inline, crossline, sample] = eigen.normal;
    let zero = sample.all(0.0);
    // A vertical layer points to larger crosslines, or along them to larger inlines.
    let lead = inline.where_or(crossline.is_zero(), crossline);
    let upright = sample.all(-0.0).where_or(lead.less_than(zero), zero);
    let sample = upright.where_or(sample.is_zero(), sample);
    let tie = (first - second).less_than(first * TIE);
    // 0 without a gradient, NaN where the tensor is not finite.
    let nothing = first.is_zero();
    let poison = first * 0.0;
    let mut slopes = [inline, crossline];
    for slope in &mut slopes {
        let level = slope.is_zero();
        let ratio = (zero - *slope).over(sample) * scale;
        let ratio = zero.where_or(level, zero.where_or(tie, ratio));
        *slope = zero.where_or(nothing, ratio) + poison;
    }
    slopes
}

impl Operator for GstSlopes {
    fn name(&self) -> String {
        format!("gst-slopes:kernel={},scale={}", per_axis::write(&self.kernel()), self.scale())
    }

    fn outputs(&self) -> &[OutputSpec] {
        &OUTPUTS
    }

    fn halo(&self) -> Halo {
        self.tensor.halo()
    }

    fn workspace(&self, block: Shape, core: Shape) -> ByteSize {
        self.tensor.workspace(block, core)
    }

    fn apply(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        self.tensor.apply(self, block, at, outputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::testing;

    /// With every instruction set there is.
    #[test]
    fn slopes_of_a_known_normal() {
        for (normal, expected) in [
            ([-2.0, 1.0, 4.0], [5.0, -2.5]),
            ([0.0, 0.0, 3.0], [0.0, 0.0]),
            ([1.0, 0.0, 0.0], [f32::NEG_INFINITY, 0.0]),
            ([0.0; 3], [0.0, 0.0]),
        ] {
            let products = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];
            let sums = products.map(|(a, b): (usize, usize)| normal[a] * normal[b]);
            for got in testing::solve::<_, 2>(Slopes { scale: 10.0 }, sums) {
                for (got, expected) in got.into_iter().zip(expected) {
                    let near = got == expected || (got - expected).abs() < 1e-6;
                    assert!(near, "{normal:?}: {got}, expected {expected}");
                }
            }
        }
        for got in testing::solve::<_, 2>(Slopes { scale: 1.0 }, [f64::NAN; 6]) {
            assert!(got.iter().all(|slope| slope.is_nan()), "{got:?}");
        }
    }
}

use std::borrow::Cow;

use chunkfit_core::{ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};

use crate::catalog::{Parameter, Recipe};
use crate::error::ParameterError;
use crate::parse::per_axis;
use crate::tensor::{self, EigenLine, Tensor};
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
/// [`EigenAttributes`](crate::EigenAttributes) with this window and two outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct GstSlopes {
    kernel: [usize; 3],
    scale: f64,
    tensor: Tensor<Slope>,
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
        let slopes = [0, 1].map(|along| Slope { along, scale });
        let tensor = Tensor::new(Window::from_parameter("kernel", kernel)?.half(), slopes.to_vec());
        Ok(Self { kernel, scale, tensor })
    }

    /// The window in voxels along inline, crossline and sample.
    #[must_use]
    pub const fn kernel(&self) -> [usize; 3] {
        self.kernel
    }

    /// What slopes are multiplied with.
    #[must_use]
    pub const fn scale(&self) -> f64 {
        self.scale
    }
}

/// Below this gap between l1 and l2, relative to l1, no direction stands out.
const TIE: f64 = 1e-6;

/// The slope along inlines (0) or crosslines (1).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Slope {
    along: usize,
    scale: f64,
}

impl tensor::Quantity for Slope {
    #[inline(always)]
    fn write(self, eigen: &EigenLine, out: &mut [f32]) {
        eigen.write(out, |eigen| {
            let [l1, l2, _] = eigen.values;
            let [inline, crossline, sample] = eigen.normal;
            // A vertical layer points to larger crosslines, or along them to larger inlines.
            let lead = if crossline != 0.0 { crossline } else { inline };
            let sample = if sample == 0.0 { 0_f64.copysign(lead) } else { sample };
            let across = if self.along == 0 { inline } else { crossline };
            let slope = -across / sample * self.scale;
            if l1 - l2 < TIE * l1 || across == 0.0 { 0.0 } else { slope }
        });
    }
}

impl Operator for GstSlopes {
    fn name(&self) -> String {
        format!("gst-slopes:kernel={},scale={}", per_axis::write(&self.kernel), self.scale)
    }

    fn outputs(&self) -> &[OutputSpec] {
        &OUTPUTS
    }

    fn halo(&self) -> Halo {
        self.tensor.of_gradient().halo()
    }

    fn workspace(&self, block: Shape, core: Shape) -> ByteSize {
        self.tensor.of_gradient().workspace(2, block, core)
    }

    fn apply(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        self.tensor.of_gradient().apply(self, block, at, outputs)
    }
}

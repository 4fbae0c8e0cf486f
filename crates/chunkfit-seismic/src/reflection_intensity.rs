use std::borrow::Cow;

use chunkfit_core::{ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};

use crate::catalog::{Parameter, Recipe};
use crate::error::ParameterError;
use crate::filter::Sample;
use crate::task;
use crate::window::{self, Steps, Weights, Window};

static OUTPUTS: [OutputSpec; 1] = [OutputSpec {
    name: Cow::Borrowed("reflection-intensity"),
    unit: None,
    description: Cow::Borrowed("integral of the input along the samples of a window"),
}];

pub(crate) const RECIPE: Recipe = Recipe {
    name: "reflection-intensity",
    summary: "Integral of the amplitude over a window of samples, by trapezoids",
    parameters: &[Parameter {
        name: "samples",
        default: "9",
        unit: "samples",
        meaning: "odd length of the window",
    }],
    outputs: || OUTPUTS.to_vec(),
    reference: "numpy.trapezoid over a window, NumPy 2.4.6",
    build: |values| {
        let samples = values.get("samples", "an odd number", |text| text.parse().ok())?;
        values.checked(ReflectionIntensity::new(samples))
    },
};

/// Integral of the amplitude over a window of samples by the trapezoidal rule, in the unit of the input,
/// a volume of `f32` or `f64`, times samples; output `reflection-intensity`.
///
/// The sum over the window, centred on each sample, of which the first and the last count half. Sums
/// in `f64`, reflecting at the faces; rounds once. A window of one sample has no width: 0.
///
/// **Halo.** samples/2, rounded down, along the sample axis; none along the two others.
///
/// **Memory.** For elements of `e` bytes, a window of c samples, a block of (_, _, k), a core of
/// (i, _, n) and p = n + c − 1, [`workspace`](Operator::workspace) is e·(min(p, k) + p + n) bytes; where
/// inlines are many, i ≥ 40, not less than e·4·2048.
#[derive(Debug, Clone, PartialEq)]
pub struct ReflectionIntensity {
    samples: usize,
    steps: Steps,
}

impl ReflectionIntensity {
    /// The integral over `samples` samples.
    ///
    /// # Errors
    ///
    /// When `samples` is not an odd number up to 16 383.
    pub fn new(samples: usize) -> Result<Self, ParameterError> {
        let [.., half] = Window::new([1, 1, samples])?.half();
        let mut weights = vec![1.0; half + 1];
        weights[half] = if half == 0 { 0.0 } else { 0.5 };
        let steps = Steps([Weights::one(), Weights::one(), Weights::even(&weights)]);
        Ok(Self { samples, steps })
    }

    /// Samples of the window.
    #[must_use]
    pub const fn samples(&self) -> usize {
        self.samples
    }
}

impl<T: Sample> Operator<T> for ReflectionIntensity {
    fn name(&self) -> String {
        format!("reflection-intensity:samples={}", self.samples)
    }

    fn outputs(&self) -> &[OutputSpec] {
        &OUTPUTS
    }

    fn halo(&self) -> Halo {
        window::halo::<T, _>(&self.steps)
    }

    fn workspace(&self, block: Shape, core: Shape) -> ByteSize {
        window::workspace::<T, _>(&self.steps, 1, block, core)
    }

    fn apply(
        &self,
        block: ArrayView3<'_, T>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, T>],
    ) -> Result<(), OperatorError> {
        let core = task::core_in_block(self, &block, at, outputs)?;
        window::run(&self.steps, block, &core, outputs);
        Ok(())
    }
}

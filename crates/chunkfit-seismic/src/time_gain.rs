use std::borrow::Cow;

use chunkfit_core::{Axis, ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Shape};
use ndarray::{Array1, ArrayView3, ArrayViewMut3, Zip};

use crate::catalog::{Parameter, Recipe};
use crate::error::ParameterError;
use crate::task;

static OUTPUTS: [OutputSpec; 1] = [OutputSpec {
    name: Cow::Borrowed("time-gain"),
    unit: None,
    description: Cow::Borrowed("the input times a power of the sample number"),
}];

pub(crate) const RECIPE: Recipe = Recipe {
    name: "time-gain",
    summary: "Gain that grows with a power of the sample number",
    parameters: &[Parameter {
        name: "exponent",
        default: "1.5",
        unit: "",
        meaning: "power of (k + 2), where k counts the samples of the volume from 0",
    }],
    outputs: || OUTPUTS.to_vec(),
    reference: "x·(k + 2)^exponent, NumPy 2.4.6",
    build: |values| {
        let exponent = values.get("exponent", "a number", |text| text.parse().ok())?;
        values.checked(TimeGain::new(exponent))
    },
};

/// The input times (k + 2)^exponent, where k counts the samples of the volume from 0, in the unit of
/// the input; output `time-gain`.
///
/// In `f64`, rounded once. A product that `f32` cannot hold is infinite.
///
/// **Halo.** None; but the gain of a chunk depends on where in the volume it lies.
///
/// **Memory.** For a core of (_, _, n), [`workspace`](Operator::workspace) is 8·n bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeGain {
    exponent: f64,
}

impl TimeGain {
    /// A gain of (k + 2)^`exponent`.
    ///
    /// # Errors
    ///
    /// When `exponent` is not finite.
    pub fn new(exponent: f64) -> Result<Self, ParameterError> {
        if exponent.is_finite() {
            Ok(Self { exponent })
        } else {
            let expected = "a finite number";
            Err(ParameterError::Number { parameter: "exponent", value: exponent, expected })
        }
    }

    /// The power of (k + 2).
    #[must_use]
    pub const fn exponent(&self) -> f64 {
        self.exponent
    }
}

impl Operator for TimeGain {
    fn name(&self) -> String {
        format!("time-gain:exponent={}", self.exponent)
    }

    fn outputs(&self) -> &[OutputSpec] {
        &OUTPUTS
    }

    fn halo(&self) -> Halo {
        Halo::none()
    }

    fn workspace(&self, _block: Shape, core: Shape) -> ByteSize {
        ByteSize::of::<f64>(core[Axis::Sample])
    }

    fn apply(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        task::core_in_block(self, &block, at, outputs)?;
        let first = at.core().start()[2] + 2;
        let n = at.core().shape()[Axis::Sample];
        let gain: Array1<f64> =
            (first..first + n).map(|k| (k as f64).powf(self.exponent)).collect();
        for out in outputs {
            Zip::from(out.rows_mut()).and(block.rows()).for_each(|out, trace| {
                Zip::from(out).and(trace).and(&gain).for_each(|out, &value, gain| {
                    *out = (f64::from(value) * gain) as f32;
                });
            });
        }
        Ok(())
    }
}

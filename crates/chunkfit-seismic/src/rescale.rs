use std::borrow::Cow;

use chunkfit_core::{ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Shape};
use ndarray::{ArrayView3, ArrayViewMut3, Zip};

use crate::catalog::{Parameter, Recipe};
use crate::error::ParameterError;
use crate::task;

static OUTPUTS: [OutputSpec; 1] = [OutputSpec {
    name: Cow::Borrowed("rescale"),
    unit: None,
    description: Cow::Borrowed("the input, with what lies outside a range moved to its ends"),
}];

pub(crate) const RECIPE: Recipe = Recipe {
    name: "rescale",
    summary: "Clip amplitudes to a range",
    parameters: &[
        Parameter {
            name: "min",
            default: "-inf",
            unit: "",
            meaning: "smallest amplitude that is kept",
        },
        Parameter {
            name: "max",
            default: "inf",
            unit: "",
            meaning: "largest amplitude that is kept",
        },
    ],
    outputs: || OUTPUTS.to_vec(),
    reference: "numpy.clip, NumPy 2.4.6",
    build: |values| {
        let min = values.get("min", "a number or -inf", |text| text.parse().ok())?;
        let max = values.get("max", "a number or inf", |text| text.parse().ok())?;
        values.checked(Rescale::new(min, max))
    },
};

/// Clips amplitudes to a range, in the unit of the input; output `rescale`.
///
/// NaN stays NaN. As `numpy.clip`, NumPy 2.4.6.
///
/// **Halo.** None.
///
/// **Memory.** [`workspace`](Operator::workspace) is nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rescale {
    min: f32,
    max: f32,
}

impl Rescale {
    /// Clips to `min..=max`.
    ///
    /// # Errors
    ///
    /// When `min` is above `max`, or one of them is NaN.
    pub fn new(min: f32, max: f32) -> Result<Self, ParameterError> {
        let wrong = |parameter, value: f32, expected| ParameterError::Number {
            parameter,
            value: f64::from(value),
            expected,
        };
        if min.is_nan() {
            Err(wrong("min", min, "a number, or -inf"))
        } else if max.is_nan() || max < min {
            Err(wrong("max", max, "a number that is not below min, or inf"))
        } else {
            Ok(Self { min, max })
        }
    }

    /// The smallest and the largest amplitude that are kept.
    #[must_use]
    pub const fn range(&self) -> (f32, f32) {
        (self.min, self.max)
    }
}

impl Operator for Rescale {
    fn name(&self) -> String {
        format!("rescale:min={},max={}", self.min, self.max)
    }

    fn outputs(&self) -> &[OutputSpec] {
        &OUTPUTS
    }

    fn halo(&self) -> Halo {
        Halo::none()
    }

    fn workspace(&self, _block: Shape, _core: Shape) -> ByteSize {
        ByteSize::ZERO
    }

    fn apply(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        task::core_in_block(self, &block, at, outputs)?;
        for out in outputs {
            Zip::from(out)
                .and(block)
                .for_each(|out, &value| *out = value.clamp(self.min, self.max));
        }
        Ok(())
    }
}

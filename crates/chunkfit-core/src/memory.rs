use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ByteSize, Operator, Shape};

/// Where an upper bound comes from, and so how far it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Regime {
    /// Counted: the bytes that the code says it allocates.
    Declared,
    /// Counted, plus terms measured on this machine.
    Calibrated,
    /// Fitted, and asked outside the range of its observations.
    Extrapolated,
}

impl fmt::Display for Regime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Declared => "declared",
            Self::Calibrated => "calibrated",
            Self::Extrapolated => "extrapolated",
        })
    }
}

/// What one task is expected to need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// Expected peak.
    pub peak: ByteSize,
    /// The peak does not exceed this, as far as `regime` reaches.
    pub upper: ByteSize,
    /// Where the bound comes from.
    pub regime: Regime,
}

/// Bytes that one task needs, from the shapes of its block and its core.
///
/// Never decreases when an extent of the block or the core grows;
/// `testing::check_model_is_monotone` checks that. A closure is a model:
///
/// ```
/// use chunkfit_core::{ByteSize, MemoryModel, Prediction, Regime, Shape};
///
/// let model = |block: Shape, core: Shape| {
///     let peak = block.bytes::<f32>() + core.bytes::<f32>();
///     Prediction { peak, upper: peak + ByteSize::mib(1), regime: Regime::Declared }
/// };
/// let block = Shape::new([5, 7, 11])?;
/// assert_eq!(model.predict(block, block).peak, ByteSize::new(2 * 4 * 385));
/// # Ok::<(), chunkfit_core::ShapeError>(())
/// ```
pub trait MemoryModel {
    /// Peak and upper bound of a task that turns a block of shape `block` into a core of `core`.
    fn predict(&self, block: Shape, core: Shape) -> Prediction;
}

impl<F: Fn(Shape, Shape) -> Prediction> MemoryModel for F {
    fn predict(&self, block: Shape, core: Shape) -> Prediction {
        self(block, core)
    }
}

/// The ledger that an operator declares, as a model: block + outputs + workspace, heap bytes only.
#[derive(Debug)]
pub struct Ledger<'a, O: ?Sized> {
    operator: &'a O,
}

impl<'a, O: ?Sized> Ledger<'a, O> {
    /// The ledger of `operator`.
    pub const fn new(operator: &'a O) -> Self {
        Self { operator }
    }
}

impl<O: Operator<f32> + ?Sized> MemoryModel for Ledger<'_, O> {
    fn predict(&self, block: Shape, core: Shape) -> Prediction {
        let outputs = core.bytes::<f32>() * self.operator.outputs().len() as u64;
        let peak = block.bytes::<f32>() + outputs + self.operator.workspace(block, core);
        Prediction { peak, upper: peak, regime: Regime::Declared }
    }
}

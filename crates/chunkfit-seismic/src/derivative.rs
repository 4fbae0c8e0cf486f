use std::borrow::Cow;

use chunkfit_core::{Axis, ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement};
use chunkfit_core::{Region, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};

use crate::catalog::{Parameter, Recipe};
use crate::task;
use crate::window::{self, Pair, Steps, Weights};

static FIRST: [OutputSpec; 1] = [OutputSpec {
    name: Cow::Borrowed("first-derivative"),
    unit: None,
    description: Cow::Borrowed("change of the input per step along the axis"),
}];

static SECOND: [OutputSpec; 1] = [OutputSpec {
    name: Cow::Borrowed("second-derivative"),
    unit: None,
    description: Cow::Borrowed("change of the change of the input per step along the axis"),
}];

const AXIS: &[Parameter] = &[Parameter {
    name: "axis",
    default: "sample",
    unit: "",
    meaning: "along which axis: inline, crossline or sample",
}];

pub(crate) const FIRST_RECIPE: Recipe = Recipe {
    name: "first-derivative",
    summary: "First derivative along an axis, smoothed a little along the two others",
    parameters: AXIS,
    outputs: || FIRST.to_vec(),
    reference: "scipy.ndimage.correlate1d, SciPy 1.17.1",
    build: |values| {
        let axis = values.get("axis", EXPECTED_AXIS, read_axis)?;
        Ok(Box::new(Derivative::first(axis)))
    },
};

pub(crate) const SECOND_RECIPE: Recipe = Recipe {
    name: "second-derivative",
    summary: "Second derivative along an axis, smoothed a little along the two others",
    parameters: AXIS,
    outputs: || SECOND.to_vec(),
    reference: "scipy.ndimage.correlate1d, SciPy 1.17.1",
    build: |values| {
        let axis = values.get("axis", EXPECTED_AXIS, read_axis)?;
        Ok(Box::new(Derivative::second(axis)))
    },
};

const EXPECTED_AXIS: &str = "inline, crossline or sample";

fn read_axis(text: &str) -> Option<Axis> {
    Axis::ALL.into_iter().find(|axis| axis.to_string() == text)
}

/// First or second derivative along one axis, in the unit of the input per step; output
/// `first-derivative` or `second-derivative`.
///
/// - First: \[−0.5, 0, 0.5\] along the axis, then \[0.178947, 0.642105, 0.178947\] along each other
///   axis in ascending order.
/// - Second: \[0.232905, 0.002668, −0.471147, 0.002668, 0.232905\] along the axis, then \[0.03032,
///   0.249724, 0.439911, 0.249724, 0.03032\] along each other axis in ascending order.
///
/// Sums are `f64`, each pass rounds to `f32`, and faces reflect: the bits of three calls of
/// `scipy.ndimage.correlate1d`, SciPy 1.17.1.
///
/// **Halo.** 1 voxel along every axis for the first, 2 for the second.
///
/// **Memory.** With a halo of h, w = 2·h + 1, a block of (i, x, k), a core of (_, y, c), p = c + 2·h and
/// q = min(p, k), [`workspace`](Operator::workspace) in bytes is
///
/// - along inlines 4·(min(w, x)·q + p + c), some lines;
/// - along crosslines the same with i for x;
/// - along samples 4·(min(w, i)·z·c + q + p + c + min(w, z)·c + 2·c) with z = min(y + 2·h, x), some
///   planes.
#[derive(Debug, Clone, PartialEq)]
pub struct Derivative {
    axis: Axis,
    second: bool,
    steps: Steps,
    /// What comes after `steps` when samples come first.
    then: Option<Steps>,
}

impl Derivative {
    /// The first derivative along `axis`.
    #[must_use]
    pub fn first(axis: Axis) -> Self {
        Self::new(axis, false, Weights::odd(&[0.5]), Weights::even(&[0.642_105, 0.178_947]))
    }

    /// The second derivative along `axis`.
    #[must_use]
    pub fn second(axis: Axis) -> Self {
        let along = Weights::even(&[-0.471_147, 0.002_668, 0.232_905]);
        let across = Weights::even(&[0.439_911, 0.249_724, 0.030_32]);
        Self::new(axis, true, along, across)
    }

    /// Steps come in the order inline, crossline, sample, the one along `axis` first. A derivative
    /// along crosslines runs with the first two axes exchanged.
    fn new(axis: Axis, second: bool, along: Weights, across: Weights) -> Self {
        let one = Weights::one;
        let (steps, then) = if axis == Axis::Sample {
            (Steps([one(), one(), along]), Some(Steps([across.clone(), across, one()])))
        } else {
            (Steps([along, across.clone(), across]), None)
        };
        Self { axis, second, steps, then }
    }

    /// The axis along which it is taken.
    #[must_use]
    pub const fn axis(&self) -> Axis {
        self.axis
    }

    /// 1 or 2.
    #[must_use]
    pub const fn order(&self) -> usize {
        1 + self.second as usize
    }

    fn pair(&self) -> Option<Pair<'_, Steps, Steps>> {
        let second = self.then.as_ref()?;
        Some(Pair { first: &self.steps, second, n_between: 1, n_groups: 1 })
    }
}

impl Operator for Derivative {
    fn name(&self) -> String {
        format!("{}:axis={}", self.outputs()[0].name, self.axis)
    }

    fn outputs(&self) -> &[OutputSpec] {
        if self.second { &SECOND } else { &FIRST }
    }

    fn halo(&self) -> Halo {
        Halo::uniform(self.order())
    }

    fn workspace(&self, block: Shape, core: Shape) -> ByteSize {
        match (self.pair(), self.axis) {
            (Some(pair), _) => pair.workspace(1, block, core),
            (None, Axis::Crossline) => {
                window::workspace(&self.steps, 1, exchanged(block), exchanged(core))
            }
            (None, _) => window::workspace(&self.steps, 1, block, core),
        }
    }

    fn apply(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        if let Some(pair) = self.pair() {
            return pair.apply(self, block, at, outputs);
        }
        let core = task::core_in_block(self, &block, at, outputs)?;
        for out in outputs {
            let mut out = out.view_mut();
            if self.axis == Axis::Crossline {
                let [i, x, k] = core.start();
                let core = Region::new([x, i, k], exchanged(core.shape()));
                out.swap_axes(0, 1);
                window::run(&self.steps, block.permuted_axes([1, 0, 2]), &core, &mut [out]);
            } else {
                window::run(&self.steps, block, &core, &mut [out]);
            }
        }
        Ok(())
    }
}

/// A shape with inlines and crosslines exchanged.
fn exchanged(shape: Shape) -> Shape {
    let [i, x, k] = shape.extents();
    Shape::new([x, i, k]).unwrap_or(shape)
}

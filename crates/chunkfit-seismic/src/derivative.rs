use std::borrow::Cow;

use chunkfit_core::{Axis, ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement};
use chunkfit_core::{Region, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};

use crate::catalog::{Parameter, Recipe};
use crate::filter::Sample;
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

/// First or second derivative along one axis of a volume of `f32` or `f64`, in the unit of the input
/// per step; output `first-derivative` or `second-derivative`.
///
/// - First: \[−0.5, 0, 0.5\] along the axis, then \[0.178947, 0.642105, 0.178947\] along each other
///   axis in ascending order.
/// - Second: \[0.232905, 0.002668, −0.471147, 0.002668, 0.232905\] along the axis, then \[0.03032,
///   0.249724, 0.439911, 0.249724, 0.03032\] along each other axis in ascending order.
///
/// Sums are `f64`, each pass rounds to the type of the volume, and faces reflect: the bits of three
/// calls of `scipy.ndimage.correlate1d`, SciPy 1.17.1.
///
/// **Halo.** 1 voxel along every axis for the first, 2 for the second.
///
/// **Memory.** For elements of `e` bytes, a halo of h, w = 2·h + 1, a block of (i, x, k), a core of
/// (j, y, c), p = c + 2·h and q = min(p, k), [`workspace`](Operator::workspace) in bytes is
///
/// - along inlines e·(min(w, x)·q + p + c), some lines; where inlines are many, j ≥ 40, not less than
///   e·(2048·(min(w, x) + 3) + 2·h);
/// - along crosslines the same with i for x and y for j; where inlines are many, not less than
///   e·(2048·(min(w, x) + 7) + 2·h);
/// - along samples e·(min(w, i)·z·c + q + p + c + min(w, z)·c + 2·c) with z = min(y + 2·h, x), some
///   planes; where inlines are many, not less than e·(2048·(min(w, x) + 7) + 2·h).
#[derive(Debug, Clone, PartialEq)]
pub struct Derivative {
    axis: Axis,
    second: bool,
    passes: Passes,
}

/// The one along the axis comes first.
#[derive(Debug, Clone, PartialEq)]
enum Passes {
    /// Along inlines, crosslines and samples.
    InOrder(Steps),
    /// Along the axis, and then along the two others. Along crosslines they are in order too, once the
    /// first two axes are exchanged, which is faster inline by inline.
    Apart { first: Steps, then: Steps, in_order: Option<Steps> },
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

    fn new(axis: Axis, second: bool, along: Weights, across: Weights) -> Self {
        let one = Weights::one;
        let in_order = Steps([along.clone(), across.clone(), across.clone()]);
        let passes = match axis {
            Axis::Inline => Passes::InOrder(in_order),
            Axis::Crossline => Passes::Apart {
                first: Steps([one(), along, one()]),
                then: Steps([across.clone(), one(), across]),
                in_order: Some(in_order),
            },
            Axis::Sample => Passes::Apart {
                first: Steps([one(), one(), along]),
                then: Steps([across.clone(), across, one()]),
                in_order: None,
            },
        };
        Self { axis, second, passes }
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

    fn specs(&self) -> &'static [OutputSpec] {
        if self.second { &SECOND } else { &FIRST }
    }
}

/// All passes, those of `first` before the others.
const fn pair<'a, T: Sample>(first: &'a Steps, second: &'a Steps) -> Pair<'a, T, Steps, Steps> {
    Pair::new(first, 1, second)
}

impl<T: Sample> Operator<T> for Derivative {
    fn name(&self) -> String {
        format!("{}:axis={}", self.specs()[0].name, self.axis)
    }

    fn outputs(&self) -> &[OutputSpec] {
        self.specs()
    }

    fn halo(&self) -> Halo {
        Halo::uniform(self.order())
    }

    fn workspace(&self, block: Shape, core: Shape) -> ByteSize {
        match &self.passes {
            Passes::InOrder(steps) => window::workspace::<T, _>(steps, 1, block, core),
            Passes::Apart { first, then, in_order: None } => {
                pair::<T>(first, then).workspace(block, core)
            }
            Passes::Apart { first, then, in_order: Some(steps) } => {
                window::workspace::<T, _>(steps, 1, exchanged(block), exchanged(core))
                    .max(pair::<T>(first, then).workspace_side_by_side(block, core))
            }
        }
    }

    fn apply(
        &self,
        block: ArrayView3<'_, T>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, T>],
    ) -> Result<(), OperatorError> {
        let core = task::core_in_block(self, &block, at, outputs)?;
        match &self.passes {
            Passes::InOrder(steps) => window::run(steps, block, &core, outputs),
            Passes::Apart { first, then, in_order } => {
                let pair = pair(first, then);
                match in_order {
                    Some(steps) if !pair.is_side_by_side(core.shape()) => {
                        run_exchanged(steps, block, &core, outputs);
                    }
                    _ => return pair.apply(self, block, at, outputs),
                }
            }
        }
        Ok(())
    }
}

/// Runs with inlines and crosslines exchanged.
fn run_exchanged<T: Sample>(
    steps: &Steps,
    block: ArrayView3<'_, T>,
    core: &Region,
    outputs: &mut [ArrayViewMut3<'_, T>],
) {
    let [i, x, k] = core.start();
    let core = Region::new([x, i, k], exchanged(core.shape()));
    for out in outputs {
        let out = out.view_mut().permuted_axes([1, 0, 2]);
        window::run(steps, block.permuted_axes([1, 0, 2]), &core, &mut [out]);
    }
}

/// A shape with inlines and crosslines exchanged.
fn exchanged(shape: Shape) -> Shape {
    let [i, x, k] = shape.extents();
    Shape::new([x, i, k]).unwrap_or(shape)
}

use std::borrow::Cow;

use chunkfit_core::{ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};

use crate::catalog::{Parameter, Recipe};
use crate::error::ParameterError;
use crate::filter::Sample;
use crate::parse::per_axis;
use crate::window::{self, Kernel, Line, Rows, Traces, Window, sum, summed};

static OUTPUTS: [OutputSpec; 1] = [OutputSpec {
    name: Cow::Borrowed("rms"),
    unit: None,
    description: Cow::Borrowed("root of the mean square of the input over a window"),
}];

pub(crate) const RECIPE: Recipe = Recipe {
    name: "rms",
    summary: "Root mean square over a window",
    parameters: &[Parameter {
        name: "window",
        default: "1x1x9",
        unit: "voxels",
        meaning: "odd window along inline, crossline and sample; 3 for 3x3x3",
    }],
    outputs: || OUTPUTS.to_vec(),
    reference: "sqrt of scipy.ndimage.uniform_filter of squares in float64, SciPy 1.17.1",
    build: |values| {
        let window = values.get("window", window::EXPECTED, per_axis::read)?;
        values.checked(Rms::new(window))
    },
};

/// Root mean square over a window centred on each voxel of a volume of `f32` or `f64`, in the unit of
/// the input; output `rms`.
///
/// Sums in `f64`, reflecting at the faces; rounds once. Squares are `f64` too: infinite for amplitudes
/// beyond 1e154, and 0 below 1e-162.
///
/// **Halo.** window/2, rounded down, along each axis.
///
/// **Memory.** For elements of `e` bytes, window (a, b, c), a block of (_, x, k), a core of (i, _, n)
/// and p = n + c − 1, [`workspace`](Operator::workspace) is 8·(min(b, x)·min(p, k) + p) + e·n bytes;
/// where inlines are many, i ≥ max(40, 4·a), not less than
/// 2048·(8·(min(b, x) + 1) + 2·e) + e·(a − 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rms {
    window: Window,
}

impl Rms {
    /// The root mean square over `window` voxels along inline, crossline and sample.
    ///
    /// # Errors
    ///
    /// When an extent is not an odd number up to 16 383.
    pub fn new(window: [usize; 3]) -> Result<Self, ParameterError> {
        Ok(Self { window: Window::new(window)? })
    }

    /// The window in voxels along inline, crossline and sample.
    #[must_use]
    pub const fn window(&self) -> [usize; 3] {
        self.window.extents()
    }
}

impl<T: Sample> Kernel<T> for Rms {
    type Value = f64;
    type Output = T;

    fn half(&self) -> [usize; 3] {
        self.window.half()
    }

    fn channels(&self) -> [usize; 2] {
        [1, 1]
    }

    fn across_inlines(&self, traces: &Traces<'_, T>, row: &mut [f64]) {
        sum(
            self.window.half()[0],
            |by| traces.tap(by),
            |value: T| value.into() * value.into(),
            row,
        );
    }

    fn across_crosslines(&self, rows: &Rows<'_, f64>, line: &mut Line<'_, f64>) {
        sum(self.window.half()[1], |by| rows.tap(0, by).into(), |square| square, line.fill(0));
    }

    fn along_samples(&self, line: &Line<'_, f64>, _: &mut [f64], outputs: &mut [T]) {
        let voxels = self.window.voxels() as f64;
        let squares = |by| [line.tap(0, by).into()];
        summed(self.window.half()[2], squares, |[squares]| (squares / voxels).sqrt(), outputs);
    }
}

impl<T: Sample> Operator<T> for Rms {
    fn name(&self) -> String {
        format!("rms:window={}", per_axis::write(&self.window()))
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

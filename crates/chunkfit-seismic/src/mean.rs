use std::borrow::Cow;

use chunkfit_core::{ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};

use crate::catalog::{Parameter, Recipe};
use crate::error::ParameterError;
use crate::parse::per_axis;
use crate::window::{self, Kernel, Line, Rows, Traces, Window, mean};

static OUTPUTS: [OutputSpec; 1] = [OutputSpec {
    name: Cow::Borrowed("mean"),
    unit: None,
    description: Cow::Borrowed("mean of the input over a window"),
}];

pub(crate) const RECIPE: Recipe = Recipe {
    name: "mean",
    summary: "Mean over a window",
    parameters: &[Parameter {
        name: "window",
        default: "3",
        unit: "voxels",
        meaning: "odd window; 3x3x9 for inline, crossline and sample apart",
    }],
    outputs: || OUTPUTS.to_vec(),
    reference: "scipy.ndimage.uniform_filter, SciPy 1.17.1",
    build: |values| {
        let window = values.get("window", window::EXPECTED, per_axis::read)?;
        values.checked(Mean::new(window))
    },
};

/// Mean over a window, in the unit of the input; output `mean`.
///
/// Three passes, along inline, crossline and sample, that sum in `f64` and round to `f32`, reflecting
/// at the faces: the bits of `scipy.ndimage.uniform_filter`, SciPy 1.17.1, on ordinary data. Every
/// window is summed on its own, where SciPy keeps a running sum; so a NaN, an infinity or a large
/// value reaches its own windows only.
///
/// **Halo.** window/2, rounded down, along each axis.
///
/// **Memory.** With window (a, b, c), a block of (_, x, k), a core of (i, _, n) and p = n + c − 1,
/// [`workspace`](Operator::workspace) is 4·(min(b, x)·min(p, k) + p + n) bytes; where inlines are many,
/// i ≥ max(40, 4·a), not less than 4·(2048·(min(b, x) + 3) + a − 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mean {
    window: Window,
}

impl Mean {
    /// The mean over `window` voxels along inline, crossline and sample.
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

impl Kernel for Mean {
    type Input = f32;
    type Value = f32;
    type Output = f32;

    fn half(&self) -> [usize; 3] {
        self.window.half()
    }

    fn channels(&self) -> [usize; 2] {
        [1, 1]
    }

    fn across_inlines(&self, traces: &Traces<'_, f32>, row: &mut [f32]) {
        mean(self.half()[0], |by| traces.tap(by), row);
    }

    fn across_crosslines(&self, rows: &Rows<'_, f32>, line: &mut Line<'_, f32>) {
        mean(self.half()[1], |by| rows.tap(0, by).into(), line.fill(0));
    }

    fn along_samples(&self, line: &Line<'_, f32>, _: &mut [f32], outputs: &mut [f32]) {
        mean(self.half()[2], |by| line.tap(0, by).into(), outputs);
    }
}

impl Operator for Mean {
    fn name(&self) -> String {
        format!("mean:window={}", per_axis::write(&self.window()))
    }

    fn outputs(&self) -> &[OutputSpec] {
        &OUTPUTS
    }

    fn halo(&self) -> Halo {
        window::halo(self)
    }

    fn workspace(&self, block: Shape, core: Shape) -> ByteSize {
        window::workspace(self, 1, block, core)
    }

    fn apply(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        window::apply(self, block, at, outputs)
    }
}

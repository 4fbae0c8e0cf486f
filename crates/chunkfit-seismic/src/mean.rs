use std::borrow::Cow;

use chunkfit_core::{ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};

use crate::catalog::{Parameter, Recipe};
use crate::error::ParameterError;
use crate::filter::Sample;
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

/// Mean over a window of a volume of `f32` or `f64`, in the unit of the input; output `mean`.
///
/// Three passes, along inline, crossline and sample, that sum in `f64` and round to the type of the
/// volume, reflecting at the faces: the bits of `scipy.ndimage.uniform_filter`, SciPy 1.17.1, on
/// ordinary data. Every window is summed on its own, where SciPy keeps a running sum; so a NaN, an
/// infinity or a large value reaches its own windows only.
///
/// **Halo.** window/2, rounded down, along each axis.
///
/// **Memory.** For elements of `e` bytes, window (a, b, c), a block of (_, x, k), a core of (i, _, n)
/// and p = n + c − 1, [`workspace`](Operator::workspace) is e·(min(b, x)·min(p, k) + p + n) bytes; where
/// inlines are many, i ≥ max(40, 4·a), not less than e·(2048·(min(b, x) + 3) + a − 1).
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

impl<T: Sample> Kernel<T> for Mean {
    type Value = T;
    type Output = T;

    fn half(&self) -> [usize; 3] {
        self.window.half()
    }

    fn channels(&self) -> [usize; 2] {
        [1, 1]
    }

    fn across_inlines(&self, traces: &Traces<'_, T>, row: &mut [T]) {
        mean(self.window.half()[0], |by| traces.tap(by), row);
    }

    fn across_crosslines(&self, rows: &Rows<'_, T>, line: &mut Line<'_, T>) {
        mean(self.window.half()[1], |by| rows.tap(0, by).into(), line.fill(0));
    }

    fn along_samples(&self, line: &Line<'_, T>, _: &mut [T], outputs: &mut [T]) {
        mean(self.window.half()[2], |by| line.tap(0, by).into(), outputs);
    }
}

impl<T: Sample> Operator<T> for Mean {
    fn name(&self) -> String {
        format!("mean:window={}", per_axis::write(&self.window()))
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

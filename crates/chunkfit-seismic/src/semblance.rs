use std::borrow::Cow;

use chunkfit_core::{ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};

use crate::catalog::{Parameter, Recipe};
use crate::error::ParameterError;
use crate::filter::Sample;
use crate::parse::per_axis;
use crate::window::{self, Kernel, Line, Rows, Traces, Window, sum, summed};

static OUTPUTS: [OutputSpec; 1] = [OutputSpec {
    name: Cow::Borrowed("semblance"),
    unit: Some(Cow::Borrowed("ratio")),
    description: Cow::Borrowed("how alike the traces of a window are: 0 to 1, 1 for equal traces"),
}];

pub(crate) const RECIPE: Recipe = Recipe {
    name: "semblance",
    summary: "Likeness of neighbouring traces: energy of their mean over their mean energy",
    parameters: &[Parameter {
        name: "window",
        default: "3x3x9",
        unit: "voxels",
        meaning: "odd window along inline, crossline and sample; 3 for 3x3x3",
    }],
    outputs: || OUTPUTS.to_vec(),
    reference: "Marfurt et al. 1998, without a search for dips",
    build: |values| {
        let window = values.get("window", window::EXPECTED, per_axis::read)?;
        values.checked(Semblance::new(window))
    },
};

/// Semblance of the traces of a window of a volume of `f32` or `f64`, 0 to 1; output `semblance`.
///
/// With the sum over traces inside the sum over samples: Σ(Σ x)² / (Σ Σ x² · number of traces). 0 where
/// the window holds zeros only, NaN where it holds a NaN or an infinity. Sums in `f64`, reflecting at
/// the faces. Squares are `f64` too, which do not tell amplitudes beyond 1e154 from infinities, nor those
/// below 1e-162 from 0.
///
/// **Halo.** window/2, rounded down, along each axis.
///
/// **Memory.** For elements of `e` bytes, window (a, b, c), a block of (_, x, k), a core of (i, _, n)
/// and p = n + c − 1, [`workspace`](Operator::workspace) is 16·(min(b, x)·min(p, k) + p) + e·n bytes;
/// where inlines are many, i ≥ max(40, 4·a), not less than
/// 2048·(16·(min(b, x) + 1) + 2·e) + e·(a − 1).
///
/// **Reference.** Marfurt et al. (1998), 3-D seismic attributes using a semblance-based coherency
/// algorithm, Geophysics 63, along horizontal layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Semblance {
    window: Window,
}

impl Semblance {
    /// The semblance in a window of `window` voxels along inline, crossline and sample.
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

impl<T: Sample> Kernel<T> for Semblance {
    type Value = f64;
    type Output = T;

    fn half(&self) -> [usize; 3] {
        self.window.half()
    }

    /// Sums over traces of amplitudes, and of their squares.
    fn channels(&self) -> [usize; 2] {
        [2, 2]
    }

    fn across_inlines(&self, traces: &Traces<'_, T>, row: &mut [f64]) {
        let n = row.len() / 2;
        let (amplitudes, squares) = row.split_at_mut(n);
        let (half, tap) = (self.window.half()[0], |by| traces.tap(by));
        sum(half, tap, |value: T| value.into(), amplitudes);
        sum(half, tap, |value: T| value.into() * value.into(), squares);
    }

    fn across_crosslines(&self, rows: &Rows<'_, f64>, line: &mut Line<'_, f64>) {
        for channel in 0..2 {
            let tap = |by| rows.tap(channel, by).into();
            sum(self.window.half()[1], tap, |value| value, line.fill(channel));
        }
        line.fill(0).iter_mut().for_each(|stack| *stack *= *stack);
    }

    fn along_samples(&self, line: &Line<'_, f64>, _: &mut [f64], outputs: &mut [T]) {
        let traces = (self.window()[0] * self.window()[1]) as f64;
        let tap = |by| [line.tap(0, by).into(), line.tap(1, by).into()];
        let ratio = |[stack, energy]: [f64; 2]| {
            let ratio = stack / (energy * traces);
            // An infinity over an infinity is a NaN as it is.
            if energy == 0.0 { 0.0 } else { ratio }
        };
        summed(self.window.half()[2], tap, ratio, outputs);
    }
}

impl<T: Sample> Operator<T> for Semblance {
    fn name(&self) -> String {
        format!("semblance:window={}", per_axis::write(&self.window()))
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

use std::borrow::Cow;

use chunkfit_core::{ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};

use crate::catalog::{Parameter, Recipe};
use crate::error::ParameterError;
use crate::gradient::Gradient;
use crate::median::Median;
use crate::parse::per_axis;
use crate::window::{self, Kernel, Line, Pair, Rows, Traces};

static OUTPUTS: [OutputSpec; 2] = [
    OutputSpec {
        name: Cow::Borrowed("inline-dip"),
        unit: Some(Cow::Borrowed("samples per inline")),
        description: Cow::Borrowed("slope of the reflector along inlines, times the scale"),
    },
    OutputSpec {
        name: Cow::Borrowed("crossline-dip"),
        unit: Some(Cow::Borrowed("samples per crossline")),
        description: Cow::Borrowed("slope of the reflector along crosslines, times the scale"),
    },
];

pub(crate) const RECIPE: Recipe = Recipe {
    name: "gradient-dips",
    summary: "Slopes of reflectors from ratios of gradient components, smoothed by a median",
    parameters: &[
        Parameter {
            name: "window",
            default: "3",
            unit: "voxels",
            meaning: "odd window of the median, of at most 1331 voxels; 3x3x9 for the axes apart",
        },
        Parameter {
            name: "scale",
            default: "10",
            unit: "",
            meaning: "what slopes are multiplied with: 10 as in dasf, 1 for samples per trace",
        },
    ],
    outputs: || OUTPUTS.to_vec(),
    reference: "scipy.ndimage.correlate1d and median_filter in float64, SciPy 1.17.1",
    build: |values| {
        let window = values.get("window", window::EXPECTED, per_axis::read)?;
        let scale = values.get("scale", "a number", |text| text.parse().ok())?;
        values.checked(GradientDips::new(window, scale))
    },
};

/// Slopes of reflectors along inlines and crosslines from the gradient g: outputs `inline-dip`,
/// −g_inline/g_sample, and `crossline-dip`, −g_crossline/g_sample, in samples per trace times `scale`,
/// each smoothed by a median.
///
/// The gradient is \[−0.5, 0, 0.5\] along an axis and \[0.178947, 0.642105, 0.178947\] along the two
/// others, in `f64`, reflecting at the faces. A slope without any gradient (0/0) is 0, one of a
/// gradient across the samples is infinite. NaN where a NaN lies within the halo.
///
/// **Halo.** 1 + window/2, rounded down, along each axis.
///
/// **Memory.** With window (a, b, c), a block of (i, x, k), a core of (j, y, n), z = min(y + b − 1, x),
/// m = min(n + c − 1, k), p = m + 2, q = n + c − 1, [`workspace`](Operator::workspace) in bytes is
///
/// - 8·min(a, i)·z·m for planes of slopes,
/// - 8·(min(3, x)·2·min(p, k) + 3·p + 3·m) + 8·m for the gradient,
/// - 4·(min(b, z)·2·a·min(q, m) + a·b·q + 64·a·b·c + n) for the median.
///
/// Where inlines are many, j ≥ max(40, 4·a + 8), it is not less than
/// 4·(2048·(4·min(3, x) + 2·a·min(b, x) + a·b + 18) + 64·a·b·c + 2·a).
#[derive(Debug, Clone, PartialEq)]
pub struct GradientDips {
    slopes: Slopes,
    median: Median,
}

impl GradientDips {
    /// Slopes times `scale`, smoothed by a median over `window` voxels along inline, crossline and
    /// sample.
    ///
    /// # Errors
    ///
    /// When an extent of the window is not an odd number, it holds more than 1331 voxels, or `scale` is
    /// not finite.
    pub fn new(window: [usize; 3], scale: f64) -> Result<Self, ParameterError> {
        if !scale.is_finite() {
            let expected = "a finite number";
            return Err(ParameterError::Number { parameter: "scale", value: scale, expected });
        }
        Ok(Self { slopes: Slopes { scale }, median: Median::new(window)? })
    }

    /// The window of the median in voxels along inline, crossline and sample.
    #[must_use]
    pub const fn window(&self) -> [usize; 3] {
        self.median.window()
    }

    /// What slopes are multiplied with.
    #[must_use]
    pub const fn scale(&self) -> f64 {
        self.slopes.scale
    }

    pub(crate) fn pair(&self) -> Pair<'_, f32, Slopes, Median> {
        Pair::new(&self.slopes, 2, &self.median)
    }
}

impl Operator for GradientDips {
    fn name(&self) -> String {
        let window = per_axis::write(&self.window());
        format!("gradient-dips:window={window},scale={}", self.scale())
    }

    fn outputs(&self) -> &[OutputSpec] {
        &OUTPUTS
    }

    fn halo(&self) -> Halo {
        self.pair().halo()
    }

    fn workspace(&self, block: Shape, core: Shape) -> ByteSize {
        self.pair().workspace(block, core)
    }

    fn apply(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        self.pair().apply(self, block, at, outputs)
    }
}

/// Ratios of gradient components.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Slopes {
    scale: f64,
}

impl Kernel for Slopes {
    type Value = f64;
    type Output = f32;

    fn half(&self) -> [usize; 3] {
        Gradient.half()
    }

    fn channels(&self) -> [usize; 2] {
        Gradient.channels()
    }

    /// The components of the gradient.
    fn scratch(&self, samples: usize) -> usize {
        3 * samples
    }

    fn across_inlines(&self, traces: &Traces<'_, f32>, row: &mut [f64]) {
        Gradient.across_inlines(traces, row);
    }

    fn across_crosslines(&self, rows: &Rows<'_, f64>, line: &mut Line<'_, f64>) {
        Gradient.across_crosslines(rows, line);
    }

    fn along_samples(&self, line: &Line<'_, f64>, gradient: &mut [f64], outputs: &mut [f32]) {
        Gradient.along_samples(line, &mut [], gradient);
        let (n, scale) = (gradient.len() / 3, self.scale);
        let (across, along) = gradient.split_at(2 * n);
        pulp::Arch::new().dispatch(
            #[inline(always)]
            move || {
                // Moved, so that this is called once, with the instructions of the processor.
                let outputs = outputs;
                for (across, outputs) in across.chunks_exact(n).zip(outputs.chunks_exact_mut(n)) {
                    for ((out, across), along) in outputs.iter_mut().zip(across).zip(along) {
                        let slope = -across / along * scale;
                        *out = (if *across == 0.0 && *along == 0.0 { 0.0 } else { slope }) as f32;
                    }
                }
            },
        );
    }
}

mod attribute;
mod derived;
mod latest;
mod local;
mod neighbours;
mod output;
pub(crate) mod recipes;
mod signals;
mod slope;
mod stretch;
mod sweep;

use chunkfit_core::Shape;
use chunkfit_core::{Axis, ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Reach};
use ndarray::{ArrayView3, ArrayViewMut3};

pub use attribute::{ComplexAttribute, Definition};

use crate::error::ParameterError;
use crate::hilbert;
use crate::task;
use latest::Latest;
use slope::Slope;
use stretch::Stretches;

/// What attributes depend on beside the trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Milliseconds from sample to sample.
    pub dt_ms: f64,
    /// Whose definition is followed where there are two.
    pub definition: Definition,
    /// Degrees by which [`PhaseRotation`](ComplexAttribute::PhaseRotation) turns the phase.
    pub angle: f64,
}

/// 4 ms, the definitions of dasf, 90 degrees.
impl Default for Settings {
    fn default() -> Self {
        Self { dt_ms: 4.0, definition: Definition::Dasf, angle: 90.0 }
    }
}

/// Attributes of the analytic signal as one operator: one output for each
/// [`ComplexAttribute`] asked for, with one transform for all.
///
/// The analytic signal is that of [`Envelope`](crate::Envelope); its quadrature is within 1e-6 of the
/// largest envelope of the trace. So angles, and what is made of them, are as exact as 1e-6 of that
/// maximum is beside the envelope at the sample. A trace with a NaN or an infinity becomes NaN as a
/// whole, and slopes of it within their halo.
///
/// **Halo.** The whole sample axis, since the transform is circular; across traces as many as slopes
/// are taken one after the other: 2 for [`AmplitudeAcceleration`](ComplexAttribute::AmplitudeAcceleration)
/// and [`FrequencyChange`](ComplexAttribute::FrequencyChange), none for what needs no slope, else 1.
///
/// **Memory.** A block of (i, x, n) is worked on in stretches of 960 voxels, of 4 bytes each. With
/// a = ⌈x·n / 960⌉ and b = ⌈n / 960⌉, [`workspace`](Operator::workspace) is that of
/// [`Envelope`](crate::Envelope), 9 stretches, for each slope 3, 2·a + 1 and 2·b + 1, and a + b + 2 for the
/// envelope where a slope is seen beside it; none of these numbers of stretches is more than the block.
/// Slopes are those of the phase (for frequencies), of the envelope (for its changes), of the frequency and
/// of the amplitude change. An axis of one position has no neighbours to keep: 1 for 3, 0 for a or b.
///
/// ```
/// use chunkfit_seismic::{ComplexAttribute, ComplexTrace, Settings};
/// use ndarray::Array3;
///
/// // 16 samples of 4 ms a period: 15.625 Hz.
/// let step = std::f32::consts::TAU / 16.0;
/// let volume = Array3::from_shape_fn([2, 3, 64], |(_, _, k)| (step * k as f32).cos());
/// let operator = ComplexTrace::new(&[ComplexAttribute::Frequency], Settings::default())?;
/// let frequency = &chunkfit_seismic::whole(&operator, volume.view())?[0];
/// assert!((frequency[[1, 2, 30]] - 15.625).abs() < 1e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// **Reference.** Taner, Koehler and Sheriff (1979), Complex seismic trace analysis, Geophysics 44;
/// `scipy.signal.hilbert`, SciPy 1.17.1; slopes as `scipy.ndimage.correlate1d`.
#[derive(Debug, Clone, PartialEq)]
pub struct ComplexTrace {
    attributes: Vec<ComplexAttribute>,
    settings: Settings,
    outputs: Vec<OutputSpec>,
}

/// Which intermediate quantities are needed.
#[derive(Debug, Clone, Copy)]
struct Needs {
    phase: bool,
    frequency: bool,
    change: bool,
    /// Beside the traces that are asked for, those around them.
    envelope: bool,
}

impl ComplexTrace {
    /// An operator for `attributes`, which are written in the order of [`ComplexAttribute::ALL`].
    ///
    /// # Errors
    ///
    /// When there is no attribute or one is named twice, the sample interval is not a positive number,
    /// or the angle is not a number.
    pub fn new(
        attributes: &[ComplexAttribute],
        settings: Settings,
    ) -> Result<Self, ParameterError> {
        let number =
            |parameter, value, expected| ParameterError::Number { parameter, value, expected };
        let Settings { dt_ms, definition, angle } = settings;
        if !(1e-6..=1e6).contains(&dt_ms) {
            return Err(number("dt", dt_ms, "milliseconds from 1e-6 to 1e6"));
        }
        if !angle.is_finite() {
            return Err(number("angle", angle, "a number of degrees"));
        }
        let mut attributes = attributes.to_vec();
        attributes.sort_unstable();
        if attributes.is_empty() {
            return Err(ParameterError::NoOutput);
        }
        if let Some(twice) = attributes.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ParameterError::RepeatedOutput { name: twice[0].name() });
        }
        let outputs = attributes.iter().map(|attribute| attribute.output(definition)).collect();
        Ok(Self { attributes, settings, outputs })
    }

    /// What is computed, in the order of the outputs.
    #[must_use]
    pub fn attributes(&self) -> &[ComplexAttribute] {
        &self.attributes
    }

    /// What the attributes depend on.
    #[must_use]
    pub const fn settings(&self) -> Settings {
        self.settings
    }

    fn any(&self, sees: fn(ComplexAttribute) -> bool) -> bool {
        self.attributes.iter().any(|attribute| sees(*attribute))
    }

    fn needs(&self) -> Needs {
        let change = self.any(ComplexAttribute::sees_change);
        Needs {
            phase: self.any(ComplexAttribute::sees_phase),
            frequency: self.any(ComplexAttribute::sees_frequency),
            change,
            envelope: change || self.attributes.contains(&ComplexAttribute::Sweetness),
        }
    }

    /// Slopes taken one after the other, at most.
    fn slopes(&self) -> usize {
        self.attributes.iter().map(|attribute| attribute.slopes()).max().unwrap_or(0)
    }

    /// Attributes that take so many slopes one after the other, and the numbers of their outputs.
    fn with_slopes(&self, slopes: usize) -> impl Iterator<Item = (usize, ComplexAttribute)> {
        let attributes = self.attributes.iter().copied().enumerate();
        attributes.filter(move |(_, attribute)| attribute.slopes() == slopes)
    }

    fn samples_per_s(&self) -> f32 {
        (1000.0 / self.settings.dt_ms) as f32
    }

    /// Cosine and sine of the angle.
    fn rotation(&self) -> [f32; 2] {
        let (sine, cosine) = self.settings.angle.to_radians().sin_cos();
        [cosine, sine].map(|v| v as f32)
    }
}

impl Operator for ComplexTrace {
    fn name(&self) -> String {
        let mut parameters = Vec::new();
        if self.attributes.len() > 1 {
            let names: Vec<_> = self.attributes.iter().map(|each| each.name()).collect();
            parameters.push(format!("outputs={}", names.join("/")));
        }
        if self.any(ComplexAttribute::sees_interval) {
            parameters.push(format!("dt={}", self.settings.dt_ms));
        }
        if self.any(ComplexAttribute::has_definitions) {
            parameters.push(format!("definition={}", self.settings.definition.name()));
        }
        if self.attributes.contains(&ComplexAttribute::PhaseRotation) {
            parameters.push(format!("angle={}", self.settings.angle));
        }
        let name = match self.attributes[..] {
            [alone] => alone.name(),
            _ => "complex-trace",
        };
        if parameters.is_empty() {
            name.to_owned()
        } else {
            format!("{name}:{}", parameters.join(","))
        }
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn halo(&self) -> Halo {
        let traces = self.slopes();
        Halo::symmetric([traces, traces, 0]).with(Axis::Sample, Reach::Whole)
    }

    fn workspace(&self, block: Shape, _core: Shape) -> ByteSize {
        let extents = block.extents();
        let stretches = Stretches::new(block.voxels());
        let needs = self.needs();
        let n_slopes = [needs.frequency, needs.change].into_iter().filter(|wanted| *wanted).count()
            + self.with_slopes(2).count();
        let envelope = if needs.envelope { sweep::kept(extents) } else { 0 };
        // A copy of one trace, where traces are not contiguous.
        let rows = sweep::N_ROWS * stretches.longest() + block[Axis::Sample];
        let kept = n_slopes * Slope::length(extents) + Latest::length(stretches, envelope);
        hilbert::workspace(block[Axis::Sample]) + ByteSize::of::<f32>(rows + kept)
    }

    fn apply(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        let core = task::core_in_block(self, &block, at, outputs)?;
        sweep::run(self, block, core, outputs);
        Ok(())
    }
}

use super::{ComplexAttribute, ComplexTrace, Definition, Settings};
use crate::catalog::{Parameter, Recipe};
use crate::parse::{ParseError, Values};
use crate::reference::Verifiable;

/// What is written out in the default of [`OUTPUTS`].
const DEFAULT: [ComplexAttribute; 3] =
    [ComplexAttribute::Envelope, ComplexAttribute::Phase, ComplexAttribute::Frequency];

const OUTPUTS: Parameter = Parameter {
    name: "outputs",
    default: "envelope/phase/frequency",
    unit: "",
    meaning: "what to compute, with / between: any operator of this family, and envelope",
};

const INTERVAL: Parameter =
    Parameter { name: "dt", default: "4", unit: "ms", meaning: "time from sample to sample" };

const DEFINITION: Parameter = Parameter {
    name: "definition",
    default: "dasf",
    unit: "",
    meaning: "whose formula: dasf or literature",
};

const ANGLE: Parameter =
    Parameter { name: "angle", default: "90", unit: "degrees", meaning: "added to the phase" };

const REFERENCE: &str = "Taner et al. 1979; scipy.signal.hilbert, SciPy 1.17.1";

macro_rules! alone {
    ($attribute:ident, [$($parameter:ident),*]) => {
        Recipe {
            name: ComplexAttribute::$attribute.name(),
            summary: ComplexAttribute::$attribute.summary(),
            parameters: &[$($parameter),*],
            outputs: || vec![ComplexAttribute::$attribute.output(Definition::Dasf)],
            reference: REFERENCE,
            build: |values| build(values, &[ComplexAttribute::$attribute]),
        }
    };
}

/// Several of the family.
pub(crate) const SEVERAL: Recipe = Recipe {
    name: "complex-trace",
    summary: "Several attributes of the analytic signal, with one transform for all",
    parameters: &[OUTPUTS, INTERVAL, DEFINITION, ANGLE],
    outputs: || DEFAULT.map(|each| each.output(Definition::Dasf)).to_vec(),
    reference: REFERENCE,
    build: |values| {
        let all = ComplexAttribute::ALL;
        build(values, &values.choice("outputs", &all, ComplexAttribute::name)?)
    },
};

pub(crate) const QUADRATURE: Recipe = alone!(Quadrature, []);
pub(crate) const PHASE: Recipe = alone!(Phase, []);
pub(crate) const COSINE_PHASE: Recipe = alone!(CosinePhase, []);
pub(crate) const FREQUENCY: Recipe = alone!(Frequency, [INTERVAL]);
pub(crate) const RELATIVE_AMPLITUDE_CHANGE: Recipe = alone!(RelativeAmplitudeChange, []);
pub(crate) const BANDWIDTH: Recipe = alone!(Bandwidth, [INTERVAL, DEFINITION]);
pub(crate) const DOMINANT_FREQUENCY: Recipe = alone!(DominantFrequency, [INTERVAL, DEFINITION]);
pub(crate) const SWEETNESS: Recipe = alone!(Sweetness, [INTERVAL, DEFINITION]);
pub(crate) const AMPLITUDE_ACCELERATION: Recipe = alone!(AmplitudeAcceleration, []);
pub(crate) const FREQUENCY_CHANGE: Recipe = alone!(FrequencyChange, [INTERVAL]);
pub(crate) const QUALITY_FACTOR: Recipe = alone!(QualityFactor, [INTERVAL, DEFINITION]);
pub(crate) const PHASE_ROTATION: Recipe = alone!(PhaseRotation, [ANGLE]);

fn build(
    values: &Values<'_>,
    attributes: &[ComplexAttribute],
) -> Result<Box<dyn Verifiable>, ParseError> {
    let mut settings = Settings::default();
    let several = attributes.len() > 1;
    let any = |sees: fn(ComplexAttribute) -> bool| several || attributes.iter().any(|a| sees(*a));
    if any(ComplexAttribute::sees_interval) {
        settings.dt_ms = values.get("dt", "milliseconds", |text| text.parse().ok())?;
    }
    if any(ComplexAttribute::has_definitions) {
        let definition = |text: &str| Definition::ALL.into_iter().find(|d| d.name() == text);
        settings.definition = values.get("definition", "dasf or literature", definition)?;
    }
    if any(|attribute| attribute == ComplexAttribute::PhaseRotation) {
        settings.angle = values.get("angle", "degrees", |text| text.parse().ok())?;
    }
    values.checked(ComplexTrace::new(attributes, settings))
}

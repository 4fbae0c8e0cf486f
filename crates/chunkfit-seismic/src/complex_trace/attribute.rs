use std::borrow::Cow;
use std::fmt;

use chunkfit_core::OutputSpec;

/// What the analytic signal of traces can tell about a sample.
///
/// *Slope* is the first derivative per sample, \[−½, 0, ½\] along the trace, smoothed with
/// \[0.178947, 0.642105, 0.178947\] across inlines and crosslines, reflecting at the faces. Where 0 is
/// divided by 0 the result is 0; other divisions by 0 give infinities, except that
/// [`RelativeAmplitudeChange`](Self::RelativeAmplitudeChange) is clipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComplexAttribute {
    /// Absolute value, in the unit of the input.
    Envelope,
    /// Imaginary part, in the unit of the input.
    Quadrature,
    /// Angle in (−180, 180] degrees; 0 where the envelope is 0.
    Phase,
    /// Cosine of the phase; 1 where the envelope is 0.
    CosinePhase,
    /// Absolute slope of the unwrapped phase, in Hz.
    Frequency,
    /// Slope of the envelope over the envelope, clipped to −1 to 1, per sample.
    RelativeAmplitudeChange,
    /// Dasf: absolute relative amplitude change over 2π, in cycles per sample. Literature: the same in
    /// Hz, from the change before clipping.
    Bandwidth,
    /// sqrt(frequency² + bandwidth²).
    DominantFrequency,
    /// Dasf: envelope / max(frequency, 5 Hz). Literature: envelope / sqrt(frequency), 0 where the
    /// envelope is 0.
    Sweetness,
    /// Slope of the relative amplitude change.
    AmplitudeAcceleration,
    /// Slope of the frequency, in Hz per sample.
    FrequencyChange,
    /// Dasf: π·frequency / relative amplitude change. Literature: −frequency / (2·bandwidth).
    QualityFactor,
    /// Real part · cos(angle) − imaginary part · sin(angle), in the unit of the input.
    PhaseRotation,
}

/// Whose definition is followed where there are two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Definition {
    /// dasf-seismic-extras, and d2geo before it.
    #[default]
    Dasf,
    /// The literature and OpendTect.
    Literature,
}

impl Definition {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Dasf, Self::Literature];

    /// As it is written in the name of an operator.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dasf => "dasf",
            Self::Literature => "literature",
        }
    }
}

impl ComplexAttribute {
    /// All of them, in the order in which [`ComplexTrace`](super::ComplexTrace) writes them.
    pub const ALL: [Self; 13] = [
        Self::Envelope,
        Self::Quadrature,
        Self::Phase,
        Self::CosinePhase,
        Self::Frequency,
        Self::RelativeAmplitudeChange,
        Self::Bandwidth,
        Self::DominantFrequency,
        Self::Sweetness,
        Self::AmplitudeAcceleration,
        Self::FrequencyChange,
        Self::QualityFactor,
        Self::PhaseRotation,
    ];

    /// Name of the output, and of the operator that computes it alone.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Envelope => "envelope",
            Self::Quadrature => "quadrature",
            Self::Phase => "phase",
            Self::CosinePhase => "cosine-phase",
            Self::Frequency => "frequency",
            Self::RelativeAmplitudeChange => "relative-amplitude-change",
            Self::Bandwidth => "bandwidth",
            Self::DominantFrequency => "dominant-frequency",
            Self::Sweetness => "sweetness",
            Self::AmplitudeAcceleration => "amplitude-acceleration",
            Self::FrequencyChange => "frequency-change",
            Self::QualityFactor => "quality-factor",
            Self::PhaseRotation => "phase-rotation",
        }
    }

    /// How many slopes are taken one after the other: so many traces around one are seen.
    pub(super) const fn slopes(self) -> usize {
        match self {
            Self::Envelope
            | Self::Quadrature
            | Self::Phase
            | Self::CosinePhase
            | Self::PhaseRotation => 0,
            Self::Frequency
            | Self::RelativeAmplitudeChange
            | Self::Bandwidth
            | Self::DominantFrequency
            | Self::Sweetness
            | Self::QualityFactor => 1,
            Self::AmplitudeAcceleration | Self::FrequencyChange => 2,
        }
    }

    /// Whether it is made of the phase.
    pub(super) const fn sees_phase(self) -> bool {
        matches!(self, Self::Phase) || self.sees_frequency()
    }

    /// Whether it is made of the frequency.
    pub(super) const fn sees_frequency(self) -> bool {
        matches!(
            self,
            Self::Frequency
                | Self::DominantFrequency
                | Self::Sweetness
                | Self::FrequencyChange
                | Self::QualityFactor
        )
    }

    /// Whether it is made of the change of the envelope.
    pub(super) const fn sees_change(self) -> bool {
        matches!(
            self,
            Self::RelativeAmplitudeChange
                | Self::Bandwidth
                | Self::DominantFrequency
                | Self::AmplitudeAcceleration
                | Self::QualityFactor
        )
    }

    /// Whether there are two definitions.
    pub(super) const fn has_definitions(self) -> bool {
        matches!(
            self,
            Self::Bandwidth | Self::DominantFrequency | Self::Sweetness | Self::QualityFactor
        )
    }

    /// Whether it depends on the time between samples.
    pub(super) const fn sees_interval(self) -> bool {
        self.sees_frequency() || matches!(self, Self::Bandwidth)
    }

    pub(crate) const fn summary(self) -> &'static str {
        match self {
            Self::Envelope => "absolute value of the analytic signal",
            Self::Quadrature => "imaginary part of the analytic signal",
            Self::Phase => "instantaneous phase, -180 to 180",
            Self::CosinePhase => "cosine of the instantaneous phase",
            Self::Frequency => "instantaneous frequency: slope of the unwrapped phase",
            Self::RelativeAmplitudeChange => "slope of the envelope over the envelope, -1 to 1",
            Self::Bandwidth => "instantaneous bandwidth, from the slope of the envelope",
            Self::DominantFrequency => "root of the squares of frequency and bandwidth",
            Self::Sweetness => "envelope over frequency, or over its root",
            Self::AmplitudeAcceleration => "slope of the relative amplitude change",
            Self::FrequencyChange => "slope of the instantaneous frequency",
            Self::QualityFactor => "frequency over the relative change of the envelope",
            Self::PhaseRotation => "trace with its phase turned by an angle",
        }
    }

    pub(crate) fn output(self, definition: Definition) -> OutputSpec {
        let literature = definition == Definition::Literature;
        let unit = match self {
            Self::Envelope | Self::Quadrature | Self::PhaseRotation => None,
            Self::Phase => Some("degrees"),
            Self::CosinePhase => Some("ratio"),
            Self::Frequency | Self::DominantFrequency => Some("Hz"),
            Self::RelativeAmplitudeChange => Some("per sample"),
            Self::Bandwidth if literature => Some("Hz"),
            Self::Bandwidth => Some("cycles per sample"),
            Self::Sweetness if literature => Some("amplitude per root of Hz"),
            Self::Sweetness => Some("amplitude per Hz"),
            Self::AmplitudeAcceleration => Some("per square sample"),
            Self::FrequencyChange => Some("Hz per sample"),
            Self::QualityFactor if literature => Some("ratio"),
            Self::QualityFactor => Some("Hz times samples"),
        };
        OutputSpec {
            name: Cow::Borrowed(self.name()),
            unit: unit.map(Cow::Borrowed),
            description: Cow::Borrowed(self.summary()),
        }
    }
}

impl fmt::Display for ComplexAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

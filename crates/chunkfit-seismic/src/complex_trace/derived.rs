//! What is made of slopes, sample by sample. Plain loops, compiled for the widest vectors there are.

use std::f32::consts::{PI, TAU};

use pulp::{Simd, WithSimd};

use super::{ComplexAttribute, Definition};

/// Turns slopes of the phase, radians per sample, into frequencies.
pub(super) struct Frequency<'a> {
    pub(super) samples_per_s: f32,
    pub(super) slopes: &'a mut [f32],
}

impl WithSimd for Frequency<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let factor = self.samples_per_s / TAU;
        self.slopes.iter_mut().for_each(|slope| *slope = slope.abs() * factor);
    }
}

/// Divides slopes of the envelope by the envelope.
pub(super) struct Change<'a> {
    pub(super) slopes: &'a mut [f32],
    pub(super) envelope: &'a [f32],
}

impl WithSimd for Change<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (slope, envelope) in self.slopes.iter_mut().zip(self.envelope) {
            *slope = over(*slope, *envelope);
        }
    }
}

/// a / b, but 0 / 0 = 0.
#[inline(always)]
fn over(a: f32, b: f32) -> f32 {
    if a == 0.0 { if b.is_nan() { b } else { 0.0 } } else { a / b }
}

/// Attributes made of frequency, change of the envelope, and envelope, where an attribute sees them.
pub(super) struct Derived<'a> {
    pub(super) attribute: ComplexAttribute,
    pub(super) definition: Definition,
    pub(super) samples_per_s: f32,
    pub(super) frequency: &'a [f32],
    pub(super) change: &'a [f32],
    pub(super) envelope: &'a [f32],
    pub(super) out: &'a mut [f32],
}

impl WithSimd for Derived<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { attribute, definition, samples_per_s, frequency, change, envelope, out } = self;
        let clipped = |change: f32| change.clamp(-1.0, 1.0);
        let bandwidth = |change: f32| match definition {
            Definition::Dasf => clipped(change).abs() / TAU,
            Definition::Literature => change.abs() / TAU * samples_per_s,
        };
        let both = out.iter_mut().zip(frequency.iter().zip(change));
        match (attribute, definition) {
            (ComplexAttribute::Frequency, _) => out.copy_from_slice(frequency),
            (ComplexAttribute::Bandwidth, _) => {
                out.iter_mut().zip(change).for_each(|(out, change)| *out = bandwidth(*change));
            }
            (ComplexAttribute::DominantFrequency, _) => {
                for (out, (frequency, change)) in both {
                    let bandwidth = bandwidth(*change);
                    *out = (frequency * frequency + bandwidth * bandwidth).sqrt();
                }
            }
            (ComplexAttribute::QualityFactor, Definition::Dasf) => {
                // A change of -0 is no reason for a negative infinity.
                let quality = |f: f32, change: f32| over(PI * f, clipped(change) + 0.0);
                both.for_each(|(out, (frequency, change))| *out = quality(*frequency, *change));
            }
            (ComplexAttribute::QualityFactor, Definition::Literature) => {
                let quality = |f: f32, change: f32| over(-0.5 * f, bandwidth(change));
                both.for_each(|(out, (frequency, change))| *out = quality(*frequency, *change));
            }
            (ComplexAttribute::Sweetness, Definition::Dasf) => {
                for (out, (frequency, envelope)) in
                    out.iter_mut().zip(frequency.iter().zip(envelope))
                {
                    *out = envelope / if *frequency < 5.0 { 5.0 } else { *frequency };
                }
            }
            (ComplexAttribute::Sweetness, Definition::Literature) => {
                for (out, (frequency, envelope)) in
                    out.iter_mut().zip(frequency.iter().zip(envelope))
                {
                    *out = over(*envelope, frequency.sqrt());
                }
            }
            _ => out.iter_mut().zip(change).for_each(|(out, change)| *out = clipped(*change)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_over_nothing_is_nothing() {
        assert_eq!([over(0.0, 0.0), over(1.0, 0.0), over(1.0, 2.0)], [0.0, f32::INFINITY, 0.5]);
        assert!(over(0.0, f32::NAN).is_nan() && over(f32::NAN, 0.0).is_nan());
    }
}

//! Arithmetic along one trace. Plain loops, compiled for the widest vectors there are.

use std::f32::consts::{FRAC_PI_2, PI, TAU};

use pulp::{Simd, WithSimd};

use super::{ComplexAttribute, Definition};
use crate::hilbert::{Analytic, modulus};

/// Weights of the smoother across traces.
const ACROSS: [f32; 2] = [0.642_105, 0.178_947];

/// atan(t)/t as a polynomial in t² for t from 0 to 1, off by 3e-9 at most: interpolated at Chebyshev
/// nodes.
const ARC: [f32; 10] = [
    1.0,
    -0.333_332_78,
    0.199_980_75,
    -0.142_600_16,
    0.109_323_41,
    -0.083_497_25,
    0.057_089_556,
    -0.030_351_866,
    0.010_487_65,
    -0.001_701_170_1,
];

/// Angle of (x, y) in radians within 3e-7; 0 where both are 0, and negative zeros count as positive.
#[inline(always)]
fn angle(y: f32, x: f32) -> f32 {
    let steep = y.abs() > x.abs();
    let (small, large) = if steep { (x.abs(), y.abs()) } else { (y.abs(), x.abs()) };
    let t = if small == 0.0 && large == 0.0 { 0.0 } else { small / large };
    let u = t * t;
    let angle = ARC.iter().rev().fold(0.0, |sum, weight| sum * u + weight) * t;
    let angle = if steep { FRAC_PI_2 - angle } else { angle };
    let angle = if x < 0.0 { PI - angle } else { angle };
    if y < 0.0 { -angle } else { angle }
}

/// Phase in radians.
pub(super) struct Phase<'a> {
    pub(super) trace: &'a Analytic<'a>,
    pub(super) out: &'a mut [f32],
}

impl WithSimd for Phase<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Analytic { re, im, down, .. } = *self.trace;
        for ((out, re), im) in self.out.iter_mut().zip(re).zip(im) {
            *out = angle(*im, re * down);
        }
    }
}

/// Attributes that see their own sample only.
pub(super) struct Local<'a> {
    pub(super) attribute: ComplexAttribute,
    pub(super) trace: &'a Analytic<'a>,
    /// Radians, where the attribute sees it.
    pub(super) phase: &'a [f32],
    /// Cosine and sine of the rotation.
    pub(super) rotation: [f32; 2],
    pub(super) out: &'a mut [f32],
}

impl WithSimd for Local<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Analytic { re, im, down, up, .. } = *self.trace;
        let samples = self.out.iter_mut().zip(re.iter().map(|re| re * down).zip(im));
        match self.attribute {
            ComplexAttribute::Quadrature => {
                self.out.iter_mut().zip(im).for_each(|(out, im)| *out = im * up);
            }
            ComplexAttribute::Phase => {
                for (out, phase) in self.out.iter_mut().zip(self.phase) {
                    let degrees = phase.to_degrees();
                    // Rounding may reach the excluded end, or pass the other one.
                    *out = if degrees.abs() >= 180.0 { 180.0 } else { degrees };
                }
            }
            ComplexAttribute::CosinePhase => {
                for (out, (re, im)) in samples {
                    let modulus = modulus(re, *im);
                    *out = if modulus == 0.0 { 1.0 } else { re / modulus };
                }
            }
            ComplexAttribute::PhaseRotation => {
                let [cosine, sine] = self.rotation;
                samples.for_each(|(out, (re, im))| *out = (re * cosine - im * sine) * up);
            }
            _ => samples.for_each(|(out, (re, im))| *out = modulus(re, *im) * up),
        }
    }
}

/// \[−½, 0, ½\] along a trace, reflecting at its ends.
pub(super) struct Slope<'a> {
    pub(super) values: &'a [f32],
    /// Whether the values are angles in radians, which jump by whole turns.
    pub(super) angles: bool,
    pub(super) out: &'a mut [f32],
}

impl WithSimd for Slope<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if self.angles {
            slope(self.values, self.out, |from, to| {
                let step = to - from;
                let step = if step > PI { step - TAU } else { step };
                if step < -PI { step + TAU } else { step }
            });
        } else {
            slope(self.values, self.out, |from, to| to - from);
        }
    }
}

#[inline(always)]
fn slope(values: &[f32], out: &mut [f32], step: impl Fn(f32, f32) -> f32) {
    let half = |before: f32, here: f32, after: f32| 0.5 * (step(before, here) + step(here, after));
    let n = values.len();
    for (out, three) in out[1.min(n)..].iter_mut().zip(values.array_windows::<3>()) {
        *out = half(three[0], three[1], three[2]);
    }
    for end in [0, n - 1] {
        let (before, after) = (end.saturating_sub(1), (end + 1).min(n - 1));
        out[end] = half(values[before], values[end], values[after]);
    }
}

/// The smoother across inlines, then across crosslines, around the trace in the middle.
pub(super) struct Smooth<'a> {
    /// Rows by inline and crossline.
    pub(super) rows: [[&'a [f32]; 3]; 3],
    pub(super) out: &'a mut [f32],
}

impl WithSimd for Smooth<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let n = self.out.len();
        let [before, here, after] = self.rows.map(|rows| rows.map(|row| &row[..n]));
        let [centre, side] = ACROSS;
        for (k, out) in self.out.iter_mut().enumerate() {
            let [a, b, c] =
                std::array::from_fn(|x| side * (before[x][k] + after[x][k]) + centre * here[x][k]);
            *out = side * (a + c) + centre * b;
        }
    }
}

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

/// Attributes made of frequency, change of the envelope, and envelope; rows that are not seen are
/// empty.
pub(super) struct Derived<'a> {
    pub(super) attribute: ComplexAttribute,
    pub(super) definition: Definition,
    pub(super) samples_per_s: f32,
    pub(super) frequency: &'a [f32],
    pub(super) change: &'a [f32],
    pub(super) envelope: &'a [f32],
}

impl<'a> Derived<'a> {
    /// The same, written to `out`.
    pub(super) fn into(self, out: &'a mut [f32]) -> Derive<'a> {
        Derive { from: self, out }
    }
}

/// Writes what is derived.
pub(super) struct Derive<'a> {
    from: Derived<'a>,
    out: &'a mut [f32],
}

impl WithSimd for Derive<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { from, out } = self;
        let Derived { attribute, definition, samples_per_s, frequency, change, envelope } = from;
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
    fn angles_agree_with_the_library() {
        for (step, radius) in [(0.000_37_f64, 1.0_f64), (0.011, 1e-18), (0.013, 1e18)] {
            let mut turn = 1e-3 - std::f64::consts::PI;
            while turn < std::f64::consts::PI {
                let (y, x) = ((radius * turn.sin()) as f32, (radius * turn.cos()) as f32);
                let expected = f64::from(y).atan2(f64::from(x));
                let error = (f64::from(angle(y, x)) - expected).abs();
                assert!(error < 3e-7, "{y} {x}: off by {error}");
                turn += step;
            }
        }
        assert_eq!([angle(0.0, 0.0), angle(-0.0, -0.0), angle(-0.0, 1.0)], [0.0; 3]);
        assert_eq!([angle(0.0, -1.0), angle(-0.0, -1.0)], [PI; 2]);
        for number in [0.0, 1.0] {
            assert!(angle(f32::NAN, number).is_nan() && angle(number, f32::NAN).is_nan());
        }
    }

    #[test]
    fn slopes_reflect_and_unwrap() {
        let slope = |values: &[f32], angles| {
            let mut out = vec![f32::NAN; values.len()];
            Slope { values, angles, out: &mut out }.with_simd(pulp::Scalar);
            out
        };
        assert_eq!(slope(&[3.0], false), [0.0]);
        assert_eq!(slope(&[1.0, 4.0], false), [1.5, 1.5]);
        assert_eq!(slope(&[1.0, 4.0, 9.0, 5.0], false), [1.5, 4.0, 0.5, -2.0]);
        let turning = slope(&[2.5, -3.0, -2.0], true);
        let (first, second) = (TAU - 5.5, 1.0);
        for (got, expected) in turning.iter().zip([first, first + second, second]) {
            assert!((got - 0.5 * expected).abs() < 1e-6);
        }
    }

    #[test]
    fn nothing_over_nothing_is_nothing() {
        assert_eq!([over(0.0, 0.0), over(1.0, 0.0), over(1.0, 2.0)], [0.0, f32::INFINITY, 0.5]);
        assert!(over(0.0, f32::NAN).is_nan() && over(f32::NAN, 0.0).is_nan());
    }
}

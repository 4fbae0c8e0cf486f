//! What is seen at each sample on its own. Plain loops, compiled for the widest vectors there are.

use std::f32::consts::{FRAC_PI_2, PI};

use pulp::{Simd, WithSimd};

use super::ComplexAttribute;
use super::signals::Signals;
use crate::hilbert::modulus;

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
    pub(super) signals: &'a Signals,
    pub(super) out: &'a mut [f32],
}

impl WithSimd for Phase<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let [re, im, _] = self.signals.parts();
        for ((out, re), im) in self.out.iter_mut().zip(re).zip(im) {
            *out = angle(*im, *re);
        }
    }
}

/// Attributes that see their own sample only.
pub(super) struct Local<'a> {
    pub(super) attribute: ComplexAttribute,
    pub(super) signals: &'a Signals,
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
        let [re, im, up] = self.signals.parts();
        let samples = self.out.iter_mut().zip(re.iter().zip(im).zip(up));
        match self.attribute {
            ComplexAttribute::Quadrature => {
                samples.for_each(|(out, ((_, im), up))| *out = im * up);
            }
            ComplexAttribute::Phase => {
                for (out, phase) in self.out.iter_mut().zip(self.phase) {
                    let degrees = phase.to_degrees();
                    // Rounding may reach the excluded end, or pass the other one.
                    *out = if degrees.abs() >= 180.0 { 180.0 } else { degrees };
                }
            }
            ComplexAttribute::CosinePhase => {
                for (out, ((re, im), _)) in samples {
                    let modulus = modulus(*re, *im);
                    *out = if modulus == 0.0 { 1.0 } else { re / modulus };
                }
            }
            ComplexAttribute::PhaseRotation => {
                let [cosine, sine] = self.rotation;
                samples.for_each(|(out, ((re, im), up))| *out = (re * cosine - im * sine) * up);
            }
            _ => samples.for_each(|(out, ((re, im), up))| *out = modulus(*re, *im) * up),
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
}

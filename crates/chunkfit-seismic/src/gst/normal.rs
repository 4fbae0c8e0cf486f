//! From a tensor to the normal of the reflector, in closed form.

/// Below this gap between l1 and l2, relative to l1, no direction stands out.
const TIE: f64 = 1e-6;

/// Direction of the largest eigenvalue, of any length, and how much it stands out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Normal {
    inline: f64,
    crossline: f64,
    sample: f64,
    planarity: f64,
}

impl Normal {
    pub(super) const VERTICAL: Self =
        Self { inline: 0.0, crossline: 0.0, sample: 1.0, planarity: 0.0 };

    /// The normal for the sums of products ii, ix, is, xx, xs, ss of gradients; any factor cancels.
    ///
    /// Choices are made between values, not between ways through the code, so that the loop over a
    /// line vectorises.
    #[inline]
    pub(super) fn of(sums: [f64; 6]) -> Self {
        let trace = sums[0] + sums[3] + sums[5];
        // With trace 1 nothing below overflows or underflows, and NaN spreads to all results.
        let scale = if trace.is_finite() { 1.0 / trace } else { f64::NAN };
        let [ii, ix, is, xx, xs, ss] = sums.map(|sum| sum * scale);
        let mean = 1.0 / 3.0;
        let (a, b, c) = (ii - mean, xx - mean, ss - mean);
        let variance = (a * a + b * b + c * c) / 6.0 + (ix * ix + is * is + xs * xs) / 3.0;
        let spread = variance.sqrt();
        let determinant = a * (b * c - xs * xs) - ix * (ix * c - xs * is) + is * (ix * xs - b * is);
        let cos = cos_of_third(determinant / (2.0 * variance * spread));
        // Rounding must not make this the root of a negative number.
        let sin = ((1.0 - cos).max(0.0) * (1.0 + cos)).sqrt();
        let largest = mean + 2.0 * spread * cos;
        let planarity = spread * (3.0 * cos - 3.0_f64.sqrt() * sin) / largest;
        let rows = [[ii - largest, ix, is], [ix, xx - largest, xs], [is, xs, ss - largest]];
        let [inline, crossline, sample] = longer(
            longer(cross(rows[0], rows[1]), cross(rows[0], rows[2])),
            cross(rows[1], rows[2]),
        );
        let lead = if sample != 0.0 {
            sample
        } else if crossline != 0.0 {
            crossline
        } else {
            inline
        };
        let sign = 1_f64.copysign(lead);
        let tie = trace == 0.0 || spread < TIE / 10.0 || planarity < TIE;
        let unless_tie = |value, otherwise| if tie { otherwise } else { value };
        Self {
            inline: unless_tie(inline * sign, Self::VERTICAL.inline),
            crossline: unless_tie(crossline * sign, Self::VERTICAL.crossline),
            sample: unless_tie(sample * sign, Self::VERTICAL.sample),
            planarity: unless_tie(planarity, Self::VERTICAL.planarity),
        }
    }

    /// Degrees, 0 to 90.
    pub(super) fn dip(&self) -> f32 {
        let horizontal = (self.inline * self.inline + self.crossline * self.crossline).sqrt();
        horizontal.atan2(self.sample).to_degrees() as f32
    }

    /// Degrees, in (−180, 180].
    pub(super) fn azimuth(&self) -> f32 {
        // Adding zero turns -0 into 0: atan2(-0, -1) is -180 degrees.
        let degrees = (0.0 - self.inline).atan2(0.0 - self.crossline).to_degrees() as f32;
        if degrees <= -180.0 { 180.0 } else { degrees }
    }

    /// 0 to 1.
    pub(super) fn planarity(&self) -> f32 {
        self.planarity as f32
    }
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn longer(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    let square = |v: [f64; 3]| v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
    let second = square(a) < square(b);
    [0, 1, 2].map(|axis| if second { b[axis] } else { a[axis] })
}

/// cos(acos(x) / 3), for the largest root of the characteristic polynomial.
///
/// The root t of 4t³ − 3t = x: three Newton steps from the cubic in cos(acos(x) / 2) that has the
/// right value and slope at both ends. As exact as going through acos, and it vectorises.
fn cos_of_third(x: f64) -> f64 {
    let x = x.clamp(-1.0, 1.0);
    let half = (0.5 + 0.5 * x).sqrt();
    let mut t = 0.5 + half * (0.577_350 + half * (-0.099_144 + half * 0.021_794));
    for _ in 0..3 {
        // The slope is 0 at x = -1 only, where t is exact from the start.
        t -= ((4.0 * t * t - 3.0) * t - x) / (12.0 * t * t - 3.0).max(1e-9);
    }
    t
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tensor l1·n·nᵀ + l2·m·mᵀ for unit vectors.
    fn tensor(l1: f64, n: [f64; 3], l2: f64, m: [f64; 3]) -> [f64; 6] {
        [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
            .map(|(a, b)| l1 * n[a] * n[b] + l2 * m[a] * m[b])
    }

    #[test]
    fn follows_the_sign_rule() {
        for (n, dip, azimuth) in [
            ([0.0, 0.0, 1.0], 0.0, 0.0),
            ([0.0, 0.6, -0.8], 36.869_9, 0.0),
            ([0.6, 0.0, -0.8], 36.869_9, 90.0),
            ([0.0, 0.6, 0.8], 36.869_9, 180.0),
            ([0.6, 0.0, 0.8], 36.869_9, -90.0),
            ([0.0, -1.0, 0.0], 90.0, 180.0),
            ([-1.0, 0.0, 0.0], 90.0, -90.0),
            ([0.8, -0.6, 0.0], 90.0, 126.869_9),
        ] {
            let normal = Normal::of(tensor(5.0, n, 0.0, n));
            assert!((normal.dip() - dip).abs() < 1e-4, "{n:?}: dip {}", normal.dip());
            assert!((normal.azimuth() - azimuth).abs() < 1e-4, "{n:?}: {}", normal.azimuth());
            assert_eq!(normal.planarity(), 1.0);
        }
    }

    #[test]
    fn a_third_of_an_angle() {
        for step in 0..=10_000 {
            let angle = f64::from(step) / 10_000.0 * std::f64::consts::PI;
            let error = (cos_of_third(angle.cos()) - (angle / 3.0).cos()).abs();
            // Cosines near -1 do not tell angles apart: any method loses digits there.
            assert!(error * (angle / 2.0).cos().max(1e-8) < 1e-15, "{angle}: {error}");
        }
    }

    #[test]
    fn azimuth_is_never_minus_180() {
        let normal = Normal { inline: 1e-30, crossline: 1.0, sample: 1.0, planarity: 1.0 };
        assert_eq!(normal.azimuth(), 180.0);
    }

    #[test]
    fn ties_have_no_direction() {
        let (n, m) = ([0.6, 0.0, 0.8], [0.0, 1.0, 0.0]);
        for tie in [tensor(2.0, n, 2.0, m), [3.0, 0.0, 0.0, 3.0, 0.0, 3.0], [0.0; 6]] {
            assert_eq!(Normal::of(tie), Normal::VERTICAL);
        }
        let close = Normal::of(tensor(2.0, n, 2.0 * (1.0 - 1e-4), m));
        assert!((close.planarity() - 1e-4).abs() < 1e-7);
        assert!((close.dip() - 36.869_9).abs() < 1e-4);
    }

    #[test]
    fn what_is_not_finite_is_undefined() {
        for position in [0, 3, 5] {
            for value in [f64::NAN, f64::INFINITY] {
                let mut sums = tensor(1.0, [0.0, 0.6, 0.8], 0.0, [0.0; 3]);
                sums[position] = value;
                let normal = Normal::of(sums);
                assert!(normal.dip().is_nan() && normal.azimuth().is_nan());
                assert!(normal.planarity().is_nan());
            }
        }
    }
}

/// Eigenvalues below this share of their sum are taken for zero: rounding says no more.
const NOTHING: f64 = 1e-12;

/// Samples that are solved at a time.
pub(crate) const LENGTH: usize = 64;

/// What is known of the tensors of some samples, each in a line of its own, so that loops over samples
/// vectorise.
pub(crate) struct EigenLine {
    values: [[f64; LENGTH]; 3],
    normal: [[f64; LENGTH]; 3],
    /// 1; 0 where the tensor is zero, NaN where it is not finite.
    known: [f64; LENGTH],
}

impl Default for EigenLine {
    fn default() -> Self {
        let lines = [[0.0; LENGTH]; 3];
        Self { values: lines, normal: lines, known: [0.0; LENGTH] }
    }
}

impl EigenLine {
    /// Solves for sums of the products ii, ix, is, xx, xs, ss.
    #[inline(always)]
    pub(crate) fn solve(&mut self, sums: &[[f64; LENGTH]; 6]) {
        for k in 0..LENGTH {
            let sums = sums.each_ref().map(|line| line[k]);
            let trace = sums[0] + sums[3] + sums[5];
            let scale = 1.0 / trace;
            let eigen = Eigen::of(sums.map(|sum| sum * scale));
            for axis in 0..3 {
                self.values[axis][k] = eigen.values[axis];
                self.normal[axis][k] = eigen.normal[axis];
            }
            let known = if trace == 0.0 { 0.0 } else { 1.0 };
            self.known[k] = if trace.is_finite() { known } else { f64::NAN };
        }
    }

    /// What `f` makes of each sample; 0 where the tensor is zero, NaN where it is not finite.
    #[inline(always)]
    pub(crate) fn write(&self, out: &mut [f32], f: impl Fn(&Eigen) -> f64) {
        for (k, out) in out.iter_mut().enumerate().take(LENGTH) {
            let values = self.values.each_ref().map(|line| line[k]);
            let normal = self.normal.each_ref().map(|line| line[k]);
            let value = f(&Eigen { values, normal }) * self.known[k];
            *out = (if self.known[k] == 0.0 { 0.0 } else { value }) as f32;
        }
    }
}

/// Eigenvalues l1 ≥ l2 ≥ l3 of a tensor, as shares of their sum, and the direction of the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Eigen {
    pub(crate) values: [f64; 3],
    /// Direction of l1 along inline, crossline and sample, of any length and sign.
    pub(crate) normal: [f64; 3],
}

impl Eigen {
    /// For a tensor whose trace is 1.
    ///
    /// In closed form: the eigenvalue that stands apart from the two others is a root of the
    /// characteristic polynomial that Newton's method finds to the last digit, its direction a cross
    /// product, and what is left a tensor in two dimensions. So each eigenvalue is known to rounding
    /// errors of their sum, however close two of them are. Choices are made between values, so that
    /// a loop over this vectorises.
    ///
    /// After Eberly, A robust eigensolver for 3 × 3 symmetric matrices (2014).
    #[inline(always)]
    fn of([ii, ix, is, xx, xs, ss]: [f64; 6]) -> Self {
        let mean = 1.0 / 3.0;
        let (a, b, c) = (ii - mean, xx - mean, ss - mean);
        let variance = (a * a + b * b + c * c) / 6.0 + (ix * ix + is * is + xs * xs) / 3.0;
        let spread = variance.sqrt();
        let determinant = a * (b * c - xs * xs) - ix * (ix * c - xs * is) + is * (ix * xs - b * is);
        let skew = determinant / (2.0 * variance * spread + f64::MIN_POSITIVE);
        let first_apart = skew >= 0.0;
        let apart = 2.0 * spread * cos_of_third(skew.abs());
        let apart = if first_apart { apart } else { -apart };
        let (a, b, c) = (a - apart, b - apart, c - apart);
        let rows = [[a, ix, is], [ix, b, xs], [is, xs, c]];
        let candidates =
            [cross(rows[0], rows[1]), cross(rows[0], rows[2]), cross(rows[1], rows[2])];
        let longest = longer(longer(candidates[0], candidates[1]), candidates[2]);
        let length = square(longest).sqrt();
        // Without any spread all directions are as good.
        let known = length > 1e-20;
        let scale = 1.0 / length;
        let [x, y, z] = [0, 1, 2].map(|axis| {
            let vertical = if axis == 2 { 1.0 } else { 0.0 };
            if known { longest[axis] * scale } else { vertical }
        });
        // Two directions at right angles to it and to each other (Duff et al. 2017).
        let sign = 1_f64.copysign(z);
        let slope = -1.0 / (sign + z);
        let product = x * y * slope;
        let u = [1.0 + sign * x * x * slope, sign * product, -sign * x];
        let w = [product, sign + y * y * slope, -y];
        let times = |v: [f64; 3]| {
            [
                ii * v[0] + ix * v[1] + is * v[2],
                ix * v[0] + xx * v[1] + xs * v[2],
                is * v[0] + xs * v[1] + ss * v[2],
            ]
        };
        let (tu, tw) = (times(u), times(w));
        let (e, f, g) = (dot(u, tu), dot(u, tw), dot(w, tw));
        let (centre, half) = (0.5 * (e + g), 0.5 * (e - g));
        let radius = (half * half + f * f).sqrt();
        let (large, small) = (centre + radius, centre - radius);
        let apart = apart + mean;
        let values = if first_apart { [apart, large, small] } else { [large, small, apart] };
        // The larger of the two in the plane, by the row that loses no digits.
        let (p, q) = if half >= 0.0 { (half + radius, f) } else { (f, radius - half) };
        let in_plane = [0, 1, 2].map(|axis| p * u[axis] + q * w[axis]);
        Self {
            values: values.map(|value| if value < NOTHING { 0.0 } else { value }),
            normal: [0, 1, 2]
                .map(|axis| if first_apart { [x, y, z][axis] } else { in_plane[axis] }),
        }
    }
}

#[inline(always)]
fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[inline(always)]
fn square(v: [f64; 3]) -> f64 {
    dot(v, v)
}

#[inline(always)]
fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

#[inline(always)]
fn longer(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    let second = square(a) < square(b);
    [0, 1, 2].map(|axis| if second { b[axis] } else { a[axis] })
}

/// cos(acos(x) / 3) for x from 0 to 1: the root of 4t³ − 3t = x that lies in 0.866 to 1, where its
/// slope is never small.
#[inline(always)]
fn cos_of_third(x: f64) -> f64 {
    let x = if x > 1.0 { 1.0 } else { x };
    let mut t = 0.866_025 + x * (0.165 - 0.031 * x);
    for _ in 0..3 {
        t -= ((4.0 * t * t - 3.0) * t - x) / (12.0 * t * t - 3.0);
    }
    t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_of_an_angle() {
        for step in 0..=1000 {
            let x = f64::from(step) / 1000.0;
            let expected = (x.acos() / 3.0).cos();
            assert!((cos_of_third(x) - expected).abs() < 3e-16, "{x}");
        }
    }

    /// The tensor with these eigenvalues along three directions at right angles.
    fn tensor(values: [f64; 3]) -> ([f64; 6], [f64; 3]) {
        let axes = [[0.6, 0.48, 0.64], [-0.8, 0.36, 0.48], [0.0, -0.8, 0.6]];
        let sums = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
            .map(|(a, b)| (0..3).map(|n| values[n] * axes[n][a] * axes[n][b]).sum());
        (sums, axes[0])
    }

    #[test]
    fn eigenvalues_however_close() {
        for values in [
            [0.7, 0.2, 0.1],
            [0.5, 0.5, 0.0],
            [0.5, 0.4999999, 0.0000001],
            [1.0, 0.0, 0.0],
            [0.99, 0.005, 0.005],
            [0.999, 0.0005 + 1e-9, 0.0005 - 1e-9],
            [0.4, 0.4 - 1e-9, 0.2 + 1e-9],
            [1.0 / 3.0; 3],
            [1.0 / 3.0 + 1e-9, 1.0 / 3.0, 1.0 / 3.0 - 1e-9],
        ] {
            let (sums, normal) = tensor(values);
            let eigen = Eigen::of(sums);
            for (got, expected) in eigen.values.iter().zip(values) {
                assert!((got - expected).abs() < 1e-15, "{values:?}: {:?}", eigen.values);
            }
            if values[0] - values[1] > 1e-3 {
                let cos = dot(eigen.normal, normal) / square(eigen.normal).sqrt();
                assert!((cos.abs() - 1.0).abs() < 1e-12, "{values:?}: {:?}", eigen.normal);
            }
        }
    }

    #[test]
    fn nothing_and_not_a_number() {
        let first = |sums: [f64; 6]| {
            let (mut line, mut out) = (EigenLine::default(), [7.0]);
            line.solve(&sums.map(|sum| [sum; LENGTH]));
            line.write(&mut out, |eigen| eigen.values[0]);
            out[0]
        };
        assert_eq!(first([0.0; 6]), 0.0);
        assert_eq!(first([4.0, 0.0, 0.0, 0.0, 0.0, 0.0]), 1.0);
        for value in [f64::NAN, f64::INFINITY] {
            assert!(first([1.0, 0.0, 0.0, 0.0, 0.0, value]).is_nan());
        }
    }
}

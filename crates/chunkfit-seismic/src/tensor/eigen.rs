use pulp::Simd;

use super::lanes::Wide;

/// Below this gap between l1 and l2, relative to l1, no direction stands out.
pub(crate) const TIE: f64 = 1e-6;

/// Eigenvalues below this share of their sum are taken for zero: rounding says no more.
const NOTHING: f64 = 1e-12;

/// cos(acos(x) / 3) for x from 0 to 1 as a polynomial, to 2e-9: interpolated at Chebyshev nodes.
const THIRD: [f64; 9] = [
    0.866_025_405_599_565_3,
    0.166_666_371_144_499_25,
    -0.048_104_441_452_986_65,
    0.024_604_296_792_777_314,
    -0.015_107_275_162_866_942,
    0.009_383_330_573_994_254,
    -0.004_929_691_176_133_131,
    0.001_764_856_875_332_967_5,
    -0.000_302_854_201_998_178_6,
];

/// Eigenvalues l1 ≥ l2 ≥ l3 of tensors, one in each lane, and the direction of the first.
#[derive(Clone, Copy)]
pub(crate) struct Eigen<S: Simd> {
    /// As shares of their sum; 0 where the tensor is zero, NaN where it is not finite.
    pub(crate) values: [Wide<S>; 3],
    /// Direction of l1 along inline, crossline and sample, of any length and sign.
    pub(crate) normal: [Wide<S>; 3],
}

impl<S: Simd> Eigen<S> {
    /// Of the sums ii, ix, is, xx, xs, ss, in closed form: the eigenvalue that stands apart from the
    /// two others is a root of the characteristic polynomial that Newton's method finds to the last
    /// digit, its direction a column of an adjugate, and what is left a tensor in two dimensions. So
    /// each eigenvalue is known to rounding errors of their sum, however close two of them are.
    ///
    /// After Eberly, A robust eigensolver for 3 × 3 symmetric matrices (2014).
    #[inline(always)]
    pub(crate) fn of(sums: [Wide<S>; 6]) -> Self {
        let trace = sums[0] + sums[3] + sums[5];
        let (zero, one) = (trace.all(0.0), trace.all(1.0));
        let scale = one.over(trace);
        let [ii, ix, is] = times([sums[0], sums[1], sums[2]], scale);
        let [xx, xs, ss] = times([sums[3], sums[4], sums[5]], scale);
        let mean = 1.0 / 3.0;
        let (a, b, c) = (ii - one * mean, xx - one * mean, ss - one * mean);
        let squares = a.mul_add(a, b.mul_add(b, c * c));
        let mixed = ix.mul_add(ix, is.mul_add(is, xs * xs));
        let variance = squares.mul_add(one * (1.0 / 6.0), mixed * mean);
        let spread = variance.sqrt();
        let [minor_ii, minor_ix, minor_is, ..] = minors([a, ix, is, b, xs, c]);
        let determinant = a.mul_add(minor_ii, ix.mul_add(minor_ix, is * minor_is));
        let twice = spread + spread;
        let skew = determinant.over(variance.mul_add(twice, one * f64::MIN_POSITIVE));
        // Whether the smallest eigenvalue is the one apart.
        let last = skew.less_than(zero);
        let apart = twice * cos_of_third(skew.max(zero - skew));
        let apart = (zero - apart).where_or(last, apart);
        let apart_minors = minors([a - apart, ix, is, b - apart, xs, c - apart]);
        let [x, y, z] = direction(apart_minors);
        // Two directions at right angles to it and to each other (Duff et al. 2017).
        let sign = (zero - one).where_or(z.less_than(zero), one);
        let slope = (zero - one).over(sign + z);
        let product = x * y * slope;
        let u = [(sign * x * x).mul_add(slope, one), sign * product, zero - sign * x];
        let w = [product, (y * y).mul_add(slope, sign), zero - y];
        let rows = [[ii, ix, is], [ix, xx, xs], [is, xs, ss]];
        let tu = [dot(rows[0], u), dot(rows[1], u), dot(rows[2], u)];
        let tw = [dot(rows[0], w), dot(rows[1], w), dot(rows[2], w)];
        let (e, f, g) = (dot(u, tu), dot(u, tw), dot(w, tw));
        let (centre, half) = ((e + g) * 0.5, (e - g) * 0.5);
        let radius = half.mul_add(half, f * f).sqrt();
        let (large, small) = (centre + radius, centre - radius);
        let apart = apart + one * mean;
        let mut values =
            [large.where_or(last, apart), small.where_or(last, large), apart.where_or(last, small)];
        // Neither a comparison nor a maximum is sure to keep what is not a number.
        let (flat, poison) = (trace.is_zero(), trace * 0.0);
        for value in &mut values {
            let nothing = value.less_than(zero.all(NOTHING));
            *value = zero.where_or(flat, zero.where_or(nothing, *value)) + poison;
        }
        // The larger of the two in the plane, by the row that loses no digits.
        let turned = half.less_than(zero);
        let p = f.where_or(turned, half + radius);
        let q = (radius - half).where_or(turned, f);
        let mut normal = [x, y, z];
        for axis in 0..3 {
            normal[axis] = p.mul_add(u[axis], q * w[axis]).where_or(last, normal[axis]);
        }
        Self { values, normal }
    }
}

#[inline(always)]
fn times<S: Simd>([a, b, c]: [Wide<S>; 3], factor: Wide<S>) -> [Wide<S>; 3] {
    [a * factor, b * factor, c * factor]
}

#[inline(always)]
fn dot<S: Simd>(a: [Wide<S>; 3], b: [Wide<S>; 3]) -> Wide<S> {
    a[0].mul_add(b[0], a[1].mul_add(b[1], a[2] * b[2]))
}

/// The adjugate: ii, ix, is, xx, xs, ss.
#[inline(always)]
fn minors<S: Simd>([a, ix, is, b, xs, c]: [Wide<S>; 6]) -> [Wide<S>; 6] {
    let zero = a.all(0.0);
    // The vector library negates out of line; a subtraction is as good.
    let (minus_ix, minus_is, minus_xs) = (zero - ix, zero - is, zero - xs);
    [
        minus_xs.mul_add(xs, b * c),
        minus_ix.mul_add(c, xs * is),
        minus_is.mul_add(b, ix * xs),
        minus_is.mul_add(is, a * c),
        minus_xs.mul_add(a, ix * is),
        minus_ix.mul_add(ix, a * b),
    ]
}

/// The direction of the longest column of an adjugate; any where there is none.
#[inline(always)]
fn direction<S: Simd>([ii, ix, is, xx, xs, ss]: [Wide<S>; 6]) -> [Wide<S>; 3] {
    let (zero, one) = (ii.all(0.0), ii.all(1.0));
    let crossline = ii.less_than(xx);
    let sample = xx.where_or(crossline, ii).less_than(ss);
    let column = [
        is.where_or(sample, ix.where_or(crossline, ii)),
        xs.where_or(sample, xx.where_or(crossline, ix)),
        ss.where_or(sample, xs.where_or(crossline, is)),
    ];
    let length = dot(column, column).sqrt();
    // Without any spread all directions are as good.
    let unknown = length.less_than(length.all(1e-20));
    let scale = one.over(length);
    let [x, y, z] = times(column, scale);
    [zero.where_or(unknown, x), zero.where_or(unknown, y), one.where_or(unknown, z)]
}

/// cos(acos(x) / 3) for x from 0 to 1: the root of 4t³ − 3t = x that lies in 0.866 to 1, where its
/// slope is never small.
#[inline(always)]
fn cos_of_third<S: Simd>(x: Wide<S>) -> Wide<S> {
    let one = x.all(1.0);
    let x = one.where_or(one.less_than(x), x);
    let t = x.polynomial(THIRD);
    let square = t * t;
    let value = t.mul_add(square * 4.0 - one * 3.0, x.all(0.0) - x);
    t - value.over(square * 12.0 - one * 3.0)
}

#[cfg(test)]
mod tests {
    use pulp::Scalar;

    use super::*;

    fn wide(value: f64) -> Wide<Scalar> {
        Wide::new(Scalar, value)
    }

    fn eigen(sums: [f64; 6]) -> ([f64; 3], [f64; 3]) {
        let Eigen { values, normal } = Eigen::of(sums.map(wide));
        (values.map(Wide::lanes), normal.map(Wide::lanes))
    }

    #[test]
    fn a_third_of_an_angle() {
        for step in 0..=1000 {
            let x = f64::from(step) / 1000.0;
            let expected = (x.acos() / 3.0).cos();
            assert!((cos_of_third(wide(x)).lanes() - expected).abs() < 3e-16, "{x}");
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
            let (got, direction) = eigen(sums);
            for (got, expected) in got.iter().zip(values) {
                assert!((got - expected).abs() < 1e-15, "{values:?}: {got:?}");
            }
            if values[0] - values[1] > 1e-3 {
                let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
                let cos = dot(direction, normal) / dot(direction, direction).sqrt();
                assert!((cos.abs() - 1.0).abs() < 1e-12, "{values:?}: {direction:?}");
            }
        }
    }

    #[test]
    fn nothing_and_not_a_number() {
        let first = |sums: [f64; 6]| eigen(sums).0[0];
        assert_eq!(first([0.0; 6]), 0.0);
        assert_eq!(first([4.0, 0.0, 0.0, 0.0, 0.0, 0.0]), 1.0);
        for value in [f64::NAN, f64::INFINITY] {
            assert!(first([1.0, 0.0, 0.0, 0.0, 0.0, value]).is_nan());
        }
    }
}

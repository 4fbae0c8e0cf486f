//! Discrete transforms of a few points, one in each lane.

use pulp::Simd;
use rustfft::num_complex::Complex;

/// Real and imaginary parts.
pub(super) type Pair<S> = [<S as Simd>::f32s; 2];

/// A transform of `R` points in place, backwards with conjugate factors, without scaling.
pub(super) trait Butterfly<S: Simd, const R: usize>: Copy {
    fn apply<const BACK: bool>(self, simd: S, points: &mut [Pair<S>; R]);
}

#[inline(always)]
fn add<S: Simd>(simd: S, a: Pair<S>, b: Pair<S>) -> Pair<S> {
    [simd.add_f32s(a[0], b[0]), simd.add_f32s(a[1], b[1])]
}

#[inline(always)]
fn sub<S: Simd>(simd: S, a: Pair<S>, b: Pair<S>) -> Pair<S> {
    [simd.sub_f32s(a[0], b[0]), simd.sub_f32s(a[1], b[1])]
}

/// a − i·b and a + i·b; backwards the other way round.
#[inline(always)]
fn split<S: Simd, const BACK: bool>(simd: S, a: Pair<S>, b: Pair<S>) -> (Pair<S>, Pair<S>) {
    let minus = [simd.add_f32s(a[0], b[1]), simd.sub_f32s(a[1], b[0])];
    let plus = [simd.sub_f32s(a[0], b[1]), simd.add_f32s(a[1], b[0])];
    if BACK { (plus, minus) } else { (minus, plus) }
}

/// `value` times `factor`; backwards times its conjugate.
#[inline(always)]
pub(super) fn turn<S: Simd, const BACK: bool>(
    simd: S,
    value: Pair<S>,
    factor: Complex<f32>,
) -> Pair<S> {
    turn_each::<S, BACK>(simd, value, [simd.splat_f32s(factor.re), simd.splat_f32s(factor.im)])
}

/// The same with a factor for each lane.
#[inline(always)]
pub(super) fn turn_each<S: Simd, const BACK: bool>(
    simd: S,
    [re, im]: Pair<S>,
    [cosine, sine]: Pair<S>,
) -> Pair<S> {
    let (direct_re, direct_im) = (simd.mul_f32s(re, cosine), simd.mul_f32s(im, cosine));
    if BACK {
        [simd.mul_add_e_f32s(im, sine, direct_re), simd.negate_mul_add_e_f32s(re, sine, direct_im)]
    } else {
        [simd.negate_mul_add_e_f32s(im, sine, direct_re), simd.mul_add_e_f32s(re, sine, direct_im)]
    }
}

/// Two, four or eight points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Even;

impl<S: Simd> Butterfly<S, 2> for Even {
    #[inline(always)]
    fn apply<const BACK: bool>(self, simd: S, points: &mut [Pair<S>; 2]) {
        let [a, b] = *points;
        *points = [add(simd, a, b), sub(simd, a, b)];
    }
}

/// A transform of four points.
#[inline(always)]
fn four<S: Simd, const BACK: bool>(
    simd: S,
    a: Pair<S>,
    b: Pair<S>,
    c: Pair<S>,
    d: Pair<S>,
) -> [Pair<S>; 4] {
    let (even, odd) = (add(simd, a, c), add(simd, b, d));
    let (first, third) = split::<S, BACK>(simd, sub(simd, a, c), sub(simd, b, d));
    [add(simd, even, odd), first, sub(simd, even, odd), third]
}

impl<S: Simd> Butterfly<S, 4> for Even {
    #[inline(always)]
    fn apply<const BACK: bool>(self, simd: S, points: &mut [Pair<S>; 4]) {
        let [a, b, c, d] = *points;
        *points = four::<S, BACK>(simd, a, b, c, d);
    }
}

impl<S: Simd> Butterfly<S, 8> for Even {
    #[inline(always)]
    fn apply<const BACK: bool>(self, simd: S, points: &mut [Pair<S>; 8]) {
        let [a, b, c, d, e, f, g, h] = *points;
        let even = four::<S, BACK>(simd, a, c, e, g);
        let odd = four::<S, BACK>(simd, b, d, f, h);
        let half = simd.splat_f32s(std::f32::consts::FRAC_1_SQRT_2);
        let plus = |a, b| simd.mul_add_e_f32s(half, b, a);
        let minus = |a, b| simd.negate_mul_add_e_f32s(half, b, a);
        let sum = |[re, im]: Pair<S>| simd.add_f32s(re, im);
        let difference = |[re, im]: Pair<S>| simd.sub_f32s(im, re);
        points[0] = add(simd, even[0], odd[0]);
        points[4] = sub(simd, even[0], odd[0]);
        (points[2], points[6]) = split::<S, BACK>(simd, even[2], odd[2]);
        // The odd points 1 and 3 are turned by an eighth and by three: with sum s and difference d of
        // their parts, forwards √½·(s, d) and √½·(d, −s).
        let ([a, b], [c, d]) = (even[1], even[3]);
        let (one, two) = (sum(odd[1]), difference(odd[1]));
        let (three, four) = (sum(odd[3]), difference(odd[3]));
        if BACK {
            points[1] = [minus(a, two), plus(b, one)];
            points[5] = [plus(a, two), minus(b, one)];
            points[3] = [minus(c, three), minus(d, four)];
            points[7] = [plus(c, three), plus(d, four)];
        } else {
            points[1] = [plus(a, one), plus(b, two)];
            points[5] = [minus(a, one), minus(b, two)];
            points[3] = [plus(c, four), minus(d, three)];
            points[7] = [minus(c, four), plus(d, three)];
        }
    }
}

/// An odd number of points, 2·`HALF` + 1: points the same distance from both ends share their
/// cosines, and have opposite sines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Odd<S: Simd, const HALF: usize> {
    cosines: [S::f32s; HALF],
    sines: [S::f32s; HALF],
}

impl<S: Simd, const HALF: usize> Odd<S, HALF> {
    #[inline(always)]
    pub(super) fn new(simd: S) -> Self {
        let angle = |step: usize| std::f64::consts::TAU * (step + 1) as f64 / (2 * HALF + 1) as f64;
        Self {
            cosines: std::array::from_fn(|step| simd.splat_f32s(angle(step).cos() as f32)),
            sines: std::array::from_fn(|step| simd.splat_f32s(angle(step).sin() as f32)),
        }
    }
}

macro_rules! odd {
    ($($points:literal = 2 * $half:literal + 1;)*) => {$(
        impl<S: Simd> Butterfly<S, $points> for Odd<S, $half> {
            #[inline(always)]
            fn apply<const BACK: bool>(self, simd: S, points: &mut [Pair<S>; $points]) {
                let first = points[0];
                // Points that mirror each other: their sums before the middle, differences after it.
                for j in 1..=$half {
                    let (before, after) = (points[j], points[$points - j]);
                    points[j] = add(simd, before, after);
                    points[$points - j] = sub(simd, before, after);
                }
                let mut out = [first; $points];
                for j in 1..=$half {
                    out[0] = add(simd, out[0], points[j]);
                }
                for k in 1..=$half {
                    let (mut even, mut odd) = (first, [simd.splat_f32s(0.0); 2]);
                    for j in 1..=$half {
                        let turns = j * k % $points;
                        let beyond = turns > $half;
                        let at = if beyond { $points - 1 - turns } else { turns - 1 };
                        let (cosine, sine) = (self.cosines[at], self.sines[at]);
                        for part in [0, 1] {
                            let (sum, difference) = (points[j][part], points[$points - j][part]);
                            even[part] = simd.mul_add_e_f32s(sum, cosine, even[part]);
                            odd[part] = if j == 1 {
                                simd.mul_f32s(difference, sine)
                            } else if beyond {
                                simd.negate_mul_add_e_f32s(difference, sine, odd[part])
                            } else {
                                simd.mul_add_e_f32s(difference, sine, odd[part])
                            };
                        }
                    }
                    (out[k], out[$points - k]) = split::<S, BACK>(simd, even, odd);
                }
                *points = out;
            }
        }
    )*};
}

odd! {
    3 = 2 * 1 + 1;
    5 = 2 * 2 + 1;
    7 = 2 * 3 + 1;
    11 = 2 * 5 + 1;
    13 = 2 * 6 + 1;
}

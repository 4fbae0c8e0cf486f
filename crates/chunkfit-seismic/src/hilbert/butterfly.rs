//! Discrete transforms of a few points, one in each lane.

use pulp::Simd;
use rustfft::num_complex::Complex;

/// Real and imaginary parts.
pub(super) type Pair<S> = [<S as Simd>::f32s; 2];

/// A transform of `R` points, backwards with conjugate factors, without scaling.
pub(super) trait Butterfly<S: Simd, const R: usize>: Copy {
    fn apply<const BACK: bool>(self, simd: S, points: [Pair<S>; R]) -> [Pair<S>; R];
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
    let (cosine, sine) = (simd.splat_f32s(factor.re), simd.splat_f32s(factor.im));
    let [re, im] = value;
    let (direct_re, direct_im) = (simd.mul_f32s(re, cosine), simd.mul_f32s(im, cosine));
    if BACK {
        [simd.mul_add_e_f32s(im, sine, direct_re), simd.negate_mul_add_e_f32s(re, sine, direct_im)]
    } else {
        [simd.negate_mul_add_e_f32s(im, sine, direct_re), simd.mul_add_e_f32s(re, sine, direct_im)]
    }
}

/// Two or four points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Even;

impl<S: Simd> Butterfly<S, 2> for Even {
    #[inline(always)]
    fn apply<const BACK: bool>(self, simd: S, [a, b]: [Pair<S>; 2]) -> [Pair<S>; 2] {
        [add(simd, a, b), sub(simd, a, b)]
    }
}

impl<S: Simd> Butterfly<S, 4> for Even {
    #[inline(always)]
    fn apply<const BACK: bool>(self, simd: S, [a, b, c, d]: [Pair<S>; 4]) -> [Pair<S>; 4] {
        let (even, odd) = (add(simd, a, c), add(simd, b, d));
        let (first, third) = split::<S, BACK>(simd, sub(simd, a, c), sub(simd, b, d));
        [add(simd, even, odd), first, sub(simd, even, odd), third]
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
            fn apply<const BACK: bool>(
                self,
                simd: S,
                points: [Pair<S>; $points],
            ) -> [Pair<S>; $points] {
                let mirrored = |j: usize| (points[j + 1], points[$points - 1 - j]);
                let sums: [_; $half] = std::array::from_fn(|j| {
                    let (before, after) = mirrored(j);
                    add(simd, before, after)
                });
                let differences: [_; $half] = std::array::from_fn(|j| {
                    let (before, after) = mirrored(j);
                    sub(simd, before, after)
                });
                let mut out = points;
                for sum in sums {
                    out[0] = add(simd, out[0], sum);
                }
                for k in 1..=$half {
                    let (mut even, mut odd) = (points[0], [simd.splat_f32s(0.0); 2]);
                    for j in 1..=$half {
                        let turns = j * k % $points;
                        let beyond = turns > $half;
                        let at = if beyond { $points - 1 - turns } else { turns - 1 };
                        let (cosine, sine) = (self.cosines[at], self.sines[at]);
                        for part in [0, 1] {
                            let (sum, difference) = (sums[j - 1][part], differences[j - 1][part]);
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
                out
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

//! Complex transforms in place, one in each lane.
//!
//! Forward, a stage of radix `r` splits blocks into `r` (decimation in frequency); backward, the same
//! stages in reverse join them (decimation in time). Frequencies stay in the order that the splitting
//! leaves, so nothing is ever sorted.

use pulp::{Arch, Simd, WithSimd};
use rustfft::num_complex::Complex;

use super::butterfly::{Butterfly, Even, Odd, turn};

/// A block of up to this many floats, well within the nearest cache, goes through its stages one after
/// the other; larger ones are split first and finished part by part.
const NEAR: usize = 4 << 10;

#[derive(Debug)]
pub(super) struct Fft {
    stages: Vec<Stage>,
}

#[derive(Debug)]
struct Stage {
    radix: usize,
    /// Points of a block before it is split.
    points: usize,
    /// `radix` factors for each point of a part; none where a part is one point.
    factors: Vec<Complex<f32>>,
}

/// The radices for a transform of `points`, or `None` where it has a prime factor above `largest`.
pub(super) fn radices(mut points: usize, largest: usize) -> Option<Vec<usize>> {
    let mut radices = Vec::new();
    for prime in [13, 11, 7, 3, 2, 5].into_iter().filter(|prime| *prime <= largest) {
        let mut power = 0;
        while points.is_multiple_of(prime) {
            points /= prime;
            power += 1;
        }
        match prime {
            2 => radices.extend(twos(power)),
            _ => radices.extend(std::iter::repeat_n(prime, power)),
        }
    }
    (points == 1).then_some(radices)
}

/// As few radices as there can be for 2 to the `power`.
fn twos(power: usize) -> impl Iterator<Item = usize> {
    let (fours, twos) = match power % 3 {
        _ if power == 1 => (0, 1),
        1 => (2, 0),
        2 => (1, 0),
        _ => (0, 0),
    };
    let eights = (power - 2 * fours - twos) / 3;
    let repeated = [(8, eights), (4, fours), (2, twos)];
    repeated.into_iter().flat_map(|(radix, count)| std::iter::repeat_n(radix, count))
}

impl Fft {
    /// A transform of as many points as the product of `radices`; `root(k)` is exp(−2πi·k/points).
    pub(super) fn new(radices: &[usize], root: impl Fn(usize) -> Complex<f64>) -> Self {
        let all: usize = radices.iter().product();
        let mut points = all;
        let mut stages = Vec::with_capacity(radices.len());
        for &radix in radices {
            let (step, part) = (all / points, points / radix);
            let mut factors = Vec::with_capacity(if part == 1 { 0 } else { points });
            if part > 1 {
                for j in 0..part {
                    let roots = (0..radix).map(|s| root(j * s * step));
                    factors.extend(roots.map(|r| Complex::new(r.re as f32, r.im as f32)));
                }
            }
            stages.push(Stage { radix, points, factors });
            points = part;
        }
        Self { stages }
    }

    /// Where [`forward`](Self::forward) leaves frequency `k`.
    pub(super) fn position(&self, mut k: usize) -> usize {
        let mut position = 0;
        for stage in &self.stages {
            position += k % stage.radix * (stage.points / stage.radix);
            k /= stage.radix;
        }
        position
    }

    /// Transforms `points`: for each a vector of real and one of imaginary parts.
    pub(super) fn forward(&self, arch: Arch, points: &mut [f32]) {
        forward(arch, &self.stages, points);
    }

    /// Undoes [`forward`](Self::forward), times the number of points.
    pub(super) fn backward(&self, arch: Arch, points: &mut [f32]) {
        backward(arch, &self.stages, points);
    }
}

fn forward(arch: Arch, stages: &[Stage], points: &mut [f32]) {
    match stages {
        [first, rest @ ..] if !rest.is_empty() && points.len() > NEAR => {
            let part = points.len() / first.radix;
            run::<false>(arch, first, points);
            points.chunks_exact_mut(part).for_each(|part| forward(arch, rest, part));
        }
        _ => stages.iter().for_each(|stage| run::<false>(arch, stage, points)),
    }
}

fn backward(arch: Arch, stages: &[Stage], points: &mut [f32]) {
    match stages {
        [first, rest @ ..] if !rest.is_empty() && points.len() > NEAR => {
            let part = points.len() / first.radix;
            points.chunks_exact_mut(part).for_each(|part| backward(arch, rest, part));
            run::<true>(arch, first, points);
        }
        _ => stages.iter().rev().for_each(|stage| run::<true>(arch, stage, points)),
    }
}

fn run<const BACK: bool>(arch: Arch, stage: &Stage, points: &mut [f32]) {
    match stage.radix {
        2 => arch.dispatch(Pass::<2, BACK> { stage, points }),
        3 => arch.dispatch(Pass::<3, BACK> { stage, points }),
        4 => arch.dispatch(Pass::<4, BACK> { stage, points }),
        5 => arch.dispatch(Pass::<5, BACK> { stage, points }),
        7 => arch.dispatch(Pass::<7, BACK> { stage, points }),
        8 => arch.dispatch(Pass::<8, BACK> { stage, points }),
        11 => arch.dispatch(Pass::<11, BACK> { stage, points }),
        _ => arch.dispatch(Pass::<13, BACK> { stage, points }),
    }
}

/// One stage over all blocks.
struct Pass<'a, const R: usize, const BACK: bool> {
    stage: &'a Stage,
    points: &'a mut [f32],
}

macro_rules! pass {
    ($($radix:literal => $butterfly:expr;)*) => {$(
        impl<const BACK: bool> WithSimd for Pass<'_, $radix, BACK> {
            type Output = ();

            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                pass::<S, _, $radix, BACK>(simd, $butterfly(simd), self.stage, self.points);
            }
        }
    )*};
}

pass! {
    2 => |_: S| Even;
    3 => Odd::<S, 1>::new;
    4 => |_: S| Even;
    5 => Odd::<S, 2>::new;
    7 => Odd::<S, 3>::new;
    8 => |_: S| Even;
    11 => Odd::<S, 5>::new;
    13 => Odd::<S, 6>::new;
}

#[inline(always)]
fn pass<S: Simd, B: Butterfly<S, R>, const R: usize, const BACK: bool>(
    simd: S,
    butterfly: B,
    stage: &Stage,
    points: &mut [f32],
) {
    let (points, _) = S::as_mut_simd_f32s(points).0.as_chunks_mut::<2>();
    let part = stage.points / R;
    if part == 1 {
        for block in points.as_chunks_mut::<R>().0 {
            butterfly.apply::<BACK>(simd, block);
        }
        return;
    }
    // All slices have the length of a part, so that no index needs a check.
    let factors = &stage.factors.as_chunks::<R>().0[..part];
    for block in points.chunks_exact_mut(stage.points) {
        let mut rest = block;
        let mut parts: [&mut [_]; R] = std::array::from_fn(|_| {
            let (first, after) = std::mem::take(&mut rest).split_at_mut(part);
            rest = after;
            &mut first[..part]
        });
        for (j, factors) in (0..part).zip(factors) {
            // In place throughout: an array that moves goes through memory.
            let mut values = [[simd.splat_f32s(0.0); 2]; R];
            for (value, part) in values.iter_mut().zip(&parts) {
                *value = part[j];
            }
            if BACK {
                for (value, factor) in values[1..].iter_mut().zip(&factors[1..]) {
                    *value = turn::<S, true>(simd, *value, *factor);
                }
            }
            butterfly.apply::<BACK>(simd, &mut values);
            if !BACK {
                for (value, factor) in values[1..].iter_mut().zip(&factors[1..]) {
                    *value = turn::<S, false>(simd, *value, *factor);
                }
            }
            for (value, part) in values.iter().zip(&mut parts) {
                part[j] = *value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::side_by_side::lanes;
    use super::*;
    use crate::testing::every_arch;

    #[test]
    fn agrees_with_the_definition() {
        for n in [1, 2, 3, 4, 5, 6, 7, 8, 11, 13, 16, 20, 36, 84, 128, 286, 455, 1200] {
            let radices = radices(n, 13).unwrap();
            let step = std::f64::consts::TAU / n as f64;
            let root = |k: usize| Complex::from_polar(1.0, -step * (k % n) as f64);
            let fft = Fft::new(&radices, root);
            for arch in every_arch() {
                let lanes = lanes(arch);
                let values: Vec<f32> =
                    (0..2 * n * lanes).map(|v| ((v * 37 + 11) % 101) as f32 - 50.0).collect();
                let mut points = values.clone();
                fft.forward(arch, &mut points);
                for k in (0..n).step_by(1 + n / 30) {
                    let lane = k % lanes;
                    let part =
                        |part: usize, j: usize| f64::from(values[(2 * j + part) * lanes + lane]);
                    let sum: Complex<f64> =
                        (0..n).map(|j| Complex::new(part(0, j), part(1, j)) * root(j * k)).sum();
                    let at = 2 * fft.position(k) * lanes + lane;
                    let error = (sum.re - f64::from(points[at]))
                        .hypot(sum.im - f64::from(points[at + lanes]));
                    assert!(error < 2e-5 * (n as f64).sqrt() * 3.0, "{n}, bin {k}: off by {error}");
                }
                fft.backward(arch, &mut points);
                for (back, value) in points.iter().zip(&values) {
                    assert!((back / n as f32 - value).abs() < 1e-4, "{n}: {back} for {value}");
                }
            }
        }
    }

    #[test]
    fn large_prime_factors_have_no_radix() {
        assert_eq!(radices(2 * 17, 13), None);
        assert_eq!(radices(7 * 8, 5), None);
        assert_eq!(radices(200, 5).map(|r| r.iter().product()), Some(200));
    }
}

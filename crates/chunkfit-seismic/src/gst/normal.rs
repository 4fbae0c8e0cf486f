//! From sums of products to angles, in closed form, a line at a time.
//!
//! With y = l1 − trace/3, the adjugate of T − l1·I is the projector n·nᵀ on the normal, times a
//! positive number. Its elements give the angles: no vector needs to be normalised.

use pulp::Simd;

use super::Quantity;
use super::angle::{direction, half_angle};
use crate::tensor::{Lines, Solver, TIE, Wide};

/// u/√z as a polynomial of √z, where 3u² + 2u³ = z, to 3e-8.
///
/// With cos φ = 2z − 1 the root is u = cos(φ/3) − ½: the largest eigenvalue of a tensor.
const ROOT: [f64; 8] = [
    0.577_350_252_521_888_8,
    -0.111_108_832_337_179_01,
    0.053_406_742_310_461_98,
    -0.032_467_466_635_336_804,
    0.020_831_818_854_588_867,
    -0.011_768_981_218_021_35,
    0.004_637_100_394_171_922_4,
    -0.000_880_648_325_245_905_9,
];

/// The quantities that are wanted of a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Normals(pub(super) Vec<Quantity>);

/// Lines of the sums once the projector is known.
const ACROSS: usize = 0;
const ALONG: usize = 1;
const INLINE: usize = 2;
const CROSSLINE: usize = 3;

/// Further lines, the last of which takes the planarity.
const ROOTS: usize = 4;
const PLANARITY: usize = 6 + 3;

impl Solver for Normals {
    const ROOM: [usize; 2] = [ROOTS, 2];

    /// Azimuth and planarity cost extra.
    #[inline(always)]
    fn solve<S: Simd>(&self, simd: S, lines: &mut Lines) {
        let (mut sums, mut roots) = lines.wide();
        // Two steps: the first has long chains of division and roots, and a processor works on more
        // voxels at once when a step is short.
        if self.0.contains(&Quantity::Planarity) {
            largest_root::<S, true>(simd, &sums, &mut roots);
        } else {
            largest_root::<S, false>(simd, &sums, &mut roots);
        }
        if self.0.contains(&Quantity::Azimuth) {
            project::<S, true>(simd, &mut sums, &roots);
        } else {
            project::<S, false>(simd, &mut sums, &roots);
        }
    }

    #[inline(always)]
    fn output<'l, S: Simd>(&self, simd: S, number: usize, lines: &'l mut Lines) -> &'l [f32] {
        match self.0[number] {
            Quantity::Dip => {
                let [squares, cosines] = lines.narrow([ACROSS, ALONG]);
                half_angle(simd, squares, cosines);
                squares
            }
            Quantity::Azimuth => {
                let [ys, xs] = lines.narrow([INLINE, CROSSLINE]);
                direction(simd, ys, xs);
                ys
            }
            Quantity::Planarity => {
                let [planarity] = lines.narrow([PLANARITY]);
                planarity
            }
        }
    }
}

/// First step: the largest eigenvalue over the mean, a scale, whether there is a tie, and the planarity
/// where it is wanted.
#[inline(always)]
fn largest_root<S: Simd, const PLANAR: bool>(
    simd: S,
    sums: &[&mut [f64]; 6],
    roots: &mut [&mut [f64]; ROOTS],
) {
    let [ii, ix, is, xx, xs, ss] = sums;
    let [ys, scales, ties, planarities] = roots;
    let ii = Wide::<S>::view(ii);
    let n = ii.len();
    let (ix, is) = (&Wide::<S>::view(ix)[..n], &Wide::<S>::view(is)[..n]);
    let (xx, xs) = (&Wide::<S>::view(xx)[..n], &Wide::<S>::view(xs)[..n]);
    let ss = &Wide::<S>::view(ss)[..n];
    let ys = &mut Wide::<S>::view_mut(ys)[..n];
    let scales = &mut Wide::<S>::view_mut(scales)[..n];
    let ties = &mut Wide::<S>::view_mut(ties)[..n];
    let planarities = &mut Wide::<S>::view_mut(planarities)[..n];
    for k in 0..n {
        let (ii, ix, is) = (Wide::new(simd, ii[k]), Wide::new(simd, ix[k]), Wide::new(simd, is[k]));
        let (xx, xs, ss) = (Wide::new(simd, xx[k]), Wide::new(simd, xs[k]), Wide::new(simd, ss[k]));
        let (zero, one, half) = (ii.all(0.0), ii.all(1.0), ii.all(0.5));
        let mean = (ii + xx + ss) * (1.0 / 3.0);
        let (a, b, c) = (ii - mean, xx - mean, ss - mean);
        // The vector library negates out of line; a subtraction is as good.
        let (minus_ix, minus_is, minus_xs) = (zero - ix, zero - is, zero - xs);
        let squares = a.mul_add(a, b.mul_add(b, c * c));
        let mixed = ix.mul_add(ix, is.mul_add(is, xs * xs));
        let minor_ix = minus_ix.mul_add(c, xs * is);
        let minor_is = minus_is.mul_add(b, ix * xs);
        let minor_ii = minus_xs.mul_add(xs, b * c);
        let determinant = a.mul_add(minor_ii, ix.mul_add(minor_ix, is * minor_is));
        let variance = squares.mul_add(ii.all(1.0 / 6.0), mixed * (1.0 / 3.0));
        let spread = variance.sqrt();
        // A tensor without gradient gets a cosine of 0, not NaN.
        let inverse = one.over(variance.mul_add(spread, ii.all(f64::MIN_POSITIVE)));
        let cosine = determinant * 0.5 * inverse;
        let z = cosine.mul_add(half, half).max(zero);
        let root = z.sqrt();
        let u = root * root.polynomial(ROOT);
        let twice = (spread + spread) * u;
        let y = twice + spread;
        let gap = (twice + twice).mul_add(u, twice + twice);
        let tie = gap.less_than((mean + y).mul_add(ii.all(TIE), ii.all(f64::MIN_POSITIVE)));
        ys[k] = y.lanes();
        // Makes what follows a matter of direction, whatever the amplitude.
        scales[k] = (spread * inverse).lanes();
        ties[k] = one.where_or(tie, zero).lanes();
        if PLANAR {
            // One Newton step: sin(φ/3) near 0 needs all digits of u.
            let value = u * u * u.mul_add(mean.all(2.0), mean.all(3.0)) - z;
            let u = u - value.over(u.mul_add(u, u) * 6.0);
            let sine = ((half - u) * (mean.all(1.5) + u)).max(zero).sqrt();
            let gap = spread * u.mul_add(u, u) * 12.0;
            let largest = (spread + spread).mul_add(u, spread) + mean;
            let slope =
                sine.mul_add(mean.all(3.0_f64.sqrt()), u.mul_add(mean.all(3.0), mean.all(1.5)));
            planarities[k] = zero.where_or(tie, gap.over(slope * largest)).lanes();
        }
    }
}

/// Second step: the projector's elements that the angles need, in place of the sums.
#[inline(always)]
fn project<S: Simd, const AZIMUTH: bool>(
    simd: S,
    sums: &mut [&mut [f64]; 6],
    roots: &[&mut [f64]; ROOTS],
) {
    let [l0, l1, l2, l3, l4, l5] = sums;
    let [ys, scales, ties, _] = roots;
    let l0 = Wide::<S>::view_mut(l0);
    let n = l0.len();
    let l1 = &mut Wide::<S>::view_mut(l1)[..n];
    let l2 = &mut Wide::<S>::view_mut(l2)[..n];
    let l3 = &mut Wide::<S>::view_mut(l3)[..n];
    let (l4, l5) = (&Wide::<S>::view(l4)[..n], &Wide::<S>::view(l5)[..n]);
    let (ys, scales) = (&Wide::<S>::view(ys)[..n], &Wide::<S>::view(scales)[..n]);
    let ties = &Wide::<S>::view(ties)[..n];
    for k in 0..n {
        let (ii, ix, is) = (Wide::new(simd, l0[k]), Wide::new(simd, l1[k]), Wide::new(simd, l2[k]));
        let (xx, xs, ss) = (Wide::new(simd, l3[k]), Wide::new(simd, l4[k]), Wide::new(simd, l5[k]));
        let (y, scale) = (Wide::new(simd, ys[k]), Wide::new(simd, scales[k]));
        let (zero, one) = (ii.all(0.0), ii.all(1.0));
        let tie = zero.less_than(Wide::new(simd, ties[k]));
        let largest = (ii + xx + ss).mul_add(ii.all(1.0 / 3.0), y);
        let (a, b, c) = (ii - largest, xx - largest, ss - largest);
        let (minus_ix, minus_is, minus_xs) = (zero - ix, zero - is, zero - xs);
        let along = minus_ix.mul_add(ix, a * b);
        let across = c * (a + b) - is.mul_add(is, xs * xs);
        let n_is = minus_is.mul_add(b, ix * xs) * scale;
        let n_xs = minus_xs.mul_add(a, ix * is) * scale;
        // sin²(2 dip) / 4 and cos(2 dip), but for one factor (squared).
        let sine = n_is.mul_add(n_is, n_xs * n_xs);
        let cosine = (along - across) * scale;
        l0[k] = zero.where_or(tie, sine).lanes();
        l1[k] = one.where_or(tie, cosine).lanes();
        if AZIMUTH {
            let n_ss = along * scale;
            let n_ii = minus_xs.mul_add(xs, b * c) * scale;
            let n_xx = minus_is.mul_add(is, a * c) * scale;
            let n_ix = minus_ix.mul_add(c, xs * is) * scale;
            // The longest column.
            let crossline = n_ii.less_than(n_xx);
            let other = n_ss.less_than(n_xx.where_or(crossline, n_ii));
            let inline_part = n_ix.where_or(crossline, n_ii).where_or(other, n_is);
            let crossline_part = n_xx.where_or(crossline, n_ix).where_or(other, n_xs);
            let sample_part = n_xs.where_or(crossline, n_is).where_or(other, n_ss);
            let lead = inline_part.where_or(crossline_part.is_zero(), crossline_part);
            let lead = lead.where_or(sample_part.is_zero(), sample_part);
            let up = lead.less_than(zero);
            let inline_part = inline_part.where_or(up, zero - inline_part);
            let crossline_part = crossline_part.where_or(up, zero - crossline_part);
            l2[k] = zero.where_or(tie, inline_part).lanes();
            l3[k] = zero.where_or(tie, crossline_part).lanes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::testing;

    /// Dip, azimuth and planarity, with every instruction set there is.
    fn solve(sums: [f64; 6]) -> Vec<[f32; 3]> {
        testing::solve(Normals(Quantity::ALL.to_vec()), sums)
    }

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
            for amplitude in [1e-80, 5.0, 1e78] {
                for got in solve(tensor(amplitude, n, 0.0, n)) {
                    assert!((got[0] - dip).abs() < 2e-5, "{n:?}: dip {}", got[0]);
                    assert!((got[1] - azimuth).abs() < 4e-5, "{n:?}: azimuth {}", got[1]);
                    assert!((got[2] - 1.0).abs() < 2e-7, "{n:?}: planarity {}", got[2]);
                }
            }
        }
    }

    /// The largest eigenvalue is known to 3e-8, and that is what the dip is wrong by.
    #[test]
    fn any_gap_between_eigenvalues() {
        let (n, m) = ([0.36, 0.48, 0.8], [0.8, -0.6, 0.0]);
        for step in 0..=1000 {
            let second = f64::from(step) * 0.001 * (1.0 - 1e-5);
            for got in solve(tensor(1.0, n, second, m)) {
                assert!((got[0] - 36.869_9).abs() < 2e-5, "{second}: dip {}", got[0]);
                assert!((f64::from(got[1]) + 143.130_1).abs() < 1e-4, "{second}: {}", got[1]);
                let planarity = 1.0 - second;
                assert!((f64::from(got[2]) - planarity).abs() < 2e-7, "{second}: {}", got[2]);
            }
        }
    }

    #[test]
    fn ties_have_no_direction() {
        let (n, m) = ([0.6, 0.0, 0.8], [0.0, 1.0, 0.0]);
        for tie in [tensor(2.0, n, 2.0, m), [3.0, 0.0, 0.0, 3.0, 0.0, 3.0], [0.0; 6]] {
            for got in solve(tie) {
                assert_eq!(got.map(f32::to_bits), [0; 3], "{tie:?}: {got:?}");
            }
        }
    }

    #[test]
    fn what_is_not_finite_is_undefined() {
        for position in [0, 3, 5] {
            for value in [f64::NAN, f64::INFINITY] {
                let mut sums = tensor(1.0, [0.0, 0.6, 0.8], 0.0, [0.0; 3]);
                sums[position] = value;
                for got in solve(sums) {
                    assert!(got.iter().all(|v| v.is_nan()), "{position} {value}: {got:?}");
                }
            }
        }
    }
}

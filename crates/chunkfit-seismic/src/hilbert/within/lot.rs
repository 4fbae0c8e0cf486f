//! As many frequencies k as there are lanes, one in each.

use pulp::{Simd, WithSimd, bytemuck};

use super::super::butterfly::{Pair, turn_each};
use super::super::fft::Fft;
use super::super::gains::Gains;
use super::Within;
use crate::turn::{SIDE, Turn};

/// Makes frequencies of a lot of k, one in each lane, but for the transform across them.
pub(super) struct Fetch<'a> {
    pub(super) within: &'a Within,
    pub(super) lot: usize,
    pub(super) mirrored: bool,
    pub(super) line: &'a [f32],
    pub(super) room: &'a mut [f32],
    pub(super) frequencies: &'a mut [f32],
}

impl WithSimd for Fetch<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { within, lot, mirrored, line, room, frequencies } = self;
        let points = S::as_simd_f32s(line).0.as_chunks::<2>().0;
        let factors = S::as_simd_f32s(&within.factors).0.as_chunks::<2>().0;
        for (lane, row) in S::as_mut_simd_f32s(room).0.as_chunks_mut::<2>().0.iter_mut().enumerate()
        {
            let k = within.k(lot, mirrored, lane);
            *row = turn_each::<S, false>(simd, points[within.place(k)], factors[k]);
        }
        transpose::<S>((room, |lane| lane), (frequencies, |lane| within.order[lane]));
    }
}

/// Undoes [`Fetch`].
pub(super) struct Return<'a> {
    pub(super) within: &'a Within,
    pub(super) lot: usize,
    pub(super) mirrored: bool,
    pub(super) line: &'a mut [f32],
    pub(super) room: &'a mut [f32],
    pub(super) frequencies: &'a [f32],
}

impl WithSimd for Return<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { within, lot, mirrored, line, room, frequencies } = self;
        transpose::<S>((frequencies, |lane| within.order[lane]), (room, |lane| lane));
        let points = S::as_mut_simd_f32s(line).0.as_chunks_mut::<2>().0;
        let factors = S::as_simd_f32s(&within.factors).0.as_chunks::<2>().0;
        let rows = S::as_simd_f32s(room).0.as_chunks::<2>().0;
        let last = within.points / 2;
        for (lane, row) in rows.iter().enumerate().take(last + 1 - lot) {
            let k = within.k(lot, mirrored, lane);
            // The first and the middle one mirror themselves.
            let again = mirrored && (k == within.points || 2 * k == within.points);
            if !again {
                points[within.place(k)] = turn_each::<S, true>(simd, *row, factors[k]);
            }
        }
    }
}

/// As many points as there are lanes: lanes as points, points as lanes. `place` says where the points of
/// each are.
#[inline(always)]
fn transpose<S: Simd>(
    (from, from_place): (&[f32], impl Fn(usize) -> usize),
    (to, to_place): (&mut [f32], impl Fn(usize) -> usize),
) {
    let lanes = S::F32_LANES;
    let at = |point: usize, part: usize, lane: usize| (2 * point + part) * lanes + lane;
    let side = SIDE.min(lanes);
    for part in 0..2 {
        for a in (0..lanes).step_by(side) {
            for b in (0..lanes).step_by(side) {
                let mut square = [[0.0; SIDE]; SIDE];
                for (n, row) in square.iter_mut().enumerate().take(side) {
                    row[..side].copy_from_slice(&from[at(from_place(a + n), part, b)..][..side]);
                }
                for (n, row) in f32::turned(square).iter().enumerate().take(side) {
                    to[at(to_place(b + n), part, a)..][..side].copy_from_slice(&row[..side]);
                }
            }
        }
    }
}

/// Applies gains to frequencies and those that mirror them, one k in each lane.
pub(super) struct Apply<'a> {
    pub(super) fft: &'a Fft,
    pub(super) gains: &'a [f32],
    pub(super) here: &'a mut [f32],
    pub(super) there: &'a mut [f32],
}

impl WithSimd for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { fft, gains, here, there } = self;
        let here: &mut [Pair<S>] = bytemuck::cast_slice_mut(S::as_mut_simd_f32s(here).0);
        let there: &mut [Pair<S>] = bytemuck::cast_slice_mut(S::as_mut_simd_f32s(there).0);
        let gains = S::as_simd_f32s(gains).0.as_chunks::<3>().0;
        for (q, gains) in gains.iter().enumerate().take(S::F32_LANES) {
            let (a, b) = (fft.position(q), fft.position(S::F32_LANES - 1 - q));
            [here[a], there[b]] = Gains::from_numbers(*gains).apply(simd, [here[a], there[b]]);
        }
    }
}

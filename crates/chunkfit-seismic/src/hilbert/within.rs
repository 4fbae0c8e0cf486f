//! Long traces, one at a time, since as many as a vector has lanes would not stay in a cache: the points
//! of one are dealt out over the lanes.
//!
//! With L lanes and m = L·M, lane l holds the points z[l + L·j]. They become Y, by one transform of M
//! points in each lane, and frequency k + M·q of the whole is
//!
//! ```text
//! Z[k + M·q] = Σ exp(−2πi·lq/L) · exp(−2πi·lk/m) · Y[l, k]   over all l
//! ```
//!
//! which is one transform of L points for each k, done for L of them at a time.

use std::f64::consts::TAU;

use pulp::{Arch, Simd, WithSimd, bytemuck};
use rustfft::num_complex::Complex;

use super::Batch;
use super::butterfly::Pair;
use super::fft::{Fft, radices};
use super::gains::Gains;
use super::length::Length;
use super::side_by_side::lanes;
use super::size::{Size, Sizing};
use crate::aligned::Aligned;
use crate::trace::Traces;
use crate::turn::{SIDE, Turn};

/// What traces of one length need.
#[derive(Debug)]
pub(crate) struct Within {
    n: usize,
    lanes: usize,
    /// Points of a lane.
    points: usize,
    within_lanes: Fft,
    across_lanes: Fft,
    /// Where the transform within lanes leaves each k.
    places: Vec<u32>,
    /// l of each lane: the shuffles that deal points out are free to choose.
    order: Vec<usize>,
    /// exp(−2πi·lk/m): for k from 0 to M, real parts in all lanes, then imaginary ones.
    factors: Vec<f32>,
    /// For each lot of L frequencies k, for each q: three lines of numbers, one for each k.
    gains: Vec<f32>,
}

impl Within {
    /// For traces of `n` samples.
    pub(super) fn new(n: usize) -> Self {
        let arch = Arch::new();
        let lanes = lanes(arch);
        let order = order(arch);
        let Length { radices: radices_of_lane, gain } = Length::of(n, lanes);
        let points: usize = radices_of_lane.iter().product();
        let root = |k: usize, of: usize| Complex::from_polar(1.0, -TAU * k as f64 / of as f64);
        let mut factors = Vec::with_capacity(2 * lanes * (points + 1));
        for k in 0..=points {
            let roots = order.iter().map(|l| root(l * k, lanes * points));
            factors.extend(roots.clone().map(|root| root.re as f32));
            factors.extend(roots.map(|root| root.im as f32));
        }
        let mut gains = Vec::new();
        for lot in (0..=points / 2).step_by(lanes) {
            for q in 0..lanes {
                let gains_of = |lane: usize| match (lot + lane).min(points / 2) + points * q {
                    0 => Gains::NONE.numbers(),
                    k => Gains::of(&gain, k).numbers(),
                };
                for number in 0..3 {
                    gains.extend((0..lanes).map(|lane| gains_of(lane)[number]));
                }
            }
        }
        let within_lanes = Fft::new(&radices_of_lane, |k| root(k, points));
        Self {
            n,
            lanes,
            points,
            places: (0..points).map(|k| within_lanes.position(k) as u32).collect(),
            within_lanes,
            order,
            across_lanes: Fft::new(&radices(lanes, 2).unwrap_or_default(), |k| root(k, lanes)),
            factors,
            gains,
        }
    }

    /// Hands the analytic signals of all `traces` to `sink`, one at a time.
    pub(super) fn each(&self, traces: Traces<'_, f32>, mut sink: impl FnMut(Batch<'_>)) {
        let (arch, n) = (Arch::new(), self.n);
        let mut line = Aligned::zeros(2 * self.points * self.lanes);
        let mut rooms = [(); 3].map(|()| Aligned::zeros(2 * self.lanes * self.lanes));
        let mut im = vec![0.0; n];
        let mut copy = Vec::new();
        for first in 0..traces.count() {
            let at = traces.place(first);
            let re = traces.slice(at).unwrap_or_else(|| {
                copy.clear();
                copy.extend(traces.at(at));
                &copy
            });
            let size = arch.dispatch(Sizing(re));
            let scales = [size.scales()];
            if let Size::Exponent(_) = size {
                arch.dispatch(Deal { trace: re, scale: scales[0][0], line: &mut line });
                self.within_lanes.forward(arch, &mut line);
                for lot in (0..=self.points / 2).step_by(self.lanes) {
                    self.filter(arch, lot, &mut line, &mut rooms);
                }
                self.within_lanes.backward(arch, &mut line);
                arch.dispatch(Collect { line: &line, trace: &mut im });
            }
            size.correct(&mut im);
            sink(Batch { first, n, re, im: &im, scales: &scales });
        }
    }

    /// Filters the frequencies that belong to k from `lot` on, and those that mirror them.
    fn filter(&self, arch: Arch, lot: usize, line: &mut [f32], rooms: &mut [Aligned<f32>; 3]) {
        let [room, here, there] = rooms;
        for (frequencies, mirrored) in [(&mut *here, false), (&mut *there, true)] {
            arch.dispatch(Fetch { within: self, lot, mirrored, line, room, frequencies });
            self.across_lanes.forward(arch, frequencies);
        }
        let gains = &self.gains[lot * 3 * self.lanes..];
        arch.dispatch(Apply { fft: &self.across_lanes, gains, here, there });
        for (frequencies, mirrored) in [(here, false), (there, true)] {
            self.across_lanes.backward(arch, frequencies);
            arch.dispatch(Return { within: self, lot, mirrored, line, room, frequencies });
        }
    }

    /// k in each lane of a lot, or what mirrors it; the last again where there are no more.
    #[inline(always)]
    fn k(&self, lot: usize, mirrored: bool, lane: usize) -> usize {
        let k = (lot + lane).min(self.points / 2);
        if mirrored { self.points - k } else { k }
    }

    /// Where the points of a k are.
    #[inline(always)]
    fn place(&self, k: usize) -> usize {
        self.places[k % self.points] as usize
    }
}

/// Makes frequencies of a lot of k, one in each lane, but for the transform across them.
struct Fetch<'a> {
    within: &'a Within,
    lot: usize,
    mirrored: bool,
    line: &'a [f32],
    room: &'a mut [f32],
    frequencies: &'a mut [f32],
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
            *row = turn_all::<S, false>(simd, points[within.place(k)], factors[k]);
        }
        transpose::<S>((room, |lane| lane), (frequencies, |lane| within.order[lane]));
    }
}

/// Undoes [`Fetch`].
struct Return<'a> {
    within: &'a Within,
    lot: usize,
    mirrored: bool,
    line: &'a mut [f32],
    room: &'a mut [f32],
    frequencies: &'a [f32],
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
                points[within.place(k)] = turn_all::<S, true>(simd, *row, factors[k]);
            }
        }
    }
}

/// Every lane times a factor of its own; backwards times its conjugate.
#[inline(always)]
fn turn_all<S: Simd, const BACK: bool>(simd: S, [re, im]: Pair<S>, factor: Pair<S>) -> Pair<S> {
    let [cosine, sine] = factor;
    let (direct_re, direct_im) = (simd.mul_f32s(re, cosine), simd.mul_f32s(im, cosine));
    if BACK {
        [simd.mul_add_e_f32s(im, sine, direct_re), simd.negate_mul_add_e_f32s(re, sine, direct_im)]
    } else {
        [simd.negate_mul_add_e_f32s(im, sine, direct_re), simd.mul_add_e_f32s(re, sine, direct_im)]
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

/// l of each lane.
fn order(arch: Arch) -> Vec<usize> {
    let lanes = lanes(arch);
    let trace: Vec<f32> = (0..2 * lanes).map(|sample| (sample / 2) as f32).collect();
    let mut line = vec![0.0; 2 * lanes];
    arch.dispatch(Deal { trace: &trace, scale: 1.0, line: &mut line });
    line[..lanes].iter().map(|l| *l as usize).collect()
}

/// Deals pairs of samples out over the lanes, times a scale; zeros after the last.
struct Deal<'a> {
    trace: &'a [f32],
    scale: f32,
    line: &'a mut [f32],
}

impl WithSimd for Deal<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { trace, scale, line } = self;
        let points = S::as_mut_simd_f32s(line).0.as_chunks_mut::<2>().0;
        let (samples, _) = S::as_simd_f32s(trace);
        let pairs = samples.as_chunks::<2>().0;
        let (whole, end) = points.split_at_mut(pairs.len());
        let scale = simd.splat_f32s(scale);
        for (point, [a, b]) in whole.iter_mut().zip(pairs) {
            *point =
                simd.deinterleave_shfl_f32s([simd.mul_f32s(*a, scale), simd.mul_f32s(*b, scale)]);
        }
        end.fill([simd.splat_f32s(0.0); 2]);
        if let [point, ..] = end {
            let rest = &trace[pairs.len() * 2 * S::F32_LANES..];
            bytemuck::cast_slice_mut::<_, f32>(point)[..rest.len()].copy_from_slice(rest);
            let [a, b] = *point;
            *point =
                simd.deinterleave_shfl_f32s([simd.mul_f32s(a, scale), simd.mul_f32s(b, scale)]);
        }
    }
}

/// Undoes [`Deal`].
struct Collect<'a> {
    line: &'a [f32],
    trace: &'a mut [f32],
}

impl WithSimd for Collect<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let points = S::as_simd_f32s(self.line).0.as_chunks::<2>().0;
        for (samples, point) in self.trace.chunks_mut(2 * S::F32_LANES).zip(points) {
            let pairs = simd.interleave_shfl_f32s(*point);
            if let ([a, b], []) = S::as_mut_simd_f32s(samples) {
                [*a, *b] = pairs;
            } else {
                let n = samples.len();
                samples.copy_from_slice(&bytemuck::cast_slice::<_, f32>(&pairs)[..n]);
            }
        }
    }
}

/// Applies gains to frequencies and those that mirror them, one k in each lane.
struct Apply<'a> {
    fft: &'a Fft,
    gains: &'a [f32],
    here: &'a mut [f32],
    there: &'a mut [f32],
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

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::super::side_by_side::SideBySide;
    use super::*;

    #[test]
    fn agrees_with_traces_side_by_side() {
        for n in [32, 64, 96, 100, 160, 352, 501, 509, 1440, 5002] {
            let volume = Array3::from_shape_fn([2, 1, n], |(i, _, k)| {
                ((k * (37 + 2 * i) + 11 * i) % 101) as f32 - 50.0
            });
            let mut expected: Vec<f32> = Vec::new();
            SideBySide::new(n).each(Traces::new(volume.view()), |batch| {
                batch.traces().for_each(|trace| expected.extend(trace.im));
            });
            let mut got: Vec<f32> = Vec::new();
            Within::new(n).each(Traces::new(volume.view()), |batch| {
                batch.traces().for_each(|trace| got.extend(trace.im));
            });
            assert_eq!(got.len(), 2 * n);
            for (got, expected) in got.iter().zip(&expected) {
                assert!((got - expected).abs() < 2e-6, "{n}: {got} for {expected}");
            }
        }
    }
}

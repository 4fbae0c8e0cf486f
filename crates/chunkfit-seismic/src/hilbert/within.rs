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
    /// exp(−2πi·lk/m): for k from 0 to M, real parts of all l, then imaginary ones.
    factors: Vec<f32>,
    /// For each lot of L frequencies k, for each q: three lines of numbers, one for each k.
    gains: Vec<f32>,
}

impl Within {
    /// For traces of `n` samples.
    pub(super) fn new(n: usize) -> Self {
        let lanes = lanes(Arch::new());
        let Length { radices: radices_of_lane, gain } = Length::of(n, lanes);
        let points: usize = radices_of_lane.iter().product();
        let root = |k: usize, of: usize| Complex::from_polar(1.0, -TAU * k as f64 / of as f64);
        let mut factors = Vec::with_capacity(2 * lanes * (points + 1));
        for k in 0..=points {
            let roots = (0..lanes).map(|l| root(l * k, lanes * points));
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
        Self {
            n,
            lanes,
            points,
            within_lanes: Fft::new(&radices_of_lane, |k| root(k, points)),
            across_lanes: Fft::new(&radices(lanes, 2).unwrap_or_default(), |k| root(k, lanes)),
            factors,
            gains,
        }
    }

    /// Hands the analytic signals of all `traces` to `sink`, one at a time.
    pub(super) fn each(&self, traces: Traces<'_, f32>, mut sink: impl FnMut(Batch<'_>)) {
        let (arch, n) = (Arch::new(), self.n);
        let mut line = Aligned::zeros(2 * self.points * self.lanes);
        let mut rooms = [(); 4].map(|()| Aligned::zeros(2 * self.lanes * self.lanes));
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
    fn filter(&self, arch: Arch, lot: usize, line: &mut [f32], rooms: &mut [Aligned<f32>; 4]) {
        let [here, there, turned_here, turned_there] = rooms;
        let point = 2 * self.lanes;
        let last = self.points / 2;
        let ks = |lane: usize| (lot + lane).min(last);
        for (rows, turned, mirrored) in
            [(&mut *here, &mut *turned_here, false), (&mut *there, &mut *turned_there, true)]
        {
            for (lane, row) in rows.chunks_exact_mut(point).enumerate() {
                let k = if mirrored { self.points - ks(lane) } else { ks(lane) };
                let at = self.within_lanes.position(k % self.points) * point;
                row.copy_from_slice(&line[at..at + point]);
                arch.dispatch(Twist::<false> { point: row, factors: &self.factors[k * point..] });
            }
            arch.dispatch(Transpose { from: rows, to: turned, lanes: self.lanes });
            self.across_lanes.forward(arch, turned);
        }
        let gains = &self.gains[lot / self.lanes * self.lanes * 3 * self.lanes..];
        arch.dispatch(Apply {
            fft: &self.across_lanes,
            gains,
            here: turned_here,
            there: turned_there,
        });
        for (rows, turned, mirrored) in [(here, turned_here, false), (there, turned_there, true)] {
            self.across_lanes.backward(arch, turned);
            arch.dispatch(Transpose { from: turned, to: rows, lanes: self.lanes });
            for (lane, row) in rows.chunks_exact_mut(point).enumerate().take(last + 1 - lot) {
                let k = ks(lane);
                // These mirror themselves.
                if mirrored && (k == 0 || 2 * k == self.points) {
                    continue;
                }
                let k = if mirrored { self.points - k } else { k };
                arch.dispatch(Twist::<true> { point: row, factors: &self.factors[k * point..] });
                let at = self.within_lanes.position(k) * point;
                line[at..at + point].copy_from_slice(row);
            }
        }
    }
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
    fn with_simd<S: Simd>(self, _: S) {
        let Self { trace, scale, line } = self;
        let (whole, end) = line.split_at_mut(trace.len() / (2 * S::F32_LANES) * 2 * S::F32_LANES);
        let (pairs, rest) = trace.split_at(whole.len());
        let points = whole.chunks_exact_mut(2 * S::F32_LANES);
        for (point, pairs) in points.zip(pairs.chunks_exact(2 * S::F32_LANES)) {
            let (re, im) = point.split_at_mut(S::F32_LANES);
            for ((re, im), pair) in re.iter_mut().zip(im).zip(pairs.as_chunks::<2>().0) {
                [*re, *im] = [pair[0] * scale, pair[1] * scale];
            }
        }
        end.fill(0.0);
        for (at, value) in rest.iter().enumerate() {
            end[at / 2 + at % 2 * S::F32_LANES] = value * scale;
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
    fn with_simd<S: Simd>(self, _: S) {
        let points = self.line.chunks_exact(2 * S::F32_LANES);
        for (samples, point) in self.trace.chunks_mut(2 * S::F32_LANES).zip(points) {
            let (re, im) = point.split_at(S::F32_LANES);
            let (pairs, odd) = samples.as_chunks_mut::<2>();
            for ((pair, re), im) in pairs.iter_mut().zip(re).zip(im) {
                *pair = [*re, *im];
            }
            if let [odd] = odd {
                *odd = re[pairs.len()];
            }
        }
    }
}

/// Multiplies a point of all lanes by factors, or by their conjugates.
struct Twist<'a, const BACK: bool> {
    point: &'a mut [f32],
    factors: &'a [f32],
}

impl<const BACK: bool> WithSimd for Twist<'_, BACK> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (re, im) = self.point.split_at_mut(S::F32_LANES);
        let (cosines, sines) = self.factors[..2 * S::F32_LANES].split_at(S::F32_LANES);
        for l in 0..S::F32_LANES {
            let (a, b, c) = (re[l], im[l], cosines[l]);
            let s = if BACK { -sines[l] } else { sines[l] };
            [re[l], im[l]] = [a * c - b * s, a * s + b * c];
        }
    }
}

/// As many points as there are lanes: lanes as points, points as lanes.
struct Transpose<'a> {
    from: &'a [f32],
    to: &'a mut [f32],
    lanes: usize,
}

impl WithSimd for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { from, to, lanes } = self;
        let at = |point: usize, part: usize, lane: usize| (2 * point + part) * lanes + lane;
        let squares = if lanes.is_multiple_of(SIDE) { lanes / SIDE } else { 0 };
        for part in 0..2 {
            for (a, b) in (0..squares).flat_map(|a| (0..squares).map(move |b| (a, b))) {
                let (a, b) = (a * SIDE, b * SIDE);
                let mut square = [[0.0; SIDE]; SIDE];
                for (row, point) in square.iter_mut().zip(a..) {
                    row.copy_from_slice(&from[at(point, part, b)..][..SIDE]);
                }
                for (row, point) in f32::turned(square).iter().zip(b..) {
                    to[at(point, part, a)..][..SIDE].copy_from_slice(row);
                }
            }
            if squares == 0 {
                for (a, b) in (0..lanes).flat_map(|a| (0..lanes).map(move |b| (a, b))) {
                    to[at(b, part, a)] = from[at(a, part, b)];
                }
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

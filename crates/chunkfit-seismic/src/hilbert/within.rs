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

mod deal;
mod lot;

use std::f64::consts::TAU;

use pulp::Arch;
use rustfft::num_complex::Complex;

use super::Batch;
use super::fft::{Fft, radices};
use super::gains::Gains;
use super::length::Length;
use super::side_by_side::lanes;
use super::size::{Size, Sizing};
use crate::aligned::Aligned;
use crate::trace::Traces;
use deal::{Collect, Deal, order};
use lot::{Apply, Fetch, Return};

/// What traces of one length need.
#[derive(Debug)]
pub(crate) struct Within {
    arch: Arch,
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
        Self::on(Arch::new(), n)
    }

    /// The same with the instructions of `arch`.
    fn on(arch: Arch, n: usize) -> Self {
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
            arch,
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
        let (arch, n) = (self.arch, self.n);
        let mut line = Aligned::zeros(2 * self.points * self.lanes);
        let mut rooms = [(); 3].map(|()| Aligned::zeros(2 * self.lanes * self.lanes));
        let mut im = vec![0.0; n];
        let mut copy = Vec::new();
        for first in 0..traces.count() {
            let re = traces.slice_in(traces.place(first), &mut copy);
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

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::super::side_by_side::SideBySide;
    use super::*;
    use crate::testing::every_arch;

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
            for arch in every_arch() {
                let mut got: Vec<f32> = Vec::new();
                Within::on(arch, n).each(Traces::new(volume.view()), |batch| {
                    batch.traces().for_each(|trace| got.extend(trace.im));
                });
                assert_eq!(got.len(), 2 * n);
                for (got, expected) in got.iter().zip(&expected) {
                    let near = (got - expected).abs() < 2e-6;
                    assert!(near, "{arch:?}, {n}: {got} for {expected}");
                }
            }
        }
    }
}

//! As many traces as a vector has lanes go through one real transform of half their length and back,
//! each in a lane of its own, so that no trace touches another.

use std::f64::consts::TAU;

use pulp::{Arch, Simd, WithSimd};
use rustfft::num_complex::Complex;

use super::Batch;
use super::fft::Fft;
use super::gains::Gains;
use super::lanes::{Gather, Scatter};
use super::length::Length;
use super::size::{Size, Sizing};
use crate::aligned::Aligned;
use crate::trace::Traces;

/// Vectors have this many lanes at most.
pub(super) const MOST_LANES: usize = 16;

/// What traces of one length need to go side by side.
#[derive(Debug)]
pub(crate) struct SideBySide {
    n: usize,
    points: usize,
    fft: Fft,
    bins: Vec<Bins>,
}

/// Frequencies k and m − k: where they are, and what becomes of them.
#[derive(Debug)]
struct Bins {
    at: [u32; 2],
    gains: Gains<f32>,
}

impl SideBySide {
    /// For traces of `n` samples.
    pub(super) fn new(n: usize) -> Self {
        let Length { radices, gain } = Length::of(n, 1);
        let m: usize = radices.iter().product();
        let root = |k: usize| Complex::from_polar(1.0, -TAU * k as f64 / m as f64);
        let fft = Fft::new(&radices, root);
        let bins = (1..=m / 2).map(|k| Bins {
            at: [k, m - k].map(|k| fft.position(k) as u32),
            gains: Gains::of(&gain, k),
        });
        Self { n, points: m, bins: bins.collect(), fft }
    }

    /// Hands the analytic signals of all `traces` to `sink`, a vector full at a time if they are joined.
    pub(super) fn each(&self, traces: Traces<'_, f32>, mut sink: impl FnMut(Batch<'_>)) {
        let (arch, n) = (Arch::new(), self.n);
        let lanes = lanes(arch);
        let place = |number: usize| traces.place(number);
        let mut line = Aligned::zeros(2 * self.points * lanes);
        let line = &mut *line;
        let mut quadratures = vec![0.0; n * lanes];
        let mut copy = Vec::new();
        for first in (0..traces.count()).step_by(lanes) {
            let batch = first..traces.count().min(first + lanes);
            let contiguous = batch.clone().all(|number| traces.slice(place(number)).is_some());
            if !contiguous {
                for (row, number) in quadratures.chunks_exact_mut(n).zip(batch.clone()) {
                    traces
                        .at(place(number))
                        .iter()
                        .zip(row)
                        .for_each(|(value, copy)| *copy = *value);
                }
            }
            let mut sizes = [Size::Dead; MOST_LANES];
            {
                let mut rows = [&[][..]; MOST_LANES];
                for (lane, number) in batch.clone().enumerate() {
                    rows[lane] =
                        traces.slice(place(number)).unwrap_or(&quadratures[lane * n..][..n]);
                    sizes[lane] = arch.dispatch(Sizing(rows[lane]));
                }
                let scales = sizes.map(|size| size.scales()[0]);
                if sizes.iter().any(|size| matches!(size, Size::Exponent(_))) {
                    let rows = &rows[..batch.len()];
                    arch.dispatch(Gather { rows, scales: &scales[..lanes], line });
                    self.turn(arch, line);
                }
            }
            arch.dispatch(Scatter { n, line, rows: &mut quadratures });
            for (im, size) in quadratures.chunks_exact_mut(n).zip(&sizes).take(batch.len()) {
                size.correct(im);
            }
            let (first, scales) = (batch.start, sizes.map(Size::scales));
            if let Some(re) = traces.joined(place(first), batch.len()) {
                let (im, scales) = (&quadratures[..re.len()], &scales[..batch.len()]);
                sink(Batch { first, n, re, im, scales });
                continue;
            }
            for ((number, im), scales) in batch.zip(quadratures.chunks_exact(n)).zip(&scales) {
                let re = traces.slice_in(place(number), &mut copy);
                sink(Batch { first: number, n, re, im, scales: std::slice::from_ref(scales) });
            }
        }
    }

    /// Replaces the traces in `line` by their quadratures.
    fn turn(&self, arch: Arch, line: &mut [f32]) {
        self.fft.forward(arch, line);
        arch.dispatch(Filter { bins: &self.bins, points: line });
        self.fft.backward(arch, line);
    }
}

/// Applies the gains between the two transforms.
struct Filter<'a> {
    bins: &'a [Bins],
    points: &'a mut [f32],
}

impl WithSimd for Filter<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (points, _) = S::as_mut_simd_f32s(self.points).0.as_chunks_mut::<2>();
        points[0] = [simd.splat_f32s(0.0); 2];
        for bins in self.bins {
            let [first, second] = bins.at.map(|at| at as usize);
            let gains = bins.gains.each(|gain| simd.splat_f32s(gain));
            [points[first], points[second]] = gains.apply(simd, [points[first], points[second]]);
        }
    }
}

/// Traces that go side by side.
pub(super) fn lanes(arch: Arch) -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    arch.dispatch(Lanes)
}

//! As many traces as a vector has lanes go through one real transform of half their length and back,
//! each in a lane of its own, so that no trace touches another.
//!
//! Even and odd samples are the real and imaginary parts of `m` points z, which become Z. A filter on
//! the real sequence, with purely imaginary gain −i·g(k) at frequency k of 2m, then is
//!
//! ```text
//! Z'[k] = i·(a·sin θ − d)·Z[k] + a·cos θ·conj(Z[m − k])
//! a = (g(k) + g(m − k)) / 2,   d = (g(k) − g(m − k)) / 2,   θ = πk/m
//! ```
//!
//! and z', from Z', holds even and odd samples of the result.

use std::f64::consts::PI;

use pulp::{Arch, Simd, WithSimd};
use rustfft::num_complex::Complex;

use super::Batch;
use super::fft::Fft;
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
    /// (a·sin θ ∓ d) / m.
    kept: [f32; 2],
    /// a·cos θ / m.
    crossed: f32,
}

impl SideBySide {
    /// For traces of `n` samples.
    pub(super) fn new(n: usize) -> Self {
        let Length { radices, gain } = Length::of(n);
        let m: usize = radices.iter().product();
        let turn = |k: usize| Complex::from_polar(1.0, -PI * k as f64 / m as f64);
        let roots: Vec<_> = (0..m).map(turn).collect();
        let root = |k: usize| if 2 * k < m { roots[2 * k] } else { -roots[2 * k - m] };
        let fft = Fft::new(&radices, root);
        let bins = (1..=m / 2).map(|k| {
            let (cosine, sine) = (roots[k].re, -roots[k].im);
            let mean = (gain[k] + gain[m - k]) / 2.0 / m as f64;
            let difference = (gain[k] - gain[m - k]) / 2.0 / m as f64;
            Bins {
                at: [k, m - k].map(|k| fft.position(k) as u32),
                kept: [mean * sine - difference, mean * sine + difference].map(|v| v as f32),
                crossed: (mean * cosine) as f32,
            }
        });
        Self { n, points: m, bins: bins.collect(), fft }
    }

    /// Hands the analytic signals of all `traces` to `sink`, one at a time.
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
            for (lane, number) in batch.enumerate() {
                let im = &mut quadratures[lane * n..][..n];
                sizes[lane].correct(im);
                let re = traces.slice(place(number)).unwrap_or_else(|| {
                    copy.clear();
                    copy.extend(traces.at(place(number)));
                    &copy
                });
                let scales = [sizes[lane].scales()];
                sink(Batch { first: number, n, re, im, scales: &scales });
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
            let ([a_re, a_im], [b_re, b_im]) = (points[first], points[second]);
            let [p, q] = bins.kept.map(|kept| simd.splat_f32s(kept));
            let c = simd.splat_f32s(bins.crossed);
            // i·p·a + c·conj(b), and i·q·b − c·conj(a): the cosine of m − k is that of k, negative.
            points[second] = [
                simd.negate_mul_add_e_f32s(q, b_im, simd.neg_f32s(simd.mul_f32s(c, a_re))),
                simd.mul_add_e_f32s(q, b_re, simd.mul_f32s(c, a_im)),
            ];
            points[first] = [
                simd.negate_mul_add_e_f32s(p, a_im, simd.mul_f32s(c, b_re)),
                simd.negate_mul_add_e_f32s(c, b_im, simd.mul_f32s(p, a_re)),
            ];
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

//! The quadrature of traces: the imaginary part of their analytic signal.
//!
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
//! and z', from Z', holds even and odd samples of the result. For an even length whose half has small
//! prime factors, 2m is that length and g is 1: the definition. For any other length the definition is
//! a convolution with n samples of a known kernel, which fits in 2m ≥ 2n − 1 samples with zeros after
//! the trace; its g is the transform of the kernel.

mod butterfly;
mod fft;
mod lanes;

use std::f64::consts::PI;

use chunkfit_core::ByteSize;
use ndarray::ArrayView3;
use pulp::{Arch, Simd, WithSimd};
use realfft::RealFftPlanner;
use rustfft::num_complex::Complex;

use fft::{Fft, radices};
use lanes::{Gather, Scatter};

use crate::aligned::Aligned;
use crate::trace::Traces;

/// Prime factors that half an even length may have.
const LARGEST_FACTOR: usize = 13;
/// Prime factors of padded lengths, which can be chosen.
const LARGEST_PADDED_FACTOR: usize = 5;
/// Vectors have this many lanes at most.
const MOST_LANES: usize = 16;

/// Bytes for each sample of a padded trace, see [`workspace`].
const BYTES_PER_SAMPLE: u64 = 240;
const FIXED: ByteSize = ByteSize::kib(4);

/// Heap bytes that the quadrature of traces of `n` samples takes at most, however many there are:
/// 240 bytes for each sample of a trace that is an eighth longer, and 4 KiB.
///
/// Most of it are the traces in the lanes, 128 bytes with 16 of them, and their quadratures, 64 bytes;
/// factors take some 30. No number of samples is farther than an eighth below one without large
/// prime factors.
pub(crate) fn workspace(n: usize) -> ByteSize {
    ByteSize::new((n + n / 8) as u64) * BYTES_PER_SAMPLE + FIXED
}

/// The analytic signal of one trace.
///
/// Both parts are relative, so that squares neither overflow nor vanish: the real one is `re · down`,
/// and both become amplitudes with `up`. These are powers of two, exact inverses.
pub(crate) struct Analytic<'a> {
    /// Inline and crossline.
    pub(crate) at: [usize; 2],
    /// The trace.
    pub(crate) re: &'a [f32],
    /// Its relative quadrature; NaN throughout when a sample of the trace is not finite.
    pub(crate) im: &'a [f32],
    /// Makes the samples of the trace relative.
    pub(crate) down: f32,
    /// Makes relative values amplitudes.
    pub(crate) up: f32,
}

/// The absolute value of a relative sample; never below that of its real part.
#[inline(always)]
pub(crate) fn modulus(re: f32, im: f32) -> f32 {
    let modulus = (re * re + im * im).sqrt();
    // Squares of what is very small beside the largest sample vanish. NaN stays.
    if modulus < re.abs() { re.abs() } else { modulus }
}

/// What traces of one length need.
#[derive(Debug)]
pub(crate) struct Hilbert {
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

impl Hilbert {
    /// For traces of `n` samples, one or more.
    pub(crate) fn new(n: usize) -> Self {
        let whole = n.is_multiple_of(2).then(|| radices(n / 2, LARGEST_FACTOR)).flatten();
        let padded = whole.is_none();
        let mut lengths = (n..).filter_map(|m| radices(m, LARGEST_PADDED_FACTOR));
        let radices = whole.or_else(|| lengths.next()).unwrap_or_default();
        let m: usize = radices.iter().product();

        let gain = if padded { gain(n, m) } else { vec![1.0; m] };
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

    /// Hands the analytic signals of all `traces` to `sink`, in memory order of inline and crossline.
    pub(crate) fn each(&self, traces: ArrayView3<'_, f32>, mut sink: impl FnMut(Analytic<'_>)) {
        let arch = Arch::new();
        let lanes = lanes(arch);
        let n = self.n;
        let (_, n_crosslines, _) = traces.dim();
        let n_traces = traces.len() / n;
        let traces = Traces::new(traces);
        let place = |number: usize| [number / n_crosslines, number % n_crosslines];

        let mut line = Aligned::zeros(2 * self.points * lanes);
        let line = &mut *line;
        let mut quadratures = vec![0.0; n * lanes];
        let mut copy = Vec::new();
        for first in (0..n_traces).step_by(lanes) {
            let batch = first..n_traces.min(first + lanes);
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
                let at = place(number);
                let im = &mut quadratures[lane * n..][..n];
                match sizes[lane] {
                    Size::Exponent(_) => {}
                    Size::Dead => im.fill(0.0),
                    Size::NotFinite => im.fill(f32::NAN),
                }
                let [down, up] = sizes[lane].scales();
                let re = traces.slice(at).unwrap_or_else(|| {
                    copy.clear();
                    copy.extend(traces.at(at));
                    &copy
                });
                sink(Analytic { at, re, im, down, up });
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

/// g at frequencies 0 to `m` of 2`m` for traces of `n` samples: the transform of the kernel
/// (cos(πt/n) − (−1)^t)/(n·sin(πt/n)) for odd n, and twice cot(πt/n)/n at odd t for even n.
fn gain(n: usize, m: usize) -> Vec<f64> {
    let transform = RealFftPlanner::new().plan_fft_forward(2 * m);
    let mut kernel = vec![0.0; 2 * m];
    for t in 1..n {
        let (sine, cosine) = (PI * t as f64 / n as f64).sin_cos();
        let sign = if t.is_multiple_of(2) { 1.0 } else { -1.0 };
        let above = if n.is_multiple_of(2) { cosine - sign * cosine } else { cosine - sign };
        kernel[t] = above / (n as f64 * sine);
        kernel[2 * m - t] = -kernel[t];
    }
    let mut spectrum = vec![Complex::ZERO; m + 1];
    let mut scratch = vec![Complex::ZERO; transform.get_scratch_len()];
    let done = transform.process_with_scratch(&mut kernel, &mut spectrum, &mut scratch);
    done.expect("the buffers have the lengths of the transform");
    spectrum.iter().map(|bin| -bin.im).collect()
}

/// How large the samples of a trace are.
#[derive(Clone, Copy)]
enum Size {
    /// All are 0.
    Dead,
    /// One is NaN or infinite.
    NotFinite,
    /// Biased exponent of the largest, moved to where its inverse is a number too.
    Exponent(u32),
}

impl Size {
    /// Powers of two: one that brings the largest sample near 1, and its inverse.
    fn scales(self) -> [f32; 2] {
        match self {
            Self::Exponent(exponent) => {
                [254 - exponent, exponent].map(|exponent| f32::from_bits(exponent << 23))
            }
            Self::Dead | Self::NotFinite => [1.0; 2],
        }
    }
}

/// Finds the size of a trace.
struct Sizing<'a>(&'a [f32]);

impl WithSimd for Sizing<'_> {
    type Output = Size;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Size {
        // Ordered as integers, infinity and NaN are above all numbers.
        let magnitudes = self.0.iter().map(|value| value.abs().to_bits());
        match magnitudes.fold(0, u32::max) {
            0 => Size::Dead,
            largest if f32::from_bits(largest).is_finite() => {
                Size::Exponent((largest >> 23).clamp(1, 253))
            }
            _ => Size::NotFinite,
        }
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
fn lanes(arch: Arch) -> usize {
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

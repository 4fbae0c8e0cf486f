//! The quadrature of traces: the imaginary part of their analytic signal, in one of three ways by their
//! length.
//!
//! For an even length whose half has small prime factors, 2m is that length and the gain is −i at all
//! frequencies between 0 and m: the definition. For any other length the definition is a convolution with
//! n samples of a known kernel, which fits in 2m ≥ 2n − 1 samples with zeros after the trace; its gain
//! −i·g is the transform of the kernel.

mod butterfly;
mod direct;
mod fft;
mod gains;
mod lanes;
mod length;
mod side_by_side;
mod size;
mod within;

use chunkfit_core::ByteSize;
use ndarray::ArrayView3;

use crate::trace::Traces;
use direct::Direct;
use side_by_side::SideBySide;
use within::Within;

/// Longest trace whose quadrature is a product with a matrix.
const LONGEST_DIRECT: usize = 16;
/// Longest trace of which as many as a vector has lanes stay in a cache.
const LONGEST_SIDE_BY_SIDE: usize = 6_000;

/// Heap bytes that the quadrature of traces of `n` samples takes at most, however many there are: 240
/// bytes for each sample of a trace that is an eighth longer, and 4 KiB; above 6000 samples as much as
/// with 6000, or 64 bytes for each sample of a trace that is an eighth longer, whichever is more.
///
/// Most of it are the traces in the lanes, 128 bytes with 16 of them, and their quadratures, 64 bytes;
/// factors take some 30. No number of samples is farther than an eighth below one without large
/// prime factors.
pub(crate) fn workspace(n: usize) -> ByteSize {
    let padded = |n: usize| (n + n / 8) as u64;
    let side_by_side = 240 * padded(n.min(LONGEST_SIDE_BY_SIDE)) + 4096;
    let within = if n > LONGEST_SIDE_BY_SIDE { 64 * padded(n) } else { 0 };
    ByteSize::new(side_by_side.max(within))
}

/// The analytic signals of some traces that follow each other, as the fields of [`Analytic`].
pub(crate) struct Batch<'a> {
    /// Number of the first trace, in memory order of inline and crossline.
    pub(crate) first: usize,
    /// Samples of a trace.
    pub(crate) n: usize,
    /// Those of all traces.
    pub(crate) re: &'a [f32],
    /// Their relative quadratures.
    pub(crate) im: &'a [f32],
    /// `down` and `up` of each trace.
    pub(crate) scales: &'a [[f32; 2]],
}

impl<'a> Batch<'a> {
    /// Trace by trace.
    #[inline(always)]
    pub(crate) fn traces(&self) -> impl ExactSizeIterator<Item = Analytic<'a>> {
        let parts = self.re.chunks_exact(self.n).zip(self.im.chunks_exact(self.n));
        let traces = parts.zip(self.scales);
        traces.map(|((re, im), &[down, up])| Analytic { re, im, down, up })
    }
}

/// The analytic signal of one trace.
///
/// Both parts are relative, so that squares neither overflow nor vanish: the real one is `re · down`,
/// and both become amplitudes with `up`. These are powers of two, exact inverses.
pub(crate) struct Analytic<'a> {
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
pub(crate) enum Hilbert {
    Direct(Direct),
    SideBySide(SideBySide),
    Within(Within),
}

impl Hilbert {
    /// For traces of `n` samples, one or more.
    pub(crate) fn new(n: usize) -> Self {
        if n <= LONGEST_DIRECT {
            Self::Direct(Direct::new(n))
        } else if n <= LONGEST_SIDE_BY_SIDE {
            Self::SideBySide(SideBySide::new(n))
        } else {
            Self::Within(Within::new(n))
        }
    }

    /// Hands the analytic signals of all `traces` to `sink`, in memory order of inline and crossline.
    pub(crate) fn each(&self, traces: ArrayView3<'_, f32>, sink: impl FnMut(Batch<'_>)) {
        let traces = Traces::new(traces);
        match self {
            Self::Direct(direct) => direct.each(traces, sink),
            Self::SideBySide(side_by_side) => side_by_side.each(traces, sink),
            Self::Within(within) => within.each(traces, sink),
        }
    }
}

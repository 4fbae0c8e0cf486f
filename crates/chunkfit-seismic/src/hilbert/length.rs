use std::f64::consts::PI;

use realfft::RealFftPlanner;
use rustfft::num_complex::Complex;

use super::fft::radices;

/// Prime factors that half an even length may have.
const LARGEST_FACTOR: usize = 13;
/// Prime factors of padded lengths, which can be chosen.
const LARGEST_PADDED_FACTOR: usize = 5;

/// The length 2m at which traces are transformed.
pub(super) struct Length {
    /// Their product, times the lanes that a trace is dealt out over, is m.
    pub(super) radices: Vec<usize>,
    /// g at frequencies 0 to m of 2m.
    pub(super) gain: Vec<f64>,
}

impl Length {
    /// For traces of `n` samples, one or more, each dealt out over so many `lanes`: `n` itself or, with
    /// zeros after the trace, more.
    pub(super) fn of(n: usize, lanes: usize) -> Self {
        let fits = n.is_multiple_of(2 * lanes);
        let whole = fits.then(|| radices(n / 2 / lanes, LARGEST_FACTOR)).flatten();
        let padded = whole.is_none();
        let mut lengths = (n.div_ceil(lanes)..).filter_map(|m| radices(m, LARGEST_PADDED_FACTOR));
        let radices = whole.or_else(|| lengths.next()).unwrap_or_default();
        let m = lanes * radices.iter().product::<usize>();
        let gain = if padded { gain(n, m) } else { vec![1.0; m + 1] };
        Self { radices, gain }
    }
}

/// The quadrature is the circular convolution with this at t = 1 to n − 1, and 0 at t = 0:
/// (cos(πt/n) − (−1)^t)/(n·sin(πt/n)) for odd n, and twice cot(πt/n)/n at odd t for even n.
pub(super) fn kernel(n: usize, t: usize) -> f64 {
    let (sine, cosine) = (PI * t as f64 / n as f64).sin_cos();
    let sign = if t.is_multiple_of(2) { 1.0 } else { -1.0 };
    let above = if n.is_multiple_of(2) { cosine - sign * cosine } else { cosine - sign };
    above / (n as f64 * sine)
}

/// The transform of the kernel.
fn gain(n: usize, m: usize) -> Vec<f64> {
    let transform = RealFftPlanner::new().plan_fft_forward(2 * m);
    let mut values = vec![0.0; 2 * m];
    for t in 1..n {
        values[t] = kernel(n, t);
        values[2 * m - t] = -values[t];
    }
    let mut spectrum = vec![Complex::ZERO; m + 1];
    let mut scratch = vec![Complex::ZERO; transform.get_scratch_len()];
    let done = transform.process_with_scratch(&mut values, &mut spectrum, &mut scratch);
    done.expect("the buffers have the lengths of the transform");
    spectrum.iter().map(|bin| -bin.im).collect()
}

use chunkfit_core::{Axis, Region};
use ndarray::{ArrayView1, ArrayView3, Axis as ArrayAxis};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

use super::tally::Tally;

const TOLERANCE: f64 = 1e-6;

pub(super) fn compare(
    block: ArrayView3<'_, f32>,
    core: &Region,
    output: &ArrayView3<'_, f32>,
    tally: &mut Tally,
) {
    let lanes = output.lanes(ArrayAxis(2)).into_iter();
    for (trace, output) in block.lanes(ArrayAxis(2)).into_iter().zip(lanes) {
        let envelope = envelope(trace);
        let largest = envelope.iter().copied().fold(0.0, f64::max);
        for (&got, &expected) in output.iter().zip(&envelope[core.range(Axis::Sample)]) {
            tally.near(got, expected, TOLERANCE * largest);
        }
    }
}

/// As `abs(scipy.signal.hilbert(trace))`, but NaN as a whole when a sample is not finite.
fn envelope(trace: ArrayView1<'_, f32>) -> Vec<f64> {
    let n = trace.len();
    if trace.iter().any(|v| !v.is_finite()) {
        return vec![f64::NAN; n];
    }
    let mut planner = FftPlanner::new();
    let mut signal: Vec<_> = trace.iter().map(|&v| Complex::new(f64::from(v), 0.0)).collect();
    planner.plan_fft_forward(n).process(&mut signal);
    for (bin, value) in signal.iter_mut().enumerate().skip(1) {
        // Positive frequencies twice, the middle of an even length once, negative ones not at all.
        *value *= match (2 * bin).cmp(&n) {
            std::cmp::Ordering::Less => 2.0,
            std::cmp::Ordering::Equal => 1.0,
            std::cmp::Ordering::Greater => 0.0,
        };
    }
    planner.plan_fft_inverse(n).process(&mut signal);
    signal.iter().map(|value| value.norm() / n as f64).collect()
}

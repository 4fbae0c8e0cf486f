use chunkfit_core::{Axis, OperatorError, Placement};
use ndarray::{ArrayView1, ArrayView3, Axis as ArrayAxis};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

use super::{Tally, Verifiable};
use crate::Envelope;

const TOLERANCE: f64 = 1e-6;

impl Verifiable for Envelope {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        let samples = at.core_in_block().range(Axis::Sample);
        let lanes = outputs[0].lanes(ArrayAxis(2)).into_iter();
        for (trace, output) in block.lanes(ArrayAxis(2)).into_iter().zip(lanes) {
            let envelope = envelope(trace);
            let largest = envelope.iter().copied().fold(0.0, f64::max);
            for (&got, &expected) in output.iter().zip(&envelope[samples.clone()]) {
                tally.near(got, expected, TOLERANCE * largest);
            }
        }
        Ok(())
    }
}

/// As `abs(scipy.signal.hilbert(trace))`, but NaN as a whole when a sample is not finite.
fn envelope(trace: ArrayView1<'_, f32>) -> Vec<f64> {
    analytic(trace).into_iter().map(Complex::norm).collect()
}

/// As `scipy.signal.hilbert(trace)`, but NaN as a whole when a sample is not finite.
pub(super) fn analytic(trace: ArrayView1<'_, f32>) -> Vec<Complex<f64>> {
    let n = trace.len();
    if trace.iter().any(|v| !v.is_finite()) {
        return vec![Complex::new(f64::NAN, f64::NAN); n];
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
    signal.into_iter().map(|value| value / n as f64).collect()
}

//! Long traces, one at a time: side by side they would not stay in a cache.

use std::fmt;
use std::sync::Arc;

use pulp::Arch;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex;

use super::Batch;
use super::length::Length;
use super::size::{Size, Sizing};
use crate::trace::Traces;

/// Real transforms of one length, and the gain between them.
pub(crate) struct Alone {
    n: usize,
    forward: Arc<dyn RealToComplex<f32>>,
    backward: Arc<dyn ComplexToReal<f32>>,
    gain: Vec<f32>,
}

impl fmt::Debug for Alone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alone").field("n", &self.n).finish_non_exhaustive()
    }
}

impl Alone {
    /// For traces of `n` samples.
    pub(super) fn new(n: usize) -> Self {
        let Length { gain, .. } = Length::of(n);
        let length = 2 * (gain.len() - 1);
        // Neither the mean nor the highest frequency has a quadrature.
        let mut gain: Vec<_> = gain.into_iter().map(|g| (g / length as f64) as f32).collect();
        gain[0] = 0.0;
        gain[length / 2] = 0.0;
        let mut planner = RealFftPlanner::new();
        let (forward, backward) =
            (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
        Self { n, forward, backward, gain }
    }

    /// Hands the analytic signals of all `traces` to `sink`, one at a time.
    pub(super) fn each(&self, traces: Traces<'_, f32>, mut sink: impl FnMut(Batch<'_>)) {
        let (arch, n) = (Arch::new(), self.n);
        let mut line = self.forward.make_input_vec();
        let mut spectrum = self.forward.make_output_vec();
        let n_scratch = self.forward.get_scratch_len().max(self.backward.get_scratch_len());
        let mut scratch = vec![Complex::ZERO; n_scratch];
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
                let (samples, after) = line.split_at_mut(n);
                samples.iter_mut().zip(re).for_each(|(to, re)| *to = re * scales[0][0]);
                after.fill(0.0);
                let done =
                    self.forward.process_with_scratch(&mut line, &mut spectrum, &mut scratch);
                done.expect("the buffers have the lengths of the transform");
                for (bin, gain) in spectrum.iter_mut().zip(&self.gain) {
                    *bin = Complex::new(bin.im * gain, -bin.re * gain);
                }
                let done =
                    self.backward.process_with_scratch(&mut spectrum, &mut line, &mut scratch);
                done.expect("the buffers have the lengths of the transform");
            }
            size.correct(&mut line[..n]);
            sink(Batch { first, n, re, im: &line[..n], scales: &scales });
        }
    }
}

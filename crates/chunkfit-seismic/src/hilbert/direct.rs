//! Short traces: their quadrature is a sum of a few differences of samples. Traces follow each other too
//! quickly to be looked at one by one, so blocks of them are turned into lanes.

use ndarray::ArrayView3;
use pulp::{Arch, Simd, WithSimd};

use super::length::kernel;
use super::size::Size;
use super::{Batch, LONGEST_DIRECT, modulus};
use crate::trace::Traces;

/// Traces of a batch, and of a block.
const TRACES: usize = 32;
const BLOCK: usize = 16;

/// Samples of the traces of a block, one trace in each lane.
type Lanes = [[f32; BLOCK]; LONGEST_DIRECT];

/// The kernel of short traces.
#[derive(Debug)]
pub(crate) struct Direct {
    n: usize,
    /// Steps before and after a sample, and what their difference counts; those that count nothing are
    /// left out.
    taps: Vec<(usize, f32)>,
}

impl Direct {
    /// For traces of `n` samples.
    pub(super) fn new(n: usize) -> Self {
        // For even lengths every other sample counts nothing.
        let taps = (1..n.div_ceil(2)).filter(|t| n % 2 == 1 || t % 2 == 1);
        Self { n, taps: taps.map(|t| (t, kernel(n, t) as f32)).collect() }
    }

    /// Hands the analytic signals of all `traces` to `sink`.
    pub(super) fn each(&self, traces: Traces<'_, f32>, sink: impl FnMut(Batch<'_>)) {
        self.turn::<false>(traces, sink);
    }

    /// Hands their absolute values to `sink`, some traces at a time, and the number of the first: while
    /// samples are in lanes that costs next to nothing.
    pub(crate) fn each_modulus(
        &self,
        traces: ArrayView3<'_, f32>,
        mut sink: impl FnMut(usize, &[f32]),
    ) {
        self.turn::<true>(Traces::new(traces), |batch| sink(batch.first, batch.im));
    }

    fn turn<const MODULUS: bool>(&self, traces: Traces<'_, f32>, mut sink: impl FnMut(Batch<'_>)) {
        let (arch, n) = (Arch::new(), self.n);
        let mut quadratures = vec![0.0; TRACES * n];
        let mut copy = Vec::new();
        for first in (0..traces.count()).step_by(TRACES) {
            let count = TRACES.min(traces.count() - first);
            let re = traces.joined(traces.place(first), count).unwrap_or_else(|| {
                copy.clear();
                copy.reserve_exact(TRACES * n);
                for number in first..first + count {
                    copy.extend(traces.at(traces.place(number)));
                }
                &copy
            });
            let im = &mut quadratures[..count * n];
            let mut scales = [[1.0; 2]; TRACES];
            arch.dispatch(Turn::<MODULUS> { direct: self, re, im, scales: &mut scales });
            sink(Batch { first, n, re, im, scales: &scales[..count] });
        }
    }
}

/// Makes quadratures, or absolute values in their place.
struct Turn<'a, const MODULUS: bool> {
    direct: &'a Direct,
    re: &'a [f32],
    im: &'a mut [f32],
    scales: &'a mut [[f32; 2]; TRACES],
}

impl<const MODULUS: bool> WithSimd for Turn<'_, MODULUS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Direct { n, taps } = self.direct;
        let n = *n;
        let blocks = self.re.chunks(BLOCK * n).zip(self.im.chunks_mut(BLOCK * n));
        for ((re, im), scales) in blocks.zip(self.scales.chunks_mut(BLOCK)) {
            let mut samples: Lanes = [[0.0; BLOCK]; LONGEST_DIRECT];
            for (lane, trace) in re.chunks_exact(n).enumerate() {
                for k in 0..n {
                    samples[k % LONGEST_DIRECT][lane % BLOCK] = trace[k];
                }
            }
            let mut largest = [0; BLOCK];
            for sample in &samples[..n] {
                for lane in 0..BLOCK {
                    largest[lane] = sample[lane].abs().to_bits().max(largest[lane]);
                }
            }
            let (mut down, mut up) = ([1.0; BLOCK], [1.0; BLOCK]);
            for (lane, scale) in scales.iter_mut().enumerate() {
                *scale = Size::of(largest[lane]).scales();
                [down[lane], up[lane]] = *scale;
            }
            for sample in &mut samples[..n] {
                for lane in 0..BLOCK {
                    sample[lane] *= down[lane];
                }
            }
            let mut turned: Lanes = [[0.0; BLOCK]; LONGEST_DIRECT];
            for (k, turned) in turned[..n].iter_mut().enumerate() {
                let mut sums = [0.0; BLOCK];
                for &(t, weight) in taps {
                    let before = &samples[(if k < t { k + n - t } else { k - t }) % LONGEST_DIRECT];
                    let after =
                        &samples[(if k + t < n { k + t } else { k + t - n }) % LONGEST_DIRECT];
                    for lane in 0..BLOCK {
                        sums[lane] += weight * (before[lane] - after[lane]);
                    }
                }
                if MODULUS {
                    let here = &samples[k % LONGEST_DIRECT];
                    for lane in 0..BLOCK {
                        sums[lane] = modulus(here[lane], sums[lane]) * up[lane];
                    }
                }
                *turned = sums;
            }
            for (lane, trace) in im.chunks_exact_mut(n).enumerate() {
                for k in 0..n {
                    trace[k] = turned[k % LONGEST_DIRECT][lane % BLOCK];
                }
                Size::of(largest[lane % BLOCK]).correct(trace);
            }
        }
    }
}

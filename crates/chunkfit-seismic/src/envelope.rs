use std::borrow::Cow;
use std::ops::Range;

use chunkfit_core::{Axis, ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Reach};
use chunkfit_core::{Region, Shape};
use ndarray::{Array3, ArrayView3, ArrayViewMut3, Axis as ArrayAxis};
use pulp::{Arch, Simd, WithSimd};

use crate::catalog::Recipe;
use crate::fresh::fresh;
use crate::hilbert::{self, Analytic, Batch, Hilbert};
use crate::{task, trace};

pub(crate) static OUTPUTS: [OutputSpec; 1] = [OutputSpec {
    name: Cow::Borrowed("envelope"),
    unit: None,
    description: Cow::Borrowed("instantaneous amplitude: absolute value of the analytic signal"),
}];

pub(crate) const RECIPE: Recipe = Recipe {
    name: "envelope",
    summary: "Envelope of each trace: absolute value of the analytic signal",
    parameters: &[],
    outputs: || OUTPUTS.to_vec(),
    reference: "Taner et al. 1979; scipy.signal.hilbert, SciPy 1.17.1",
    build: |_| Ok(Box::new(Envelope)),
};

/// The envelope of every trace: absolute value of the analytic signal, in the unit of the input.
///
/// As `abs(scipy.signal.hilbert(volume))` of SciPy 1.17.1, within 1e-6 of the maximum. Traces may
/// have any length, primes and 1 included. A trace with a NaN or an infinity becomes NaN as a whole,
/// and no other.
///
/// **Memory.** The output, and [`Envelope::workspace`](Operator::workspace).
///
/// ```
/// use ndarray::Array3;
///
/// // A whole number of periods: the envelope of a cosine is 1.
/// let step = std::f32::consts::TAU / 8.0;
/// let volume = Array3::from_shape_fn([2, 3, 16], |(_, _, k)| (step * k as f32).cos());
/// let envelope = chunkfit_seismic::envelope(volume.view());
/// assert!(envelope.iter().all(|v| (v - 1.0).abs() < 1e-6));
/// ```
#[must_use]
pub fn envelope(volume: ArrayView3<'_, f32>) -> Array3<f32> {
    let mut out = fresh(volume.raw_dim());
    if !volume.is_empty() {
        let samples = 0..volume.len_of(ArrayAxis(2));
        envelope_into(volume, samples, out.view_mut());
    }
    out
}

/// The envelope as an operator: output `envelope`, trace by trace.
///
/// **Halo.** None across traces; the whole sample axis, since the transform is circular.
///
/// **Memory.** For traces of `n` samples, [`workspace`](Operator::workspace) is 4096 bytes, 240 for each
/// sample of a trace an eighth longer, and 4·n: some traces side by side, their quadratures, and what
/// the transform needs. Traces of more than 6000 samples are transformed one by one: as much as for 6000,
/// or 64 bytes for each sample of a trace an eighth longer, whichever is more, and 4·n. The number of
/// traces does not matter.
///
/// **Reference.** Taner, Koehler and Sheriff (1979), Complex seismic trace analysis, Geophysics 44;
/// `scipy.signal.hilbert`, SciPy 1.17.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Envelope;

impl Operator for Envelope {
    fn name(&self) -> String {
        "envelope".to_owned()
    }

    fn outputs(&self) -> &[OutputSpec] {
        &OUTPUTS
    }

    fn halo(&self) -> Halo {
        Halo::none().with(Axis::Sample, Reach::Whole)
    }

    fn workspace(&self, block: Shape, _core: Shape) -> ByteSize {
        let n = block[Axis::Sample];
        hilbert::workspace(n) + ByteSize::of::<f32>(n)
    }

    fn apply(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        let core: Region = task::core_in_block(self, &block, at, outputs)?;
        for out in outputs {
            envelope_into(block, core.range(Axis::Sample), out.view_mut());
        }
        Ok(())
    }
}

/// Writes `samples` of the envelope of all `traces`, of which there is at least one.
fn envelope_into(
    traces: ArrayView3<'_, f32>,
    samples: Range<usize>,
    mut out: ArrayViewMut3<'_, f32>,
) {
    let arch = Arch::new();
    let (_, n_crosslines, n_samples) = traces.dim();
    let n = samples.len();
    let place = |number: usize| [number / n_crosslines, number % n_crosslines];
    let hilbert = Hilbert::new(n_samples);
    if let Hilbert::Direct(direct) = &hilbert {
        direct.each_modulus(traces, |first, moduli| match out.as_slice_mut() {
            Some(out) if n == n_samples => {
                out[first * n..][..moduli.len()].copy_from_slice(moduli);
            }
            _ => {
                for (number, moduli) in (first..).zip(moduli.chunks_exact(n_samples)) {
                    trace::write(&mut out, place(number), 0..n, &moduli[samples.clone()]);
                }
            }
        });
        return;
    }
    let mut row = Vec::new();
    hilbert.each(traces, |batch| {
        let samples = samples.clone();
        if let Some(out) = out.as_slice_mut() {
            let out = &mut out[batch.first * n..][..batch.traces().len() * n];
            arch.dispatch(Moduli { batch: &batch, samples, out });
        } else {
            row.resize(batch.traces().len() * n, 0.0);
            arch.dispatch(Moduli { batch: &batch, samples, out: &mut row });
            for (number, row) in (batch.first..).zip(row.chunks_exact(n)) {
                trace::write(&mut out, place(number), 0..n, row);
            }
        }
    });
}

/// Writes samples of the absolute values of traces.
struct Moduli<'a> {
    batch: &'a Batch<'a>,
    samples: Range<usize>,
    out: &'a mut [f32],
}

impl WithSimd for Moduli<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (trace, out) in self.batch.traces().zip(self.out.chunks_exact_mut(self.samples.len())) {
            let Analytic { re, im, down, up } = trace;
            let (re, im) = (&re[self.samples.clone()], &im[self.samples.clone()]);
            for ((out, re), im) in out.iter_mut().zip(re).zip(im) {
                *out = hilbert::modulus(re * down, *im) * up;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_traces_are_their_own_envelope() {
        for n in [1, 2] {
            let volume = Array3::from_shape_fn([2, 3, n], |(i, x, k)| (i + x + k) as f32 - 2.5);
            assert_eq!(envelope(volume.view()), volume.mapv(f32::abs));
        }
    }

    #[test]
    fn a_nan_spoils_its_own_trace_only() {
        for n in [1, 4, 8, 13] {
            let mut volume = Array3::from_elem([2, 3, n], 1.0);
            volume[[1, 1, n / 2]] = f32::NAN;
            volume[[0, 2, 0]] = f32::INFINITY;
            for ((i, x, _), value) in envelope(volume.view()).indexed_iter() {
                assert_eq!(value.is_nan(), (i, x) == (1, 1) || (i, x) == (0, 2), "{i} {x}");
            }
        }
    }

    #[test]
    fn large_and_small_amplitudes_keep_their_size() {
        for amplitude in [1e-30, 1e30] {
            let volume = Array3::from_elem([1, 1, 10], amplitude);
            assert!(envelope(volume.view()).iter().all(|v| (v / amplitude - 1.0).abs() < 1e-6));
        }
    }

    #[test]
    fn an_empty_volume_has_an_empty_envelope() {
        assert!(envelope(Array3::zeros([2, 0, 5]).view()).is_empty());
    }
}

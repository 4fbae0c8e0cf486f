//! Samples of a trace as points in lanes, and back.

use pulp::{Arch, Simd, WithSimd, bytemuck};

use super::super::side_by_side::lanes;

/// l of each lane.
pub(super) fn order(arch: Arch) -> Vec<usize> {
    let lanes = lanes(arch);
    let trace: Vec<f32> = (0..2 * lanes).map(|sample| (sample / 2) as f32).collect();
    let mut line = vec![0.0; 2 * lanes];
    arch.dispatch(Deal { trace: &trace, scale: 1.0, line: &mut line });
    line[..lanes].iter().map(|l| *l as usize).collect()
}

/// Deals pairs of samples out over the lanes, times a scale; zeros after the last.
pub(super) struct Deal<'a> {
    pub(super) trace: &'a [f32],
    pub(super) scale: f32,
    pub(super) line: &'a mut [f32],
}

impl WithSimd for Deal<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { trace, scale, line } = self;
        let points = S::as_mut_simd_f32s(line).0.as_chunks_mut::<2>().0;
        let (samples, _) = S::as_simd_f32s(trace);
        let pairs = samples.as_chunks::<2>().0;
        let (whole, end) = points.split_at_mut(pairs.len());
        let scale = simd.splat_f32s(scale);
        for (point, [a, b]) in whole.iter_mut().zip(pairs) {
            *point =
                simd.deinterleave_shfl_f32s([simd.mul_f32s(*a, scale), simd.mul_f32s(*b, scale)]);
        }
        end.fill([simd.splat_f32s(0.0); 2]);
        if let [point, ..] = end {
            let rest = &trace[pairs.len() * 2 * S::F32_LANES..];
            bytemuck::cast_slice_mut::<_, f32>(point)[..rest.len()].copy_from_slice(rest);
            let [a, b] = *point;
            *point =
                simd.deinterleave_shfl_f32s([simd.mul_f32s(a, scale), simd.mul_f32s(b, scale)]);
        }
    }
}

/// Undoes [`Deal`].
pub(super) struct Collect<'a> {
    pub(super) line: &'a [f32],
    pub(super) trace: &'a mut [f32],
}

impl WithSimd for Collect<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let points = S::as_simd_f32s(self.line).0.as_chunks::<2>().0;
        for (samples, point) in self.trace.chunks_mut(2 * S::F32_LANES).zip(points) {
            let pairs = simd.interleave_shfl_f32s(*point);
            if let ([a, b], []) = S::as_mut_simd_f32s(samples) {
                [*a, *b] = pairs;
            } else {
                let n = samples.len();
                samples.copy_from_slice(&bytemuck::cast_slice::<_, f32>(&pairs)[..n]);
            }
        }
    }
}

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::stretch::Stretches;
use crate::hilbert::Batch;

/// The analytic signals of a stretch, voxel by voxel: short traces follow each other too quickly to be
/// looked at one by one.
pub(super) struct Signals {
    stretches: Stretches,
    /// Voxels that are there.
    length: usize,
    re: Vec<f32>,
    im: Vec<f32>,
    up: Vec<f32>,
}

impl Signals {
    /// Floats for each voxel.
    pub(super) const N_PARTS: usize = 3;

    pub(super) fn new(stretches: Stretches) -> Self {
        let [re, im, up] = [0; Self::N_PARTS].map(|_| vec![0.0; stretches.longest()]);
        Self { stretches, length: 0, re, im, up }
    }

    /// Takes over `voxels` of a batch, which are in stretch `number`, and says whether that is complete.
    pub(super) fn fill(
        &mut self,
        arch: Arch,
        number: usize,
        voxels: Range<usize>,
        batch: &Batch<'_>,
    ) -> bool {
        let stretch = self.stretches.voxels(number);
        let place = voxels.start - stretch.start..voxels.end - stretch.start;
        self.length = place.end;
        let [re, im, up] =
            [&mut self.re, &mut self.im, &mut self.up].map(|part| &mut part[place.clone()]);
        arch.dispatch(Fill { batch, first: voxels.start - batch.first * batch.n, re, im, up });
        self.length == stretch.len()
    }

    /// Relative real and imaginary parts, and what makes amplitudes of them.
    pub(super) fn parts(&self) -> [&[f32]; 3] {
        [&self.re, &self.im, &self.up].map(|part| &part[..self.length])
    }
}

struct Fill<'a> {
    batch: &'a Batch<'a>,
    /// Voxel of the batch.
    first: usize,
    re: &'a mut [f32],
    im: &'a mut [f32],
    up: &'a mut [f32],
}

impl WithSimd for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { batch, first, re, im, up } = self;
        let n = batch.n;
        let mut at = 0;
        for (number, &[down, scale]) in batch.scales.iter().enumerate().skip(first / n) {
            let end = ((number + 1) * n - first).min(re.len());
            for (re, up) in re[at..end].iter_mut().zip(&mut up[at..end]) {
                (*re, *up) = (down, scale);
            }
            at = end;
            if at == re.len() {
                break;
            }
        }
        re.iter_mut().zip(&batch.re[first..]).for_each(|(to, re)| *to *= re);
        im.iter_mut().zip(&batch.im[first..]).for_each(|(to, im)| *to = *im);
    }
}

use std::ops::Range;

use super::stretch::{LENGTH, Stretches};

/// The latest stretches of a quantity.
pub(super) struct Latest {
    stretches: Stretches,
    /// Voxel `v` is at `v % values.len()`.
    values: Vec<f32>,
}

impl Latest {
    /// Room for `count` stretches.
    pub(super) fn new(stretches: Stretches, count: usize) -> Self {
        Self { stretches, values: vec![0.0; Self::length(stretches, count)] }
    }

    /// Floats of `count` stretches.
    pub(super) fn length(stretches: Stretches, count: usize) -> usize {
        (count * LENGTH).min(stretches.n_voxels())
    }

    pub(super) const fn stretches(&self) -> Stretches {
        self.stretches
    }

    /// A stretch.
    pub(super) fn stretch(&self, number: usize) -> &[f32] {
        self.pieces(self.stretches.voxels(number))[0]
    }

    /// A stretch, to be filled.
    pub(super) fn stretch_mut(&mut self, number: usize) -> &mut [f32] {
        let Range { start, end } = self.stretches.voxels(number);
        let first = start % self.values.len();
        &mut self.values[first..first + (end - start)]
    }

    /// No more than a stretch of any voxels, in two pieces: the second is mostly empty.
    pub(super) fn pieces(&self, voxels: Range<usize>) -> [&[f32]; 2] {
        let first = voxels.start % self.values.len();
        let (rest, here) = self.values.split_at(first);
        match here.get(..voxels.len()) {
            Some(all) => [all, &[]],
            None => [here, &rest[..voxels.len() - here.len()]],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_there() {
        for (n_voxels, count) in [(5, 1), (5, 3), (4 * LENGTH + 7, 3), (2 * LENGTH + 1, 3)] {
            let stretches = Stretches::new(n_voxels);
            let mut latest = Latest::new(stretches, count);
            for number in 0..stretches.count() {
                let voxels = stretches.voxels(number);
                for (value, voxel) in latest.stretch_mut(number).iter_mut().zip(voxels.clone()) {
                    *value = voxel as f32;
                }
                for first in [voxels.start, (number + 1).saturating_sub(count) * LENGTH] {
                    for start in [first, first + LENGTH / 3] {
                        let any = start.min(voxels.end)..voxels.end.min(start + LENGTH);
                        let seen = latest.pieces(any.clone()).concat();
                        assert!(seen.into_iter().eq(any.map(|voxel| voxel as f32)), "{n_voxels}");
                    }
                }
            }
        }
    }
}

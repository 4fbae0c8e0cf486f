use std::iter;
use std::ops::Range;

/// Voxels of a stretch: enough that whatever is done once for each does not count, few enough that what
/// lies between two steps stays in the nearest cache. Rows of exactly 4 KiB would lie such that processors
/// take one for another, and wait.
pub(super) const LENGTH: usize = 960;

/// The voxels of a block in memory order, cut into stretches of one length, whatever the traces are: long
/// ones are cut, and short ones go together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretches {
    n_voxels: usize,
}

impl Stretches {
    /// Of a block of so many voxels.
    pub(super) const fn new(n_voxels: usize) -> Self {
        Self { n_voxels }
    }

    pub(super) const fn n_voxels(&self) -> usize {
        self.n_voxels
    }

    pub(super) const fn count(&self) -> usize {
        self.n_voxels.div_ceil(LENGTH)
    }

    /// Voxels of the longest stretch.
    pub(super) fn longest(&self) -> usize {
        LENGTH.min(self.n_voxels)
    }

    /// The voxels of a stretch.
    pub(super) fn voxels(&self, number: usize) -> Range<usize> {
        let start = number * LENGTH;
        start..(start + LENGTH).min(self.n_voxels)
    }

    /// The stretch `lag` before `number`, if there is one.
    pub(super) fn before(&self, number: usize, lag: usize) -> Option<usize> {
        number.checked_sub(lag).filter(|number| *number < self.count())
    }

    /// Pieces of `voxels`, each in one stretch, whose number is beside it.
    pub(super) fn cut(
        self,
        mut voxels: Range<usize>,
    ) -> impl Iterator<Item = (usize, Range<usize>)> {
        iter::from_fn(move || {
            let number = voxels.start / LENGTH;
            let piece = voxels.start..voxels.end.min(self.voxels(number).end);
            voxels.start = piece.end;
            (!piece.is_empty()).then_some((number, piece))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_lie_in_one_stretch() {
        let stretches = Stretches::new(3 * LENGTH + 5);
        assert_eq!([stretches.count(), stretches.longest()], [4, LENGTH]);
        let pieces: Vec<_> = stretches.cut(LENGTH - 1..2 * LENGTH + 3).collect();
        let expected =
            [(0, LENGTH - 1..LENGTH), (1, LENGTH..2 * LENGTH), (2, 2 * LENGTH..2 * LENGTH + 3)];
        assert_eq!(pieces, expected);
        let end = 3 * LENGTH..3 * LENGTH + 5;
        assert_eq!(stretches.cut(end.clone()).collect::<Vec<_>>(), [(3, end)]);
    }

    #[test]
    fn lags_end_with_the_last_stretch() {
        let stretches = Stretches::new(2 * LENGTH);
        let seen = [0, 1, 2, 3].map(|number| stretches.before(number, 1));
        assert_eq!(seen, [None, Some(0), Some(1), None]);
    }
}

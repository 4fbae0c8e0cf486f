//! Short traces, turned: those of a stretch of inlines lie side by side, sample after sample. So a line
//! is long enough for what a processor does with many elements at a time.

use std::ops::Range;

use chunkfit_core::{Axis, ByteSize, Shape};
use ndarray::{ArrayView1, ArrayView3, ArrayViewMut1, ArrayViewMut3, Axis as ArrayAxis, s};

use super::Traces;
use super::sweep::Source;
use super::taps::Layout;
use crate::edge::reflect_around;

/// Elements of a line of inlines side by side at most: a window of such lines stays in the nearest
/// caches.
pub(super) const LINE: usize = 2048;

/// Fewest inlines side by side that are faster than one after the other: where a line has room for fewer,
/// traces are long enough.
const NARROWEST: usize = 40;

/// Fewest windows side by side: half of one at each end is seen only.
const WINDOWS: usize = 4;

/// The stretches of inlines in which a core is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretches {
    /// Inlines of each, fewer in the last.
    pub(super) length: usize,
}

impl Stretches {
    /// `None` where traces are long or inlines few.
    pub(super) fn new(half: [usize; 3], core: Shape) -> Option<Self> {
        let [seen, _, around] = half.map(|half| 2 * half);
        let widest = LINE / (core[Axis::Sample] + around);
        if !enough(half, core) || widest < fewest(half) {
            return None;
        }
        let n_inlines = core[Axis::Inline];
        let count = n_inlines.div_ceil(widest - seen);
        Some(Self { length: n_inlines.div_ceil(count) })
    }

    /// For each stretch of `inlines` its first, and its part of all.
    pub(super) fn of(self, inlines: &Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> {
        let (start, n) = (inlines.start, inlines.len());
        (0..n).step_by(self.length).map(move |at| (start + at, at..n.min(at + self.length)))
    }
}

/// Whether a core has enough inlines for stretches of them, if its traces are short.
pub(super) fn enough(half: [usize; 3], core: Shape) -> bool {
    core[Axis::Inline] >= fewest(half)
}

fn fewest(half: [usize; 3]) -> usize {
    NARROWEST.max(WINDOWS * (2 * half[0] + 1))
}

/// Inlines side by side, of one or more inputs.
#[derive(Debug)]
pub(super) struct Stretch<T> {
    lines: Vec<T>,
    n_samples: usize,
    /// Inlines side by side.
    width: usize,
    /// How far taps lie away.
    half: usize,
    /// Inlines that the volume has.
    n_inlines: usize,
    /// The first inline; those before the volume, and behind it, are reflected.
    first: isize,
}

impl<T: Copy + Default> Stretch<T> {
    pub(super) fn new(
        n_inputs: usize,
        half: usize,
        width: usize,
        n_samples: usize,
        n_inlines: usize,
    ) -> Self {
        let lines = vec![T::default(); n_inputs * (n_samples * width + 2 * half)];
        Self { lines, n_samples, width, half, n_inlines, first: 0 }
    }

    /// Heap bytes of [`new`](Self::new) at most.
    pub(super) fn bytes(n_inputs: usize, half: usize) -> ByteSize {
        ByteSize::of::<T>(n_inputs * (LINE + 2 * half))
    }

    /// Goes to the stretch that begins with `inline`.
    pub(super) fn restart(&mut self, inline: isize) {
        self.first = inline;
    }

    /// Elements of an input.
    fn length(&self) -> usize {
        self.n_samples * self.width + 2 * self.half
    }

    /// Which of the inlines side by side the volume has.
    fn known(&self) -> Range<usize> {
        let end = self.n_inlines.saturating_add_signed(-self.first);
        0_usize.saturating_add_signed(-self.first)..end.min(self.width)
    }

    /// Takes the samples of an input, each with the inlines that are known.
    fn fill<'a>(&mut self, input: usize, samples: impl Iterator<Item = ArrayView1<'a, T>>)
    where
        T: 'a,
    {
        let (known, start) = (self.known(), input * self.length());
        let lines = self.lines[start..].chunks_exact_mut(self.width);
        for (line, sample) in lines.zip(samples) {
            ArrayViewMut1::from(&mut line[known.clone()]).assign(&sample);
            reflect_around(line, known.clone());
        }
    }

    /// Takes an input that was made side by side with a few more inlines.
    pub(super) fn take(&mut self, input: usize, made: &[T]) {
        let (known, width) = (self.known(), made.len() / self.n_samples);
        self.fill(input, made.chunks_exact(width).map(|sample| sample[known.clone()].into()));
    }

    pub(super) fn traces(&self) -> Traces<'_, T> {
        let (length, half) = (self.length(), self.half);
        Traces { layout: Layout::SideBySide { lines: &self.lines, length, half }, input: 0 }
    }
}

/// A stretch of the inlines of a block.
pub(super) struct OfBlock<'a, T> {
    block: ArrayView3<'a, T>,
    samples: Range<usize>,
    stretch: Stretch<T>,
}

impl<'a, T: Copy + Default> OfBlock<'a, T> {
    pub(super) fn new(
        block: ArrayView3<'a, T>,
        samples: Range<usize>,
        half: usize,
        width: usize,
    ) -> Self {
        let (n_inlines, ..) = block.dim();
        let stretch = Stretch::new(1, half, width, samples.len(), n_inlines);
        Self { block, samples, stretch }
    }

    /// Goes to the stretch that begins with `inline`.
    pub(super) fn restart(&mut self, inline: isize) {
        self.stretch.restart(inline);
    }
}

impl<T: Copy + Default> Source<T> for OfBlock<'_, T> {
    fn traces(&mut self, crossline: usize) -> Traces<'_, T> {
        let known = self.stretch.known();
        let start = known.start.saturating_add_signed(self.stretch.first);
        let inlines = start..start + known.len();
        let crossline = self.block.slice(s![inlines, crossline, ..]);
        self.stretch.fill(0, self.samples.clone().map(|k| crossline.slice_move(s![.., k])));
        self.stretch.traces()
    }
}

/// Writes what was made of inlines side by side.
pub(super) fn write<T: Copy>(
    out: &mut ArrayViewMut3<'_, T>,
    inlines: Range<usize>,
    crossline: usize,
    made: &[T],
) {
    let (n_inlines, width) = (inlines.len(), made.len() / out.len_of(ArrayAxis(2)));
    let mut out = out.slice_mut(s![inlines, crossline, ..]);
    for (mut out, sample) in out.columns_mut().into_iter().zip(made.chunks_exact(width)) {
        out.assign(&ArrayView1::from(&sample[..n_inlines]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_cover_a_core_and_fit_a_line() {
        let half = [2, 0, 3];
        for (n_inlines, n_samples) in [(40, 1), (41, 7), (97, 45), (1009, 3), (100_003, 11)] {
            let core = Shape::new([n_inlines, 2, n_samples]).unwrap();
            let stretches = Stretches::new(half, core).unwrap();
            assert!((stretches.length + 4) * (n_samples + 6) <= LINE);
            let mut next = 0;
            for (start, part) in stretches.of(&(5..5 + n_inlines)) {
                assert_eq!((start, part.start), (5 + next, next));
                next = part.end;
            }
            assert_eq!(next, n_inlines);
        }
    }

    #[test]
    fn long_traces_and_few_inlines_stay_alone() {
        for (half, extents) in [
            ([1, 1, 1], [39, 900, 1]),
            ([5, 0, 0], [43, 1, 1]),
            ([0, 0, 0], [500, 1, 52]),
            ([0, 0, 20], [500, 1, 12]),
        ] {
            assert!(Stretches::new(half, Shape::new(extents).unwrap()).is_none(), "{extents:?}");
        }
    }
}

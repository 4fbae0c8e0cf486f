//! One trace of a volume. Slicing costs more than a short trace does, so a volume in one piece goes without.

use std::ops::Range;

use ndarray::{ArrayView1, ArrayView3, ArrayViewMut3, s};

/// The traces of a volume, by inline and crossline.
#[derive(Clone, Copy)]
pub(crate) struct Traces<'a, T> {
    volume: ArrayView3<'a, T>,
    whole: Option<&'a [T]>,
}

impl<'a, T> Traces<'a, T> {
    pub(crate) fn new(volume: ArrayView3<'a, T>) -> Self {
        Self { volume, whole: volume.to_slice() }
    }

    /// Number of traces of a volume that is not empty.
    pub(crate) fn count(&self) -> usize {
        let (n_inlines, n_crosslines, _) = self.volume.dim();
        n_inlines * n_crosslines
    }

    /// Inline and crossline of a trace, numbered in memory order.
    #[inline(always)]
    pub(crate) fn place(&self, number: usize) -> [usize; 2] {
        let (_, n_crosslines, _) = self.volume.dim();
        [number / n_crosslines, number % n_crosslines]
    }

    /// Whether all traces are in one piece of memory, one after the other.
    pub(crate) const fn are_joined(&self) -> bool {
        self.whole.is_some()
    }

    /// One trace.
    #[inline(always)]
    pub(crate) fn at(&self, [i, x]: [usize; 2]) -> ArrayView1<'a, T> {
        match self.in_whole([i, x]) {
            Some(trace) => trace.into(),
            None => self.volume.slice_move(s![i, x, ..]),
        }
    }

    /// So many traces from the one at `[i, x]` on, if they are in one piece of memory.
    #[inline(always)]
    pub(crate) fn joined(&self, [i, x]: [usize; 2], n: usize) -> Option<&'a [T]> {
        let (_, n_crosslines, n_samples) = self.volume.dim();
        self.whole.map(|whole| &whole[(i * n_crosslines + x) * n_samples..][..n * n_samples])
    }

    /// One trace, if it is in one piece of memory.
    #[inline(always)]
    pub(crate) fn slice(&self, at: [usize; 2]) -> Option<&'a [T]> {
        self.in_whole(at).or_else(|| self.at(at).to_slice())
    }

    /// One trace in one piece of memory: its copy in `room` where it is not.
    pub(crate) fn slice_in<'r>(&self, at: [usize; 2], room: &'r mut Vec<T>) -> &'r [T]
    where
        'a: 'r,
        T: Copy,
    {
        self.slice(at).unwrap_or_else(|| {
            room.clear();
            room.extend(self.at(at));
            room
        })
    }

    #[inline(always)]
    fn in_whole(&self, at: [usize; 2]) -> Option<&'a [T]> {
        self.joined(at, 1)
    }
}

/// Writes a line to `samples` of a trace.
#[inline(always)]
pub(crate) fn write<T: Copy>(
    out: &mut ArrayViewMut3<'_, T>,
    [inline, crossline]: [usize; 2],
    samples: Range<usize>,
    line: &[T],
) {
    let (_, n_crosslines, n_samples) = out.dim();
    if let Some(elements) = out.as_slice_mut() {
        let start = (inline * n_crosslines + crossline) * n_samples;
        elements[start + samples.start..start + samples.end].copy_from_slice(line);
    } else {
        out.slice_mut(s![inline, crossline, samples]).assign(&ArrayView1::from(line));
    }
}

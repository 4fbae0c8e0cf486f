//! What a kernel sees at each of its steps: lines of equal length whose elements know nothing of each
//! other. So they may be the samples of one inline, or those of several inlines side by side.

use std::ops::Range;

use ndarray::{ArrayView1, ArrayView2, s};

use crate::edge::reflect;
use crate::ring::Ring;

/// The traces of a window along the inlines, of one of several inputs.
pub(crate) struct Traces<'a, T> {
    pub(super) layout: Layout<'a, T>,
    pub(super) input: usize,
}

/// How traces lie.
pub(super) enum Layout<'a, T> {
    /// In planes, from the trace on that is seen of the first.
    Joined {
        elements: &'a [T],
        /// Elements of a trace.
        n: usize,
        /// Elements from one input to the next.
        input: usize,
        /// Elements from one plane to the next.
        plane: usize,
        n_slots: usize,
        extent: usize,
        inline: usize,
    },
    /// By inline, in pieces.
    Apart { traces: ArrayView2<'a, T>, inline: usize },
    /// The trace of the next inline one element further, in `length` elements for each input.
    SideBySide { lines: &'a [T], length: usize, half: usize },
}

impl<T> Traces<'_, T> {
    /// What a row is made of in the trace `by` inlines away.
    pub(crate) fn tap(&self, by: isize) -> ArrayView1<'_, T> {
        match self.layout {
            Layout::Joined { elements, n, input, plane, n_slots, extent, inline } => {
                let slot = reflect(inline as isize + by, extent) % n_slots;
                elements[slot * plane + self.input * input..][..n].into()
            }
            Layout::Apart { ref traces, inline } => {
                let (n_inlines, _) = traces.dim();
                traces.slice(s![reflect(inline as isize + by, n_inlines), ..])
            }
            Layout::SideBySide { lines, length, half } => {
                let start = (self.input * length + half).wrapping_add_signed(by);
                lines[start..start + length - 2 * half].into()
            }
        }
    }
}

/// The rows of a window along the crosslines.
pub(crate) struct Rows<'a, T> {
    pub(super) ring: &'a Ring<T>,
    pub(super) crossline: usize,
    pub(super) input: usize,
    /// Channels of an input.
    pub(super) n_channels: usize,
    /// Elements of a channel.
    pub(super) n: usize,
}

impl<'a, T: Copy + Default> Rows<'a, T> {
    /// A channel of the row `by` crosslines away.
    pub(crate) fn tap(&self, channel: usize, by: isize) -> &'a [T] {
        let start = (self.input * self.n_channels + channel) * self.n;
        &self.ring.line(self.crossline, by)[start..start + self.n]
    }
}

/// The channels of a line.
pub(crate) struct Line<'a, T> {
    pub(super) values: &'a mut [T],
    /// Elements of a channel.
    pub(super) length: usize,
    /// Elements of a channel that rows fill.
    pub(super) known: Range<usize>,
    /// Elements from one sample to the next.
    pub(super) step: usize,
    /// Samples at both ends that are seen only.
    pub(super) half: usize,
}

impl<T> Line<'_, T> {
    /// The part of a channel that rows fill.
    pub(crate) fn fill(&mut self, channel: usize) -> &mut [T] {
        &mut self.values[channel * self.length..][..self.length][self.known.clone()]
    }

    /// All channels, and the range of the first that rows fill; the next is `length` further.
    pub(crate) fn fill_all(&mut self) -> (&mut [T], usize, Range<usize>) {
        (self.values, self.length, self.known.clone())
    }

    /// A channel as it lies `by` samples away.
    pub(crate) fn tap(&self, channel: usize, by: isize) -> &[T] {
        let n = self.length - 2 * self.half * self.step;
        let start = channel * self.length + self.half.wrapping_add_signed(by) * self.step;
        &self.values[start..start + n]
    }
}

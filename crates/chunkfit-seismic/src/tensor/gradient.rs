use std::ops::Range;

use ndarray::{ArrayView3, s};
use pulp::Simd;

use super::filter::{GRADIENT, difference, smooth};
use super::lanes::GROUP;
use crate::aligned::Aligned;
use crate::edge::reflect;
use crate::gradient::{CENTRE, SIDE};

/// Elements of a row beyond those of a line: a neighbour on each side, in whole vectors.
pub(super) const ROW_EXTRA: usize = GROUP;

/// Where the samples of a core are in a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Parts of the line, each a trace of its own: where traces are short, several share a line.
    pub(super) parts: usize,
    /// Elements from one part to the next.
    pub(super) pitch: usize,
    /// Elements of the whole line, a multiple of [`GROUP`].
    pub(super) length: usize,
}

/// Gradient of twice the amplitude, one line of samples after the other: the factor two cancels in
/// all that follows.
///
/// A part of a line is padded: it begins half a window before the first sample of the core. A part of
/// a row begins one sample earlier still.
pub(super) struct Gradient<'a> {
    block: ArrayView3<'a, f32>,
    /// The block, where it lies in one piece.
    elements: Option<&'a [f32]>,
    /// Samples that are read: those of the core, half a window and one neighbour, within the block.
    known: Range<usize>,
    /// Elements of a part of a row before the first of them.
    first: usize,
    layout: Layout,
    /// Elements of a part of a row, or of a line, that lie beyond a face, and those shown there.
    row_mirrors: Vec<(usize, usize)>,
    line_mirrors: Vec<(usize, usize)>,
    /// What is left to do along the samples.
    across: Aligned<f64>,
    /// Traces of a block that is not contiguous.
    traces: Vec<f32>,
}

impl<'a> Gradient<'a> {
    /// Room for lines of up to `longest` elements, and `half` a window along samples.
    pub(super) fn new(block: ArrayView3<'a, f32>, longest: usize, half: usize) -> Self {
        let row = longest + ROW_EXTRA;
        Self {
            block,
            elements: block.to_slice(),
            known: 0..0,
            first: 0,
            layout: Layout { parts: 1, pitch: 0, length: longest },
            row_mirrors: Vec::with_capacity(2 * half + 2),
            line_mirrors: Vec::with_capacity(2 * half + 2),
            across: Aligned::zeros(row),
            traces: vec![0.0; 3 * row],
        }
    }

    /// Heap bytes of [`new`](Self::new).
    pub(super) const fn bytes(longest: usize, half: usize) -> usize {
        let row = longest + ROW_EXTRA;
        let mirrors = 2 * (2 * half + 2) * size_of::<(usize, usize)>();
        mirrors + Aligned::<f64>::bytes(row) + 3 * row * size_of::<f32>()
    }

    /// Goes over to the samples of another core, with `half` a window.
    pub(super) fn restart(&mut self, core: &Range<usize>, half: usize, layout: Layout) {
        let n_samples = self.block.dim().2;
        let inner = core.start.saturating_sub(half)..(core.end + half).min(n_samples);
        let before = inner.start + half - core.start;
        let window = core.len() + 2 * half;
        self.known = inner.start.saturating_sub(1)..(inner.end + 1).min(n_samples);
        self.first = before + 1 + self.known.start - inner.start;
        self.layout = layout;
        // What is shown beyond both ends of a row is one step beyond the inner samples only.
        mirrors(&mut self.row_mirrors, self.first, self.known.len(), window + 2);
        mirrors(&mut self.line_mirrors, before, inner.len(), window);
    }

    /// Elements of a row: difference and smoothed amplitude along the inlines.
    pub(super) fn row_length(&self) -> usize {
        2 * (self.layout.length + ROW_EXTRA)
    }

    /// Filters traces along the inlines, one trace for each part, of the inlines `inlines`; a step
    /// beyond the last inline shows that inline again.
    #[inline(always)]
    pub(super) fn read_row(
        &mut self,
        inlines: impl Fn(usize) -> usize,
        crossline: usize,
        row: &mut [f64],
    ) {
        let n_inlines = self.block.dim().0;
        let n = self.known.len();
        let (difference, smooth) = row.split_at_mut(row.len() / 2);
        for part in 0..self.layout.parts {
            let inline = inlines(part);
            let at = part * self.layout.pitch;
            let first = at + self.first;
            let (first_spare, rest) = self.traces.split_at_mut(n);
            let (second_spare, third_spare) = rest.split_at_mut(n);
            let source = Source { block: self.block, elements: self.elements, known: &self.known };
            filter_traces(
                &mut difference[first..first + n],
                &mut smooth[first..first + n],
                source.trace(inline.saturating_sub(1), crossline, first_spare),
                source.trace(inline, crossline, second_spare),
                source.trace((inline + 1).min(n_inlines - 1), crossline, third_spare),
            );
            for (to, from) in &self.row_mirrors {
                difference[at + to] = difference[at + from];
                smooth[at + to] = smooth[at + from];
            }
        }
    }

    /// The three components on a line, from the rows of its crossline and of the two neighbours.
    #[inline(always)]
    pub(super) fn differentiate<S: Simd>(&mut self, simd: S, rows: [&[f64]; 3], out: &mut [f64]) {
        let n = self.layout.length;
        let [before, centre, after] = rows;
        let row = before.len() / 2;
        let (before, centre, after) =
            (before.split_at(row), centre.split_at(row), after.split_at(row));
        let across = &mut self.across[..n + ROW_EXTRA];
        smooth::<S, GROUP, 0>(simd, across, before.0, centre.0, after.0);
        smooth::<S, GRADIENT, 0>(simd, out, across, &across[1..], &across[2..]);
        difference::<S, GROUP, 0>(simd, across, before.1, after.1);
        smooth::<S, GRADIENT, 1>(simd, out, across, &across[1..], &across[2..]);
        smooth::<S, GROUP, 0>(simd, across, before.1, centre.1, after.1);
        difference::<S, GRADIENT, 2>(simd, out, across, &across[2..]);
        self.mirror(out);
    }

    /// Fills what a line holds of samples beyond the faces.
    fn mirror(&self, line: &mut [f64]) {
        let element = |position: usize| position / GROUP * GRADIENT + position % GROUP;
        for part in 0..self.layout.parts {
            let at = part * self.layout.pitch;
            for (to, from) in &self.line_mirrors {
                for axis in 0..3 {
                    line[element(at + to) + axis * GROUP] = line[element(at + from) + axis * GROUP];
                }
            }
        }
    }
}

/// The positions of a line of `length` outside the `n` from `start`, and those that are shown there.
fn mirrors(out: &mut Vec<(usize, usize)>, start: usize, n: usize, length: usize) {
    out.clear();
    out.extend(
        (0..start)
            .chain(start + n..length)
            .map(|position| (position, start + reflect(position as isize - start as isize, n))),
    );
}

/// Where traces are read from.
struct Source<'a, 'r> {
    block: ArrayView3<'a, f32>,
    elements: Option<&'a [f32]>,
    known: &'r Range<usize>,
}

impl<'a> Source<'a, '_> {
    /// The known elements of a trace, through a copy where they do not lie side by side.
    #[inline(always)]
    fn trace<'s>(&self, inline: usize, crossline: usize, spare: &'s mut [f32]) -> &'s [f32]
    where
        'a: 's,
    {
        let (_, n_crosslines, n_samples) = self.block.dim();
        if let Some(elements) = self.elements {
            let start = (inline * n_crosslines + crossline) * n_samples;
            return &elements[start + self.known.start..start + self.known.end];
        }
        let trace = self.block.slice_move(s![inline, crossline, self.known.clone()]);
        match trace.to_slice() {
            Some(trace) => trace,
            None => {
                spare.iter_mut().zip(trace).for_each(|(copy, value)| *copy = *value);
                &spare[..trace.len()]
            }
        }
    }
}

#[inline(always)]
fn filter_traces(
    difference: &mut [f64],
    smooth: &mut [f64],
    before: &[f32],
    centre: &[f32],
    after: &[f32],
) {
    let n = difference.len();
    let smooth = &mut smooth[..n];
    let (before, centre, after) = (&before[..n], &centre[..n], &after[..n]);
    for k in 0..n {
        let (before, centre, after) =
            (f64::from(before[k]), f64::from(centre[k]), f64::from(after[k]));
        difference[k] = after - before;
        smooth[k] = centre * CENTRE + (before + after) * SIDE;
    }
}

use std::ops::Range;

use chunkfit_core::{Axis, ByteSize, Region, Shape};

use super::stretch::LINE;
use super::{Kernel, Line, Rows, Traces};
use crate::edge::{reflect_around, reflect_lines_around};
use crate::ring::{Ring, slots};

/// Where a sweep has its traces from.
pub(super) trait Source<T> {
    /// The traces of the window on `crossline`, of the first input.
    fn traces(&mut self, crossline: usize) -> Traces<'_, T>;
}

/// What is held while a kernel moves over the crosslines of one inline, or of several side by side.
pub(super) struct Sweep<'k, T, K: Kernel<T>> {
    kernel: &'k K,
    n_inputs: usize,
    crosslines: Range<usize>,
    /// Samples of the block that are in a row.
    samples: Range<usize>,
    /// Samples of a line before the first of a row.
    before: usize,
    /// Inlines side by side: elements from one sample to the next.
    width: usize,
    rows: Ring<K::Value>,
    line: Vec<K::Value>,
    /// Elements of a channel of the line.
    length: usize,
    scratch: Vec<K::Value>,
    outputs: Vec<K::Output>,
    n_outputs: usize,
}

/// Samples of a row, of a line, and of an output line.
fn lengths(half: usize, block: usize, core: usize) -> [usize; 3] {
    [(core + 2 * half).min(block), core + 2 * half, core]
}

/// Heap bytes of [`Sweep::new`] with one inline at a time.
pub(super) fn workspace<T, K: Kernel<T>>(
    kernel: &K,
    numbers: [usize; 2],
    block: Shape,
    core: Shape,
) -> ByteSize {
    let [.., half] = kernel.half();
    let lengths = lengths(half, block[Axis::Sample], core[Axis::Sample]);
    bytes(kernel, numbers, block[Axis::Crossline], lengths)
}

/// Heap bytes of [`Sweep::new`] with inlines side by side, at most.
pub(super) fn workspace_side_by_side<T, K: Kernel<T>>(
    kernel: &K,
    numbers: [usize; 2],
    block: Shape,
) -> ByteSize {
    bytes(kernel, numbers, block[Axis::Crossline], [LINE; 3])
}

/// Heap bytes of a window of rows for all inputs; and of a line, scratch and outputs for one.
fn bytes<T, K: Kernel<T>>(
    kernel: &K,
    [n_inputs, n_outputs]: [usize; 2],
    n_crosslines: usize,
    [row, line, out]: [usize; 3],
) -> ByteSize {
    let [_, half_crossline, _] = kernel.half();
    let [row_channels, line_channels] = kernel.channels();
    let rows = slots(half_crossline, n_crosslines) * n_inputs * row_channels * row;
    ByteSize::of::<K::Value>(rows + line_channels * line + kernel.scratch(out))
        + ByteSize::of::<K::Output>(n_outputs * out)
}

impl<'k, T, K: Kernel<T>> Sweep<'k, T, K> {
    /// A sweep that makes `n_outputs` of `core`, a part of a block of shape `block`, from each of
    /// `n_inputs`, with `width` inlines side by side.
    pub(super) fn new(
        kernel: &'k K,
        [n_inputs, n_outputs]: [usize; 2],
        block: [usize; 3],
        core: &Region,
        width: usize,
    ) -> Self {
        let [_, half_crossline, half] = kernel.half();
        let [row_channels, line_channels] = kernel.channels();
        let wanted = core.range(Axis::Sample);
        let [_, line, out] = lengths(half, block[2], wanted.len()).map(|samples| samples * width);
        let samples = wanted.start.saturating_sub(half)..(wanted.end + half).min(block[2]);
        let row = n_inputs * row_channels * samples.len() * width;
        Self {
            kernel,
            n_inputs,
            crosslines: core.range(Axis::Crossline),
            before: samples.start + half - wanted.start,
            width,
            rows: Ring::new(half_crossline, block[1], row),
            line: vec![K::Value::default(); line_channels * line],
            length: line,
            scratch: vec![K::Value::default(); kernel.scratch(out)],
            outputs: vec![K::Output::default(); n_outputs * out],
            n_outputs,
            samples,
        }
    }

    /// Samples of the block that it needs.
    pub(super) fn samples(&self) -> Range<usize> {
        self.samples.clone()
    }

    /// Begins anew with the first crossline.
    pub(super) fn restart(&mut self) {
        self.rows.restart(self.crosslines.start);
    }

    /// Makes all crosslines: `write` gets the crossline of the core, the output, and its line.
    pub(super) fn run(
        &mut self,
        source: &mut impl Source<T>,
        mut write: impl FnMut(usize, usize, &[K::Output]),
    ) {
        self.restart();
        for (x, crossline) in self.crosslines.clone().enumerate() {
            self.crossline(source, crossline, |number, line| write(x, number, line));
        }
    }

    /// Makes the next crossline: `write` gets the output, and its line.
    pub(super) fn crossline(
        &mut self,
        source: &mut impl Source<T>,
        crossline: usize,
        mut write: impl FnMut(usize, &[K::Output]),
    ) {
        let (kernel, step, length) = (self.kernel, self.width, self.length);
        let [n_channels, _] = kernel.channels();
        let [_, _, half] = kernel.half();
        let known = self.before..self.before + self.samples.len();
        let n = known.len() * step;
        while let Some((crossline, rows)) = self.rows.next_missing(crossline) {
            let mut traces = source.traces(crossline);
            for (input, row) in rows.chunks_exact_mut(n_channels * n).enumerate() {
                traces.input = input;
                kernel.across_inlines(&traces, row);
            }
        }
        for input in 0..self.n_inputs {
            let filled = known.start * step..known.end * step;
            let mut line = Line { values: &mut self.line, length, known: filled, step, half };
            let rows = Rows { ring: &self.rows, crossline, input, n_channels, n };
            kernel.across_crosslines(&rows, &mut line);
            for channel in line.values.chunks_exact_mut(length) {
                match step {
                    1 => reflect_around(channel, known.clone()),
                    _ => reflect_lines_around(channel, step, known.clone()),
                }
            }
            kernel.along_samples(&line, &mut self.scratch, &mut self.outputs);
            let outputs = self.outputs.chunks_exact(length - 2 * half * step);
            for (number, line) in outputs.enumerate() {
                write(input * self.n_outputs + number, line);
            }
        }
    }
}

//! One sweep over the inlines of a tile: gradients, products and box sums are made line by line and
//! kept only as long as a window needs them.

use std::ops::Range;

use chunkfit_core::{Axis, ByteSize, Region, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};
use pulp::{Arch, Simd, WithSimd};

use super::filter::{sum_elements, sum_lines, sum_products};
use super::gradient::{Gradient, Layout, ROW_EXTRA};
use super::lanes::{GROUP, NARROW_GROUP};
use super::{Lines, Solver, Tensor};
use crate::aligned::Aligned;
use crate::edge::reflect;
use crate::ring::{Ring, slots};
use crate::trace;

/// Crosslines and samples of a tile: three planes of gradients (512 KiB) stay in the cache of one core,
/// most traces are read in one go, and what the tiles around compute again is a small part.
const TILE_CROSSLINES: usize = 12;
const TILE_SAMPLES: usize = 512;

/// How a core is cut.
#[derive(Clone, Copy)]
struct Tiling {
    kernel: [usize; 3],
    half: [usize; 3],
    /// Largest tile along crosslines.
    crosslines: usize,
    /// Elements of a line of results, and so the largest tile along samples.
    samples: usize,
    /// Elements of a line that is still to be summed along samples.
    line: usize,
}

impl Tiling {
    /// For a core of so many `samples`.
    fn new(kernel: [usize; 3], samples: usize) -> Self {
        let samples = TILE_SAMPLES.max(samples.min(2 * kernel[2])).next_multiple_of(NARROW_GROUP);
        Self {
            kernel,
            half: kernel.map(|kernel| kernel / 2),
            crosslines: TILE_CROSSLINES.max(2 * kernel[1]),
            samples,
            line: padded(samples, kernel[2]),
        }
    }

    /// Crosslines of gradients that a tile of `block` may need.
    fn rows(&self, block: usize, core: usize) -> usize {
        (core.min(self.crosslines) + 2 * self.half[1]).min(block)
    }

    /// Where short traces share a line, each comes from another stretch of the inlines.
    fn layout(&self, inlines: usize, samples: usize) -> Layout {
        let pitch = samples + self.kernel[2] + 1;
        // Each stretch begins with the planes of a window.
        let parts = (self.samples / pitch).min(inlines / (4 * self.kernel[0])).max(1);
        let results = if parts == 1 { samples } else { parts * pitch };
        let length = padded(results.next_multiple_of(NARROW_GROUP), self.kernel[2]);
        Layout { parts, pitch, length }
    }
}

fn padded(results: usize, kernel: usize) -> usize {
    (results + kernel - 1).next_multiple_of(GROUP)
}

/// Elements of each ring and of the line between the sums, all aligned.
fn rooms(tiling: &Tiling, block: [usize; 3], core: [usize; 3]) -> [usize; 4] {
    let [n_inlines, n_crosslines, _] = block;
    let [half_inline, half_crossline, half_sample] = tiling.half;
    let rows = tiling.rows(n_crosslines, core[1]);
    [
        slots(1, n_crosslines) * 2 * (tiling.line + ROW_EXTRA),
        slots(half_inline, n_inlines) * rows * 3 * tiling.line,
        slots(half_crossline, n_crosslines) * 6 * tiling.line,
        tiling.line + 2 * half_sample,
    ]
}

/// Heap bytes of [`run`]; the formula is in the documentation of the operators.
pub(super) fn workspace<Q: Solver>(kernel: [usize; 3], block: Shape, core: Shape) -> ByteSize {
    let tiling = Tiling::new(kernel, core[Axis::Sample]);
    let rooms = rooms(&tiling, block.extents(), core.extents()).map(Aligned::<f64>::bytes);
    let bytes = rooms.into_iter().sum::<usize>()
        + Lines::bytes(tiling.samples, tiling.line, Q::ROOM)
        + Gradient::bytes(tiling.line, tiling.half[2]);
    ByteSize::of::<u8>(bytes)
}

/// Writes what `tensor` makes of `core` in `block`.
pub(super) fn run<Q: Solver>(
    arch: Arch,
    tensor: &Tensor<Q>,
    block: ArrayView3<'_, f32>,
    core: &Region,
    outputs: &mut [ArrayViewMut3<'_, f32>],
) {
    arch.dispatch(Sweep { tensor, block, core, outputs });
}

struct Sweep<'a, 'o, 'v, Q> {
    tensor: &'a Tensor<Q>,
    block: ArrayView3<'a, f32>,
    core: &'a Region,
    outputs: &'o mut [ArrayViewMut3<'v, f32>],
}

/// The inlines of a core, in stretches of the same length that a sweep goes through side by side.
///
/// A single stretch goes by the positions of the block, and its window reflects at the faces. Several
/// see the faces at different times, so each has positions for what lies beyond.
#[derive(Clone, Copy)]
struct Stretches {
    core_start: usize,
    core_end: usize,
    /// Inlines of a stretch: the last overlaps the one before rather than be shorter.
    length: usize,
    /// Position of the first inline of the core in each stretch.
    first: usize,
    /// Number of positions.
    extent: usize,
    n_inlines: usize,
}

impl Stretches {
    fn new(core: &Range<usize>, n_inlines: usize, count: usize, half: usize) -> Self {
        let length = core.len().div_ceil(count);
        let (first, extent) = match count {
            1 => (core.start, n_inlines),
            _ => (half, length + 2 * half),
        };
        Self { core_start: core.start, core_end: core.end, length, first, extent, n_inlines }
    }

    /// The inline of the block at `position` of stretch `part`.
    fn inline(&self, part: usize, position: usize) -> usize {
        let start = (self.core_start + part * self.length).min(self.core_end - self.length);
        reflect((start + position) as isize - self.first as isize, self.n_inlines)
    }
}

impl<Q: Solver> WithSimd for Sweep<'_, '_, '_, Q> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tensor, block, core, outputs } = self;
        let (n_inlines, n_crosslines, _) = block.dim();
        let [inlines, crosslines, samples] = Axis::ALL.map(|axis| core.range(axis));
        let tiling = Tiling::new(tensor.kernel, samples.len());
        let [half_inline, half_crossline, half_sample] = tiling.half;
        let extents = Axis::ALL.map(|axis| core.range(axis).len());
        let [rows, planes, products, mut sums] =
            rooms(&tiling, block.dim().into(), extents).map(Aligned::zeros);
        let mut rows = Ring::over(1, n_crosslines, 0, rows);
        let mut planes = Ring::over(half_inline, n_inlines, 0, planes);
        let mut products = Ring::over(half_crossline, n_crosslines, 0, products);
        let mut gradient = Gradient::new(block, tiling.line, half_sample);
        let mut lines = Lines::new(tiling.samples, tiling.line, Q::ROOM);
        for tile in tiles(&crosslines, tiling.crosslines) {
            let wide = tile.start.saturating_sub(half_crossline)
                ..(tile.end + half_crossline).min(n_crosslines);
            for segment in tiles(&samples, tiling.samples) {
                let layout = tiling.layout(inlines.len(), segment.len());
                let Layout { parts, pitch, length } = layout;
                let n = (length + 1 - tensor.kernel[2]) / NARROW_GROUP * NARROW_GROUP;
                let stretches = Stretches::new(&inlines, n_inlines, parts, half_inline);
                gradient.restart(&segment, half_sample, layout);
                planes.restart_over(stretches.first, stretches.extent, wide.len() * 3 * length);
                for position in stretches.first..stretches.first + stretches.length {
                    while let Some((position, plane)) = planes.next_missing(position) {
                        rows.restart_over(wide.start, n_crosslines, gradient.row_length());
                        for (x, line) in wide.clone().zip(plane.chunks_exact_mut(3 * length)) {
                            while let Some((x, row)) = rows.next_missing(x) {
                                gradient.read_row(|part| stretches.inline(part, position), x, row);
                            }
                            let around = [rows.line(x, -1), rows.line(x, 0), rows.line(x, 1)];
                            gradient.differentiate(simd, around, line);
                        }
                    }
                    products.restart_over(tile.start, n_crosslines, 6 * length);
                    for x in tile.clone() {
                        while let Some((x, out)) = products.next_missing(x) {
                            let at = (x - wide.start) * 3 * length;
                            sum_products(simd, out, half_inline, |by| {
                                &planes.line(position, by)[at..at + 3 * length]
                            });
                        }
                        lines.restart(n, length);
                        let sums = &mut sums[..length + 2 * half_sample];
                        for product in 0..6 {
                            let across = |by| products.line(x, by);
                            sum_lines(simd, &mut sums[..length], product, half_crossline, across);
                            sum_elements(simd, lines.sum_mut(product), half_sample, sums);
                        }
                        tensor.solver.solve(simd, &mut lines);
                        let to = segment.start - samples.start..segment.end - samples.start;
                        for (number, out) in outputs.iter_mut().enumerate() {
                            let line = tensor.solver.output(simd, number, &mut lines);
                            for part in 0..parts {
                                let inline = stretches.inline(part, position) - inlines.start;
                                let line = &line[part * pitch..][..segment.len()];
                                trace::write(out, [inline, x - crosslines.start], to.clone(), line);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Parts of `range` of about the same length, none longer than `longest`.
fn tiles(range: &Range<usize>, longest: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let Range { start, end } = *range;
    let count = (end - start).div_ceil(longest);
    let length = (end - start).div_ceil(count);
    (start..end).step_by(length).map(move |from| from..(from + length).min(end))
}

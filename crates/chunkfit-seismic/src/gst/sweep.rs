//! One sweep over the inlines of a block: gradients, products and box sums are made line by line and
//! kept only as long as a window needs them.

use std::ops::Range;

use chunkfit_core::{Axis, ByteSize, Region, Shape};
use ndarray::{ArrayView3, ArrayViewMut1, ArrayViewMut3, Zip, s};

use super::normal::Normal;
use super::window::{Window, slots};
use super::{Quantity, StructureTensor};
use crate::edge::reflect_around;

/// Weights of the smoother across a derivative: centre and neighbours.
const CENTRE: f64 = 0.642_105;
const SIDE: f64 = 0.178_947;

/// The products of the gradient: ii, ix, is, xx, xs, ss.
const PRODUCTS: [(usize, usize); 6] = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];

/// Heap bytes of [`run`]; the formula is in the documentation of [`StructureTensor`].
pub(super) fn workspace(kernel: [usize; 3], block: Shape, core: Shape) -> ByteSize {
    let [half_inline, half_crossline, half_sample] = kernel.map(|kernel| kernel / 2);
    let [n_inlines, n_crosslines, _] = block.extents();
    let [_, crosslines, samples] = core.extents();
    let padded = samples + 2 * half_sample;
    let planes = slots(half_inline, n_inlines) * 6 * crosslines * samples;
    let lines = slots(half_crossline, n_crosslines) * 6 * samples;
    let rows = slots(1, n_crosslines) * 2 * (padded + 2);
    ByteSize::of::<f64>(planes + lines + rows + 3 * (padded + 2) + 4 * padded + 10 * samples)
}

/// Writes what `tensor` wants to know of `core` in `block`.
pub(super) fn run(
    tensor: &StructureTensor,
    block: ArrayView3<'_, f32>,
    core: &Region,
    outputs: &mut [ArrayViewMut3<'_, f32>],
) {
    let [half_inline, half_crossline, half_sample] = tensor.kernel.map(|kernel| kernel / 2);
    let (n_inlines, n_crosslines, _) = block.dim();
    let [inlines, crosslines, samples] = Axis::ALL.map(|axis| core.range(axis));
    let length = 6 * samples.len();
    let mut gradient = GradientLine::new(block, samples.clone(), half_sample);
    let mut rows = Window::new(1, n_crosslines, gradient.row_length());
    let mut lines = Window::new(half_crossline, n_crosslines, length);
    let mut planes = Window::new(half_inline, n_inlines, crosslines.len() * length);
    let mut sums = vec![0.0; length];
    let mut normals = vec![Normal::VERTICAL; samples.len()];
    planes.restart(inlines.start);
    for (i, inline) in inlines.enumerate() {
        planes.advance(inline, |inline, plane| {
            lines.restart(crosslines.start);
            rows.restart(crosslines.start.saturating_sub(half_crossline));
            for (crossline, line_sums) in crosslines.clone().zip(plane.chunks_exact_mut(length)) {
                lines.advance(crossline, |crossline, line| {
                    rows.advance(crossline, |row, out| gradient.read_row(inline, row, out));
                    gradient.differentiate([-1, 0, 1].map(|by| rows.line(crossline, by)));
                    gradient.sum_products(line);
                });
                lines.sum(crossline, 0..length, line_sums);
            }
        });
        for x in 0..crosslines.len() {
            planes.sum(inline, x * length..(x + 1) * length, &mut sums);
            normals_of(&sums, &mut normals);
            for (quantity, out) in tensor.quantities.iter().zip(outputs.iter_mut()) {
                let write: fn(&Normal) -> f32 = match quantity {
                    Quantity::Dip => Normal::dip,
                    Quantity::Azimuth => Normal::azimuth,
                    Quantity::Planarity => Normal::planarity,
                };
                let line = out.slice_mut(s![i, x, ..]);
                Zip::from(line).and(&normals).for_each(|out, normal| *out = write(normal));
            }
        }
    }
}

/// The normals of a line, from the sums of its six products one after the other.
fn normals_of(sums: &[f64], normals: &mut [Normal]) {
    let n = normals.len();
    let [ii, ix, is, xx, xs, ss] = [0, 1, 2, 3, 4, 5].map(|p| &sums[p * n..][..n]);
    for (k, normal) in normals.iter_mut().enumerate() {
        *normal = Normal::of([ii[k], ix[k], is[k], xx[k], xs[k], ss[k]]);
    }
}

/// Gradient of twice the amplitude along one line of samples, and sums of its products: the factor
/// two cancels in all that follows.
struct GradientLine<'a> {
    block: ArrayView3<'a, f32>,
    /// Samples of the block that have a gradient: the core and half a window.
    inner: Range<usize>,
    /// Half a window along the samples.
    half: usize,
    /// Elements of a padded line before the first inner sample.
    before: usize,
    /// What is left to do along the samples for the three components, one element wider on each side.
    across: [Vec<f64>; 3],
    /// The components, padded to a window around each sample of the core.
    gradient: [Vec<f64>; 3],
    product: Vec<f64>,
}

impl<'a> GradientLine<'a> {
    fn new(block: ArrayView3<'a, f32>, core: Range<usize>, half: usize) -> Self {
        let inner = core.start.saturating_sub(half)..(core.end + half).min(block.dim().2);
        let padded = core.len() + 2 * half;
        let [wide, narrow] = [inner.len() + 2, padded];
        Self {
            block,
            before: inner.start + half - core.start,
            half,
            across: [(); 3].map(|()| vec![0.0; wide]),
            gradient: [(); 3].map(|()| vec![0.0; narrow]),
            product: vec![0.0; narrow],
            inner,
        }
    }

    /// Elements of a row: difference and smoothed amplitude along the inlines.
    fn row_length(&self) -> usize {
        2 * self.across[0].len()
    }

    /// Filters one trace along the inlines; a step beyond the last element shows that element again.
    fn read_row(&self, inline: usize, crossline: usize, row: &mut [f64]) {
        let (n_inlines, _, n_samples) = self.block.dim();
        let Range { start, end } = self.inner;
        let known = start.saturating_sub(1)..(end + 1).min(n_samples);
        let trace = |inline| self.block.slice(s![inline, crossline, known.clone()]);
        let (before, after) = (inline.saturating_sub(1), (inline + 1).min(n_inlines - 1));
        let (difference, smooth) = row.split_at_mut(row.len() / 2);
        let first = usize::from(start == 0);
        Zip::from(ArrayViewMut1::from(&mut difference[first..first + known.len()]))
            .and(ArrayViewMut1::from(&mut smooth[first..first + known.len()]))
            .and(trace(before))
            .and(trace(inline))
            .and(trace(after))
            .for_each(|difference, smooth, &before, &centre, &after| {
                let (before, after) = (f64::from(before), f64::from(after));
                *difference = after - before;
                *smooth = f64::from(centre) * CENTRE + (before + after) * SIDE;
            });
        for line in [difference, smooth] {
            reflect_around(line, first, known.len());
        }
    }

    /// Finishes the three components, from the rows of a crossline and of its neighbours.
    fn differentiate(&mut self, rows: [&[f64]; 3]) {
        let wide = self.across[0].len();
        let [before, centre, after] = rows.map(|row| row.split_at(wide));
        let [inline, crossline, sample] = &mut self.across;
        smooth(inline, before.0, centre.0, after.0);
        for ((out, before), after) in crossline.iter_mut().zip(before.1).zip(after.1) {
            *out = after - before;
        }
        smooth(sample, before.1, centre.1, after.1);
        let inner = self.before..self.before + self.inner.len();
        let [along_inline, along_crossline, along_sample] = &mut self.gradient;
        for (out, line) in [(along_inline, inline), (along_crossline, crossline)] {
            let n = inner.len();
            smooth(&mut out[inner.clone()], &line[..n], &line[1..=n], &line[2..]);
        }
        for (out, ends) in along_sample[inner.clone()].iter_mut().zip(sample.windows(3)) {
            *out = ends[2] - ends[0];
        }
        for line in &mut self.gradient {
            reflect_around(line, self.before, inner.len());
        }
    }

    /// The six products, each summed over the window along the samples.
    fn sum_products(&mut self, out: &mut [f64]) {
        let n = self.product.len() - 2 * self.half;
        for ((a, b), out) in PRODUCTS.into_iter().zip(out.chunks_exact_mut(n)) {
            let factors = self.gradient[a].iter().zip(&self.gradient[b]);
            for (product, (a, b)) in self.product.iter_mut().zip(factors) {
                *product = a * b;
            }
            out.copy_from_slice(&self.product[..n]);
            for by in 1..=2 * self.half {
                for (sum, value) in out.iter_mut().zip(&self.product[by..]) {
                    *sum += value;
                }
            }
        }
    }
}

fn smooth(out: &mut [f64], before: &[f64], centre: &[f64], after: &[f64]) {
    for (((out, before), centre), after) in out.iter_mut().zip(before).zip(centre).zip(after) {
        *out = centre * CENTRE + (before + after) * SIDE;
    }
}

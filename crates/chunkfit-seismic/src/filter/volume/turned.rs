//! Planes of a few voxels: passes across lines that short would fill no register, so planes lie side by
//! side. Every pass but the first is one across rows of them.

use std::ops::Range;

use ndarray::{ArrayView1, ArrayView3, ArrayViewMut3, Axis};
use pulp::Simd;

use super::super::arithmetic::Arithmetic;
use super::super::columns;
use super::super::kernel::Kernel;
use super::super::pass::{Rows, across};
use super::{pieces, seen};
use crate::aligned::Aligned;
use crate::trace::Traces;

/// Planes that are filtered together.
const PLANES: usize = 128;
/// The largest plane, and the largest span of a kernel across planes, of which copies stay in a cache.
const LARGEST_PLANE: usize = 128;
const LARGEST_SPAN: usize = 128;

/// Elements of each buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Buffers {
    planes: usize,
    plane: usize,
    span: usize,
    columns: usize,
    views: usize,
}

impl Buffers {
    /// None where planes are large, or few.
    pub(super) fn new(kernels: &[Kernel; 3], block: [usize; 3], core: [usize; 3]) -> Option<Self> {
        let plane = block[1] * block[2];
        (plane <= LARGEST_PLANE).then(|| Self::of_plane(plane, kernels, core)).flatten()
    }

    /// As much as blocks and cores need that are as large at most, if any of them goes this way.
    pub(super) fn most(kernels: &[Kernel; 3], block: [usize; 3], core: [usize; 3]) -> Option<Self> {
        let [_, lines, samples] = core.map(|n| n.min(LARGEST_PLANE));
        let plane = (block[1] * block[2]).min(LARGEST_PLANE);
        Self::of_plane(plane, kernels, [core[0], lines, samples])
    }

    fn of_plane(plane: usize, kernels: &[Kernel; 3], core: [usize; 3]) -> Option<Self> {
        let spans = kernels.each_ref().map(Kernel::span);
        let outputs = [core[0].min(PLANES), core[1], core[2]];
        let needs = |need: fn(usize, usize) -> usize| {
            outputs.into_iter().zip(spans).map(|(n, span)| need(n, span)).max().unwrap_or(0)
        };
        let enough = spans[0] <= LARGEST_SPAN && core[0] >= PLANES / 2;
        enough.then(|| Self {
            planes: outputs[0],
            plane,
            span: spans[0],
            columns: needs(columns::across),
            views: needs(|n, span| n + span),
        })
    }

    pub(super) fn bytes<T, N: Copy + Default>(&self) -> usize {
        Aligned::<N>::bytes(self.columns)
            + self.views * size_of::<ArrayView1<'_, T>>()
            + (3 * self.planes + self.span) * self.plane * size_of::<T>()
    }
}

/// Filters `core` of `block` along its three axes.
#[inline(always)]
pub(super) fn filter<S: Simd, T: Copy + Default, A: Arithmetic<T>>(
    simd: S,
    [first, second, third]: &[Kernel; 3],
    block: ArrayView3<'_, T>,
    [inlines, crosslines, samples]: &[Range<usize>; 3],
    mut out: ArrayViewMut3<'_, T>,
    buffers: &Buffers,
) {
    let (n_planes, n_lines, n) = block.dim();
    let traces = Traces::new(block);
    let plane = buffers.plane;
    let mut columns = Aligned::<A::Number>::zeros(buffers.columns);
    let room = |planes: usize| vec![T::default(); planes * plane];
    let mut copies = room(if traces.are_joined() { 0 } else { buffers.planes + buffers.span });
    let (mut one, mut other) = (room(buffers.planes), room(buffers.planes));
    for planes in pieces(inlines, buffers.planes) {
        let width = planes.len();
        let near = seen(first, &planes, n_planes);
        for (copy, i) in copies.chunks_exact_mut(plane).zip(near.clone()) {
            let voxels = (0..n_lines).flat_map(|x| traces.at([i, x]));
            copy.iter_mut().zip(voxels).for_each(|(copy, value)| *copy = *value);
        }
        let rows: Vec<ArrayView1<'_, T>> = near
            .enumerate()
            .map(|(at, i)| match traces.joined([i, 0], n_lines) {
                Some(joined) => joined.into(),
                None => row(&copies, plane, at),
            })
            .collect();
        let to = Rows { elements: &mut one, stride: plane, n: width };
        across::<S, T, A>(simd, first, &rows, &mut columns, to);
        drop(rows);
        for (at, row) in other.chunks_exact_mut(width).take(plane).enumerate() {
            let column = one[at..].iter().step_by(plane);
            row.iter_mut().zip(column).for_each(|(to, value)| *to = *value);
        }
        // Voxel `at` of a plane is row `at` now.
        for k in 0..n {
            let rows: Vec<_> =
                seen(second, crosslines, n_lines).map(|x| row(&other, width, x * n + k)).collect();
            let elements = &mut one[k * width..];
            let to = Rows { elements, stride: n * width, n: crosslines.len() };
            across::<S, T, A>(simd, second, &rows, &mut columns, to);
        }
        for x in 0..crosslines.len() {
            let rows: Vec<_> =
                seen(third, samples, n).map(|k| row(&one, width, x * n + k)).collect();
            let elements = &mut other[x * samples.len() * width..];
            let to = Rows { elements, stride: width, n: samples.len() };
            across::<S, T, A>(simd, third, &rows, &mut columns, to);
        }
        let voxels = crosslines.len() * samples.len();
        let first = planes.start - inlines.start;
        if let Some(out) = out.as_slice_mut() {
            for (at, out) in out[first * voxels..].chunks_exact_mut(voxels).take(width).enumerate()
            {
                let column = other[at..].iter().step_by(width);
                out.iter_mut().zip(column).for_each(|(to, value)| *to = *value);
            }
        } else {
            for at in 0..width {
                let column = other[at..].iter().step_by(width);
                let out = out.index_axis_mut(Axis(0), first + at);
                out.into_iter().zip(column).for_each(|(to, value)| *to = *value);
            }
        }
    }
}

/// Row `at` of those that have a `width`.
fn row<T>(rows: &[T], width: usize, at: usize) -> ArrayView1<'_, T> {
    (&rows[at * width..][..width]).into()
}

//! Planes of any size: a few are filtered along the first axis, line by line, into a ring of as many
//! lines as the second pass sees; what that makes of a few lines is filtered along the third axis and
//! stored.

use std::ops::{Range, RangeInclusive};

use ndarray::{ArrayView1, ArrayView3, ArrayViewMut3, s};
use pulp::Simd;

use super::super::arithmetic::Arithmetic;
use super::super::columns;
use super::super::kernel::Kernel;
use super::super::pass::{Results, Rows, across, along};
use super::{pieces, seen};
use crate::aligned::Aligned;
use crate::trace::{self, Traces};

/// Planes that are filtered together along the first axis: more of small ones.
const PLANES: RangeInclusive<usize> = 32..=128;
/// Elements that planes filtered together should have.
const PLANES_ELEMENTS: usize = 8192;
/// Lines that are filtered together along the second axis.
const LINES: usize = 32;
/// Elements that a row of the second pass should have: short lines of several planes are joined.
const ROW: usize = 512;
/// Outputs along the third axis that are formed together: lines around longer ones would not stay in a
/// cache.
const SAMPLES: usize = 4096;

/// Elements of each buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Buffers {
    planes: usize,
    slots: usize,
    columns: usize,
    views: usize,
    ring: usize,
    lines: usize,
}

impl Buffers {
    pub(super) fn new(kernels: &[Kernel; 3], block: [usize; 3], core: [usize; 3]) -> Self {
        let plane = block[1] * block[2].min(SAMPLES + kernels[2].span());
        let planes = (PLANES_ELEMENTS / plane.max(1)).clamp(*PLANES.start(), *PLANES.end());
        Self::of_planes(core[0].min(planes), kernels, block, core)
    }

    /// As much as blocks and cores need that are as large at most.
    pub(super) fn most(kernels: &[Kernel; 3], block: [usize; 3], core: [usize; 3]) -> Self {
        let [few, many] = [*PLANES.start(), *PLANES.end()]
            .map(|planes| Self::of_planes(core[0].min(planes), kernels, block, core));
        // More than a few planes have a limited number of elements.
        Self { ring: few.ring.max(many.ring.min(PLANES_ELEMENTS)), ..many }
    }

    fn of_planes(
        planes: usize,
        kernels: &[Kernel; 3],
        block: [usize; 3],
        core: [usize; 3],
    ) -> Self {
        let spans = kernels.each_ref().map(Kernel::span);
        let n_samples = block[2].min(SAMPLES + spans[2]);
        let lines = core[1].min(LINES);
        let slots = block[1].min(lines + spans[1]);
        Self {
            planes,
            slots,
            columns: columns::across(planes, spans[0])
                .max(columns::across(lines, spans[1]))
                .max(columns::along(core[2].min(SAMPLES), spans[2])),
            views: (planes + spans[0]).max(lines + spans[1]),
            ring: slots * planes * n_samples,
            lines: lines * n_samples.max(ROW.min(planes * n_samples)),
        }
    }

    pub(super) fn bytes<T, N: Copy + Default>(&self) -> usize {
        Aligned::<N>::bytes(self.columns)
            + self.views * size_of::<ArrayView1<'_, T>>()
            + (self.ring + self.lines + Results::<T>::NEEDED) * size_of::<T>()
    }
}

/// Filters `core` of `block` along its three axes.
#[inline(always)]
pub(super) fn filter<S: Simd, T: Copy + Default, A: Arithmetic<T>>(
    simd: S,
    kernels: &[Kernel; 3],
    block: ArrayView3<'_, T>,
    core: &[Range<usize>; 3],
    mut out: ArrayViewMut3<'_, T>,
    buffers: &Buffers,
) {
    let [first, second, third] = kernels;
    let [inlines, crosslines, all_samples] = core;
    let (n_planes, n_lines, n) = block.dim();
    let mut columns = Aligned::<A::Number>::zeros(buffers.columns);
    let mut ring = vec![T::default(); buffers.ring];
    let mut lines = vec![T::default(); buffers.lines];
    let mut results = Results::new();
    for samples in pieces(all_samples, SAMPLES) {
        let [before, after] = third.reach();
        let near = samples.start.saturating_sub(before)..n.min(samples.end + after);
        let to = samples.start - all_samples.start..samples.end - all_samples.start;
        let mut out = out.slice_mut(s![.., .., to]);
        let samples = samples.start - near.start..samples.end - near.start;
        let n = near.len();
        let traces = Traces::new(block.slice(s![.., .., near]));
        for planes in pieces(inlines, buffers.planes) {
            let in_slot = planes.len() * n;
            let mut filtered = crosslines.start.saturating_sub(second.reach()[0]);
            for these in pieces(crosslines, LINES) {
                let needed = n_lines.min(these.end + second.reach()[1]);
                // Short lines of a plane are filtered side by side, and go through `lines`.
                let at_a_time = if traces.are_joined() && n < ROW / LINES {
                    (lines.len() / in_slot).max(1)
                } else {
                    1
                };
                for some in pieces(&(filtered..needed), at_a_time) {
                    let width = some.len() * n;
                    let rows: Vec<_> = seen(first, &planes, n_planes)
                        .map(|plane| match traces.joined([plane, some.start], some.len()) {
                            Some(joined) => joined.into(),
                            None => traces.at([plane, some.start]),
                        })
                        .collect();
                    if some.len() == 1 {
                        let to = &mut ring[(some.start % buffers.slots) * in_slot..][..in_slot];
                        let to = Rows { elements: to, stride: n, n: planes.len() };
                        across::<S, T, A>(simd, first, &rows, &mut columns, to);
                        continue;
                    }
                    let elements = &mut lines[..planes.len() * width];
                    let to = Rows { elements, stride: width, n: planes.len() };
                    across::<S, T, A>(simd, first, &rows, &mut columns, to);
                    for (number, line) in some.enumerate() {
                        let slot = &mut ring[(line % buffers.slots) * in_slot..][..in_slot];
                        let lines = lines.chunks_exact(width).map(|row| &row[number * n..][..n]);
                        for (to, line) in slot.chunks_exact_mut(n).zip(lines) {
                            to.iter_mut().zip(line).for_each(|(to, value)| *to = *value);
                        }
                    }
                }
                filtered = needed;
                let joined = (ROW / n).clamp(1, planes.len());
                for part in pieces(&(0..planes.len()), joined) {
                    let rows: Vec<_> = seen(second, &these, n_lines)
                        .map(|line| &ring[(line % buffers.slots) * in_slot..][..in_slot])
                        .map(|slot| ArrayView1::from(&slot[part.start * n..part.end * n]))
                        .collect();
                    let width = part.len() * n;
                    let lines = &mut lines[..these.len() * width];
                    let to = Rows { elements: lines, stride: width, n: these.len() };
                    across::<S, T, A>(simd, second, &rows, &mut columns, to);
                    let plane = planes.start - inlines.start + part.start;
                    let line = these.start - crosslines.start;
                    let mut store = |at: usize, run: Range<usize>, result: &[T]| {
                        let (line, plane) = (line + at / part.len(), plane + at % part.len());
                        trace::write(&mut out, [plane, line], run, result);
                    };
                    let lines = (&*lines, n);
                    along::<S, T, A>(
                        simd,
                        third,
                        lines,
                        &samples,
                        &mut columns,
                        &mut results,
                        &mut store,
                    );
                }
            }
        }
    }
}

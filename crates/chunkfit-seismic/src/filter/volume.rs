use std::marker::PhantomData;
use std::ops::{Range, RangeInclusive};

use ndarray::{ArrayView1, ArrayView3, ArrayViewMut3};
use pulp::{Arch, Simd, WithSimd};

use super::arithmetic::Arithmetic;
use super::columns;
use super::kernel::Kernel;
use super::pass::{Results, Rows, across, along};
use crate::aligned::Aligned;
use crate::edge::reflect;
use crate::trace::{self, Traces};

/// Planes that are filtered together along the first axis: more of small ones.
const PLANES: RangeInclusive<usize> = 32..=128;
/// Elements that planes filtered together should have.
const PLANES_ELEMENTS: usize = 8192;
/// Lines that are filtered together along the second axis.
const LINES: usize = 32;
/// Elements that a row of the second pass should have: short lines of several planes are joined.
const ROW: usize = 512;

/// Elements of each buffer of a [`sweep`].
///
/// A few planes are filtered along the first axis, line by line, into a ring of as many lines as the
/// second pass sees; what that makes of a few lines is filtered along the third axis and stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Buffers {
    planes: usize,
    slots: usize,
    columns: usize,
    views: usize,
    ring: usize,
    lines: usize,
}

impl Buffers {
    pub(crate) fn new(kernels: &[Kernel; 3], block: [usize; 3], core: [usize; 3]) -> Self {
        let [_, n_lines, n_samples] = block;
        let spans = kernels.each_ref().map(Kernel::span);
        let planes =
            (PLANES_ELEMENTS / (n_lines * n_samples).max(1)).clamp(*PLANES.start(), *PLANES.end());
        let [planes, lines] = [core[0].min(planes), core[1].min(LINES)];
        let slots = n_lines.min(lines + spans[1]);
        Self {
            planes,
            slots,
            columns: columns::across(planes, spans[0])
                .max(columns::across(lines, spans[1]))
                .max(columns::along(core[2], spans[2])),
            views: (planes + spans[0]).max(lines + spans[1]),
            ring: slots * planes * n_samples,
            lines: lines * n_samples.max(ROW.min(planes * n_samples)),
        }
    }

    pub(crate) fn bytes<T, N: Copy + Default>(&self) -> usize {
        Aligned::<N>::bytes(self.columns)
            + self.views * size_of::<ArrayView1<'_, T>>()
            + (self.ring + self.lines + Results::<T>::NEEDED) * size_of::<T>()
    }
}

/// Filters `core` of `block` along its three axes, in order, each pass rounded to `T`.
pub(crate) fn sweep<T: Copy + Default, A: Arithmetic<T>>(
    kernels: &[Kernel; 3],
    block: ArrayView3<'_, T>,
    core: [Range<usize>; 3],
    out: ArrayViewMut3<'_, T>,
) {
    sweep_on::<T, A>(Arch::new(), kernels, block, core, out);
}

/// The same with the instructions of `arch`.
fn sweep_on<T: Copy + Default, A: Arithmetic<T>>(
    arch: Arch,
    kernels: &[Kernel; 3],
    block: ArrayView3<'_, T>,
    core: [Range<usize>; 3],
    out: ArrayViewMut3<'_, T>,
) {
    arch.dispatch(Sweep::<T, A> { kernels, block, core, out, arithmetic: PhantomData });
}

struct Sweep<'a, T, A> {
    kernels: &'a [Kernel; 3],
    block: ArrayView3<'a, T>,
    core: [Range<usize>; 3],
    out: ArrayViewMut3<'a, T>,
    arithmetic: PhantomData<A>,
}

impl<T: Copy + Default, A: Arithmetic<T>> WithSimd for Sweep<'_, T, A> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { kernels: [first, second, third], block, core, mut out, .. } = self;
        let (n_planes, n_lines, n) = block.dim();
        let extents = core.each_ref().map(ExactSizeIterator::len);
        let buffers = Buffers::new(self.kernels, block.dim().into(), extents);
        let mut columns = Aligned::<A::Number>::zeros(buffers.columns);
        let mut ring = vec![T::default(); buffers.ring];
        let mut lines = vec![T::default(); buffers.lines];
        let mut results = Results::new();
        let traces = Traces::new(block);
        let [inlines, crosslines, samples] = core;
        for planes in pieces(&inlines, buffers.planes) {
            let in_slot = planes.len() * n;
            let mut filtered = crosslines.start.saturating_sub(second.reach()[0]);
            for these in pieces(&crosslines, LINES) {
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

/// Pieces of `range` with `n` positions each, or fewer in the last.
pub(crate) fn pieces(range: &Range<usize>, n: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let end = range.end;
    range.clone().step_by(n).map(move |start| start..end.min(start + n))
}

/// The elements of an axis of `n` that `kernel` sees from `outputs`.
pub(crate) fn seen(
    kernel: &Kernel,
    outputs: &Range<usize>,
    n: usize,
) -> impl ExactSizeIterator<Item = usize> + use<> {
    let first = outputs.start as isize - kernel.reach()[0] as isize;
    (0..outputs.len() + kernel.span()).map(move |at| reflect(first + at as isize, n))
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;
    use crate::filter::{Double, Sample};

    /// The portable instructions, and each set of others that this processor has.
    fn paths() -> Vec<Arch> {
        let mut paths = vec![Arch::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            paths.extend(pulp::x86::V3::try_new().map(Arch::V3));
            paths.extend(pulp::x86::V4::try_new().map(Arch::V4));
        }
        paths
    }

    /// One output after the other, in the order of SciPy.
    fn plain<T: Sample>(volume: &Array3<T>, kernel: &Kernel, axis: usize) -> Array3<T> {
        let n = volume.shape()[axis];
        Array3::from_shape_fn(volume.raw_dim(), |(i, x, k)| {
            let at = |by: isize| -> f64 {
                let mut at = [i, x, k];
                at[axis] = reflect(at[axis] as isize + by, n);
                volume[at].into()
            };
            let pairs = |centre: f64, far: &[f64], sign: f64| {
                far.iter().enumerate().fold(at(0) * centre, |sum, (j, weight)| {
                    let by = (far.len() - j) as isize;
                    sum + (at(-by) + sign * at(by)) * weight
                })
            };
            T::from_f64(match kernel {
                Kernel::Even { centre, far } => pairs(*centre, far, 1.0),
                Kernel::Odd { centre, far } => pairs(*centre, far, -1.0),
                Kernel::Any { weights } => {
                    let before = kernel.reach()[0] as isize;
                    let tap = |j: usize| at(j as isize - before) * weights[j];
                    let last = weights.len() - 1;
                    (0..last).fold(tap(last), |sum, j| sum + tap(j))
                }
                Kernel::Mean { size } => {
                    let [before, after] = kernel.reach().map(|reach| reach as isize);
                    (-before..=after).map(at).fold(0.0, |sum, tap| sum + tap) / *size as f64
                }
            })
        })
    }

    fn same_bits_on_every_path<T: Sample>(shape: [usize; 3], kernels: &[Kernel; 3]) {
        let mut state = 1_u64;
        let volume = Array3::from_shape_fn(shape, |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            T::from_f64((state >> 11) as f64 * 1e-13 - 450.0)
        });
        let passes = kernels.iter().enumerate();
        let expected =
            passes.fold(volume.clone(), |volume, (axis, kernel)| plain(&volume, kernel, axis));
        let bits = |volume: &Array3<T>| -> Vec<u64> {
            volume.iter().map(|value| Into::<f64>::into(*value).to_bits()).collect()
        };
        for arch in paths() {
            let mut out = Array3::from_elem(shape, T::default());
            let core = shape.map(|n| 0..n);
            sweep_on::<T, Double>(arch, kernels, volume.view(), core, out.view_mut());
            assert!(bits(&out) == bits(&expected), "{arch:?}, {shape:?}, {kernels:?}");
        }
    }

    #[test]
    fn every_path_has_the_bits_of_plain_sums() {
        let [bell, short] = [3.0, 0.7].map(|sigma| crate::gaussian::kernel(sigma, 4.0));
        let slope = Kernel::new(&[-0.5, -0.25, 0.0, 0.25, 0.5]);
        let leaning = Kernel::new(&[0.1, 0.5, -0.3, 0.7]);
        let mean = Kernel::Mean { size: 4 };
        let kernels = [
            [bell.clone(), bell.clone(), bell.clone()],
            [short, slope, leaning],
            [mean.clone(), Kernel::default(), mean],
        ];
        // Fewer than a register holds, whole squares and more, more than are filtered at a time.
        let shapes = [
            [1, 1, 1],
            [2, 3, 1],
            [150, 3, 3],
            [35, 40, 7],
            [3, 19, 67],
            [34, 9, 33],
            [1, 9, 1100],
        ];
        for shape in shapes {
            for kernels in &kernels {
                same_bits_on_every_path::<f32>(shape, kernels);
                same_bits_on_every_path::<f64>(shape, kernels);
            }
        }
    }
}

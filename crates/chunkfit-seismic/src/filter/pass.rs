use std::marker::PhantomData;
use std::ops::Range;

use ndarray::ArrayView1;
use pulp::bytemuck::{Pod, cast_slice};
use pulp::{NullaryFnOnce, Simd};

use super::arithmetic::Arithmetic;
use super::columns::{MOST_LANES, RUN, STRIPS, narrow, prefetch, widen};
use super::kernel::{Kernel, ROWS, Store};
use crate::turn::SIDE;

/// Rows of equal length in one piece of memory, `stride` elements apart.
pub(crate) struct Rows<'a, T> {
    pub(crate) elements: &'a mut [T],
    pub(crate) stride: usize,
    pub(crate) n: usize,
}

/// A pass across rows: output row `i` is formed from rows `i` to `i + span` of `rows`.
#[inline(always)]
pub(crate) fn across<S: Simd, T: Copy + Default, A: Arithmetic<T>>(
    simd: S,
    kernel: &Kernel,
    rows: &[ArrayView1<'_, T>],
    columns: &mut [A::Number],
    mut out: Rows<'_, T>,
) {
    let lanes = size_of::<A::Lanes<S>>() / size_of::<A::Number>();
    let width = rows.first().map_or(0, ArrayView1::len);
    let depth = out.n.next_multiple_of(ROWS) + kernel.span();
    let tile = STRIPS * lanes;
    let packed = &mut columns[..depth * tile];
    for start in (0..width).step_by(tile) {
        let end = width.min(start + tile);
        for (at, row) in rows.iter().enumerate() {
            let mut strips = packed.chunks_exact_mut(depth * lanes);
            let at = at * lanes..(at + 1) * lanes;
            prefetch(row.as_ptr().wrapping_add(start + width), tile);
            if let Some(row) = row.to_slice() {
                let whole = row[start..end].chunks_exact(lanes);
                let rest = whole.remainder();
                for (values, strip) in whole.zip(&mut strips) {
                    widen::<T, A>(values, &mut strip[at.clone()][..lanes]);
                }
                if let (false, Some(strip)) = (rest.is_empty(), strips.next()) {
                    widen::<T, A>(rest, &mut strip[at]);
                }
            } else {
                for (first, strip) in (start..end).step_by(lanes).zip(&mut strips) {
                    let values = row.iter().take(end).skip(first);
                    for (number, value) in strip[at.clone()].iter_mut().zip(values) {
                        *number = A::widen(*value);
                    }
                }
            }
        }
        let firsts = (start..end).step_by(lanes);
        for (first, column) in firsts.zip(packed.chunks_exact(depth * lanes)) {
            let valid = lanes.min(width - first);
            let mut to =
                ToRows::<T, A> { rows: &mut out, first, valid, lanes, arithmetic: PhantomData };
            let column = A::lanes::<S>(column);
            let arithmetic = PhantomData::<(T, A)>;
            simd.vectorize(Run { simd, kernel, column, store: &mut to, arithmetic });
        }
    }
}

/// A run of outputs for each line of a register.
pub(crate) struct Results<T> {
    elements: Vec<T>,
}

impl<T: Copy + Default> Results<T> {
    pub(crate) fn new() -> Self {
        Self { elements: vec![T::default(); Self::NEEDED] }
    }
}

impl<T> Results<T> {
    /// Elements, for the registers with most lanes.
    pub(crate) const NEEDED: usize = MOST_LANES * RUN;
}

/// A pass along lines of `n` elements that lie one after the other: forms `outputs` of each, and hands
/// them to `store` a run at a time, with the number of the line and the positions in `outputs`.
#[inline(always)]
pub(crate) fn along<S: Simd, T: Copy + Default, A: Arithmetic<T>>(
    simd: S,
    kernel: &Kernel,
    (lines, n): (&[T], usize),
    outputs: &Range<usize>,
    columns: &mut [A::Number],
    results: &mut Results<T>,
    store: &mut impl FnMut(usize, Range<usize>, &[T]),
) {
    let lanes = size_of::<A::Lanes<S>>() / size_of::<A::Number>();
    let [before, after] = kernel.reach();
    for (bundle, lines) in lines.chunks(lanes * n).enumerate() {
        for start in outputs.clone().step_by(RUN) {
            let end = outputs.end.min(start + RUN);
            let depth = (end - start).next_multiple_of(ROWS) + before + after;
            let packed = &mut columns[..depth * lanes];
            let inside = start.saturating_sub(before)..n.min(end + after);
            let offset = before + inside.start - start;
            let filled = offset + inside.len();
            spread::<T, A>(lines, n, &inside, lanes, &mut packed[offset * lanes..filled * lanes]);
            let mut show = |at: usize, shown: usize| {
                packed.copy_within(shown * lanes..(shown + 1) * lanes, at * lanes);
            };
            // Outwards from both ends, to and fro over what is known.
            let (there_and_back, mut step) = (2 * inside.len(), 0);
            for outwards in 0..offset.max(depth - filled) {
                let inwards = step.min(there_and_back - 1 - step);
                if outwards < offset {
                    show(offset - 1 - outwards, offset + inwards);
                }
                if outwards < depth - filled {
                    show(filled + outwards, filled - 1 - inwards);
                }
                step = if step + 1 < there_and_back { step + 1 } else { 0 };
            }
            let mut to =
                ToLines::<T, A> { results: &mut results.elements, arithmetic: PhantomData };
            let column = A::lanes::<S>(packed);
            let arithmetic = PhantomData::<(T, A)>;
            simd.vectorize(Run { simd, kernel, column, store: &mut to, arithmetic });
            for lane in 0..lines.len() / n {
                let result = &results.elements[lane * RUN..][..end - start];
                store(bundle * lanes + lane, start - outputs.start..end - outputs.start, result);
            }
        }
    }
}

/// A kernel on one column, as a function of its own: registers are few.
struct Run<'a, S, V, K, T, A> {
    simd: S,
    kernel: &'a Kernel,
    column: &'a [V],
    store: &'a mut K,
    arithmetic: PhantomData<(T, A)>,
}

impl<S: Simd, T, A: Arithmetic<T>, K: Store<A::Lanes<S>>> NullaryFnOnce
    for Run<'_, S, A::Lanes<S>, K, T, A>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.kernel.run::<S, T, A>(self.simd, self.column, self.store);
    }
}

struct ToRows<'a, 'b, T, A> {
    rows: &'a mut Rows<'b, T>,
    first: usize,
    valid: usize,
    lanes: usize,
    arithmetic: PhantomData<A>,
}

impl<T, A: Arithmetic<T>> ToRows<'_, '_, T, A> {
    #[inline(always)]
    fn row<V: Pod>(&mut self, row: usize, sum: V) {
        if row < self.rows.n {
            let numbers = cast_slice::<_, A::Number>(std::slice::from_ref(&sum));
            let out = &mut self.rows.elements[row * self.rows.stride + self.first..];
            if self.valid == self.lanes {
                narrow::<T, A>(numbers, &mut out[..size_of::<V>() / size_of::<A::Number>()]);
            } else {
                narrow::<T, A>(numbers, &mut out[..self.valid]);
            }
        }
    }
}

impl<V: Pod, T, A: Arithmetic<T>> Store<V> for ToRows<'_, '_, T, A> {
    #[inline(always)]
    fn put(&mut self, at: usize, [a, b, c, d]: [V; ROWS]) {
        self.row(at, a);
        self.row(at + 1, b);
        self.row(at + 2, c);
        self.row(at + 3, d);
    }
}

struct ToLines<'a, T, A> {
    results: &'a mut [T],
    arithmetic: PhantomData<A>,
}

impl<V: Pod, T, A: Arithmetic<T>> Store<V> for ToLines<'_, T, A> {
    #[inline(always)]
    fn put(&mut self, at: usize, sums: [V; ROWS]) {
        let numbers = cast_slice::<V, A::Number>(&sums);
        let lanes = size_of::<V>() / size_of::<A::Number>();
        for lane in 0..lanes {
            let to = lane * RUN + at;
            let Some(results) = self.results[to..].first_chunk_mut::<ROWS>() else { return };
            *results = std::array::from_fn(|row| A::narrow(numbers[row * lanes + lane]));
        }
    }
}

/// Writes element `i` of every line to the lanes of register `i`.
#[inline(always)]
fn spread<T: Copy + Default, A: Arithmetic<T>>(
    lines: &[T],
    n: usize,
    inside: &Range<usize>,
    lanes: usize,
    numbers: &mut [A::Number],
) {
    let n_lines = lines.len() / n;
    let side = lanes.min(SIDE);
    let whole = if n_lines == lanes { inside.len() / side * side } else { 0 };
    let (blocks, rest) = numbers.split_at_mut(whole * lanes);
    for (block, numbers) in blocks.chunks_exact_mut(side * lanes).enumerate() {
        let at = inside.start + block * side;
        for first in (0..lanes).step_by(side) {
            let line = |lane: usize| &lines[(first + lane) * n + at..];
            if lanes < SIDE {
                for lane in 0..lanes {
                    for (i, value) in line(lane)[..side].iter().enumerate() {
                        numbers[i * lanes + lane] = A::widen(*value);
                    }
                }
                continue;
            }
            let mut square = [[T::default(); SIDE]; SIDE];
            for (lane, row) in square.iter_mut().enumerate() {
                row.copy_from_slice(&line(lane)[..SIDE]);
            }
            for (i, values) in A::turned(square).iter().enumerate() {
                widen::<T, A>(values, &mut numbers[i * lanes + first..][..SIDE]);
            }
        }
    }
    for lane in 0..n_lines {
        let line = &lines[lane * n..][inside.clone()][whole..];
        for (number, value) in rest.iter_mut().skip(lane).step_by(lanes).zip(line) {
            *number = A::widen(*value);
        }
    }
}

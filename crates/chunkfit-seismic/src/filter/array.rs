use std::ops::Range;

use ndarray::{Array, ArrayView, ArrayView1, ArrayView3, Axis, RemoveAxis};
use pulp::{Arch, Simd, WithSimd};

use super::Sample;
use super::arithmetic::Double;
use super::columns;
use super::kernel::Kernel;
use super::pass::{Results, Rows, across, along};
use super::volume::{pieces, seen, sweep};
use crate::aligned::Aligned;
use crate::fresh::fresh;

/// Rows of outputs that are formed together.
const BATCH: usize = 64;

/// One kernel per axis, from the first axis to the last.
pub(crate) fn passes<T: Sample, D: RemoveAxis>(
    array: ArrayView<'_, T, D>,
    kernels: &[Kernel],
) -> Array<T, D> {
    let mut out = fresh(array.raw_dim());
    let (Some(of_volume), false) = (volume_shape(array.shape()), array.is_empty()) else {
        let todo = kernels.iter().enumerate().filter(|(_, kernel)| !kernel.is_identity());
        return todo.fold(array.to_owned(), |done, (axis, kernel)| pass(done.view(), kernel, axis));
    };
    let leading = 3 - kernels.len();
    let kernels: [Kernel; 3] = std::array::from_fn(|axis| {
        axis.checked_sub(leading).and_then(|axis| kernels.get(axis)).cloned().unwrap_or_default()
    });
    let array = array.as_standard_layout();
    let volumes = (array.to_shape(of_volume), out.view_mut().into_shape_with_order(of_volume));
    if let (Ok(block), Ok(out)) = volumes {
        sweep::<T, Double>(&kernels, block.view(), of_volume.map(|n| 0..n), out);
    }
    out
}

/// A shape of three axes or fewer, as one of three.
fn volume_shape(shape: &[usize]) -> Option<[usize; 3]> {
    match *shape {
        [c] => Some([1, 1, c]),
        [b, c] => Some([1, b, c]),
        [a, b, c] => Some([a, b, c]),
        _ => None,
    }
}

/// One kernel along one axis.
pub(crate) fn pass<T: Sample, D: RemoveAxis>(
    array: ArrayView<'_, T, D>,
    kernel: &Kernel,
    axis: usize,
) -> Array<T, D> {
    let mut out = fresh(array.raw_dim());
    if array.is_empty() {
        return out;
    }
    let n = array.len_of(Axis(axis));
    let within: usize = array.shape()[axis + 1..].iter().product();
    let shape = [array.len() / (n * within), n, within];
    let array = array.as_standard_layout();
    if let (Ok(block), Some(out)) = (array.to_shape(shape), out.as_slice_mut()) {
        Arch::new().dispatch(Pass { kernel, block: block.view(), out });
    }
    out
}

/// A pass along the middle axis of a contiguous block.
struct Pass<'a, T> {
    kernel: &'a Kernel,
    block: ArrayView3<'a, T>,
    out: &'a mut [T],
}

impl<T: Sample> WithSimd for Pass<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { kernel, block, out } = self;
        let (_, n, within) = block.dim();
        if within == 1 {
            let Some(lines) = block.to_slice() else { return };
            let mut columns = Aligned::zeros(columns::along(n, kernel.span()));
            let mut store = |line: usize, run: Range<usize>, result: &[T]| {
                out[line * n + run.start..line * n + run.end].copy_from_slice(result);
            };
            let results = &mut Results::new();
            along::<S, T, Double>(
                simd,
                kernel,
                (lines, n),
                &(0..n),
                &mut columns,
                results,
                &mut store,
            );
            return;
        }
        let mut columns = Aligned::zeros(columns::across(n.min(BATCH), kernel.span()));
        for (plane, out) in block.outer_iter().zip(out.chunks_exact_mut(n * within)) {
            for batch in pieces(&(0..n), BATCH) {
                let rows: Vec<ArrayView1<'_, T>> = seen(kernel, &batch, n)
                    .map(|row| plane.index_axis_move(Axis(0), row))
                    .collect();
                let elements = &mut out[batch.start * within..batch.end * within];
                let to = Rows { elements, stride: within, n: batch.len() };
                across::<S, T, Double>(simd, kernel, &rows, &mut columns, to);
            }
        }
    }
}

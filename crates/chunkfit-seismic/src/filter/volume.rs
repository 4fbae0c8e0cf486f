//! Three passes over a volume, one along each axis, in one go.

mod ringed;
mod turned;

use std::marker::PhantomData;
use std::ops::Range;

use ndarray::{ArrayView3, ArrayViewMut3};
use pulp::{Arch, Simd, WithSimd};

use super::arithmetic::Arithmetic;
use super::kernel::Kernel;
use crate::edge::reflect;

/// What a [`sweep`] holds, in the way that suits the shapes.
enum Buffers {
    Ringed(ringed::Buffers),
    Turned(turned::Buffers),
}

impl Buffers {
    fn new(kernels: &[Kernel; 3], block: [usize; 3], core: [usize; 3]) -> Self {
        let ringed = || Self::Ringed(ringed::Buffers::new(kernels, block, core));
        turned::Buffers::new(kernels, block, core).map_or_else(ringed, Self::Turned)
    }
}

/// Bytes that a [`sweep`] holds at most: for a larger shape never less, though it may then go another
/// way.
pub(crate) fn bytes<T, N: Copy + Default>(
    kernels: &[Kernel; 3],
    block: [usize; 3],
    core: [usize; 3],
) -> usize {
    let ringed = ringed::Buffers::most(kernels, block, core).bytes::<T, N>();
    let turned = turned::Buffers::most(kernels, block, core);
    turned.map_or(0, |buffers| buffers.bytes::<T, N>()).max(ringed)
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
        let Self { kernels, block, core, out, .. } = self;
        let extents = core.each_ref().map(ExactSizeIterator::len);
        match Buffers::new(kernels, block.dim().into(), extents) {
            Buffers::Ringed(buffers) => {
                ringed::filter::<S, T, A>(simd, kernels, block, &core, out, &buffers);
            }
            Buffers::Turned(buffers) => {
                turned::filter::<S, T, A>(simd, kernels, block, &core, out, &buffers);
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
) -> impl ExactSizeIterator<Item = usize> + Clone + use<> {
    let first = outputs.start as isize - kernel.reach()[0] as isize;
    (0..outputs.len() + kernel.span()).map(move |at| reflect(first + at as isize, n))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, s};

    use super::*;
    use crate::filter::{Double, Sample};
    use crate::testing::every_arch;

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
        let [n_inlines, n_crosslines, n_samples] = shape;
        let mut volume = Array3::from_shape_fn([n_samples, n_inlines, n_crosslines], |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            T::from_f64((state >> 11) as f64 * 1e-13 - 450.0)
        });
        // Samples of a trace far apart, then next to each other.
        volume = volume.permuted_axes([1, 2, 0]);
        for volume in [volume.clone(), volume.as_standard_layout().into_owned()] {
            check(&volume, kernels);
        }
    }

    fn check<T: Sample>(volume: &Array3<T>, kernels: &[Kernel; 3]) {
        let (n_inlines, n_crosslines, n_samples) = volume.dim();
        let shape = [n_inlines, n_crosslines, n_samples];
        let passes = kernels.iter().enumerate();
        let expected =
            passes.fold(volume.clone(), |volume, (axis, kernel)| plain(&volume, kernel, axis));
        let bits = |volume: &Array3<T>| -> Vec<u64> {
            volume.iter().map(|value| Into::<f64>::into(*value).to_bits()).collect()
        };
        for arch in every_arch() {
            let mut out = Array3::from_elem(shape, T::default());
            let core = shape.map(|n| 0..n);
            sweep_on::<T, Double>(arch, kernels, volume.view(), core, out.view_mut());
            assert!(bits(&out) == bits(&expected), "{arch:?}, {shape:?}, {kernels:?}");
            // The inside alone, to where samples are far apart.
            let core = shape.map(|n| n / 5..n - n / 7);
            let part = s![core[0].clone(), core[1].clone(), core[2].clone()];
            let mut out = Array3::from_elem([n_samples, n_crosslines, n_inlines], T::default());
            let mut out = out.view_mut().reversed_axes();
            let target = out.slice_mut(part);
            sweep_on::<T, Double>(arch, kernels, volume.view(), core, target);
            assert!(
                bits(&out.slice(part).to_owned()) == bits(&expected.slice(part).to_owned()),
                "{arch:?}, inside {shape:?}, {kernels:?}"
            );
        }
    }

    #[test]
    fn every_path_has_the_bits_of_plain_sums() {
        let [bell, short] = [3.0, 0.7].map(|sigma| crate::filter::bell::kernel(sigma, 4.0));
        let slope = Kernel::new(&[-0.5, -0.25, 0.0, 0.25, 0.5]);
        let leaning = Kernel::new(&[0.1, 0.5, -0.3, 0.7]);
        let mean = Kernel::Mean { size: 4 };
        let kernels = [
            [bell.clone(), bell.clone(), bell.clone()],
            [short, slope, leaning],
            [mean.clone(), Kernel::default(), mean],
        ];
        // Fewer than a register holds, whole squares and more, more than are filtered at a time, planes
        // of few voxels, and lines that are cut.
        let shapes = [
            [1, 1, 1],
            [2, 3, 1],
            [150, 3, 3],
            [300, 2, 11],
            [35, 40, 7],
            [3, 19, 67],
            [34, 9, 33],
            [1, 9, 1100],
            [1, 2, 4099],
        ];
        for shape in shapes {
            for kernels in &kernels {
                same_bits_on_every_path::<f32>(shape, kernels);
                same_bits_on_every_path::<f64>(shape, kernels);
            }
        }
    }
}

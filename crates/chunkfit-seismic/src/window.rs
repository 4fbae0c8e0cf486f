//! One sweep for every filter that looks at a box of voxels: traces of a window along the inlines
//! become a *row*, rows of a window along the crosslines become a *line*, and samples of a window
//! along that line become the output. No more than a window of rows is held.
//!
//! A sweep makes one inline after the other; where traces are short and inlines many, a stretch of
//! inlines side by side.

mod pair;
mod pass;
mod planes;
mod steps;
mod stretch;
mod sweep;
mod taps;

use chunkfit_core::{Axis, ByteSize, Halo, Operator, OperatorError, Placement, Region, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};

use crate::error::ParameterError;
use crate::filter::Sample;
use crate::{task, trace};
pub(crate) use pair::Pair;
pub(crate) use pass::{Part, Weights, convolve, mean, parts, sum, summed};
use planes::{OfPlanes, Planes};
pub(crate) use steps::Steps;
use stretch::{OfBlock, Stretch, Stretches};
use sweep::Sweep;
pub(crate) use taps::{Line, Rows, Traces};

/// What [`per_axis::read`](crate::parse::per_axis::read) takes for a window.
pub(crate) const EXPECTED: &str = "an odd number, or three as 3x3x9";

/// A window is this long at most: longer than any axis.
const LARGEST_WINDOW: usize = 16_383;

/// Voxels along each axis, an odd number, so that there is a centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window([usize; 3]);

impl Window {
    /// A window of so many voxels along inline, crossline and sample.
    pub(crate) fn new(extents: [usize; 3]) -> Result<Self, ParameterError> {
        Self::from_parameter("window", extents)
    }

    /// The same, under the name that the user knows it by.
    pub(crate) fn from_parameter(
        parameter: &'static str,
        extents: [usize; 3],
    ) -> Result<Self, ParameterError> {
        for axis in Axis::ALL {
            let (window, largest) = (extents[axis.index()], LARGEST_WINDOW);
            if window.is_multiple_of(2) || window > largest {
                return Err(ParameterError::Window { parameter, axis, window, largest });
            }
        }
        Ok(Self(extents))
    }

    pub(crate) const fn extents(&self) -> [usize; 3] {
        self.0
    }

    pub(crate) fn voxels(&self) -> usize {
        self.0.iter().product()
    }

    /// Voxels on each side of the centre.
    pub(crate) fn half(&self) -> [usize; 3] {
        self.0.map(|extent| extent / 2)
    }
}

/// What a filter of elements of type `T` does at each of the three steps.
///
/// Rows, and lines, hold one or more values for each sample, channel after channel. Their elements are
/// samples of one inline, or of several side by side.
pub(crate) trait Kernel<T = f32> {
    /// What is kept between the steps.
    type Value: Copy + Default;
    /// What is made.
    type Output: Copy + Default;

    /// Voxels of the window on each side of its centre.
    fn half(&self) -> [usize; 3];

    /// Values for each element of a row, and of a line.
    fn channels(&self) -> [usize; 2];

    /// Values that [`along_samples`](Self::along_samples) needs to make `_elements` of each output.
    fn scratch(&self, _elements: usize) -> usize {
        0
    }

    /// Makes a row from traces.
    fn across_inlines(&self, traces: &Traces<'_, T>, row: &mut [Self::Value]);

    /// Makes a line from rows.
    fn across_crosslines(&self, rows: &Rows<'_, Self::Value>, line: &mut Line<'_, Self::Value>);

    /// Makes the outputs, one after the other, from a line that has half a window more at both ends.
    fn along_samples(
        &self,
        line: &Line<'_, Self::Value>,
        scratch: &mut [Self::Value],
        outputs: &mut [Self::Output],
    );
}

/// Heap bytes of [`run`] at most.
pub(crate) fn workspace<T: Sample, K: Kernel<T>>(
    kernel: &K,
    n_outputs: usize,
    block: Shape,
    core: Shape,
) -> ByteSize {
    let numbers = [1, n_outputs];
    let alone = sweep::workspace(kernel, numbers, block, core);
    if !stretch::enough(kernel.half(), core) {
        return alone;
    }
    let side_by_side = sweep::workspace_side_by_side(kernel, numbers, block);
    alone.max(side_by_side + Stretch::<T>::bytes(1, kernel.half()[0]))
}

/// Applies an operator that is nothing but a kernel.
pub(crate) fn apply<T: Sample, K: Kernel<T, Output = T> + Operator<T>>(
    kernel: &K,
    block: ArrayView3<'_, T>,
    at: &Placement,
    outputs: &mut [ArrayViewMut3<'_, T>],
) -> Result<(), OperatorError> {
    let core = task::core_in_block(kernel, &block, at, outputs)?;
    run(kernel, block, &core, outputs);
    Ok(())
}

/// Makes `core`, a part of `block`.
pub(crate) fn run<T: Sample, K: Kernel<T, Output = T>>(
    kernel: &K,
    block: ArrayView3<'_, T>,
    core: &Region,
    outputs: &mut [ArrayViewMut3<'_, T>],
) {
    let stretches = Stretches::new(kernel.half(), core.shape());
    run_in(stretches, kernel, block, core, outputs);
}

/// Makes it in `stretches`, or inline by inline.
fn run_in<T: Sample, K: Kernel<T, Output = T>>(
    stretches: Option<Stretches>,
    kernel: &K,
    block: ArrayView3<'_, T>,
    core: &Region,
    outputs: &mut [ArrayViewMut3<'_, T>],
) {
    match stretches {
        None => inline_by_inline(kernel, block, core, outputs),
        Some(stretches) => side_by_side(stretches, kernel, block, core, outputs),
    }
}

fn inline_by_inline<T: Sample, K: Kernel<T, Output = T>>(
    kernel: &K,
    block: ArrayView3<'_, T>,
    core: &Region,
    outputs: &mut [ArrayViewMut3<'_, T>],
) {
    let mut sweep = Sweep::new(kernel, [1, outputs.len()], block.dim().into(), core, 1);
    for (i, inline) in core.range(Axis::Inline).enumerate() {
        let (planes, samples) = (Planes::all(block), sweep.samples());
        let mut source = OfPlanes { planes, inline, samples };
        sweep.run(&mut source, |x, number, line| {
            trace::write(&mut outputs[number], [i, x], 0..line.len(), line);
        });
    }
}

fn side_by_side<T: Sample, K: Kernel<T, Output = T>>(
    stretches: Stretches,
    kernel: &K,
    block: ArrayView3<'_, T>,
    core: &Region,
    outputs: &mut [ArrayViewMut3<'_, T>],
) {
    let [half, ..] = kernel.half();
    let width = stretches.length + 2 * half;
    let mut sweep = Sweep::new(kernel, [1, outputs.len()], block.dim().into(), core, width);
    let mut source = OfBlock::new(block, sweep.samples(), half, width);
    for (start, inlines) in stretches.of(&core.range(Axis::Inline)) {
        source.restart(start as isize - half as isize);
        sweep.run(&mut source, |x, number, line| {
            stretch::write(&mut outputs[number], inlines.clone(), x, line);
        });
    }
}

/// The halo of an operator that is nothing but a kernel.
pub(crate) fn halo<T, K: Kernel<T>>(kernel: &K) -> Halo {
    Halo::symmetric(kernel.half())
}

#[cfg(test)]
mod tests {
    use chunkfit_core::testing::Dice;
    use ndarray::{Array3, s};

    use super::*;
    use crate::{GradientDips, GradientMagnitude, Mean, Median, Rms, Semblance};

    type Outputs<'a, 'v, T> = &'a mut [ArrayViewMut3<'v, T>];

    /// Whole volumes and cores in them, with a NaN, in one piece of memory or not.
    fn check<T: Sample, const N: usize>(
        name: &str,
        run: impl Fn(Option<Stretches>, ArrayView3<'_, T>, &Region, Outputs<'_, '_, T>),
    ) {
        for seed in 0..40 {
            let mut dice = Dice::new(seed);
            let shape = dice.shape([17, 5, 7]);
            let mut volume = dice.volume(shape).mapv(|v| T::from_f64(f64::from(v) / 3.0));
            if dice.between(0, 1) == 1 {
                let [i, x, k] = dice.region(shape).start();
                volume[[i, x, k]] = T::from_f64(f64::NAN);
            }
            let core = if seed % 3 == 0 { Region::whole(shape) } else { dice.region(shape) };
            let mut apart = Array3::from_elem(shape.extents().map(|n| 2 * n), T::default());
            apart.slice_mut(s![..;2, ..;2, ..;2]).assign(&volume);
            let bits = |stretches, block: ArrayView3<'_, T>| {
                let dirty = Array3::from_elem(core.shape().extents(), T::from_f64(77.0));
                let mut made = [(); N].map(|()| dirty.clone());
                run(stretches, block, &core, &mut made.each_mut().map(|made| made.view_mut()));
                made.map(|made| made.mapv(|value| value.into().to_bits()))
            };
            let expected = bits(None, volume.view());
            for length in 1..=core.shape()[Axis::Inline] {
                let stretches = Some(Stretches { length });
                for block in [volume.view(), apart.slice(s![..;2, ..;2, ..;2])] {
                    let same = bits(stretches, block) == expected;
                    assert!(same, "{name}, {core} of {shape} in stretches of {length}");
                }
            }
        }
    }

    fn check_kernel<T: Sample, K: Kernel<T, Output = T>>(name: &str, kernel: &K) {
        check::<T, 1>(name, |stretches, block, core, outputs| {
            run_in(stretches, kernel, block, core, outputs);
        });
    }

    fn check_pair<T, A, B, const N: usize>(name: &str, pair: &Pair<'_, T, A, B>)
    where
        T: Sample,
        A: Kernel<T>,
        B: Kernel<A::Output, Output = T>,
    {
        check::<T, N>(name, |stretches, block, core, outputs| {
            let shape = Shape::new(block.dim().into()).unwrap();
            pair.run(stretches, pair.parts(block, shape, *core), outputs);
        });
    }

    fn check_kernels_of<T: Sample>() {
        for window in [[3, 3, 3], [1, 5, 9], [7, 1, 1]] {
            check_kernel::<T, _>("mean", &Mean::new(window).unwrap());
            check_kernel::<T, _>("rms", &Rms::new(window).unwrap());
            check_kernel::<T, _>("semblance", &Semblance::new(window).unwrap());
        }
        let sigma = [0.3, 1.0, 0.7];
        check_kernel::<T, _>("gradient-magnitude", &GradientMagnitude::new(sigma, 4.0).unwrap());
        let slope = Steps([Weights::odd(&[0.5, 0.1]), Weights::one(), Weights::odd(&[0.5])]);
        let smooth = Steps([[0.6, 0.2], [0.5, 0.3], [0.4, 0.1]].map(|half| Weights::even(&half)));
        check_pair::<T, _, _, 1>("two steps", &Pair::new(&slope, 1, &smooth));
    }

    #[test]
    fn inlines_side_by_side_give_the_same_bits() {
        check_kernels_of::<f32>();
        check_kernels_of::<f64>();
        for window in [[3, 3, 3], [1, 5, 9], [7, 1, 1]] {
            check_kernel("median", &Median::new(window).unwrap());
        }
        for window in [[3, 3, 3], [5, 1, 3]] {
            let dips = GradientDips::new(window, 1.0).unwrap();
            check_pair::<_, _, _, 2>("gradient-dips", &dips.pair());
        }
    }
}

use std::marker::PhantomData;

use chunkfit_core::{Axis, ByteSize, Halo, Operator, OperatorError, Placement, Region, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};

use super::planes::{OfPlanes, Planes};
use super::stretch::{self, OfBlock, Stretch, Stretches, enough};
use super::sweep::{Source, Sweep, workspace, workspace_side_by_side};
use super::{Kernel, Traces};
use crate::filter::Sample;
use crate::ring::{Ring, slots};
use crate::{task, trace};

/// Two kernels in sequence: the second is applied to each output of the first, of which only a window
/// is held. Faces reflect at both.
pub(crate) struct Pair<'k, T, A, B> {
    first: &'k A,
    second: &'k B,
    /// Outputs of the first.
    n_between: usize,
    element: PhantomData<T>,
}

impl<'k, T, A, B> Pair<'k, T, A, B>
where
    T: Sample,
    A: Kernel<T>,
    B: Kernel<A::Output, Output = T>,
{
    /// A first kernel with so many outputs, and a second.
    pub(crate) const fn new(first: &'k A, n_between: usize, second: &'k B) -> Self {
        Self { first, second, n_between, element: PhantomData }
    }

    /// Voxels on each side that both see together.
    fn half(&self) -> [usize; 3] {
        let (first, second) = (self.first.half(), self.second.half());
        [0, 1, 2].map(|axis| first[axis] + second[axis])
    }

    pub(crate) fn halo(&self) -> Halo {
        Halo::symmetric(self.half())
    }

    /// Heap bytes of [`apply`](Self::apply) at most.
    pub(crate) fn workspace(&self, block: Shape, core: Shape) -> ByteSize {
        let half = self.second.half();
        let between = Axis::ALL.map(|axis| (core[axis] + 2 * half[axis.index()]).min(block[axis]));
        let between = Shape::new(between).unwrap_or(core);
        let [_, n_crosslines, n_samples] = between.extents();
        let n = self.n_between;
        let planes = slots(half[0], block[Axis::Inline]) * n * n_crosslines * n_samples;
        let inline_by_inline = ByteSize::of::<A::Output>(planes)
            + workspace(self.first, [1, n], block, between)
            + workspace(self.second, [n, 1], between, core);
        inline_by_inline.max(self.workspace_side_by_side(block, core))
    }

    /// The same where inlines lie side by side, if a core has enough of them.
    pub(crate) fn workspace_side_by_side(&self, block: Shape, core: Shape) -> ByteSize {
        if !enough(self.half(), core) {
            return ByteSize::ZERO;
        }
        let (n, [half_first, ..], [half, ..]) =
            (self.n_between, self.first.half(), self.second.half());
        Stretch::<T>::bytes(1, half_first)
            + workspace_side_by_side(self.first, [1, n], block)
            + Stretch::<A::Output>::bytes(n, half)
            + workspace_side_by_side(self.second, [n, 1], block)
    }

    /// Whether a core is made with inlines side by side.
    pub(crate) fn is_side_by_side(&self, core: Shape) -> bool {
        Stretches::new(self.half(), core).is_some()
    }

    pub(crate) fn apply(
        &self,
        operator: &dyn Operator<T>,
        block: ArrayView3<'_, T>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, T>],
    ) -> Result<(), OperatorError> {
        let core = task::core_in_block(operator, &block, at, outputs)?;
        let stretches = Stretches::new(self.half(), core.shape());
        self.run(stretches, self.parts(block, at.block().shape(), core), outputs);
        Ok(())
    }

    /// The parts of a block of this shape.
    pub(super) fn parts<'a>(
        &self,
        block: ArrayView3<'a, T>,
        shape: Shape,
        core: Region,
    ) -> Parts<'a, T> {
        let between = core.expand(&Halo::symmetric(self.second.half()), shape);
        Parts { block, between, core }
    }

    /// Makes the core in `stretches`, or inline by inline.
    pub(super) fn run(
        &self,
        stretches: Option<Stretches>,
        parts: Parts<'_, T>,
        outputs: &mut [ArrayViewMut3<'_, T>],
    ) {
        match stretches {
            None => self.inline_by_inline(parts, outputs),
            Some(stretches) => self.side_by_side(stretches, parts, outputs),
        }
    }

    /// A window of planes lies between.
    fn inline_by_inline(&self, parts: Parts<'_, T>, outputs: &mut [ArrayViewMut3<'_, T>]) {
        let (mut first, mut second) = self.sweeps(&parts, [1, 1]);
        let Parts { block, between, core } = parts;
        let (n_inlines, ..) = block.dim();
        let [_, n_crosslines, n_samples] = between.shape().extents();
        let [half, ..] = self.second.half();
        let shape = [slots(half, n_inlines), self.n_between, n_crosslines, n_samples];
        let mut planes = Ring::new(half, n_inlines, shape[1..].iter().product());
        planes.restart(core.start()[0]);
        for (i, inline) in core.range(Axis::Inline).enumerate() {
            while let Some((inline, plane)) = planes.next_missing(inline) {
                let (planes, samples) = (Planes::all(block), first.samples());
                let mut source = OfPlanes { planes, inline, samples };
                first.run(&mut source, |x, number, line| {
                    let start = (number * n_crosslines + x) * n_samples;
                    plane[start..start + n_samples].copy_from_slice(line);
                });
            }
            let planes = Planes::Joined { elements: planes.slots(), shape, extent: n_inlines };
            let mut source = OfPlanes { planes, inline, samples: second.samples() };
            second.run(&mut source, |x, number, line| {
                trace::write(&mut outputs[number], [i, x], 0..line.len(), line);
            });
        }
    }

    /// One crossline of a stretch lies between.
    fn side_by_side(
        &self,
        stretches: Stretches,
        parts: Parts<'_, T>,
        outputs: &mut [ArrayViewMut3<'_, T>],
    ) {
        let [half_first, half] = [self.first.half()[0], self.second.half()[0]];
        let width = stretches.length + 2 * half;
        let width_first = width + 2 * half_first;
        let (first, mut second) = self.sweeps(&parts, [width_first, width]);
        let Parts { block, between, core } = parts;
        let (n_inlines, ..) = block.dim();
        let made = Stretch::new(self.n_between, half, width, second.samples().len(), n_inlines);
        let from = OfBlock::new(block, first.samples(), half_first, width_first);
        let mut source = Between { from, first, made, crossline: between.start()[1] };
        for (start, inlines) in stretches.of(&core.range(Axis::Inline)) {
            let start = start as isize - half as isize;
            source.made.restart(start);
            source.from.restart(start - half_first as isize);
            source.first.restart();
            second.run(&mut source, |x, number, line| {
                stretch::write(&mut outputs[number], inlines.clone(), x, line);
            });
        }
    }

    /// A sweep for each of the two, with so many inlines side by side.
    fn sweeps(
        &self,
        parts: &Parts<'_, T>,
        widths: [usize; 2],
    ) -> (Sweep<'_, T, A>, Sweep<'_, A::Output, B>) {
        let Parts { block, ref between, ref core } = *parts;
        let ([width_first, width], n) = (widths, self.n_between);
        let (extents, within) = (between.shape().extents(), core.within(between));
        (
            Sweep::new(self.first, [1, n], block.dim().into(), between, width_first),
            Sweep::new(self.second, [n, 1], extents, &within, width),
        )
    }
}

/// A block, the part of it that lies between, and the core.
pub(super) struct Parts<'a, T> {
    block: ArrayView3<'a, T>,
    between: Region,
    core: Region,
}

/// What the first of a pair makes of a stretch of inlines.
struct Between<'a, 'k, T, A: Kernel<T>> {
    from: OfBlock<'a, T>,
    first: Sweep<'k, T, A>,
    made: Stretch<A::Output>,
    /// First crossline in the block.
    crossline: usize,
}

impl<T: Sample, A: Kernel<T>> Source<A::Output> for Between<'_, '_, T, A> {
    fn traces(&mut self, crossline: usize) -> Traces<'_, A::Output> {
        let Self { from, first, made, .. } = self;
        first.crossline(from, self.crossline + crossline, |number, line| made.take(number, line));
        made.traces()
    }
}

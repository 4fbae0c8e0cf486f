use chunkfit_core::{Axis, ByteSize, Halo, Operator, OperatorError, Placement, Shape};
use ndarray::{ArrayView3, ArrayView4, ArrayViewMut3, s};

use super::{Kernel, Planes, Sweep, workspace};
use crate::ring::{Ring, slots};
use crate::{task, trace};

/// Two kernels in sequence: what the first makes of a block, in one or more channels, is the input of
/// the second, and only a window of planes of it is held. Faces reflect at both.
pub(crate) struct Pair<'k, A, B> {
    pub(crate) first: &'k A,
    pub(crate) second: &'k B,
    /// Outputs of the first.
    pub(crate) n_between: usize,
    /// The second takes the outputs of the first in this many groups, one after the other.
    pub(crate) n_groups: usize,
}

impl<A, B> Pair<'_, A, B>
where
    A: Kernel<Input = f32>,
    B: Kernel<Input = A::Output, Output = f32>,
{
    pub(crate) fn halo(&self) -> Halo {
        let (first, second) = (self.first.half(), self.second.half());
        Halo::symmetric([0, 1, 2].map(|axis| first[axis] + second[axis]))
    }

    /// Heap bytes of [`apply`](Self::apply): a window of planes of the first, and what the sweeps hold.
    pub(crate) fn workspace(&self, n_outputs: usize, block: Shape, core: Shape) -> ByteSize {
        let half = self.second.half();
        let between = Axis::ALL.map(|axis| (core[axis] + 2 * half[axis.index()]).min(block[axis]));
        let between = Shape::new(between).unwrap_or(core);
        let [_, n_crosslines, n_samples] = between.extents();
        let planes =
            slots(half[0], block[Axis::Inline]) * self.n_between * n_crosslines * n_samples;
        ByteSize::of::<A::Output>(planes)
            + workspace(self.first, self.n_between, block, between)
            + workspace(self.second, n_outputs / self.n_groups, between, core)
    }

    pub(crate) fn apply(
        &self,
        operator: &dyn Operator,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        let core = task::core_in_block(operator, &block, at, outputs)?;
        let [n_inlines, ..]: [usize; 3] = block.dim().into();
        let between = core.expand(&Halo::symmetric(self.second.half()), at.block().shape());
        let [_, n_crosslines, n_samples] = between.shape().extents();
        let within = core.within(&between);
        let n_outputs = outputs.len() / self.n_groups;
        let n_channels = self.n_between / self.n_groups;
        let mut first = Sweep::new(self.first, self.n_between, block.dim().into(), &between);
        let extents = [n_inlines, n_crosslines, n_samples];
        let mut second = Sweep::new(self.second, n_outputs, extents, &within);
        let length = self.n_between * n_crosslines * n_samples;
        let mut planes = Ring::new(self.second.half()[0], n_inlines, length);
        planes.restart(core.start()[0]);
        for (i, inline) in core.range(Axis::Inline).enumerate() {
            while let Some((inline, plane)) = planes.next_missing(inline) {
                first.inline(Planes::all(block), inline, |x, number, line| {
                    let start = (number * n_crosslines + x) * n_samples;
                    plane[start..start + n_samples].copy_from_slice(line);
                });
            }
            let n_slots = slots(self.second.half()[0], n_inlines);
            let shape = [n_slots, self.n_between, n_crosslines, n_samples];
            let values = ArrayView4::from_shape(shape, planes.slots())
                .expect("the ring holds as many planes of these channels, crosslines and samples");
            for group in 0..self.n_groups {
                let channels = group * n_channels..(group + 1) * n_channels;
                let values = values.slice(s![.., channels, .., ..]);
                let input = Planes::new(values, n_inlines);
                second.inline(input, inline, |x, number, line| {
                    let out = &mut outputs[group * n_outputs + number];
                    trace::write(out, [i, x], 0..line.len(), line);
                });
            }
        }
        Ok(())
    }
}

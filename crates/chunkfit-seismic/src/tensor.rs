//! The structure tensor of the gradient, averaged over a window, and what is made of it voxel by voxel.

mod eigen;
mod filter;
mod gradient;
mod lanes;
mod lines;
mod sweep;

use chunkfit_core::{ByteSize, Halo, Operator, OperatorError, Placement, Region, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};
use pulp::{Arch, Simd};

use crate::task;
use crate::window::Window;
pub(crate) use eigen::{Eigen, TIE};
pub(crate) use lanes::{Narrow, Wide};
pub(crate) use lines::Lines;
#[cfg(test)]
pub(crate) use lines::testing;

/// What is made of the tensors of a line of voxels.
pub(crate) trait Solver {
    /// Lines of room beside those of the sums, of `f64` and of `f32`.
    const ROOM: [usize; 2];

    /// Turns the sums into what the outputs need.
    fn solve<S: Simd>(&self, simd: S, lines: &mut Lines);

    /// Output `number` of the line that was solved.
    fn output<'l, S: Simd>(&self, simd: S, number: usize, lines: &'l mut Lines) -> &'l [f32];
}

/// Sums over a window of products of gradient components, and who makes outputs of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tensor<Q> {
    kernel: [usize; 3],
    solver: Q,
}

impl<Q: Solver> Tensor<Q> {
    /// The tensor over a `window`, and what to make of it.
    pub(crate) fn new(window: Window, solver: Q) -> Self {
        Self { kernel: window.extents(), solver }
    }

    /// The window in voxels along inline, crossline and sample.
    pub(crate) const fn kernel(&self) -> [usize; 3] {
        self.kernel
    }

    /// What is made of it.
    pub(crate) const fn solver(&self) -> &Q {
        &self.solver
    }

    /// Half a window, and a voxel for the gradient.
    pub(crate) fn halo(&self) -> Halo {
        Halo::symmetric(self.kernel.map(|kernel| 1 + kernel / 2))
    }

    /// Heap bytes of [`apply`](Self::apply).
    pub(crate) fn workspace(&self, block: Shape, core: Shape) -> ByteSize {
        sweep::workspace::<Q>(self.kernel, block, core)
    }

    /// Does the task of an operator that is this tensor.
    pub(crate) fn apply(
        &self,
        operator: &dyn Operator,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        let core = task::core_in_block(operator, &block, at, outputs)?;
        self.run(Arch::new(), block, &core, outputs);
        Ok(())
    }

    /// Fills the `core` of a `block` with the instructions of `arch`.
    pub(crate) fn run(
        &self,
        arch: Arch,
        block: ArrayView3<'_, f32>,
        core: &Region,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) {
        sweep::run(arch, self, block, core, outputs);
    }
}

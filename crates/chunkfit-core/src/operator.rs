use std::borrow::Cow;
use std::error::Error;

use ndarray::{ArrayView3, ArrayViewMut3};
use serde::{Deserialize, Serialize};

use crate::{ByteSize, Halo, Region, Shape};

/// One output volume of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputSpec {
    /// Short name, fit for a variable in a file: `dip`.
    pub name: Cow<'static, str>,
    /// Unit, or `None` when the output has the unit of the input.
    pub unit: Option<Cow<'static, str>>,
    /// What it is, in a sentence.
    pub description: Cow<'static, str>,
}

/// Where a task lies: its core, and the block that is read for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    volume: Shape,
    core: Region,
    block: Region,
}

impl Placement {
    /// The task that produces `core` in a volume of `volume` with an operator that needs `halo`.
    ///
    /// # Panics
    ///
    /// When `core` does not lie in the volume.
    #[must_use]
    pub fn new(volume: Shape, core: Region, halo: &Halo) -> Self {
        assert!(Region::whole(volume).contains(&core), "{core} does not lie in {volume}");
        Self { volume, core, block: core.expand(halo, volume) }
    }

    /// One task for the whole volume.
    #[must_use]
    pub fn whole(volume: Shape) -> Self {
        Self { volume, core: Region::whole(volume), block: Region::whole(volume) }
    }

    /// The shape of the volume.
    #[must_use]
    pub const fn volume(&self) -> Shape {
        self.volume
    }

    /// The voxels to produce.
    #[must_use]
    pub const fn core(&self) -> Region {
        self.core
    }

    /// The voxels to read: the core and its halo, clipped to the volume.
    #[must_use]
    pub const fn block(&self) -> Region {
        self.block
    }

    /// The core in the coordinates of the block.
    #[must_use]
    pub fn core_in_block(&self) -> Region {
        self.core.within(&self.block)
    }
}

/// Why an operator could not fill its outputs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorError {
    /// The arrays do not have the shapes that the placement states.
    #[error("{what} is {got:?}, the task needs {expected}")]
    WrongShape {
        /// Which array.
        what: &'static str,
        /// Its shape.
        got: Vec<usize>,
        /// The shape that fits.
        expected: Shape,
    },
    /// The number of output arrays differs from the number of outputs.
    #[error("{got} output arrays were given, the operator has {expected} outputs")]
    WrongOutputCount {
        /// Arrays given.
        got: usize,
        /// Outputs of the operator.
        expected: usize,
    },
    /// The operator's own failure.
    #[error("the operator failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

/// Turns a *block* into the *core* of one or more outputs.
///
/// - **Shape.** Axes are `(inline, crossline, sample)`. The block is [`Placement::block`], each
///   output is [`Placement::core`].
/// - **Edges.** At a face of the volume the block is clipped and the operator's boundary mode
///   applies; at any other face the halo holds real neighbours.
/// - **Memory.** Allocates at most [`workspace`](Self::workspace) bytes beyond the block and the
///   outputs, and everything is freed on return. Single-threaded, so the peak depends on the shape
///   alone; parallelism is many chunks.
/// - **Outputs** arrive with unspecified contents and every voxel of them is written.
/// - **Chunked equals whole**, bit for bit, for every way to cut the volume.
///
/// `testing::check_operator` checks these.
pub trait Operator<T = f32>: Send + Sync {
    /// Name with parameters, as on the command line: `gaussian:sigma=3`.
    fn name(&self) -> String;

    /// The outputs, in the order in which [`apply`](Self::apply) expects their arrays.
    fn outputs(&self) -> &[OutputSpec];

    /// What a block needs around its core.
    fn halo(&self) -> Halo;

    /// Heap bytes that [`apply`](Self::apply) allocates at most, beyond block and outputs.
    /// Never decreases when an extent grows.
    fn workspace(&self, block: Shape, core: Shape) -> ByteSize;

    /// Fills `outputs`, each of the shape of the core, from `block`.
    ///
    /// # Errors
    ///
    /// When an array has another shape than `at` states, or the operator itself fails.
    fn apply(
        &self,
        block: ArrayView3<'_, T>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, T>],
    ) -> Result<(), OperatorError>;

    /// Checks the arrays handed to [`apply`](Self::apply) against the placement.
    ///
    /// # Errors
    ///
    /// When a shape or the number of outputs is wrong.
    fn check_arrays(
        &self,
        block: &ArrayView3<'_, T>,
        at: &Placement,
        outputs: &[ArrayViewMut3<'_, T>],
    ) -> Result<(), OperatorError> {
        let expected = self.outputs().len();
        if outputs.len() != expected {
            return Err(OperatorError::WrongOutputCount { got: outputs.len(), expected });
        }
        let wrong = |what, got: &[usize], expected| OperatorError::WrongShape {
            what,
            got: got.to_vec(),
            expected,
        };
        let block_shape = at.block().shape();
        if block.shape() != block_shape.extents() {
            return Err(wrong("the block", block.shape(), block_shape));
        }
        let core = at.core().shape();
        match outputs.iter().find(|out| out.shape() != core.extents()) {
            Some(out) => Err(wrong("an output", out.shape(), core)),
            None => Ok(()),
        }
    }
}

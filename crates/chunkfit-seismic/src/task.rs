use chunkfit_core::{Operator, OperatorError, Placement, Region};
use ndarray::{ArrayView3, ArrayViewMut3};

/// The core in the coordinates of the block, once the arrays fit the placement and the block is
/// exactly the core with the operator's halo: the kernels reflect at the faces of the block.
pub(crate) fn core_in_block<T>(
    operator: &dyn Operator<T>,
    block: &ArrayView3<'_, T>,
    at: &Placement,
    outputs: &[ArrayViewMut3<'_, T>],
) -> Result<Region, OperatorError> {
    operator.check_arrays(block, at, outputs)?;
    let needed = at.core().expand(&operator.halo(), at.volume());
    if at.block() != needed {
        return Err(OperatorError::WrongShape {
            what: "the block, for the halo of this operator,",
            got: block.shape().to_vec(),
            expected: needed.shape(),
        });
    }
    Ok(at.core_in_block())
}

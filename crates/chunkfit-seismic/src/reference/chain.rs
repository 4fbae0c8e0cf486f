use chunkfit_core::{Chain, Halo, OperatorError, Placement};
use ndarray::{Array3, ArrayView3};

use super::{Tally, Verifiable};

/// Stage by stage: what one yields is compared, and is then the input of the next.
impl Verifiable for Chain<dyn Verifiable> {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        let mut input = block.to_owned();
        let mut stages = self.stages().iter();
        while let Some(stage) = stages.next() {
            let halo_after = stages.clone().fold(Halo::none(), |sum, later| sum + later.halo());
            let core = at.core().expand(&halo_after, at.volume());
            let at = Placement::new(at.volume(), core, &stage.halo());
            if stages.len() == 0 {
                return stage.compare(input.view(), &at, outputs, tally);
            }
            let mut output = Array3::zeros(core.shape().extents());
            stage.apply(input.view(), &at, &mut [output.view_mut()])?;
            let mut between = Tally::default();
            stage.compare(input.view(), &at, &[output.view()], &mut between)?;
            tally.include_worst_of(&between);
            input = output;
        }
        Ok(())
    }
}

use anyhow::Context;
use chunkfit_core::{ByteSize, MemoryModel, Placement};
use chunkfit_predict::{Fitted, SavedModel};
use chunkfit_run::{TaskLedger, TaskModel};
use memcage::resident;
use serde::{Deserialize, Serialize};

use crate::budget::TYPICAL_BASE;

/// What the memory of a task is taken from: enough to make the same model of it again.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Calibration {
    /// A saved model as it was when the run was planned. Without one, the declared ledger.
    saved: Option<SavedModel>,
    /// Resident set of a worker that the model, or the ledger, does not count.
    base_bytes: ByteSize,
    margin_bytes: ByteSize,
}

impl Calibration {
    /// The declared ledger on `base`.
    pub(crate) fn ledger(base: ByteSize) -> Self {
        Self { saved: None, base_bytes: base, margin_bytes: TaskModel::default_margin() }
    }

    /// The model as it is, or the declared ledger on a base as is typical.
    pub(crate) fn before_measuring(saved: Option<SavedModel>) -> Self {
        match saved {
            Some(saved) => Self {
                saved: Some(saved),
                base_bytes: ByteSize::ZERO,
                margin_bytes: ByteSize::new(resident::counter_slack_bytes()),
            },
            None => Self::ledger(TYPICAL_BASE),
        }
    }

    /// The model, where on the small task `at` the base beyond `ledger` was measured as `base`: what of it
    /// the model does not count, as the index of a large input, is added to every task.
    pub(crate) fn measured(
        saved: Option<SavedModel>,
        base: ByteSize,
        ledger: TaskLedger<'_>,
        at: &Placement,
    ) -> anyhow::Result<Self> {
        if saved.is_none() {
            return Ok(Self::ledger(base));
        }
        let plain = Self::before_measuring(saved);
        let (block, core) = (at.block().shape(), at.core().shape());
        let fitted = plain.fitted(&ledger)?;
        let counted = fitted.map_or(ByteSize::ZERO, |model| model.predict(block, core).peak);
        let base_bytes = ledger.bytes(block, core) + base - counted;
        Ok(Self { base_bytes, ..plain })
    }

    /// The saved model.
    pub(crate) const fn saved(&self) -> Option<&SavedModel> {
        self.saved.as_ref()
    }

    /// Resident set of a worker that the saved model does not count, when there is one.
    pub(crate) fn beyond_model(&self) -> ByteSize {
        self.saved.as_ref().map_or(ByteSize::ZERO, |_| self.base_bytes)
    }

    /// The saved model for tasks whose heap bytes `ledger` counts, when there is one.
    pub(crate) fn fitted<'a>(
        &self,
        ledger: &'a TaskLedger<'a>,
    ) -> anyhow::Result<Option<Fitted<'a>>> {
        let fitted = self.saved.as_ref().map(|saved| saved.fitted(saved.identity(), Some(ledger)));
        fitted.transpose().context("the model cannot be used")
    }

    /// The memory of tasks whose heap bytes `ledger` counts.
    pub(crate) fn model<'a>(
        &self,
        ledger: &'a TaskLedger<'a>,
    ) -> anyhow::Result<Box<dyn MemoryModel + Send + Sync + 'a>> {
        let (base, margin) = (self.base_bytes, self.margin_bytes);
        Ok(match self.fitted(ledger)? {
            None => Box::new(TaskModel::new(*ledger, base, margin)),
            Some(fitted) => Box::new(TaskModel::new(fitted, base, margin)),
        })
    }
}

#[cfg(test)]
mod tests {
    use chunkfit_core::{Region, Shape};
    use chunkfit_predict::{Ladder, Observation};

    use super::*;
    use crate::engine::{STORAGE_CHUNK, write_scratch};
    use crate::imagined::Imagined;
    use crate::origin::{identity_of, origin};

    #[test]
    fn what_an_input_takes_beyond_the_model_is_added() {
        let operator = chunkfit_seismic::parse("gst").unwrap();
        let shape = |extents| Shape::new(extents).unwrap();
        let source = Imagined::new(shape([50, 70, 110]), 4);
        let scratch = |core| write_scratch(core, shape([STORAGE_CHUNK; 3]));
        let ledger = TaskLedger::before_sinks(operator.as_ref(), &source, &scratch);
        let read = |extents| {
            let peak = ByteSize::mib(9) + ledger.bytes(shape(extents), shape(extents));
            let base = Some(ByteSize::mib(9));
            let live = Observation::live_heap(shape(extents), peak);
            Observation { base, origin: origin(true), ..live }
        };
        let seen = [read([20, 30, 40]), read([40, 30, 50])];
        let fitted = Ladder::new().with_ledger(&ledger).fit(&seen).unwrap();
        let saved = SavedModel::new(&fitted, identity_of(operator.as_ref()), &seen, 0);
        let core = Region::new([0; 3], shape([16; 3]));
        let at = Placement::new(shape([50, 70, 110]), core, &operator.halo());
        let block = shape([30, 50, 70]);
        for (base, held) in [(4, 9), (9, 9), (13, 13)] {
            let saved = Some(saved.clone());
            let measured = Calibration::measured(saved, ByteSize::mib(base), ledger, &at).unwrap();
            let said = measured.model(&ledger).unwrap().predict(block, block);
            let expected = (ByteSize::mib(held) + ledger.bytes(block, block)).as_f64();
            let off = said.peak.as_f64() - expected;
            assert!(off.abs() < 4096.0, "base of {base} MiB: {off} bytes off");
            assert!(said.upper > said.peak);
        }
    }
}

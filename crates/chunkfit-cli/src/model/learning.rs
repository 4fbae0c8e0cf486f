use chunkfit_core::{ByteSize, MemoryModel, Placement};
use chunkfit_predict::{Disturbance, Drift, Observation, Origin, Peak, Watch, remember};
use chunkfit_run::{Event, TaskLedger};

use super::Calibration;
use super::publish::{Learning, MOST_KEPT};

/// Takes in what the tasks of a run need, and watches whether the model still is of them.
///
/// What the input holds beyond a plain file, for its index and while it is read, is taken off every
/// reading: a model is of the operator.
pub(crate) struct Learner<'a> {
    /// Nothing when the run begins a model.
    watch: Option<Watch<'a>>,
    /// The ledger of the tasks of this run.
    here: &'a TaskLedger<'a>,
    /// The ledger on which saved models stand.
    plain: &'a (dyn MemoryModel + Sync),
    beyond_model: ByteSize,
    /// Resident set of an idle worker.
    idle: Option<ByteSize>,
    origin: Origin,
    lesson: Lesson,
}

/// What the tasks of a run have taught.
#[derive(Debug, Default)]
pub(crate) struct Lesson {
    /// The highest reading of each task of another shape, the last ones if there are many.
    pub(crate) readings: Vec<Observation>,
    /// Tasks whose peak was read.
    pub(crate) measured: u64,
    /// Tasks that hit the limit of their worker.
    pub(crate) killed: u64,
    /// Tasks above the bound of the model.
    pub(crate) above: u64,
    /// To which side peaks have left the model.
    pub(crate) drift: Option<Drift>,
}

impl<'a> Learner<'a> {
    /// For a run that was planned by `calibration` and learns for `learning`.
    pub(crate) fn new(
        calibration: &Calibration,
        learning: &Learning,
        here: &'a TaskLedger<'a>,
        plain: &'a (dyn MemoryModel + Sync),
        origin: Origin,
    ) -> anyhow::Result<Self> {
        let fitted = calibration.fitted(here)?;
        let idle = fitted.is_none().then_some(learning.idle_bytes);
        let (watch, beyond_model) = (fitted.map(Watch::new), calibration.beyond_model());
        Ok(Self { watch, here, plain, beyond_model, idle, origin, lesson: Lesson::default() })
    }

    /// Takes an event of the run in.
    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::Done { at, done, .. } => {
                let Some(peak) = done.peak else { return };
                self.lesson.measured += 1;
                self.learn(at, Peak::Measured(peak - self.beyond_model));
            }
            Event::OverLimit { at, at_least: Some(bytes) } => {
                self.lesson.killed += 1;
                self.learn(at, Peak::AtLeast(*bytes - self.beyond_model));
            }
            _ => {}
        }
    }

    fn learn(&mut self, at: &Placement, peak: Peak) {
        let (block, core) = (at.block().shape(), at.core().shape());
        if let Some(watch) = &mut self.watch {
            self.lesson.above += u64::from(watch.see(block, core, peak));
        }
        let reading = self.here.bytes(block, core) - self.plain.predict(block, core).peak;
        let peak = match peak {
            Peak::Measured(bytes) => Peak::Measured(bytes - reading),
            Peak::AtLeast(bytes) => Peak::AtLeast(bytes - reading),
        };
        let readings = &mut self.lesson.readings;
        let is_repeat = |kept: &Observation| (kept.block, kept.core) == (block, core);
        if readings.iter().any(|kept| is_repeat(kept) && kept.peak.bytes() >= peak.bytes()) {
            return;
        }
        let seen = Observation {
            block,
            core,
            peak,
            base: self.idle,
            origin: self.origin.clone(),
            disturbance: Disturbance::default(),
        };
        *readings = remember(readings, &[seen], MOST_KEPT);
    }

    /// What was learnt.
    pub(crate) fn lesson(self) -> Lesson {
        let drift = self.watch.as_ref().and_then(Watch::drift);
        Lesson { drift, ..self.lesson }
    }
}

#[cfg(test)]
mod tests {
    use chunkfit_core::{Operator, Region, Shape};
    use chunkfit_run::Done;

    use super::*;
    use crate::engine::{STORAGE_CHUNK, write_scratch};
    use crate::imagined::Imagined;
    use crate::model::load;
    use crate::origin::{ledger, origin};

    fn at(operator: &dyn Operator, extents: [usize; 3]) -> Placement {
        let volume = Shape::new([50, 70, 110]).unwrap();
        let core = Region::new([0; 3], Shape::new(extents).unwrap());
        Placement::new(volume, core, &operator.halo())
    }

    #[test]
    fn peaks_are_values_and_kills_lower_bounds() {
        let operator = chunkfit_seismic::parse("gst").unwrap();
        let source = Imagined::new(Shape::new([50, 70, 110]).unwrap(), 4);
        let scratch = |core| write_scratch(core, Shape::new([STORAGE_CHUNK; 3]).unwrap());
        let here = TaskLedger::before_sinks(operator.as_ref(), &source, &scratch);
        let plain = ledger(operator.as_ref()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let learning = Learning {
            file: folder.path().join("m.json"),
            not_because: None,
            idle_bytes: ByteSize::mib(9),
        };
        let from = Calibration::before_measuring(None);
        let mut learner = Learner::new(&from, &learning, &here, &plain, origin(true)).unwrap();

        let (small, large) = (at(operator.as_ref(), [20; 3]), at(operator.as_ref(), [40; 3]));
        let upper = ByteSize::mib(10);
        let mut done = |peak| {
            let done = Done { peak, fetched: ByteSize::ZERO, seconds: 0.0 };
            learner.event(&Event::Done { at: small, done, upper });
        };
        done(Some(ByteSize::mib(10)));
        done(Some(ByteSize::mib(11)));
        done(None);
        learner.event(&Event::OverLimit { at: large, at_least: None });
        learner.event(&Event::OverLimit { at: large, at_least: Some(ByteSize::mib(64)) });
        let lesson = learner.lesson();
        assert_eq!((lesson.measured, lesson.killed, lesson.above), (2, 1, 0));
        let peaks: Vec<Peak> = lesson.readings.iter().map(|seen| seen.peak).collect();
        let expected = [Peak::Measured(ByteSize::mib(11)), Peak::AtLeast(ByteSize::mib(64))];
        assert_eq!(peaks, expected);

        let report = learning.publish(operator.as_ref(), None, &lesson);
        assert!(report.updated && report.readings_kept == 2, "{report:?}");
        let saved = load(&learning.file).unwrap();
        let fitted = saved.fitted(saved.identity(), Some(&here)).unwrap();
        let bound = |at: &Placement| fitted.predict(at.block().shape(), at.core().shape()).upper;
        assert!(bound(&large) >= ByteSize::mib(64), "a kill raises the bound: {}", bound(&large));

        // Where nothing can be written, that is all that happens.
        let nowhere = Learning { file: folder.path().join("not/m.json"), ..learning };
        let report = nowhere.publish(operator.as_ref(), None, &lesson);
        assert!(!report.updated && report.why_not.is_some_and(|why| why.contains("not")));
    }
}

//! One run from input to output: budget, base, plan, workers, result.

mod check;
mod outcome;
mod prepare;
mod store;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use chunkfit_core::{Operator, Source};
use chunkfit_io::{Input, InputOptions, zarr};
use chunkfit_run::{Event, Journal, Pool, RunError, Summary, TaskLedger};
use memcage::Cage;

use crate::args::Isolation;
use crate::budget::{Allowed, cage_for};
use crate::model::{Learner, ModelReport, ModelRequest};
use crate::operator::operator_for;
use crate::origin;
use crate::partial::{Existing, Found, Partial, RunRecord};
use crate::progress::Progress;
use crate::report::{IsolationUsed, Report};
use crate::spec::{self, JobSpec};
use check::{check_operator, check_paths, check_result, check_same};
use outcome::{done_voxels, report};
use prepare::{pool_options, prepare};

pub(crate) use prepare::make_plan;
pub(crate) use store::{STORAGE_CHUNK, write_scratch, zarr_spec};

/// A run that somebody asked for.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) input: PathBuf,
    pub(crate) output: PathBuf,
    pub(crate) operator: String,
    pub(crate) reading: InputOptions,
    pub(crate) allowed: Allowed,
    /// Whether the user said something about memory or workers, rather than taking the defaults.
    pub(crate) allowed_was_said: bool,
    pub(crate) workers: Option<usize>,
    /// Where tasks run, if that was said.
    pub(crate) isolation: Option<Isolation>,
    /// How to choose chunks, if that was said.
    pub(crate) strategy: Option<String>,
    /// The model to plan with, which learns from the run.
    pub(crate) model: Option<ModelRequest>,
    pub(crate) existing: Existing,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The output is complete.
    Finished(Box<Report>),
    /// It was complete before.
    WasComplete,
}

/// Runs `request`, or stops when `stop` is set.
pub(crate) fn execute(request: &Request, stop: &Arc<AtomicBool>) -> anyhow::Result<Outcome> {
    // A typing error is told before anything is opened.
    chunkfit_seismic::parse(&request.operator)?;
    let (run, cage) = match Partial::open(&request.output, request.existing)? {
        Found::Complete => {
            let input = Input::open(&request.input, &request.reading)?;
            check_result(&request.output, operator_for(&request.operator, &input)?.as_ref())?;
            return Ok(Outcome::WasComplete);
        }
        Found::Interrupted(partial, record) => {
            check_same(request, &record, partial.folder())?;
            // The folder may have been moved, or we.
            let job = JobSpec { store: partial.store(), ..record.job };
            let record = RunRecord { job, ..*record };
            let input = Input::from_descriptor(&record.job.input)?;
            check_operator(request, &input, &record, partial.folder())?;
            let journal = partial.resume(&record)?;
            let cage = cage_for(record.allowed, input.shape())?;
            (Run { request, partial, record, input, journal }, cage)
        }
        Found::Nothing(partial) => match start(request, &partial) {
            Ok((record, input, journal, cage)) => {
                (Run { request, partial, record, input, journal }, cage)
            }
            Err(error) => {
                partial.discard();
                return Err(error);
            }
        },
    };
    let operator = chunkfit_seismic::parse(&run.record.job.operator)?;
    closing(cage, |cage| run.finish(operator.as_ref(), cage, stop))
}

/// Closes `cage` after `work`, whatever came of it.
fn closing<T>(cage: Cage, work: impl FnOnce(&Cage) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let outcome = work(&cage);
    let closed = cage.close();
    let outcome = outcome?;
    closed?;
    Ok(outcome)
}

/// A run that was prepared, now or earlier.
struct Run<'a> {
    request: &'a Request,
    partial: Partial,
    record: RunRecord,
    input: Input,
    journal: Journal,
}

impl Run<'_> {
    /// Does what is left of it. The model learns whatever comes of it.
    fn finish(
        self,
        operator: &dyn Operator,
        cage: &Cage,
        stop: &Arc<AtomicBool>,
    ) -> anyhow::Result<Outcome> {
        let started = Instant::now();
        let (outcome, model) = self.tasks(operator, cage, stop)?;
        let Self { request, partial, record, input, .. } = self;
        let summary = outcome.inspect_err(|_| model.iter().for_each(ModelReport::print))?;
        for sink in spec::sinks(operator, &partial.store())? {
            sink.finish()?;
        }
        let report = report(request, &record, &summary, model, cage, &input, started)?;
        partial.commit()?;
        Ok(Outcome::Finished(Box::new(report)))
    }

    /// Performs the tasks that are left, and teaches the model.
    fn tasks(
        &self,
        operator: &dyn Operator,
        cage: &Cage,
        stop: &Arc<AtomicBool>,
    ) -> anyhow::Result<(Result<Summary, RunError>, Option<ModelReport>)> {
        let Self { partial, record, input, journal, .. } = self;
        let plan = &record.plan;
        let scratch = |core| zarr::write_scratch(plan.output_chunk, core);
        let ledger = TaskLedger::before_sinks(operator, input, &scratch);
        let plain = origin::ledger(operator)?;
        let model = record.calibration.model(&ledger)?;
        let mut learner = match &record.learning {
            Some(learning) => {
                let from = &record.calibration;
                Some(Learner::new(from, learning, &ledger, &plain, origin::origin(true))?)
            }
            None => None,
        };
        let done_before: u64 = done_voxels(plan, journal)?;
        let mut progress =
            Progress::new(&operator.name(), plan.grid.volume().voxels() as u64, done_before);
        let mut observer = |event: &Event| {
            progress.event(event);
            learner.iter_mut().for_each(|learner| learner.event(event));
        };
        let outcome = match record.isolation {
            IsolationUsed::Processes => {
                let pool =
                    Pool::new(cage, pool_options(&record.job, partial.folder(), Some(plan))?);
                pool.run(plan, &*model, journal, stop, &mut observer)
            }
            IsolationUsed::Threads => {
                let job = record.job.open()?;
                let budget = plan.usable_bytes * plan.workers as u64;
                chunkfit_run::threads(
                    &job,
                    plan,
                    &*model,
                    record.base_bytes,
                    budget,
                    journal,
                    stop,
                    &mut observer,
                )
            }
        };
        progress.finish();
        let lesson = learner.map(Learner::lesson);
        let taught = record.learning.as_ref().zip(lesson).map(|(learning, lesson)| {
            learning.publish(operator, record.calibration.saved(), &lesson)
        });
        Ok((outcome, taught))
    }
}

/// Opens the input, prepares the run, and makes it one that can be resumed.
///
/// The input is opened outside the cage: what that takes for a moment does not count, what stays does.
fn start(
    request: &Request,
    partial: &Partial,
) -> anyhow::Result<(RunRecord, Input, Journal, Cage)> {
    let input = Input::open(&request.input, &request.reading)?;
    let operator = operator_for(&request.operator, &input)?;
    check_paths(&request.input, &request.output)?;
    let model = request.model.as_ref().map(|said| said.begin(operator.as_ref())).transpose()?;
    let cage = cage_for(request.allowed, input.shape())?;
    let prepared = prepare(request, &cage, partial, &input, operator.as_ref(), model)
        .and_then(|record| Ok((partial.begin(&record)?, record)));
    match prepared {
        Ok((journal, record)) => Ok((record, input, journal, cage)),
        Err(error) => closing(cage, |_| Err(error)),
    }
}

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chunkfit_core::{ByteSize, MemoryModel, Placement};
use chunkfit_plan::{Plan, Task};

use crate::summary::RatioHistogram;
use crate::{Cause, Done, Event, Journal, Observer, RunError, Summary};

/// A chunk, or a piece of a split one, that somebody should perform.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    /// Number of the chunk in the plan.
    pub(crate) index: usize,
    pub(crate) at: Placement,
    /// Predicted upper bound, raised by what earlier deaths taught.
    pub(crate) upper: ByteSize,
    /// How often a worker was killed from outside while doing this.
    kills: u32,
}

/// How a task hit a memory limit.
#[derive(Debug)]
pub(crate) struct Hit {
    /// Its worker did not survive.
    pub(crate) died: bool,
    /// The limit was that of its worker alone, and no other's.
    pub(crate) own: bool,
    /// The limit, if it was one of ours.
    pub(crate) limit: Option<ByteSize>,
    /// What the kernel or the allocator reported.
    pub(crate) evidence: String,
}

/// A worker killed from outside so many times on the same chunk is no accident.
const KILLS_TOLERATED: u32 = 2;

/// What is left of a plan: hands out work, takes results, splits what does not fit.
///
/// Shared by all lanes of a run. Memory does not grow with the number of chunks: tasks come from the
/// plan one by one, what is done is in the journal, and statistics are sums and a histogram.
pub(crate) struct Board<'a> {
    plan: &'a Plan,
    model: &'a (dyn MemoryModel + Sync),
    usable: ByteSize,
    journal: &'a Journal,
    stop: &'a AtomicBool,
    state: Mutex<State<'a>>,
    changed: Condvar,
    started: Instant,
}

struct State<'a> {
    tasks: Box<dyn Iterator<Item = Task> + Send + 'a>,
    pieces: Vec<Work>,
    /// Pieces still to do of each split chunk.
    pieces_left: HashMap<usize, usize>,
    running: usize,
    /// Factor on predicted bounds, learned from deaths by the limit.
    raise: f64,
    summary: Summary,
    ratios: RatioHistogram,
    observer: &'a mut Observer<'a>,
    failure: Option<RunError>,
}

impl<'a> Board<'a> {
    /// A board for what `journal` says is left of `plan`. A task must keep its bound, by `model`,
    /// within `usable`.
    pub(crate) fn new(
        plan: &'a Plan,
        model: &'a (dyn MemoryModel + Sync),
        usable: ByteSize,
        journal: &'a Journal,
        stop: &'a AtomicBool,
        observer: &'a mut Observer<'a>,
    ) -> Result<Self, RunError> {
        let summary = Summary {
            tasks: 0,
            resumed: journal.count_done()?,
            retries: 0,
            killed: 0,
            splits: 0,
            tasks_over_bound: 0,
            peak: None,
            upper_bound: ByteSize::ZERO,
            utilisation_median: None,
            fetched: ByteSize::ZERO,
            voxels: 0,
            elapsed_s: 0.0,
        };
        let state = State {
            tasks: Box::new(plan.tasks()),
            pieces: Vec::new(),
            pieces_left: HashMap::new(),
            running: 0,
            raise: 1.0,
            summary,
            ratios: RatioHistogram::new(),
            observer,
            failure: None,
        };
        Ok(Self {
            plan,
            model,
            usable,
            journal,
            stop,
            state: Mutex::new(state),
            changed: Condvar::new(),
            started: Instant::now(),
        })
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The next piece of work; waits while others may still split theirs. `None` when nothing is left,
    /// the run failed, or it was asked to stop.
    pub(crate) fn next(&self) -> Option<Work> {
        let mut state = self.lock();
        loop {
            if state.failure.is_some() || self.stopping() {
                return None;
            }
            let next = match state.pieces.pop() {
                Some(piece) => Some(piece),
                None => match self.next_of_plan(&mut state) {
                    Ok(next) => next,
                    Err(error) => {
                        state.failure.get_or_insert(error);
                        return None;
                    }
                },
            };
            match next {
                Some(mut work) => {
                    work.upper = self.bound(&work.at, state.raise);
                    if work.upper > self.usable
                        && self.split(&mut state, &work, "predicted not to fit")
                    {
                        continue;
                    }
                    state.running += 1;
                    return Some(work);
                }
                None if state.running == 0 => return None,
                None => {
                    let wait = Duration::from_millis(100);
                    state = self
                        .changed
                        .wait_timeout(state, wait)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0;
                }
            }
        }
    }

    fn next_of_plan(&self, state: &mut State<'a>) -> Result<Option<Work>, RunError> {
        for task in state.tasks.by_ref() {
            if !self.journal.is_done(task.index as u64)? {
                let upper = ByteSize::ZERO;
                return Ok(Some(Work { index: task.index, at: task.placement, upper, kills: 0 }));
            }
        }
        Ok(None)
    }

    /// `work` is written.
    pub(crate) fn done(&self, work: &Work, done: Done) {
        let mut state = self.lock();
        state.running -= 1;
        let summary = &mut state.summary;
        summary.tasks += 1;
        summary.fetched += done.fetched;
        summary.voxels += work.at.core().shape().voxels() as u64;
        summary.upper_bound = summary.upper_bound.max(work.upper);
        if let Some(peak) = done.peak {
            summary.peak = summary.peak.max(Some(peak));
            summary.tasks_over_bound += u64::from(peak > work.upper);
            state.ratios.add(peak.as_f64() / work.upper.as_f64());
        }
        let left = state.pieces_left.get(&work.index).copied().unwrap_or(1) - 1;
        if left > 0 {
            state.pieces_left.insert(work.index, left);
        } else {
            state.pieces_left.remove(&work.index);
            if let Err(error) = self.journal.mark_done(work.index as u64) {
                state.failure.get_or_insert(error.into());
            }
        }
        (state.observer)(&Event::Done { at: work.at, done, upper: work.upper });
        self.changed.notify_all();
    }

    /// `work` hit a memory limit.
    pub(crate) fn over_limit(&self, work: &Work, hit: Hit) {
        let Hit { died, own, limit, evidence } = hit;
        let mut state = self.lock();
        state.running -= 1;
        state.summary.killed += u64::from(died);
        let at_least = own.then_some(self.usable);
        (state.observer)(&Event::OverLimit { at: work.at, at_least });
        // The bound was wrong by at least this much: no task as large is started again.
        let seen = 1.05 * self.usable.as_f64() / self.bound(&work.at, 1.0).as_f64();
        state.raise = state.raise.max(seen);
        if self.split(&mut state, work, &evidence) {
            state.summary.retries += 1;
        } else {
            let cause = Cause::Limit { limit, evidence };
            let core = work.at.core();
            state.failure.get_or_insert(RunError::Task { core, cause });
        }
        self.changed.notify_all();
    }

    /// A worker was killed from outside while it did `work`.
    pub(crate) fn killed(&self, mut work: Work, signal: i32, evidence: String) {
        let mut state = self.lock();
        state.running -= 1;
        state.summary.killed += 1;
        work.kills += 1;
        let core = work.at.core();
        if work.kills > KILLS_TOLERATED {
            let cause = Cause::Killed { signal, evidence };
            state.failure.get_or_insert(RunError::Task { core, cause });
        } else {
            state.summary.retries += 1;
            let reason = format!("its worker was killed by signal {signal} ({evidence})");
            (state.observer)(&Event::Again { core, reason });
            state.pieces.push(work);
        }
        self.changed.notify_all();
    }

    /// `work` was not done because the run stops.
    pub(crate) fn abandoned(&self) {
        self.lock().running -= 1;
        self.changed.notify_all();
    }

    /// The run cannot go on.
    pub(crate) fn fail(&self, error: RunError) {
        let mut state = self.lock();
        state.failure.get_or_insert(error);
        self.changed.notify_all();
    }

    /// `work` failed for a reason that trying again would not change.
    pub(crate) fn failed(&self, work: &Work, cause: Cause) {
        self.fail(RunError::Task { core: work.at.core(), cause });
    }

    fn bound(&self, at: &Placement, raise: f64) -> ByteSize {
        self.model.predict(at.block().shape(), at.core().shape()).upper.scale(raise)
    }

    fn split(&self, state: &mut State<'a>, work: &Work, reason: &str) -> bool {
        let halves =
            chunkfit_plan::split(&work.at, &self.plan.halo, self.plan.output_chunk, self.model);
        let Some(halves) = halves else { return false };
        *state.pieces_left.entry(work.index).or_insert(1) += 1;
        state.summary.splits += 1;
        let piece = |at| Work { at, kills: 0, ..*work };
        state.pieces.extend(halves.map(piece));
        (state.observer)(&Event::Split { core: work.at.core(), reason: reason.to_owned() });
        true
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The outcome, once no lane is running.
    pub(crate) fn finish(self) -> Result<Summary, RunError> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = state.failure {
            return Err(error);
        }
        let (done, tasks) = (self.journal.count_done()?, self.journal.tasks());
        if done < tasks {
            return Err(RunError::Stopped { done, tasks });
        }
        let mut summary = state.summary;
        summary.utilisation_median = state.ratios.median();
        summary.elapsed_s = self.started.elapsed().as_secs_f64();
        Ok(summary)
    }
}

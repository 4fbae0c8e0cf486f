use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chunkfit_core::{ByteSize, MemoryModel};
use chunkfit_plan::Plan;
use memcage::resident;

use crate::board::{Board, Hit};
use crate::error::chain;
use crate::worker::text_of;
use crate::{Cause, Done, Job, Journal, Observer, RunError, Summary, TaskError};

/// Runs what `journal` says is left of `plan` on `plan.workers` threads of this process.
///
/// A task starts only when its bound by `model`, which must not include a base, fits what is left of
/// `budget`. The bytes of tasks that run at the same time cannot be told apart, so the whole run is
/// one measured region: [`Summary::peak`] is the high-water mark of this process, its bound is `base`
/// plus the largest sum of bounds that was admitted at once, and [`Summary::tasks_over_bound`] is 1
/// when the mark exceeds it.
///
/// # Errors
///
/// When a task fails or does not fit even as one storage chunk, the journal fails, or `stop` is set.
#[expect(clippy::too_many_arguments, reason = "each is a different noun, and all are needed once")]
pub fn threads<'a>(
    job: &'a Job,
    plan: &'a Plan,
    model: &'a (dyn MemoryModel + Sync),
    base: ByteSize,
    budget: ByteSize,
    journal: &'a Journal,
    stop: &'a AtomicBool,
    observer: &'a mut Observer<'a>,
) -> Result<Summary, RunError> {
    let board = Board::new(plan, model, budget, journal, stop, observer)?;
    let gate = Gate::new(budget);
    let reset = resident::reset_peak().is_ok();
    std::thread::scope(|scope| {
        for _ in 0..plan.workers {
            scope.spawn(|| lane(job, &board, &gate));
        }
    });
    let peak = resident::peak_bytes().ok().filter(|_| reset).map(ByteSize::new);
    let mut summary = board.finish()?;
    summary.upper_bound = base + gate.most_admitted();
    summary.peak = peak;
    summary.utilisation_median = peak.map(|p| p.as_f64() / summary.upper_bound.as_f64());
    summary.tasks_over_bound = u64::from(peak > Some(summary.upper_bound));
    Ok(summary)
}

fn lane(job: &Job, board: &Board<'_>, gate: &Gate) {
    while let Some(work) = board.next() {
        let Some(_admitted) = gate.admit(work.upper, || board.stopping()) else {
            board.abandoned();
            return;
        };
        let started = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| job.perform(&work.at))) {
            Ok(Ok(fetched)) => {
                let seconds = started.elapsed().as_secs_f64();
                board.done(&work, Done { peak: None, fetched, seconds });
            }
            Ok(Err(error @ TaskError::OutOfMemory { .. })) => {
                let evidence = chain(&error);
                board.over_limit(&work, Hit { died: false, own: false, limit: None, evidence });
            }
            Ok(Err(error)) => board.failed(&work, Cause::Error { message: chain(&error) }),
            Err(panic) => board.failed(&work, Cause::Panic { message: text_of(&*panic) }),
        }
    }
}

/// Lets tasks in while their bytes fit a budget. A task larger than the budget gets in alone.
#[derive(Debug)]
struct Gate {
    budget: ByteSize,
    admitted: Mutex<Admitted>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct Admitted {
    now: ByteSize,
    most: ByteSize,
}

/// Bytes held until this is dropped.
struct Reservation<'a> {
    gate: &'a Gate,
    bytes: ByteSize,
}

impl Gate {
    fn new(budget: ByteSize) -> Self {
        Self { budget, admitted: Mutex::default(), freed: Condvar::new() }
    }

    /// Waits until `bytes` fit; `None` when `give_up` says so first.
    fn admit(&self, bytes: ByteSize, give_up: impl Fn() -> bool) -> Option<Reservation<'_>> {
        let mut admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        while admitted.now > ByteSize::ZERO && admitted.now + bytes > self.budget {
            if give_up() {
                return None;
            }
            let wait = Duration::from_millis(100);
            let woken = self.freed.wait_timeout(admitted, wait);
            admitted = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        admitted.now += bytes;
        admitted.most = admitted.most.max(admitted.now);
        Some(Reservation { gate: self, bytes })
    }

    fn most_admitted(&self) -> ByteSize {
        self.admitted.lock().unwrap_or_else(PoisonError::into_inner).most
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut admitted = self.gate.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        admitted.now = admitted.now - self.bytes;
        self.gate.freed.notify_all();
    }
}

//! The one owner of this process's high-water mark.
//!
//! A reset of the mark is process-wide. Here every open region gets what the mark says before each
//! reset, so that a nested or concurrent region takes nothing from the others.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ThreadId;

use crate::probe::ResetFile;
use crate::procfs::{KeptFile, PROC, Target, Text};
use crate::{Growth, Kind, Levels, ProbeError, Reading, Scope, Source};

static LEDGER: Mutex<Option<Ledger>> = Mutex::new(None);

/// Number of an open region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// What a closed region saw of the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) rss: Growth,
    pub(crate) levels: Levels,
    pub(crate) shared: bool,
}

#[derive(Debug)]
struct Ledger {
    /// Files of `/proc/self` stay those of the process that opened them, so a fork opens its own.
    pid: u32,
    status: KeptFile,
    statm: KeptFile,
    reset: ResetFile,
    open: Vec<Open>,
    next: u64,
    highest: u64,
}

#[derive(Debug)]
struct Open {
    ticket: Ticket,
    thread: ThreadId,
    /// Summed over the CPUs, as `statm` and `status` are.
    exact: u64,
    /// Batched, as the stored mark is.
    batched: u64,
    growth: u64,
    shared: bool,
}

/// `VmHWM` and `VmRSS` of one reading.
#[derive(Clone, Copy, Debug)]
struct Mark {
    highest: u64,
    now: u64,
}

impl Mark {
    fn of(status: Text<'_>) -> Result<Self, ProbeError> {
        Ok(Self { highest: status.needed_kib("VmHWM")?, now: status.needed_kib("VmRSS")? })
    }
}

impl Open {
    /// Like is subtracted from like. `VmHWM` is the larger of the stored mark, which is batched, and
    /// the present level, which is exact; which one it shows follows from `VmRSS` beside it.
    fn raise(&mut self, mark: Mark) {
        let stored =
            if mark.highest > mark.now { mark.highest.saturating_sub(self.batched) } else { 0 };
        self.growth = self.growth.max(stored).max(mark.now.saturating_sub(self.exact));
    }
}

impl Ledger {
    fn open_files() -> Result<Self, ProbeError> {
        let proc = Path::new(PROC);
        let mut ledger = Self {
            pid: std::process::id(),
            status: KeptFile::of(Target::Own, proc, "status")?,
            statm: KeptFile::of(Target::Own, proc, "statm")?,
            reset: ResetFile::open(Target::Own)?,
            open: Vec::with_capacity(64),
            next: 0,
            highest: 0,
        };
        // Read everything once: code and buffers that are touched later would count as growth.
        let _ = ledger.mark()?;
        let _ = ledger.statm.text()?.pages(1)?;
        Ok(ledger)
    }

    fn mark(&mut self) -> Result<Mark, ProbeError> {
        Mark::of(self.status.text()?)
    }

    fn enter(&mut self) -> Result<Ticket, ProbeError> {
        let mark = self.mark()?;
        self.highest = self.highest.max(mark.highest);
        let thread = std::thread::current().id();
        let mut shared = false;
        for open in &mut self.open {
            open.raise(mark);
            if open.thread != thread {
                open.shared = true;
                shared = true;
            }
        }
        let ticket = Ticket(self.next);
        self.next += 1;
        self.open.push(Open { ticket, thread, exact: 0, batched: 0, growth: 0, shared });
        let begun = self.baseline();
        match (begun, self.open.last_mut()) {
            (Ok((batched, exact)), Some(open)) => {
                (open.batched, open.exact) = (batched, exact);
                Ok(ticket)
            }
            (begun, _) => {
                self.open.pop();
                begun.map(|_| ticket)
            }
        }
    }

    fn baseline(&mut self) -> Result<(u64, u64), ProbeError> {
        let batched = self.reset.reset()?.bytes;
        Ok((batched, self.statm.text()?.pages(1)?))
    }

    fn exit(&mut self, ticket: Ticket) -> Result<Option<Seen>, ProbeError> {
        let Some(place) = self.open.iter().position(|open| open.ticket == ticket) else {
            return Ok(None);
        };
        // Not a swap: regions usually end in the reverse order, and this keeps the rest in place.
        let mut open = self.open.remove(place);
        let status = self.status.text()?;
        let mark = Mark::of(status)?;
        open.raise(mark);
        let levels = Levels {
            anon_bytes: status.kib("RssAnon")?,
            file_bytes: status.kib("RssFile")?,
            shmem_bytes: status.kib("RssShmem")?,
            swap_bytes: status.kib("VmSwap")?,
        };
        let reading = |bytes, kind, source| Reading { bytes, scope: Scope::Process, kind, source };
        let rss = Growth {
            baseline: reading(open.exact, Kind::Current, Source::Statm),
            peak: reading(open.exact + open.growth, Kind::Peak, Source::Hwm),
            end: reading(mark.now, Kind::Current, Source::Status),
        };
        Ok(Some(Seen { rss, levels, shared: open.shared }))
    }
}

/// A panic while the lock was held leaves at worst a region too many on the list.
fn lock() -> MutexGuard<'static, Option<Ledger>> {
    LEDGER.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with<R>(f: impl FnOnce(&mut Ledger) -> Result<R, ProbeError>) -> Result<R, ProbeError> {
    let mut slot = lock();
    if slot.as_ref().is_none_or(|ledger| ledger.pid != std::process::id()) {
        *slot = Some(Ledger::open_files()?);
    }
    match slot.as_mut() {
        Some(ledger) => f(ledger),
        None => Err(ProbeError::Unavailable { counter: Source::Hwm, why: "no ledger" }),
    }
}

/// Begins a region: saves the mark for the others and resets it.
pub(crate) fn enter() -> Result<Ticket, ProbeError> {
    with(Ledger::enter)
}

/// Ends a region. `None` for a region that began before a fork.
pub(crate) fn exit(ticket: Ticket) -> Result<Option<Seen>, ProbeError> {
    with(|ledger| ledger.exit(ticket))
}

/// Highest resident set of this process since it began, in bytes, whatever regions have reset since.
///
/// # Errors
/// [`ProbeError`] where `/proc/self` cannot be read.
pub fn process_peak() -> Result<Reading, ProbeError> {
    let bytes = with(|ledger| Ok(ledger.mark()?.highest.max(ledger.highest)))?;
    Ok(Reading { bytes, scope: Scope::Process, kind: Kind::Peak, source: Source::Hwm })
}

/// The error bound is asked once: CPUs rarely come and go, and the answer costs two file reads.
pub(crate) fn bound() -> u64 {
    static BOUND: OnceLock<u64> = OnceLock::new();
    *BOUND.get_or_init(crate::counter_bound_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(exact: u64, batched: u64) -> Open {
        let thread = std::thread::current().id();
        Open { ticket: Ticket(0), thread, exact, batched, growth: 0, shared: false }
    }

    #[test]
    fn the_stored_mark_is_compared_with_the_batched_baseline_only() {
        let mut region = open(1000, 700);
        region.raise(Mark { highest: 5700, now: 1000 });
        assert_eq!(region.growth, 5000);
    }

    #[test]
    fn a_mark_that_shows_the_present_is_compared_with_the_exact_baseline() {
        let mut region = open(1000, 700);
        region.raise(Mark { highest: 6000, now: 6000 });
        assert_eq!(region.growth, 5000);
        region.raise(Mark { highest: 900, now: 900 });
        assert_eq!(region.growth, 5000, "a later, lower mark takes nothing back");
    }
}

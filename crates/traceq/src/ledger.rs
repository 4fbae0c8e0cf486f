//! The one owner of this process's high-water mark.
//!
//! A reset of the mark is process-wide. Here every open region gets what the mark says before each
//! reset, so that a nested or concurrent region takes nothing from the others.

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ThreadId;

use crate::bound::batch_bytes;
use crate::pages::huge_pages;
use crate::probe::{ResetFile, usage};
use crate::procfs::{KeptFile, PROC, Target};
use crate::rise::{Enclosed, Level, Mark, Rise, Slack};
use crate::spare::Spare;
use crate::{Growth, GrowthBounds, Kind, Levels, ProbeError, Reading, Scope, Source};

static LEDGER: Mutex<Option<Ledger>> = Mutex::new(None);
/// Regions that are open.
static OPEN: AtomicUsize = AtomicUsize::new(0);
/// Regions that were opened so far.
static OPENED: AtomicU64 = AtomicU64::new(0);

/// Number of an open region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// What a closed region saw of the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) rss: Growth,
    pub(crate) bounds: GrowthBounds,
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
    spare: Option<Spare>,
    /// What `ru_maxrss` never falls below: the mark of the image before the last `exec`.
    floor: u64,
    slack: Slack,
    open: Vec<Open>,
    next: u64,
    highest: u64,
}

#[derive(Debug)]
struct Open {
    ticket: Ticket,
    thread: ThreadId,
    rise: Rise,
    shared: bool,
}

impl Ledger {
    fn open_files() -> Result<Self, ProbeError> {
        let proc = Path::new(PROC);
        let mut ledger = Self {
            pid: std::process::id(),
            status: KeptFile::of(Target::Own, proc, "status")?,
            statm: KeptFile::of(Target::Own, proc, "statm")?,
            reset: ResetFile::open(Target::Own)?,
            spare: Spare::map(batch_bytes()),
            floor: u64::MAX,
            slack: Slack {
                // What a CPU holds back may have been as far on the other side when the region began;
                // not so this one's.
                bound: (2 * bound()).saturating_sub(batch_bytes()),
                likely: bound().min(2 * batch_bytes()),
                huge_faults: !faults_count_pages(),
            },
            open: Vec::with_capacity(64),
            next: 0,
            highest: 0,
        };
        // Read everything once: code and buffers that are touched later would count as growth.
        let _ = (ledger.baseline()?, ledger.mark()?);
        Ok(ledger)
    }

    /// `ru_maxrss` is the stored mark, unless it is the floor. `VmHWM` is the larger of the stored mark
    /// and of the exact level, which may hide it, as the mark's own ledger often stands lower; so where
    /// it does, it is read again while the level is lower too.
    fn mark(&mut self) -> Result<Mark, ProbeError> {
        let largest = usage()?.0;
        if largest > self.floor {
            return Ok(Mark::Stored(largest));
        }
        let read = |status: &mut KeptFile| {
            let text = status.text()?;
            Ok::<_, ProbeError>((text.needed_kib("VmHWM")?, text.needed_kib("VmRSS")?))
        };
        let (highest, level) = read(&mut self.status)?;
        if highest > level {
            return Ok(Mark::Stored(highest));
        }
        let Some(spare) = &self.spare else { return Ok(Mark::Below(level)) };
        let (highest, lowered) = spare.without(|| read(&mut self.status))?;
        Ok(if highest > lowered { Mark::Stored(highest) } else { Mark::Below(level) })
    }

    fn enter(&mut self) -> Result<Ticket, ProbeError> {
        self.highest = self.highest.max(self.peak()?);
        let mark = if self.open.is_empty() { None } else { Some(self.mark()?) };
        let thread = std::thread::current().id();
        let mut shared = false;
        for open in &mut self.open {
            if let Some(mark) = mark {
                open.rise.raise(mark);
            }
            if open.thread != thread {
                open.shared = true;
                shared = true;
            }
        }
        let ticket = Ticket(self.next);
        self.next += 1;
        // Before the baseline is read: the list may grow.
        self.open.reserve(1);
        let rise = self.baseline()?;
        self.open.push(Open { ticket, thread, rise, shared });
        OPENED.fetch_add(1, Relaxed);
        OPEN.store(self.open.len(), Relaxed);
        Ok(ticket)
    }

    fn baseline(&mut self) -> Result<Rise, ProbeError> {
        // The counter stays settled for the regions inside; what it costs is paid once.
        if let Some(spare) = self.spare.as_ref().filter(|_| self.open.is_empty()) {
            spare.settle();
        }
        let batched = self.reset.reset()?.bytes;
        let largest = usage()?.0;
        self.floor = if largest > batched { largest } else { 0 };
        Ok(Rise::new(batched, self.level()?))
    }

    /// `VmHWM` as it is shown.
    fn peak(&mut self) -> Result<u64, ProbeError> {
        self.status.text()?.needed_kib("VmHWM")
    }

    fn level(&mut self) -> Result<Level, ProbeError> {
        let [_, resident, shared] = self.statm.text()?.first_pages()?;
        let faults = usage()?.1;
        Ok(Level { resident, shared, faults: faults.minor + faults.major })
    }

    fn look(&mut self) -> Result<(), ProbeError> {
        let level = self.level()?;
        for open in &mut self.open {
            open.rise.look(level);
        }
        Ok(())
    }

    fn exit(&mut self, ticket: Ticket) -> Result<Option<Seen>, ProbeError> {
        let Some(place) = self.open.iter().position(|open| open.ticket == ticket) else {
            return Ok(None);
        };
        let level = self.level();
        // Not a swap: regions usually end in the reverse order, and this keeps the rest in place.
        let mut open = self.open.remove(place);
        OPEN.store(self.open.len(), Relaxed);
        let level = level?;
        open.rise.look(level);
        let settled = !self.slack.huge_faults && !open.rise.may_hide();
        open.rise.raise(if settled { Mark::Below(level.resident) } else { self.mark()? });
        let status = self.status.text()?;
        let levels = Levels {
            anon_bytes: status.kib("RssAnon")?,
            file_bytes: status.kib("RssFile")?,
            shmem_bytes: status.kib("RssShmem")?,
            swap_bytes: status.kib("VmSwap")?,
        };
        let Enclosed { least, growth, most } = open.rise.enclose(self.slack);
        let baseline = open.rise.baseline();
        let reading = |bytes, kind, source| Reading { bytes, scope: Scope::Process, kind, source };
        let rss = Growth {
            baseline: reading(baseline, Kind::Current, Source::Statm),
            peak: reading(baseline + growth, Kind::Peak, Source::Hwm),
            end: reading(level.resident, Kind::Current, Source::Statm),
        };
        let bounds = GrowthBounds { at_least_bytes: least, at_most_bytes: most };
        Ok(Some(Seen { rss, bounds, levels, shared: open.shared }))
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

/// Has all open regions look at the exact level, just before memory is given back. Does nothing where
/// that would have to wait, or in a child that was forked off. Called by the allocator, so it must not
/// allocate; all that it reads into is warm.
pub(crate) fn look() {
    if OPEN.load(Relaxed) == 0 {
        return;
    }
    let Ok(mut slot) = LEDGER.try_lock() else { return };
    if let Some(ledger) = slot.as_mut().filter(|ledger| ledger.pid == std::process::id()) {
        // A level that cannot be read is one fewer; the mark stands.
        let _ = ledger.look();
    }
}

/// Another number whenever a region was opened; `None` where none is open that [`look`] would serve.
#[inline]
pub(crate) fn open_regions() -> Option<u64> {
    (OPEN.load(Relaxed) > 0).then(|| OPENED.load(Relaxed))
}

/// Highest resident set of this process since it began, in bytes, whatever regions have reset since.
///
/// # Errors
/// [`ProbeError`] where `/proc/self` cannot be read.
pub fn process_peak() -> Result<Reading, ProbeError> {
    let bytes = with(|ledger| Ok(ledger.peak()?.max(ledger.highest)))?;
    Ok(Reading { bytes, scope: Scope::Process, kind: Kind::Peak, source: Source::Hwm })
}

/// Whether a fault brings in one page of anonymous memory, unless the program asks for more.
pub(crate) fn faults_count_pages() -> bool {
    !huge_pages().is_some_and(|setting| setting.contains("[always]"))
}

/// The error bound is asked once: CPUs rarely come and go, and the answer costs two file reads.
pub(crate) fn bound() -> u64 {
    static BOUND: OnceLock<u64> = OnceLock::new();
    *BOUND.get_or_init(crate::counter_bound_bytes)
}

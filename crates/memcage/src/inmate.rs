use std::io;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use std::sync::Arc;
use std::time::Duration;

use crate::CageError;
use crate::block::{Alarms, Block};
use crate::end::{await_end, ended_within, reap};
use crate::group::{Group, Marks, Usage};
use crate::janitor::{Orders, kill_tree};
use crate::pressure::{Barometer, Pressure};
use crate::proc::Proc;
use crate::verdict::{Death, End, GroupFacts, WatchFacts, by_group, by_watchdog};
use crate::watchdog::{Ward, Watchdog};

/// A child process in a [`Cage`](crate::Cage).
///
/// Dropping it kills it with all its descendants, and reaps it.
#[derive(Debug)]
pub struct Inmate {
    child: Child,
    bars: Bars,
    barometer: Option<Barometer>,
    death: Option<Death>,
}

/// What holds an inmate.
#[derive(Debug)]
pub(crate) enum Bars {
    Cell(Cell),
    Leash(Leash),
}

/// A control group of its own.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) group: Group,
    pub(crate) marks: Marks,
    pub(crate) limit: Option<u64>,
    pub(crate) block: Arc<Block>,
    pub(crate) before: Alarms,
}

/// A data limit, and a watchdog.
#[derive(Debug)]
pub(crate) struct Leash {
    pub(crate) ward: Arc<Ward>,
    pub(crate) data_limit: Option<u64>,
    pub(crate) watchdog: Arc<Watchdog>,
    pub(crate) orders: Arc<Orders>,
}

impl Inmate {
    pub(crate) fn new(child: Child, bars: Bars, barometer: Option<Barometer>) -> Self {
        Self { child, bars, barometer, death: None }
    }

    /// Its process number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The pipe to its standard input, once, if one was asked for.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// The pipe from its standard output, once, if one was asked for.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// The pipe from its standard error, once, if one was asked for.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Waits until it has ended, and tells why. Later calls tell the same.
    ///
    /// Closes a standard input that was not taken. Descendants that are left are killed.
    ///
    /// # Errors
    ///
    /// When the system cannot wait for it, for example because this process ignores `SIGCHLD`.
    pub fn wait(&mut self) -> io::Result<Death> {
        if let Some(death) = &self.death {
            return Ok(death.clone());
        }
        drop(self.child.stdin.take());
        if let Bars::Leash(leash) = &self.bars {
            await_end(self.id())?;
            // Before the process number is free for others.
            leash.watchdog.forget(&leash.ward);
        }
        let (status, work) = reap(self.id())?;
        let end = End { status, work, pressure: self.pressure() };
        let death = match &self.bars {
            Bars::Cell(cell) => {
                let death = by_group(end, cell.facts());
                // What cannot be removed now is left to the cage.
                let _ = cell.group.kill().and_then(|()| cell.group.remove());
                death
            }
            Bars::Leash(leash) => {
                leash.orders.forget(leash.ward.pid);
                by_watchdog(end, leash.facts())
            }
        };
        self.death = Some(death.clone());
        Ok(death)
    }

    /// Waits at most `timeout` until it has ended. `None` means that it still runs.
    ///
    /// Otherwise as [`wait`](Self::wait), but a standard input that was not taken stays open until
    /// the end. So one thread can read levels in between:
    ///
    /// ```no_run
    /// # fn watch(inmate: &mut memcage::Inmate) -> Result<(), Box<dyn std::error::Error>> {
    /// let death = loop {
    ///     println!("{} bytes", inmate.current_bytes()?);
    ///     if let Some(death) = inmate.wait_timeout(std::time::Duration::from_millis(10))? {
    ///         break death;
    ///     }
    /// };
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait), and before Linux 5.3.
    pub fn wait_timeout(&mut self, timeout: Duration) -> io::Result<Option<Death>> {
        if self.death.is_none() && !ended_within(self.id(), timeout)? {
            return Ok(None);
        }
        self.wait().map(Some)
    }

    /// Highest memory of it and its descendants since its start or the last
    /// [`reset_peak`](Self::reset_peak), in bytes, page cache and kernel memory included.
    ///
    /// The kernel keeps this mark with every charge, so no transient is missed. It charges in stocks
    /// of 64 pages for each processor, and may be over by as much. A peak under a limit saturates at
    /// the limit.
    ///
    /// # Errors
    ///
    /// Without control groups, on v2 before Linux 5.19, and after [`wait`](Self::wait), when the group
    /// is gone.
    pub fn peak_bytes(&self) -> Result<u64, CageError> {
        let cell = self.cell("the peak of an inmate")?;
        cell.marks.peak().map_err(CageError::group("read the peak of", cell.group.dir()))
    }

    /// Makes [`peak_bytes`](Self::peak_bytes) the peak of what follows, beginning with what is charged
    /// now. [`Death::peak_bytes`] remains the peak of the whole life.
    ///
    /// On v1 the mark is read and then reset: what is only reached between the two, some
    /// microseconds, is missed.
    ///
    /// # Errors
    ///
    /// Without control groups, on v2 before Linux 6.12 (use one inmate for each measurement there),
    /// and after [`wait`](Self::wait).
    pub fn reset_peak(&mut self) -> Result<(), CageError> {
        match &mut self.bars {
            Bars::Cell(cell) => cell.marks.reset(),
            Bars::Leash(_) => Err(no_group("the peak of an inmate")),
        }
    }

    /// Memory of it and its descendants now, in bytes, page cache and kernel memory included.
    ///
    /// # Errors
    ///
    /// Without control groups, and after [`wait`](Self::wait).
    pub fn current_bytes(&self) -> Result<u64, CageError> {
        let cell = self.cell("the memory of an inmate")?;
        cell.group.usage().map_err(CageError::group("read the memory of", cell.group.dir()))
    }

    /// What that memory consists of.
    ///
    /// # Errors
    ///
    /// As [`current_bytes`](Self::current_bytes).
    pub fn usage(&self) -> Result<Usage, CageError> {
        let cell = self.cell("the memory of an inmate")?;
        cell.group.split().map_err(CageError::group("read the memory of", cell.group.dir()))
    }

    /// Time lost for want of memory since its start. `None` where the kernel does not count it.
    #[must_use]
    pub fn pressure(&self) -> Option<Pressure> {
        self.barometer.as_ref().and_then(Barometer::read)
    }

    fn cell(&self, what: &'static str) -> Result<&Cell, CageError> {
        match &self.bars {
            Bars::Cell(cell) => Ok(cell),
            Bars::Leash(_) => Err(no_group(what)),
        }
    }

    /// Kills it with all its descendants. [`wait`](Self::wait) still has to be called.
    ///
    /// Without control groups, descendants whose parents have ended are not found.
    ///
    /// # Errors
    ///
    /// When a process cannot be killed within five seconds.
    pub fn kill(&mut self) -> io::Result<()> {
        if self.death.is_some() {
            return Ok(());
        }
        match &self.bars {
            Bars::Cell(cell) => cell.group.kill().map_err(io::Error::other),
            Bars::Leash(leash) => {
                kill_tree(&Proc::real(), leash.ward.pid);
                Ok(())
            }
        }
    }
}

impl Drop for Inmate {
    fn drop(&mut self) {
        if self.death.is_none() {
            let _ = self.kill();
            let _ = self.child.kill();
            let _ = self.wait();
        }
    }
}

impl Cell {
    fn facts(&self) -> GroupFacts {
        let peak_bytes = self.marks.life_peak().ok();
        let swap_peak_bytes = self.marks.swap_peak().ok();
        let oom_kills = self.group.oom_kills().ok();
        let killed = oom_kills.is_some_and(|kills| kills > 0);
        let limit = killed.then(|| self.block.limit_hit(&self.group, self.limit, self.before));
        GroupFacts { peak_bytes, swap_peak_bytes, oom_kills, limit }
    }
}

impl Leash {
    fn facts(&self) -> WatchFacts {
        WatchFacts {
            seen_bytes: self.ward.seen_bytes(),
            data_limit: self.data_limit,
            sentence: self.ward.sentence(),
        }
    }
}

fn no_group(what: &'static str) -> CageError {
    CageError::Unsupported {
        what,
        reason: "it needs control groups, and this cage has none".into(),
    }
}

use std::io;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use std::sync::Arc;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::block::{Alarms, Block};
use crate::group::Group;
use crate::janitor::{Orders, kill_tree};
use crate::proc::Proc;
use crate::verdict::{Death, GroupFacts, WatchFacts, by_group, by_watchdog};
use crate::watchdog::{Ward, Watchdog};

/// A child process in a [`Cage`](crate::Cage).
///
/// Dropping it kills it with all its descendants, and reaps it.
#[derive(Debug)]
pub struct Inmate {
    child: Child,
    bars: Bars,
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
    pub(crate) fn new(child: Child, bars: Bars) -> Self {
        Self { child, bars, death: None }
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
        let death = match &self.bars {
            Bars::Cell(cell) => {
                let status = self.child.wait()?;
                let death = by_group(status, cell.facts());
                // What cannot be removed now is left to the cage.
                let _ = cell.group.kill().and_then(|()| cell.group.remove());
                death
            }
            Bars::Leash(leash) => {
                await_end(self.child.id())?;
                // Before the process number is free for others.
                leash.watchdog.forget(&leash.ward);
                let status = self.child.wait()?;
                leash.orders.forget(leash.ward.pid);
                by_watchdog(status, leash.facts())
            }
        };
        self.death = Some(death.clone());
        Ok(death)
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
        let peak_bytes = self.group.peak().ok();
        let oom_kills = self.group.oom_kills().ok();
        let killed = oom_kills.is_some_and(|kills| kills > 0);
        let limit = killed.then(|| self.block.limit_hit(&self.group, self.limit, self.before));
        GroupFacts { peak_bytes, oom_kills, limit }
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

/// Waits until `pid` has ended, without reaping it.
fn await_end(pid: u32) -> io::Result<()> {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(()) };
    loop {
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Err(rustix::io::Errno::INTR) => {}
            done => return Ok(done.map(|_| ())?),
        }
    }
}

use std::fmt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::CageError;
use crate::block::Block;
use crate::entry::{self, Entry};
use crate::group::{Home, Nest, Version};
use crate::inmate::{Bars, Cell, Inmate, Leash};
use crate::janitor::Janitor;
use crate::proc::{Proc, page_bytes};
use crate::watchdog::Watchdog;

/// How limits are enforced.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mechanism {
    /// Groups of the unified hierarchy.
    CgroupV2,
    /// Groups of the memory hierarchy.
    CgroupV1,
    /// A limit on each process' data, and a thread that watches resident sets every 5 ms.
    DataLimit {
        /// Why not control groups.
        reason: String,
    },
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CgroupV2 => Version::V2.fmt(f),
            Self::CgroupV1 => Version::V1.fmt(f),
            Self::DataLimit { reason } => write!(f, "data limit with watchdog ({reason})"),
        }
    }
}

/// A place for child processes, with an optional limit on all of them together.
///
/// Dropping it does what [`close`](Self::close) does, and forgets errors.
#[derive(Debug)]
pub struct Cage {
    walls: Walls,
    mechanism: Mechanism,
    janitor: Janitor,
    total: Option<u64>,
    next: AtomicU32,
    entered: AtomicBool,
    closed: bool,
}

#[derive(Debug)]
enum Walls {
    Groups(Arc<Block>),
    Watched(Arc<Watchdog>),
}

impl Cage {
    /// Makes a cage, and starts its janitor process.
    ///
    /// `name` becomes part of the groups' names. `total_bytes` limits everything inside together. Uses
    /// control groups where this process may make them, and else data limits and a watchdog:
    /// [`mechanism`](Self::mechanism) tells which, and why. On v2 this process is moved to a group of
    /// its own, since a group with limited children must be empty.
    ///
    /// # Errors
    ///
    /// When `main` did not call [`init`](crate::init), the name is unfit, the total is less than a
    /// page, or the janitor does not start.
    pub fn new(name: &str, total_bytes: Option<u64>) -> Result<Self, CageError> {
        check_name(name)?;
        check_limit(total_bytes)?;
        let found = Home::find(&Proc::real());
        let planned = found.and_then(|home| Ok((Nest::plan(&home, name)?, home)));
        let (nest, home) = match planned {
            Ok(planned) => planned,
            Err(reason) => {
                return Self::watched(Janitor::start(None)?, total_bytes, no_rights(&reason));
            }
        };
        let mechanism = match home.version {
            Version::V1 => Mechanism::CgroupV1,
            Version::V2 => Mechanism::CgroupV2,
        };
        // First the janitor: whenever we are killed, it knows where to look.
        let janitor = Janitor::start(Some(&nest))?;
        match Block::build(nest, home, janitor.pid(), total_bytes) {
            Ok(block) => {
                Ok(Self::with(janitor, Walls::Groups(Arc::new(block)), mechanism, total_bytes))
            }
            Err(error) => Self::watched(janitor, total_bytes, no_rights(&error.to_string())),
        }
    }

    /// Makes a cage of data limits and a watchdog, even where there are rights to control groups.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn without_cgroups(name: &str, total_bytes: Option<u64>) -> Result<Self, CageError> {
        check_name(name)?;
        check_limit(total_bytes)?;
        Self::watched(Janitor::start(None)?, total_bytes, "as asked for".to_owned())
    }

    fn watched(janitor: Janitor, total: Option<u64>, reason: String) -> Result<Self, CageError> {
        let started = Watchdog::start(total);
        let watchdog =
            started.map_err(|source| CageError::Helper { helper: "watchdog", source })?;
        let walls = Walls::Watched(Arc::new(watchdog));
        Ok(Self::with(janitor, walls, Mechanism::DataLimit { reason }, total))
    }

    fn with(janitor: Janitor, walls: Walls, mechanism: Mechanism, total: Option<u64>) -> Self {
        let (next, entered) = (AtomicU32::new(0), AtomicBool::new(false));
        Self { walls, mechanism, janitor, total, next, entered, closed: false }
    }

    /// How limits are enforced here.
    #[must_use]
    pub fn mechanism(&self) -> &Mechanism {
        &self.mechanism
    }

    /// Moves this process in, so that what it takes from now on counts toward the total.
    ///
    /// What it has taken before stays charged where it was, except under the watchdog, which looks at
    /// the whole resident set. From now on inmates are marked to be killed before this process when
    /// the total is reached (`oom_score_adj`).
    ///
    /// # Errors
    ///
    /// When the kernel does not move it.
    pub fn enter(&self) -> Result<(), CageError> {
        match &self.walls {
            Walls::Groups(block) => block.nest().enter()?,
            Walls::Watched(watchdog) => watchdog.enter(),
        }
        self.entered.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Starts `command` with at most `limit_bytes` for itself and its descendants.
    ///
    /// The limit is read back before the command starts, and swap is capped. Without control groups
    /// it is the data limit of each process by itself; private memory that is mapped but never
    /// touched counts there.
    ///
    /// # Errors
    ///
    /// When the limit is less than a page or does not take, the program does not start, or the
    /// janitor has been killed.
    pub fn spawn(
        &self,
        command: &mut Command,
        limit_bytes: Option<u64>,
    ) -> Result<Inmate, CageError> {
        check_limit(limit_bytes)?;
        if let Some(status) = self.janitor.ended() {
            return Err(CageError::JanitorGone { status });
        }
        let inmate = match &self.walls {
            Walls::Groups(block) => self.spawn_in_group(block, command, limit_bytes),
            Walls::Watched(watchdog) => self.spawn_watched(watchdog, command, limit_bytes),
        }?;
        if self.entered.load(Ordering::Relaxed) {
            // If it is dead already, it needs none.
            let _ = std::fs::write(format!("/proc/{}/oom_score_adj", inmate.id()), "500");
        }
        Ok(inmate)
    }

    fn spawn_in_group(
        &self,
        block: &Arc<Block>,
        command: &mut Command,
        limit: Option<u64>,
    ) -> Result<Inmate, CageError> {
        let group = block.nest().cell(self.next.fetch_add(1, Ordering::Relaxed))?;
        let mut enter = || {
            limit.map_or(Ok(()), |bytes| group.set_limit(bytes))?;
            let before = block.alarms(&group);
            let child = start(command, Entry::Group(group.door()?))?;
            Ok((child, before))
        };
        match enter() {
            Ok((child, before)) => {
                let cell = Cell { group, limit, block: Arc::clone(block), before };
                Ok(Inmate::new(child, Bars::Cell(cell)))
            }
            Err(error) => {
                let _ = group.kill().and_then(|()| group.remove());
                Err(error)
            }
        }
    }

    fn spawn_watched(
        &self,
        watchdog: &Arc<Watchdog>,
        command: &mut Command,
        limit: Option<u64>,
    ) -> Result<Inmate, CageError> {
        let data_limit = limit.into_iter().chain(self.total).min();
        let orders = Arc::clone(self.janitor.orders());
        let child = start(command, Entry::Watched(data_limit, Arc::clone(&orders)))?;
        let ward = watchdog.watch(child.id(), limit);
        let watchdog = Arc::clone(watchdog);
        Ok(Inmate::new(child, Bars::Leash(Leash { ward, data_limit, watchdog, orders })))
    }

    /// Kills what is left inside, moves this process back to where it came from, removes the groups,
    /// and lets the janitor end.
    ///
    /// # Errors
    ///
    /// When a process or a group does not go away within five seconds. The janitor tries on.
    pub fn close(mut self) -> Result<(), CageError> {
        self.tear_down()
    }

    fn tear_down(&mut self) -> Result<(), CageError> {
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        match &self.walls {
            Walls::Groups(block) => block.nest().remove()?,
            Walls::Watched(watchdog) => watchdog.kill_all(),
        }
        self.janitor.goodbye();
        Ok(())
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        let _ = self.tear_down();
    }
}

fn no_rights(reason: &str) -> String {
    format!("no cgroup rights: {reason}")
}

fn start(command: &mut Command, entry: Entry) -> Result<std::process::Child, CageError> {
    entry::spawn(command, entry).map_err(|source| {
        let program = command.get_program().to_string_lossy().into_owned();
        CageError::Spawn { program, source }
    })
}

fn check_name(name: &str) -> Result<(), CageError> {
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (1..=64).contains(&name.len()) && name.bytes().all(fit) {
        return Ok(());
    }
    Err(CageError::Name { name: name.to_owned() })
}

fn check_limit(limit_bytes: Option<u64>) -> Result<(), CageError> {
    let least_bytes = page_bytes();
    match limit_bytes {
        Some(limit_bytes) if limit_bytes < least_bytes => {
            Err(CageError::LimitTooSmall { limit_bytes, least_bytes })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_paths_are_refused() {
        for name in ["", "..", "a/b", "a b", "ä", "a\n", &"x".repeat(65)] {
            assert!(matches!(Cage::new(name, None), Err(CageError::Name { .. })), "{name:?}");
        }
        check_name("chunkfit-test_2").unwrap();
    }

    #[test]
    fn a_limit_below_a_page_is_refused() {
        let error = Cage::new("test", Some(0)).unwrap_err();
        assert!(error.to_string().contains("allow 4096 bytes or more"), "{error}");
    }

    #[test]
    fn the_harness_of_cargo_is_told_to_call_init() {
        let error = Cage::new("test", None).unwrap_err();
        assert!(error.to_string().contains("memcage::init()"), "{error}");
        assert!(Cage::without_cgroups("test", None).is_err());
    }
}

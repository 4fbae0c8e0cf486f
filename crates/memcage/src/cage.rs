use std::fmt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::CageError;
use crate::block::Block;
use crate::confinement::{Confinement, check_limit};
use crate::entry::{self, Entry, Way};
use crate::group::{Home, Marks, Nest, Version, no_soft_limit};
use crate::inmate::{Bars, Cell, Inmate, Leash};
use crate::janitor::Janitor;
use crate::pressure::Barometer;
use crate::proc::Proc;
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
        total_bytes.map_or(Ok(()), check_limit)?;
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
        total_bytes.map_or(Ok(()), check_limit)?;
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

    /// Moves this process in, so that it counts toward the total. Does nothing when it is inside.
    ///
    /// What it has taken before stays charged to the group that it came from. So that all together
    /// stay below the total nevertheless, the limit of the cage's group is lowered by the anonymous
    /// memory that this process holds now (`RssAnon`, read once): verdicts still name the total, and
    /// memory that it gives back later is not given to the inmates. Program text, and what the kernel
    /// holds for this process already, do not count. The watchdog looks at the whole resident set.
    ///
    /// From now on inmates are marked to be killed before this process when the total is reached
    /// (`oom_score_adj` 1000). The kernel weighs it by its whole resident set, so this holds while
    /// that is smaller than the room left to the inmates. Enter early: before much is allocated, and
    /// before inmates start.
    ///
    /// # Errors
    ///
    /// When this process and the inmates hold the total already, or the kernel does not move it.
    pub fn enter(&self) -> Result<(), CageError> {
        if self.entered.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let entered = match &self.walls {
            Walls::Groups(block) => block.enter(&Proc::real()),
            Walls::Watched(watchdog) => {
                watchdog.enter();
                Ok(())
            }
        };
        if entered.is_err() {
            self.entered.store(false, Ordering::Relaxed);
        }
        entered
    }

    /// Starts `command`, confined together with its descendants: by a limit in bytes
    /// (`Some(64 << 20)`), by nothing of its own (`None`), or by a whole [`Confinement`].
    ///
    /// Limits are read back before the command starts, and so are processors, by the child. With a
    /// limit, swap is capped. Without control groups the limit is the data limit of each process by
    /// itself; private memory that is mapped but never touched counts there.
    ///
    /// # Errors
    ///
    /// When a limit is less than a page, not available or does not take, a processor cannot be had,
    /// the program does not start, or the janitor has been killed.
    pub fn spawn(
        &self,
        command: &mut Command,
        confinement: impl Into<Confinement>,
    ) -> Result<Inmate, CageError> {
        self.spawn_confined(command, &confinement.into())
    }

    fn spawn_confined(
        &self,
        command: &mut Command,
        confinement: &Confinement,
    ) -> Result<Inmate, CageError> {
        confinement.check()?;
        if let Some(status) = self.janitor.ended() {
            return Err(CageError::JanitorGone { status });
        }
        let inmate = match &self.walls {
            Walls::Groups(block) => self.spawn_in_group(block, command, confinement),
            Walls::Watched(watchdog) => self.spawn_watched(watchdog, command, confinement),
        }?;
        if self.entered.load(Ordering::Relaxed) {
            // If it is dead already, it needs none.
            let _ = std::fs::write(format!("/proc/{}/oom_score_adj", inmate.id()), "1000");
        }
        Ok(inmate)
    }

    fn spawn_in_group(
        &self,
        block: &Arc<Block>,
        command: &mut Command,
        confinement: &Confinement,
    ) -> Result<Inmate, CageError> {
        let limit = confinement.limit_bytes;
        let group = block.nest().cell(self.next.fetch_add(1, Ordering::Relaxed))?;
        let mut enter = || {
            limit.map_or(Ok(()), |bytes| group.set_limit(bytes))?;
            let soft = confinement.soft_limit_bytes;
            soft.map_or(Ok(()), |bytes| group.set_soft_limit(bytes))?;
            let before = block.alarms(&group);
            let barometer = Barometer::set_up(Some(&group), &Proc::real());
            let child = start(command, Way::Group(group.door()?), confinement)?;
            Ok((child, before, barometer))
        };
        match enter() {
            Ok((child, before, barometer)) => {
                let (marks, block) = (Marks::of(&group), Arc::clone(block));
                let cell = Cell { group, marks, limit, block, before };
                Ok(Inmate::new(child, Bars::Cell(cell), barometer))
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
        confinement: &Confinement,
    ) -> Result<Inmate, CageError> {
        if confinement.soft_limit_bytes.is_some() {
            return Err(no_soft_limit("it needs cgroup v2, and this cage has no control groups"));
        }
        let limit = confinement.limit_bytes;
        let data_limit = limit.into_iter().chain(self.total).min();
        let orders = Arc::clone(self.janitor.orders());
        let barometer = Barometer::set_up(None, &Proc::real());
        let child = start(command, Way::Watched(data_limit, Arc::clone(&orders)), confinement)?;
        let ward = watchdog.watch(child.id(), limit);
        let watchdog = Arc::clone(watchdog);
        let leash = Leash { ward, data_limit, watchdog, orders };
        Ok(Inmate::new(child, Bars::Leash(leash), barometer))
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

fn start(
    command: &mut Command,
    way: Way,
    confinement: &Confinement,
) -> Result<std::process::Child, CageError> {
    let cpus = confinement.mask()?;
    entry::spawn(command, Entry { way, cpus }).map_err(|source| match &confinement.cpus {
        Some(cpus) if source.raw_os_error() == Some(libc::EINVAL) => {
            CageError::Cpus { cpus: cpus.clone(), source }
        }
        _ => {
            let program = command.get_program().to_string_lossy().into_owned();
            CageError::Spawn { program, source }
        }
    })
}

fn check_name(name: &str) -> Result<(), CageError> {
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (1..=64).contains(&name.len()) && name.bytes().all(fit) {
        return Ok(());
    }
    Err(CageError::Name { name: name.to_owned() })
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

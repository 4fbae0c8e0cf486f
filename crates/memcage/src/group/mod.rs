//! Control groups of the memory controller: one group, and what can be asked of it.

mod files;
mod home;
mod marks;
mod nest;
mod usage;
mod v1;
mod v2;

use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cgroups_rs::CgroupPid;
use cgroups_rs::fs::Controller;
use cgroups_rs::fs::memory::MemController;
use rustix::process::{Pid, Signal, kill_process};

use crate::CageError;
use crate::proc::{numbers, page_bytes};

use files::{keyed, malformed, number, read, value, write};
pub(crate) use home::Home;
pub(crate) use marks::Marks;
pub(crate) use nest::Nest;
pub use usage::Usage;

/// Which of the two interfaces has the memory controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "cgroup v1",
            Self::V2 => "cgroup v2",
        })
    }
}

/// One group.
#[derive(Debug)]
pub(crate) struct Group {
    version: Version,
    dir: PathBuf,
    /// On v1, counts how often a limit was hit here or above.
    alarm: Option<v1::Alarm>,
}

impl Group {
    /// Makes the group `dir`, which must not exist.
    pub(crate) fn create(version: Version, dir: PathBuf) -> Result<Self, CageError> {
        // cgroups-rs takes an existing group for a new one.
        if dir.exists() {
            let exists = io::ErrorKind::AlreadyExists.into();
            return Err(CageError::group("create the group", dir)(exists));
        }
        controller(version, &dir)
            .create()
            .map_err(cause)
            .map_err(CageError::group("create the group", &dir))?;
        Ok(Self::existing(version, dir))
    }

    /// The group `dir`, which exists.
    pub(crate) fn existing(version: Version, dir: PathBuf) -> Self {
        Self { version, dir, alarm: None }
    }

    /// The same, with its [`alarms`](Self::alarms) counted from now on where that needs preparation.
    pub(crate) fn with_alarm(mut self) -> Self {
        if self.version == Version::V1 {
            self.alarm = v1::Alarm::new(&self.dir).ok();
        }
        self
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// Sets the hard limit, forbids swap, and reads the limit back.
    pub(crate) fn set_limit(&self, bytes: u64) -> Result<(), CageError> {
        let file = self.limit_file();
        // A folder that is no group takes any file: demand that the kernel made it.
        self.limit().map_err(CageError::group("read", &file))?;
        let taken = i64::try_from(bytes).unwrap_or(i64::MAX);
        controller(self.version, &self.dir)
            .set_limit(taken)
            .map_err(cause)
            .map_err(CageError::group("write", &file))?;
        check_taken(&file, bytes, self.limit())?;
        if let Some(file) = self.swap_file() {
            let most = if self.version == Version::V1 { taken } else { 0 };
            controller(self.version, &self.dir)
                .set_memswap_limit(most)
                .map_err(cause)
                .map_err(CageError::group("write", file))?;
        }
        Ok(())
    }

    /// Sets the limit beyond which the group is slowed down, and reads it back. Only v2 has one.
    pub(crate) fn set_soft_limit(&self, bytes: u64) -> Result<(), CageError> {
        if self.version == Version::V1 {
            return Err(no_soft_limit("cgroup v1 has none that slows a group down"));
        }
        let file = self.dir.join(v2::SOFT_LIMIT);
        write(&file, &bytes.to_string()).map_err(CageError::group("write", &file))?;
        check_taken(&file, bytes, v2::bound(&file))
    }

    /// The hard limit of this group alone, or none.
    pub(crate) fn limit(&self) -> io::Result<Option<u64>> {
        match self.version {
            Version::V1 => v1::limit(&self.dir),
            Version::V2 => v2::limit(&self.dir),
        }
    }

    fn limit_file(&self) -> PathBuf {
        self.dir.join(match self.version {
            Version::V1 => v1::LIMIT,
            Version::V2 => v2::LIMIT,
        })
    }

    /// The file that caps swap, where the kernel has it.
    pub(crate) fn swap_file(&self) -> Option<PathBuf> {
        let file = self.dir.join(match self.version {
            Version::V1 => v1::SWAP_LIMIT,
            Version::V2 => v2::SWAP_LIMIT,
        });
        file.exists().then_some(file)
    }

    /// Lets the kernel kill all processes of the group together. Only v2 can.
    pub(crate) fn die_together(&self) {
        if self.version == Version::V2 {
            // Absent before Linux 4.19; then the kernel kills one process at a time, as on v1.
            let _ = write(&self.dir.join("memory.oom.group"), "1");
        }
    }

    /// Bytes charged now.
    pub(crate) fn usage(&self) -> io::Result<u64> {
        number(&self.dir.join(match self.version {
            Version::V1 => "memory.usage_in_bytes",
            Version::V2 => "memory.current",
        }))
    }

    /// What those bytes are.
    pub(crate) fn split(&self) -> io::Result<Usage> {
        Usage::of(self)
    }

    /// The file with the time lost for want of memory. Only v2 counts it for each group.
    pub(crate) fn pressure_file(&self) -> Option<PathBuf> {
        (self.version == Version::V2).then(|| self.dir.join("memory.pressure"))
    }

    /// Bytes of file cache that the kernel would take back first.
    pub(crate) fn idle_cache(&self) -> io::Result<u64> {
        let file = self.dir.join("memory.stat");
        let key = match self.version {
            Version::V1 => "total_inactive_file",
            Version::V2 => "inactive_file",
        };
        keyed(&file, key)
    }

    /// Highest charge so far, in bytes, page cache and kernel memory included.
    pub(crate) fn peak(&self) -> io::Result<u64> {
        Marks::of(self).peak()
    }

    /// Processes of this group that the kernel killed for memory, since it exists.
    pub(crate) fn oom_kills(&self) -> io::Result<u64> {
        match self.version {
            Version::V1 => v1::oom_kills(&self.dir),
            Version::V2 => v2::oom_kills(&self.dir),
        }
    }

    /// How often a limit was hit and nothing could be reclaimed. On v2 the limit of this group alone;
    /// on v1 also any above.
    pub(crate) fn alarms(&self) -> io::Result<u64> {
        match (self.version, &self.alarm) {
            (Version::V1, Some(alarm)) => alarm.count(),
            (Version::V1, None) => Err(io::ErrorKind::Unsupported.into()),
            (Version::V2, _) => v2::alarms(&self.dir),
        }
    }

    /// The file through which a process enters by writing `0`.
    pub(crate) fn door(&self) -> Result<File, CageError> {
        let file = self.dir.join("cgroup.procs");
        File::options().write(true).open(&file).map_err(CageError::group("open", file))
    }

    /// Kills every process in the group and below, and waits until none is listed. On v2 the last may
    /// still be on their way out, and hold memory for some milliseconds.
    pub(crate) fn kill(&self) -> Result<(), CageError> {
        for pause in pauses() {
            let left = processes(&self.dir);
            if left.is_empty() {
                return Ok(());
            }
            // Of Linux 5.14, v2 only: also catches what is being forked. Otherwise the loop does.
            if write(&self.dir.join("cgroup.kill"), "1").is_err() {
                left.into_iter().for_each(signal_kill);
            }
            std::thread::sleep(pause);
        }
        let busy = io::ErrorKind::TimedOut.into();
        Err(CageError::group("kill the processes of", &self.dir)(busy))
    }

    /// Removes the group and those below. Its processes may still be on their way out.
    pub(crate) fn remove(&self) -> Result<(), CageError> {
        let mut pauses = pauses();
        loop {
            match (remove_tree(&self.dir), pauses.next()) {
                (Ok(()), _) => return Ok(()),
                (Err(error), Some(pause)) if error.kind() == io::ErrorKind::ResourceBusy => {
                    std::thread::sleep(pause);
                }
                (Err(error), _) => {
                    return Err(CageError::group("remove the group", &self.dir)(error));
                }
            }
        }
    }
}

/// Moves process `pid` with all its threads into the group `dir`.
pub(crate) fn move_into(version: Version, dir: &Path, pid: u32) -> Result<(), CageError> {
    controller(version, dir)
        .add_task_by_tgid(&CgroupPid::from(u64::from(pid)))
        .map_err(cause)
        .map_err(CageError::group("move a process into", dir))
}

/// Why there is no limit that slows down.
pub(crate) fn no_soft_limit(reason: &str) -> CageError {
    CageError::Unsupported { what: "a soft limit", reason: reason.to_owned() }
}

/// Demands that reading back a limit gave what was written, rounded to pages.
fn check_taken(file: &Path, bytes: u64, read: io::Result<Option<u64>>) -> Result<(), CageError> {
    let got_bytes = read.map_err(CageError::group("read", file))?;
    let expected_bytes = bytes - bytes % page_bytes();
    if got_bytes == Some(expected_bytes) {
        return Ok(());
    }
    let (path, got_bytes) = (file.to_owned(), got_bytes.unwrap_or(u64::MAX));
    Err(CageError::LimitNotTaken { path, expected_bytes, got_bytes })
}

fn controller(version: Version, dir: &Path) -> MemController {
    MemController::new(dir.to_owned(), dir.to_owned(), version == Version::V2)
}

/// What the system said, out of an error of cgroups-rs.
fn cause(error: cgroups_rs::fs::error::Error) -> io::Error {
    let system = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    match system.and_then(io::Error::raw_os_error) {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::other(error),
    }
}

/// Kills `pid`. One that is gone, or belongs to another name space and reads 0, is passed over.
pub(crate) fn signal_kill(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Growing pauses, five seconds in all.
fn pauses() -> impl Iterator<Item = Duration> {
    const LONGEST: Duration = Duration::from_millis(20);
    let end = Instant::now() + Duration::from_secs(5);
    std::iter::successors(Some(Duration::from_micros(200)), |pause| Some((*pause * 2).min(LONGEST)))
        .take_while(move |_| Instant::now() < end)
}

/// The processes in group `dir` and below. A group that is gone has none.
fn processes(dir: &Path) -> Vec<u32> {
    let mut found = numbers(&fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default());
    for child in children(dir).unwrap_or_default() {
        found.append(&mut processes(&child));
    }
    found
}

fn children(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn remove_tree(dir: &Path) -> io::Result<()> {
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    match children(dir) {
        Ok(children) => children.iter().try_for_each(|child| remove_tree(child))?,
        Err(error) if gone(&error) => return Ok(()),
        Err(error) => return Err(error),
    }
    match fs::remove_dir(dir) {
        Err(error) if gone(&error) => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_folder_is_not_a_group() {
        let dir = tempfile::tempdir().unwrap();
        for version in [Version::V1, Version::V2] {
            let group = Group::create(version, dir.path().join(version.to_string())).unwrap();
            let error = group.set_limit(64 << 20).unwrap_err();
            assert!(matches!(error, CageError::Group { action: "read", .. }), "{error}");
            assert!(!group.limit_file().exists());
        }
    }

    #[test]
    fn a_soft_limit_is_of_v2_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let group = |version| Group::existing(version, dir.path().to_owned());
        let error = group(Version::V1).set_soft_limit(1 << 20).unwrap_err();
        assert!(error.to_string().contains("cgroup v1 has none"), "{error}");
        assert!(group(Version::V2).set_soft_limit(1 << 20).is_err());
        fs::write(dir.path().join("memory.high"), "max\n").unwrap();
        group(Version::V2).set_soft_limit(1 << 20).unwrap();
        let error = group(Version::V2).set_soft_limit((1 << 20) + 1).unwrap_err();
        assert!(matches!(error, CageError::LimitNotTaken { .. }), "{error}");
    }

    #[test]
    fn an_existing_group_is_not_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Group::create(Version::V2, dir.path().to_owned()).is_err());
    }

    #[test]
    fn a_limit_is_rounded_to_pages_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let group = Group::existing(Version::V2, dir.path().to_owned());
        fs::write(group.limit_file(), "max\n").unwrap();
        fs::write(dir.path().join("memory.swap.max"), "max\n").unwrap();
        assert_eq!(group.limit().unwrap(), None);
        group.set_limit(16 * page_bytes()).unwrap();
        assert_eq!(group.limit().unwrap(), Some(16 * page_bytes()));
        assert_eq!(fs::read_to_string(dir.path().join("memory.swap.max")).unwrap(), "0");
        // A plain file does not round, which the reading back notices.
        let error = group.set_limit(16 * page_bytes() + 1).unwrap_err();
        assert!(matches!(error, CageError::LimitNotTaken { .. }), "{error}");
    }
}

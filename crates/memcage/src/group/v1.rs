use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

use super::{keyed, number, write};
use crate::proc::named;

pub(super) const LIMIT: &str = "memory.limit_in_bytes";
pub(super) const PEAK: &str = "memory.max_usage_in_bytes";
pub(super) const SWAP_PEAK: &str = "memory.memsw.max_usage_in_bytes";
pub(super) const SWAP_LIMIT: &str = "memory.memsw.limit_in_bytes";

/// What the kernel shows for "no limit" depends on the page size; all such values are above this.
const NO_LIMIT: u64 = 1 << 62;

pub(super) fn limit(dir: &Path) -> io::Result<Option<u64>> {
    number(&dir.join(LIMIT)).map(|bytes| Some(bytes).filter(|&bytes| bytes < NO_LIMIT))
}

/// The smallest limit of the group and all above, also of those that are not visible from here.
pub(super) fn limit_with_ancestors(dir: &Path) -> io::Result<Option<u64>> {
    let bytes = keyed(&dir.join("memory.stat"), "hierarchical_memory_limit")?;
    Ok(Some(bytes).filter(|&bytes| bytes < NO_LIMIT))
}

/// Counted in the group that the victim was in, whichever limit was hit (measured, Linux 6.18).
pub(super) fn oom_kills(dir: &Path) -> io::Result<u64> {
    keyed(&dir.join("memory.oom_control"), "oom_kill")
}

/// Counts the times that the limit of a group, or one above it, was hit with nothing to reclaim.
///
/// The counters in files do not tell this: `failcnt` stays 0 through a kill when swap is capped
/// (measured, Linux 6.18). The kernel signals the group with the limit and all groups below it.
#[derive(Debug)]
pub(super) struct Alarm {
    bell: OwnedFd,
    /// Reading the bell silences it, so whoever reads also keeps the sum.
    rung: Mutex<u64>,
}

impl Alarm {
    pub(super) fn new(dir: &Path) -> io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let file = dir.join("memory.oom_control");
        let watched = File::open(&file).map_err(|error| named(&file, &error))?;
        let order = format!("{} {}", bell.as_raw_fd(), watched.as_raw_fd());
        write(&dir.join("cgroup.event_control"), &order)?;
        Ok(Self { bell, rung: Mutex::new(0) })
    }

    pub(super) fn count(&self) -> io::Result<u64> {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = [0; 8];
        match rustix::io::read(&self.bell, &mut buffer) {
            Ok(_) => *rung += u64::from_ne_bytes(buffer),
            Err(rustix::io::Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(*rung)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn reads_the_files_of_a_group() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        file(LIMIT, "9223372036854771712\n");
        assert_eq!(limit(dir.path()).unwrap(), None);
        file(LIMIT, "67108864\n");
        assert_eq!(limit(dir.path()).unwrap(), Some(64 << 20));
        file("memory.stat", "cache 1\nhierarchical_memory_limit 1048576\n");
        assert_eq!(limit_with_ancestors(dir.path()).unwrap(), Some(1 << 20));
        file("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
        assert_eq!(oom_kills(dir.path()).unwrap(), 3);
    }

    #[test]
    fn old_kernels_count_no_kills() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\n")
            .unwrap();
        assert!(oom_kills(dir.path()).is_err());
    }

    #[test]
    fn no_alarm_without_the_kernel() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Alarm::new(dir.path()).is_err());
        assert!(!dir.path().join("cgroup.event_control").exists());
    }
}

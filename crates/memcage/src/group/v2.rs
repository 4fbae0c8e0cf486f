use std::io;
use std::path::Path;

use super::{keyed, malformed, read, write};
use crate::proc::numbers;

pub(super) const LIMIT: &str = "memory.max";
pub(super) const SOFT_LIMIT: &str = "memory.high";
pub(super) const PEAK: &str = "memory.peak";
pub(super) const SWAP_LIMIT: &str = "memory.swap.max";

const SWITCHES: &str = "cgroup.subtree_control";

pub(super) fn limit(dir: &Path) -> io::Result<Option<u64>> {
    bound(&dir.join(LIMIT))
}

/// The limit in a file, or none.
pub(super) fn bound(file: &Path) -> io::Result<Option<u64>> {
    match read(file)?.trim() {
        "max" => Ok(None),
        text => text.parse().map(Some).map_err(|_| malformed(file, "number")),
    }
}

/// Processes killed for memory. When a group dies together its first victim is counted twice, unless
/// it is gone by then (seen on Linux 6.12).
pub(super) fn oom_kills(dir: &Path) -> io::Result<u64> {
    let file = dir.join("memory.events");
    let kills = keyed(&file, "oom_kill")?;
    // `oom_group_kill` is of Linux 5.17.
    let together = keyed(&file, "oom_group_kill").unwrap_or(0);
    Ok(kills - together.min(kills.saturating_sub(1)))
}

/// How often the limit of this group alone was hit. `memory.events.local` is of Linux 5.2.
pub(super) fn alarms(dir: &Path) -> io::Result<u64> {
    keyed(&dir.join("memory.events.local"), "oom")
}

/// The root of all groups has no limit and may hold processes beside groups. The root of a group
/// name space only looks like it.
pub(super) fn is_root(dir: &Path) -> bool {
    !dir.join("cgroup.type").exists()
}

pub(super) fn has_memory(dir: &Path) -> io::Result<bool> {
    lists_memory(&dir.join("cgroup.controllers"))
}

pub(super) fn gives_memory(dir: &Path) -> io::Result<bool> {
    lists_memory(&dir.join(SWITCHES))
}

fn lists_memory(file: &Path) -> io::Result<bool> {
    Ok(read(file)?.split_ascii_whitespace().any(|name| name == "memory"))
}

/// Gives the memory controller to the groups below `dir`, and checks that it did.
pub(super) fn give_memory(dir: &Path) -> io::Result<()> {
    let file = dir.join(SWITCHES);
    write(&file, "+memory")?;
    if lists_memory(&file)? { Ok(()) } else { Err(malformed(&file, "memory controller")) }
}

pub(super) fn take_memory(dir: &Path) -> io::Result<()> {
    write(&dir.join(SWITCHES), "-memory")
}

/// The processes of this group alone.
pub(super) fn members(dir: &Path) -> io::Result<Vec<u32>> {
    Ok(numbers(&read(&dir.join("cgroup.procs"))?))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn reads_the_files_of_a_group() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        file(LIMIT, "max\n");
        assert_eq!(limit(dir.path()).unwrap(), None);
        file(LIMIT, "67108864\n");
        assert_eq!(limit(dir.path()).unwrap(), Some(64 << 20));
        file(LIMIT, "\n");
        assert!(limit(dir.path()).is_err());
        file("memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\noom_group_kill 0\n");
        file("memory.events.local", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\n");
        assert_eq!(oom_kills(dir.path()).unwrap(), 1);
        file("memory.events", "oom 1\noom_kill 2\noom_group_kill 1\n");
        assert_eq!(oom_kills(dir.path()).unwrap(), 1);
        file("memory.events", "oom 1\noom_kill 1\noom_group_kill 1\n");
        assert_eq!(oom_kills(dir.path()).unwrap(), 1);
        assert_eq!(alarms(dir.path()).unwrap(), 1);
        assert!(is_root(dir.path()));
        file("cgroup.type", "domain\n");
        assert!(!is_root(dir.path()));
        file("cgroup.procs", "12\n0\n7\n");
        assert_eq!(members(dir.path()).unwrap(), [12, 0, 7]);
    }

    #[test]
    fn a_controller_of_another_name_is_not_memory() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("cgroup.controllers"), "cpu memory_recursive io\n").unwrap();
        assert!(!has_memory(dir.path()).unwrap());
        fs::write(dir.path().join("cgroup.controllers"), "cpu memory io\n").unwrap();
        assert!(has_memory(dir.path()).unwrap());
    }

    #[test]
    fn a_switch_that_does_not_take_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(give_memory(dir.path()).is_err());
        fs::write(dir.path().join(SWITCHES), "").unwrap();
        // A plain file keeps "+memory", which is not "memory".
        assert!(give_memory(dir.path()).is_err());
    }
}

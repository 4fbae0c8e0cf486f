//! Readers of `/proc`. The root is a value, so that tests read a tree of their own.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A `/proc` tree.
#[derive(Debug, Clone)]
pub(crate) struct Proc {
    root: PathBuf,
}

impl Proc {
    pub(crate) fn real() -> Self {
        Self::at("/proc")
    }

    pub(crate) fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where a file is.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root.join(file)
    }

    /// The text of a file, named in the error.
    pub(crate) fn text(&self, file: &str) -> io::Result<String> {
        let path = self.path(file);
        fs::read_to_string(&path).map_err(|error| named(&path, &error))
    }

    /// A field in kB of a file such as `self/status` or `meminfo`, in bytes.
    pub(crate) fn kib_field(&self, file: &str, key: &str) -> io::Result<u64> {
        let text = self.text(file)?;
        kib_field(&text, key).ok_or_else(|| self.malformed(file, key))
    }

    /// Resident bytes of process `pid`, by `statm`. A dead process has none.
    pub(crate) fn resident_bytes(&self, pid: u32) -> io::Result<u64> {
        let file = format!("{pid}/statm");
        let text = self.text(&file)?;
        let pages = text.split_ascii_whitespace().nth(1).and_then(|field| field.parse().ok());
        let bytes = pages.and_then(|pages: u64| pages.checked_mul(page_bytes()));
        bytes.ok_or_else(|| self.malformed(&file, "resident pages"))
    }

    /// The parent of process `pid`.
    pub(crate) fn parent(&self, pid: u32) -> io::Result<u32> {
        let file = format!("{pid}/status");
        let text = self.text(&file)?;
        let id = field(&text, "PPid").and_then(|value| value.parse().ok());
        id.ok_or_else(|| self.malformed(&file, "PPid"))
    }

    /// Process `pid` and its living descendants, parents before children.
    ///
    /// A kernel without `CONFIG_PROC_CHILDREN` tells no children: then `pid` alone.
    pub(crate) fn tree(&self, pid: u32) -> Vec<u32> {
        let mut found = vec![pid];
        let mut queue = VecDeque::from([pid]);
        while let Some(parent) = queue.pop_front() {
            for child in self.children(parent) {
                if !found.contains(&child) {
                    found.push(child);
                    queue.push_back(child);
                }
            }
        }
        found
    }

    fn children(&self, pid: u32) -> Vec<u32> {
        let Ok(threads) = fs::read_dir(self.root.join(format!("{pid}/task"))) else {
            return Vec::new();
        };
        threads
            .flatten()
            .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
            .flat_map(|text| numbers(&text))
            .collect()
    }

    /// Processors that are switched on, whether we may use them or not.
    pub(crate) fn online_cpus(&self) -> io::Result<u64> {
        let text = self.text("stat")?;
        let is_cpu = |line: &&str| {
            line.strip_prefix("cpu")
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        match text.lines().filter(is_cpu).count() {
            0 => Err(self.malformed("stat", "cpu")),
            count => Ok(count as u64),
        }
    }

    /// Major and minor number of the kernel.
    pub(crate) fn kernel(&self) -> io::Result<(u32, u32)> {
        let file = "sys/kernel/osrelease";
        let text = self.text(file)?;
        let mut parts = text.split(|c: char| !c.is_ascii_digit()).map(str::parse);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok((major, minor)),
            _ => Err(self.malformed(file, "version")),
        }
    }

    fn malformed(&self, file: &str, what: &str) -> io::Error {
        let path = self.path(file);
        io::Error::new(ErrorKind::InvalidData, format!("{}: no {what}", path.display()))
    }
}

/// The value of the line `key: value`.
pub(crate) fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(str::trim)
}

/// The value of the line `key: N kB`, in bytes.
fn kib_field(text: &str, key: &str) -> Option<u64> {
    let number = field(text, key)?.strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    number.checked_mul(1024)
}

/// How long some, and all, processes stood still, by a text of the form of `pressure/memory`.
pub(crate) fn pressure_totals(text: &str) -> Option<(Duration, Duration)> {
    let total = |kind| {
        let line = text.lines().find_map(|line| line.strip_prefix(kind))?;
        let micros = line.split_ascii_whitespace().find_map(|word| word.strip_prefix("total="));
        micros?.parse().ok().map(Duration::from_micros)
    };
    Some((total("some ")?, total("full ")?))
}

/// All numbers of a text that consists of numbers, skipping what is none.
pub(crate) fn numbers(text: &str) -> Vec<u32> {
    text.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect()
}

pub(crate) fn page_bytes() -> u64 {
    rustix::param::page_size() as u64
}

/// The same error with its file.
pub(crate) fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A `/proc` of the given files.
    pub(crate) fn fake(files: &[(&str, &str)]) -> (tempfile::TempDir, Proc) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let proc = Proc::at(dir.path());
        (dir, proc)
    }

    #[test]
    fn reads_what_is_there() {
        let (_dir, proc) = fake(&[
            ("self/status", "Name:\tx\nVmHWM:\t  1234 kB\nVmRSS:\t 1000 kB\n"),
            ("7/statm", "900 25 3 1 0 20 0\n"),
            ("7/status", "Name:\ta\nPPid:\t3\n"),
            ("stat", "cpu  1 2\ncpu0 1 2\ncpu1 1 2\nintr 5\n"),
            ("sys/kernel/osrelease", "6.18.44-fc-v657\n"),
        ]);
        assert_eq!(proc.kib_field("self/status", "VmHWM").unwrap(), 1234 * 1024);
        assert_eq!(proc.resident_bytes(7).unwrap(), 25 * page_bytes());
        assert_eq!(proc.parent(7).unwrap(), 3);
        assert_eq!(proc.online_cpus().unwrap(), 2);
        assert_eq!(proc.kernel().unwrap(), (6, 18));
    }

    #[test]
    fn absent_and_malformed_are_errors_that_name_the_file() {
        let (_dir, proc) = fake(&[
            ("self/status", "VmHWM:\t many kB\nVmPeak: 12 MB\nVmRSS: 99999999999999999999 kB\n"),
            ("7/statm", "900\n"),
            ("stat", "cpu  1 2\n"),
            ("sys/kernel/osrelease", "unknown\n"),
        ]);
        for key in ["VmHWM", "VmPeak", "VmRSS", "Absent"] {
            let error = proc.kib_field("self/status", key).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            assert!(error.to_string().contains("self/status"), "{error}");
            assert!(error.to_string().contains(key), "{error}");
        }
        assert_eq!(proc.kib_field("meminfo", "MemTotal").unwrap_err().kind(), ErrorKind::NotFound);
        assert!(proc.resident_bytes(7).is_err());
        assert!(proc.resident_bytes(8).is_err());
        assert!(proc.online_cpus().is_err());
        assert!(proc.kernel().is_err());
    }

    #[test]
    fn a_tree_has_the_children_of_all_threads_once() {
        let (_dir, proc) = fake(&[
            ("1/task/1/children", "2 3 "),
            ("1/task/9/children", "4 "),
            ("3/task/3/children", "5 1 "),
        ]);
        // Folders are listed in no fixed order.
        let mut tree = proc.tree(1);
        assert_eq!(tree[0], 1);
        tree.sort_unstable();
        assert_eq!(tree, [1, 2, 3, 4, 5]);
        assert_eq!(proc.tree(77), [77]);
    }
}

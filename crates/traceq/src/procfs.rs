//! Files of `/proc`: kept open, read by `pread`, parsed without allocation once warm.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ProbeError;

/// Which process a probe reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The calling process.
    Own,
    /// The process with this number.
    Pid(u32),
}

impl Target {
    /// Its folder below `root`, usually `/proc`.
    pub(crate) fn folder(self, root: &Path) -> PathBuf {
        match self {
            Self::Own => root.join("self"),
            Self::Pid(pid) => root.join(pid.to_string()),
        }
    }

    fn pid(self) -> u32 {
        match self {
            Self::Own => std::process::id(),
            Self::Pid(pid) => pid,
        }
    }
}

/// The place where the kernel mounts process files.
pub(crate) const PROC: &str = "/proc";

/// A small kernel file that stays open: one `pread` per reading, into a buffer that is kept.
#[derive(Debug)]
pub(crate) struct KeptFile {
    file: File,
    path: PathBuf,
    pid: Option<u32>,
    buffer: Vec<u8>,
}

impl KeptFile {
    /// Opens a file of a process, so that its end can be told from other failures.
    pub(crate) fn of(target: Target, root: &Path, name: &str) -> Result<Self, ProbeError> {
        let path = target.folder(root).join(name);
        let pid = target.pid();
        match File::open(&path) {
            Ok(file) => Ok(Self { file, path, pid: Some(pid), buffer: vec![0; 4096] }),
            Err(_) if matches!(target, Target::Pid(_)) && !target.folder(root).exists() => {
                Err(ProbeError::Gone { pid })
            }
            Err(e) => Err(ProbeError::file("open", &path, e)),
        }
    }

    /// Opens a file that belongs to no process.
    pub(crate) fn open(path: PathBuf) -> Result<Self, ProbeError> {
        match File::open(&path) {
            Ok(file) => Ok(Self { file, path, pid: None, buffer: vec![0; 256] }),
            Err(e) => Err(ProbeError::file("open", &path, e)),
        }
    }

    /// Reads the whole file. The buffer grows to twice the file on the first call and is kept.
    pub(crate) fn text(&mut self) -> Result<Text<'_>, ProbeError> {
        let mut n = 0;
        loop {
            if n == self.buffer.len() {
                self.buffer.resize(n * 2, 0);
            }
            match self.file.read_at(&mut self.buffer[n..], n as u64) {
                Ok(0) => break,
                Ok(more) => n += more,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => {
                    return Err(match self.pid {
                        Some(pid) if e.raw_os_error() == Some(libc::ESRCH) => {
                            ProbeError::Gone { pid }
                        }
                        _ => ProbeError::file("read", &self.path, e),
                    });
                }
            }
            // A short read ends every file that is read here: the kernel fills what it can.
            if n < self.buffer.len() {
                break;
            }
        }
        // A program's name may hold any bytes; everything that is parsed lies behind it, in ASCII.
        let start = self.buffer[..n].iter().rposition(|byte| !byte.is_ascii()).map_or(0, |i| i + 1);
        let text = std::str::from_utf8(&self.buffer[start..n]).unwrap_or_default();
        Ok(Text { text, path: &self.path, pid: self.pid })
    }
}

/// The content of a kernel file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    text: &'a str,
    path: &'a Path,
    pid: Option<u32>,
}

impl<'a> Text<'a> {
    pub(crate) fn as_str(self) -> &'a str {
        self.text
    }

    /// The error for a file without the expected content.
    pub(crate) fn malformed(self, expected: &'static str) -> ProbeError {
        ProbeError::malformed(self.path, expected, self.text)
    }

    /// The value of a line `Key:   123 kB`, in bytes. `None` where there is no such line.
    pub(crate) fn kib(self, key: &'static str) -> Result<Option<u64>, ProbeError> {
        let Some(line) = self
            .text
            .lines()
            .find_map(|line| line.strip_prefix(key).and_then(|rest| rest.strip_prefix(':')))
        else {
            return Ok(None);
        };
        line.trim()
            .strip_suffix("kB")
            .and_then(|number| number.trim().parse::<u64>().ok())
            .and_then(|kib| kib.checked_mul(1024))
            .map(Some)
            .ok_or_else(|| ProbeError::malformed(self.path, "a number of kB", line))
    }

    /// Like [`Text::kib`], but a missing line is an error. A zombie has no memory lines.
    pub(crate) fn needed_kib(self, key: &'static str) -> Result<u64, ProbeError> {
        match self.kib(key)? {
            Some(bytes) => Ok(bytes),
            None if self.text.contains("\nState:\tZ") || self.text.contains("\nState:\tX") => {
                Err(self.gone("a memory line"))
            }
            None => Err(self.malformed(key)),
        }
    }

    /// The error for a file that describes a process which has ended.
    pub(crate) fn gone(self, expected: &'static str) -> ProbeError {
        match self.pid {
            Some(pid) => ProbeError::Gone { pid },
            None => self.malformed(expected),
        }
    }

    /// The whole file is one number.
    pub(crate) fn number(self) -> Result<u64, ProbeError> {
        self.text.trim().parse().map_err(|_| self.malformed("a number of bytes"))
    }

    /// The first columns of a file of numbers separated by blanks, as pages, in bytes.
    pub(crate) fn first_pages<const N: usize>(self) -> Result<[u64; N], ProbeError> {
        let mut columns = self.text.split_ascii_whitespace();
        let mut pages = [0; N];
        for bytes in &mut pages {
            *bytes = pages_to_bytes(columns.next())
                .ok_or_else(|| self.malformed("a number of pages"))?;
        }
        Ok(pages)
    }

    /// Field 24 of `stat`: resident pages by the batched ledger, in bytes.
    pub(crate) fn stat_rss(self) -> Result<u64, ProbeError> {
        // The second field is the program's name in brackets, and may itself hold blanks and brackets.
        let fields = self.text.rsplit_once(')').map(|(_, rest)| rest);
        let rss = fields.and_then(|rest| rest.split_ascii_whitespace().nth(24 - 3));
        pages_to_bytes(rss).ok_or_else(|| self.malformed("24 fields with the resident pages last"))
    }
}

fn pages_to_bytes(field: Option<&str>) -> Option<u64> {
    field?.parse::<u64>().ok()?.checked_mul(page_bytes())
}

/// Bytes of one page.
pub(crate) fn page_bytes() -> u64 {
    rustix::param::page_size() as u64
}

#[cfg(test)]
pub(crate) mod fake {
    //! Small made-up trees of kernel files.

    use std::path::Path;

    /// A temporary folder holding these files.
    pub(crate) fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_longer_than_the_buffer_is_read_whole() {
        let groups = "7 ".repeat(9000);
        let root = fake::tree(&[("5/status", &format!("Groups:\t{groups}\nVmRSS:\t   12 kB\n"))]);
        let mut file = KeptFile::of(Target::Pid(5), root.path(), "status").unwrap();
        assert_eq!(file.text().unwrap().kib("VmRSS").unwrap(), Some(12 * 1024));
    }

    #[test]
    fn missing_process_is_gone_and_missing_file_is_not() {
        let root = fake::tree(&[("5/status", "")]);
        let gone = KeptFile::of(Target::Pid(6), root.path(), "status").unwrap_err();
        assert!(matches!(gone, ProbeError::Gone { pid: 6 }), "{gone}");
        let missing = KeptFile::of(Target::Pid(5), root.path(), "statm").unwrap_err();
        assert!(matches!(missing, ProbeError::File { action: "open", .. }), "{missing}");
    }

    #[test]
    fn zombie_is_gone_and_a_line_without_unit_is_malformed() {
        let root = fake::tree(&[
            ("5/status", "Name:\tx\nState:\tZ (zombie)\n"),
            ("6/status", "Name:\tx\nVmRSS:\t12\n"),
            ("7/status", "Name:\tx\nVmRSS:\t99999999999999999999 kB\n"),
        ]);
        let read = |pid| {
            let mut file = KeptFile::of(Target::Pid(pid), root.path(), "status").unwrap();
            file.text().unwrap().needed_kib("VmRSS").unwrap_err()
        };
        assert!(matches!(read(5), ProbeError::Gone { pid: 5 }));
        assert!(matches!(read(6), ProbeError::Malformed { .. }));
        assert!(matches!(read(7), ProbeError::Malformed { .. }));
    }

    #[test]
    fn stat_survives_a_hostile_name() {
        let mut line = b"5 (a) \xff b (c) 1) S ".to_vec();
        line.extend_from_slice("0 ".repeat(20).as_bytes());
        line.extend_from_slice(b"77 rest");
        let root = fake::tree(&[("5/status", "")]);
        std::fs::write(root.path().join("5/stat"), line).unwrap();
        let mut file = KeptFile::of(Target::Pid(5), root.path(), "stat").unwrap();
        assert_eq!(file.text().unwrap().stat_rss().unwrap(), 77 * page_bytes());
    }
}

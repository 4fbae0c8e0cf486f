//! Levels from `/proc`: `statm`, `status` and `smaps_rollup`.

use std::path::Path;

use crate::procfs::{KeptFile, PROC};
use crate::{Kind, MemoryProbe, ProbeError, Reading, Scope, Source, Target};

fn level(bytes: u64, source: Source) -> Reading {
    Reading { bytes, scope: Scope::Process, kind: Kind::Current, source }
}

/// Resident set from `/proc/PID/statm`: the cheapest level, one `pread` on a file kept open.
#[derive(Debug)]
pub struct Statm(KeptFile);

impl Statm {
    /// Opens the file of `target`.
    ///
    /// # Errors
    /// [`ProbeError::Gone`] for a process that has ended, [`ProbeError::File`] otherwise.
    pub fn open(target: Target) -> Result<Self, ProbeError> {
        Self::open_at(target, Path::new(PROC))
    }

    fn open_at(target: Target, proc: &Path) -> Result<Self, ProbeError> {
        Ok(Self(KeptFile::of(target, proc, "statm")?))
    }
}

impl MemoryProbe for Statm {
    fn read(&mut self) -> Result<Reading, ProbeError> {
        let text = self.0.text()?;
        let [size, resident] = text.first_pages()?;
        // A zombie still has the file, with a virtual size of 0.
        if size == 0 {
            return Err(text.gone("a virtual size above 0"));
        }
        Ok(level(resident, Source::Statm))
    }
}

/// Resident set from `/proc/PID/status`, line `VmRSS`.
#[derive(Debug)]
pub struct Status(KeptFile);

impl Status {
    /// Opens the file of `target`.
    ///
    /// # Errors
    /// [`ProbeError::Gone`] for a process that has ended, [`ProbeError::File`] otherwise.
    pub fn open(target: Target) -> Result<Self, ProbeError> {
        Self::open_at(target, Path::new(PROC))
    }

    fn open_at(target: Target, proc: &Path) -> Result<Self, ProbeError> {
        Ok(Self(KeptFile::of(target, proc, "status")?))
    }
}

impl MemoryProbe for Status {
    fn read(&mut self) -> Result<Reading, ProbeError> {
        Ok(level(self.0.text()?.needed_kib("VmRSS")?, Source::Status))
    }
}

/// Resident set from `/proc/PID/smaps_rollup`: exact on every kernel, by a walk over the page tables
/// that stalls the process. For single readings, not for sampling.
#[derive(Debug)]
pub struct SmapsRollup(KeptFile);

impl SmapsRollup {
    /// Opens the file of `target`.
    ///
    /// # Errors
    /// [`ProbeError::Gone`] for a process that has ended; [`ProbeError::File`] before Linux 4.14 and
    /// for another user's process.
    pub fn open(target: Target) -> Result<Self, ProbeError> {
        Self::open_at(target, Path::new(PROC))
    }

    fn open_at(target: Target, proc: &Path) -> Result<Self, ProbeError> {
        Ok(Self(KeptFile::of(target, proc, "smaps_rollup")?))
    }

    /// The proportional share: pages that `n` processes map count one `n`th, in bytes.
    ///
    /// # Errors
    /// As [`MemoryProbe::read`].
    pub fn proportional_bytes(&mut self) -> Result<u64, ProbeError> {
        self.0.text()?.needed_kib("Pss")
    }
}

impl MemoryProbe for SmapsRollup {
    fn read(&mut self) -> Result<Reading, ProbeError> {
        Ok(level(self.0.text()?.needed_kib("Rss")?, Source::SmapsRollup))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procfs::{fake, page_bytes};

    #[test]
    fn good_files_are_read() {
        let root = fake::tree(&[
            ("5/statm", "900 77 30 1 0 99 0\n"),
            ("5/status", "Name:\tVmRSS: 1 kB\nVmHWM:\t  700 kB\nVmRSS:\t     640 kB\n"),
            ("5/smaps_rollup", "0-1 ---p 0 00:00 0 [rollup]\nRss:\t 12 kB\nPss:\t 3 kB\n"),
        ]);
        let target = Target::Pid(5);
        let statm = Statm::open_at(target, root.path()).unwrap().read().unwrap();
        assert_eq!((statm.bytes, statm.kind), (77 * page_bytes(), Kind::Current));
        let status = Status::open_at(target, root.path()).unwrap().read().unwrap();
        assert_eq!(status.bytes, 640 * 1024);
        let mut smaps = SmapsRollup::open_at(target, root.path()).unwrap();
        assert_eq!(smaps.read().unwrap().bytes, 12 * 1024);
        assert_eq!(smaps.proportional_bytes().unwrap(), 3 * 1024);
    }

    #[test]
    fn malformed_files_are_refused_and_never_0() {
        let root = fake::tree(&[
            ("5/statm", "900 many\n"),
            ("6/statm", ""),
            ("7/statm", "0 0 0 0 0 0 0\n"),
            ("5/status", "VmRSS:\t-3 kB\n"),
            ("6/status", "Name:\tkthread\nState:\tS (sleeping)\n"),
        ]);
        let statm =
            |pid| Statm::open_at(Target::Pid(pid), root.path()).unwrap().read().unwrap_err();
        assert!(matches!(statm(5), ProbeError::Malformed { .. }));
        assert!(matches!(statm(6), ProbeError::Malformed { .. }));
        assert!(matches!(statm(7), ProbeError::Gone { pid: 7 }));
        for pid in [5, 6] {
            let status = Status::open_at(Target::Pid(pid), root.path()).unwrap().read();
            assert!(matches!(status, Err(ProbeError::Malformed { .. })), "{status:?}");
        }
    }

    #[test]
    fn the_real_files_agree_within_the_test_harness() {
        let statm = Statm::open(Target::Own).unwrap().read().unwrap().bytes;
        let status = Status::open(Target::Own).unwrap().read().unwrap().bytes;
        assert!(statm.abs_diff(status) < 64 << 20, "statm {statm} B, status {status} B");
    }

    #[test]
    fn a_child_that_ends_is_gone() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mut probe = Statm::open(Target::Pid(child.id())).unwrap();
        assert!(probe.read().unwrap().bytes > 0);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(matches!(probe.read(), Err(ProbeError::Gone { .. })));
    }
}

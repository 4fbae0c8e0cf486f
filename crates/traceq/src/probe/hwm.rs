//! The kernel's own high-water mark of resident memory, with reset.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::procfs::{KeptFile, PROC};
use crate::{Kind, MemoryProbe, ProbeError, Reading, Scope, Source, Target};

/// `VmHWM` of a process: no transient is missed, however short.
///
/// [`reset`](Hwm::reset) is process-wide and lowers what others read; only one party may do it. Inside
/// one program [`measure`](crate::measure) is that party: it keeps the marks of outer and concurrent
/// regions. The mark may fall by itself on Linux ≥ 6.16, within
/// [`counter_bound_bytes`](crate::counter_bound_bytes).
#[derive(Debug)]
pub struct Hwm {
    status: KeptFile,
    target: Target,
    proc: PathBuf,
}

impl Hwm {
    /// Opens the file of `target`.
    ///
    /// # Errors
    /// [`ProbeError::Gone`] for a process that has ended, [`ProbeError::File`] otherwise.
    pub fn open(target: Target) -> Result<Self, ProbeError> {
        Self::open_at(target, Path::new(PROC))
    }

    fn open_at(target: Target, proc: &Path) -> Result<Self, ProbeError> {
        let status = KeptFile::of(target, proc, "status")?;
        Ok(Self { status, target, proc: proc.to_owned() })
    }

    /// Resets the mark to the present level and returns that level, from the ledger of the mark.
    ///
    /// # Errors
    /// [`ProbeError::File`] where `clear_refs` may not be written: another user's process.
    pub fn reset(&mut self) -> Result<Reading, ProbeError> {
        ResetFile::open_at(self.target, &self.proc)?.reset()
    }
}

impl MemoryProbe for Hwm {
    fn read(&mut self) -> Result<Reading, ProbeError> {
        let bytes = self.status.text()?.needed_kib("VmHWM")?;
        Ok(Reading { bytes, scope: Scope::Process, kind: Kind::Peak, source: Source::Hwm })
    }
}

/// Resets the mark and reads the level just after, both on files kept open.
#[derive(Debug)]
pub(crate) struct ResetFile {
    clear_refs: File,
    path: PathBuf,
    stat: KeptFile,
}

impl ResetFile {
    pub(crate) fn open(target: Target) -> Result<Self, ProbeError> {
        Self::open_at(target, Path::new(PROC))
    }

    fn open_at(target: Target, proc: &Path) -> Result<Self, ProbeError> {
        let stat = KeptFile::of(target, proc, "stat")?;
        let path = target.folder(proc).join("clear_refs");
        let clear_refs = OpenOptions::new()
            .write(true)
            .open(&path)
            .map_err(|e| ProbeError::file("open", &path, e))?;
        Ok(Self { clear_refs, path, stat })
    }

    /// The stored mark is batched, so its baseline must be too: `stat`, never `status`.
    pub(crate) fn reset(&mut self) -> Result<Reading, ProbeError> {
        self.clear_refs
            .write_all_at(b"5", 0)
            .map_err(|e| ProbeError::file("write", &self.path, e))?;
        let bytes = self.stat.text()?.stat_rss()?;
        Ok(Reading { bytes, scope: Scope::Process, kind: Kind::Current, source: Source::Stat })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procfs::{fake, page_bytes};

    #[test]
    fn reset_writes_5_and_takes_the_baseline_from_stat() {
        let stat = format!("5 (x) S {} 33 0\n", "0 ".repeat(20).trim());
        let root = fake::tree(&[
            ("5/status", "VmHWM:\t  700 kB\nVmRSS:\t 640 kB\n"),
            ("5/stat", &stat),
            ("5/clear_refs", ""),
        ]);
        let mut probe = Hwm::open_at(Target::Pid(5), root.path()).unwrap();
        assert_eq!(probe.read().unwrap().bytes, 700 * 1024);
        let baseline = probe.reset().unwrap();
        assert_eq!((baseline.bytes, baseline.source), (33 * page_bytes(), Source::Stat));
        assert_eq!(std::fs::read_to_string(root.path().join("5/clear_refs")).unwrap(), "5");
    }

    #[test]
    fn missing_parts_are_named() {
        let root = fake::tree(&[("5/status", "VmRSS:\t 640 kB\n"), ("5/stat", "5 (x) S 1\n")]);
        let mut probe = Hwm::open_at(Target::Pid(5), root.path()).unwrap();
        assert!(matches!(probe.read(), Err(ProbeError::Malformed { expected: "VmHWM", .. })));
        let error = probe.reset().unwrap_err().to_string();
        assert!(error.contains("clear_refs"), "{error}");
        std::fs::write(root.path().join("5/clear_refs"), "").unwrap();
        assert!(matches!(probe.reset(), Err(ProbeError::Malformed { .. })));
    }
}

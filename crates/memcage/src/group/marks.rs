use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Group, Version, malformed, number, v1, write};
use crate::CageError;
use crate::proc::named;

/// The high-water marks of a group, and what is needed to reset them.
///
/// The mark of v1 is one for all, so what it said before a reset is kept here. On v2 a reset holds for
/// one open file only, which is kept here; whoever reads by path sees the mark of the whole life.
#[derive(Debug)]
pub(crate) struct Marks {
    version: Version,
    dir: PathBuf,
    /// Of v2, once it was reset.
    since_reset: Option<File>,
    /// Of v1: the highest marks before the last reset.
    peak_before: u64,
    swap_before: u64,
}

impl Marks {
    pub(crate) fn of(group: &Group) -> Self {
        let (version, dir) = (group.version(), group.dir().to_owned());
        Self { version, dir, since_reset: None, peak_before: 0, swap_before: 0 }
    }

    /// Highest charge since the last reset, or ever.
    pub(crate) fn peak(&self) -> io::Result<u64> {
        match &self.since_reset {
            Some(file) => number_in(file, &self.peak_file()),
            None => number(&self.peak_file()),
        }
    }

    /// Highest charge ever, resets or not.
    pub(crate) fn life_peak(&self) -> io::Result<u64> {
        Ok(number(&self.peak_file())?.max(self.peak_before))
    }

    /// Most that was swapped out at a time. On v1 a lower bound: memory with swap has a mark of its
    /// own, which may have been reached at another time than the mark of memory.
    pub(crate) fn swap_peak(&self) -> io::Result<u64> {
        match self.version {
            Version::V1 => {
                let both = number(&self.dir.join(v1::SWAP_PEAK))?;
                Ok(both.saturating_sub(number(&self.peak_file())?).max(self.swap_before))
            }
            Version::V2 => number(&self.dir.join("memory.swap.peak")),
        }
    }

    /// Makes [`peak`](Self::peak) the peak of what follows.
    pub(crate) fn reset(&mut self) -> Result<(), CageError> {
        let file = self.peak_file();
        match self.version {
            Version::V1 => {
                self.peak_before = self.life_peak().map_err(CageError::group("read", &file))?;
                let both = self.dir.join(v1::SWAP_PEAK);
                if let Ok(swap) = self.swap_peak() {
                    self.swap_before = swap;
                }
                write(&file, "0").map_err(CageError::group("reset", file))?;
                // The second after the first, for their difference to stay a lower bound.
                if both.exists() {
                    write(&both, "0").map_err(CageError::group("reset", both))?;
                }
            }
            Version::V2 => {
                // The mark is of Linux 5.19.
                number(&file).map_err(CageError::group("read", &file))?;
                let since_reset = match self.since_reset.take() {
                    Some(open) => Ok(open),
                    None => File::options().read(true).write(true).open(&file),
                };
                let reset = since_reset.and_then(|mut open| {
                    open.write_all(b"reset")?;
                    Ok(open)
                });
                self.since_reset = Some(reset.map_err(|source| no_reset(&file, source))?);
            }
        }
        Ok(())
    }

    fn peak_file(&self) -> PathBuf {
        self.dir.join(match self.version {
            Version::V1 => v1::PEAK,
            Version::V2 => super::v2::PEAK,
        })
    }
}

/// Kernels without the reset have a file that takes no writing: `EINVAL` for root, `EACCES` for others.
fn no_reset(file: &Path, source: io::Error) -> CageError {
    match source.raw_os_error() {
        Some(libc::EINVAL | libc::EACCES) => CageError::Unsupported {
            what: "resetting the peak of an inmate",
            reason: format!(
                "{} takes no reset ({source}), which needs Linux 6.12; start one inmate for each \
                 measurement",
                file.display()
            ),
        },
        _ => CageError::group("reset", file)(source),
    }
}

/// The number in an open file of the kernel, which is written anew for each reading from its start.
fn number_in(file: &File, path: &Path) -> io::Result<u64> {
    let mut buffer = [0; 32];
    let length = file.read_at(&mut buffer, 0).map_err(|error| named(path, &error))?;
    let text = std::str::from_utf8(&buffer[..length]).ok();
    text.and_then(|text| text.trim().parse().ok()).ok_or_else(|| malformed(path, "number"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Marks of a folder with these files.
    fn marks(version: Version, files: &[(&str, u64)]) -> (tempfile::TempDir, Marks) {
        let dir = tempfile::tempdir().unwrap();
        let marks = Marks::of(&Group::existing(version, dir.path().to_owned()));
        for (name, value) in files {
            set(dir.path(), name, *value);
        }
        (dir, marks)
    }

    fn set(dir: &Path, name: &str, value: u64) {
        fs::write(dir.join(name), format!("{value}\n")).unwrap();
    }

    #[test]
    fn v1_remembers_what_a_reset_forgets() {
        let files = [(v1::PEAK, 700), (v1::SWAP_PEAK, 750)];
        let (dir, mut marks) = marks(Version::V1, &files);
        assert_eq!((marks.peak().unwrap(), marks.swap_peak().unwrap()), (700, 50));
        marks.reset().unwrap();
        set(dir.path(), v1::PEAK, 300);
        set(dir.path(), v1::SWAP_PEAK, 320);
        assert_eq!((marks.peak().unwrap(), marks.life_peak().unwrap()), (300, 700));
        assert_eq!(marks.swap_peak().unwrap(), 50);
        marks.reset().unwrap();
        set(dir.path(), v1::PEAK, 900);
        set(dir.path(), v1::SWAP_PEAK, 990);
        assert_eq!((marks.life_peak().unwrap(), marks.swap_peak().unwrap()), (900, 90));
    }

    #[test]
    fn swap_that_is_not_accounted_is_absent() {
        let (_dir, mut marks) = marks(Version::V1, &[(v1::PEAK, 700)]);
        assert!(marks.swap_peak().is_err());
        marks.reset().unwrap();
        assert!(marks.swap_peak().is_err());
        let (_dir, marks) = self::marks(Version::V2, &[("memory.swap.peak", 30)]);
        assert_eq!(marks.swap_peak().unwrap(), 30);
    }

    #[test]
    fn old_kernels_say_what_they_need() {
        let (_dir, mut marks) = marks(Version::V2, &[]);
        assert!(marks.reset().unwrap_err().to_string().contains("memory.peak"));
        let file = Path::new("/g/memory.peak");
        let error = |code| no_reset(file, io::Error::from_raw_os_error(code)).to_string();
        for code in [libc::EINVAL, libc::EACCES] {
            assert!(error(code).contains("needs Linux 6.12"), "{}", error(code));
        }
        assert!(
            error(libc::EIO).starts_with("cannot reset /g/memory.peak"),
            "{}",
            error(libc::EIO)
        );
    }
}

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Which tasks of a plan are done: one byte per task in a file, so that memory does not grow with
/// the plan and a kill at any moment leaves a journal that tells the truth.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    tasks: u64,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Reading or writing failed.
    #[error("the journal {path} failed: {source}")]
    Io {
        /// The journal.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The file belongs to another plan, or is no journal.
    #[error(
        "{path} is not the journal of this plan: it has {found} bytes, {tasks} tasks need {expected}"
    )]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Tasks of the plan.
        tasks: u64,
        /// Bytes that a journal of this plan has.
        expected: u64,
        /// Bytes that the file has.
        found: u64,
    },
}

const MAGIC: &[u8; 16] = b"chunkfit done 1\n";
const DONE: u8 = b'x';

impl Journal {
    /// A new journal for a plan of `tasks` tasks, none of them done.
    ///
    /// # Errors
    ///
    /// When the file exists or cannot be written.
    pub fn create(path: &Path, tasks: u64) -> Result<Self, JournalError> {
        let io = |source| JournalError::Io { path: path.to_owned(), source };
        let mut file =
            OpenOptions::new().read(true).write(true).create_new(true).open(path).map_err(io)?;
        file.write_all(MAGIC).map_err(io)?;
        file.set_len(MAGIC.len() as u64 + tasks).map_err(io)?;
        Ok(Self { file, path: path.to_owned(), tasks })
    }

    /// The journal of an earlier run of the same plan.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or does not fit a plan of `tasks` tasks.
    pub fn open(path: &Path, tasks: u64) -> Result<Self, JournalError> {
        let io = |source| JournalError::Io { path: path.to_owned(), source };
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
        let expected = MAGIC.len() as u64 + tasks;
        let found = file.metadata().map_err(io)?.len();
        let mut magic = [0; MAGIC.len()];
        if found != expected || file.read_exact(&mut magic).is_err() || magic != *MAGIC {
            return Err(JournalError::Mismatch { path: path.to_owned(), tasks, expected, found });
        }
        Ok(Self { file, path: path.to_owned(), tasks })
    }

    /// The number of tasks.
    #[must_use]
    pub const fn tasks(&self) -> u64 {
        self.tasks
    }

    /// Whether task `index` is done.
    ///
    /// # Errors
    ///
    /// When reading fails, or there is no such task.
    pub fn is_done(&self, index: u64) -> Result<bool, JournalError> {
        let mut byte = [0];
        self.file.read_exact_at(&mut byte, MAGIC.len() as u64 + index).map_err(self.io())?;
        Ok(byte[0] == DONE)
    }

    /// Records that task `index` is done.
    ///
    /// # Errors
    ///
    /// When writing fails.
    pub fn mark_done(&self, index: u64) -> Result<(), JournalError> {
        self.file.write_all_at(&[DONE], MAGIC.len() as u64 + index).map_err(self.io())
    }

    /// The number of tasks that are done.
    ///
    /// # Errors
    ///
    /// When reading fails.
    pub fn count_done(&self) -> Result<u64, JournalError> {
        let mut buffer = vec![0; 1 << 16];
        let (mut at, mut done) = (MAGIC.len() as u64, 0);
        loop {
            match self.file.read_at(&mut buffer, at).map_err(self.io())? {
                0 => return Ok(done),
                n => {
                    done += buffer[..n].iter().filter(|&&b| b == DONE).count() as u64;
                    at += n as u64;
                }
            }
        }
    }

    fn io(&self) -> impl FnOnce(io::Error) -> JournalError {
        let path = self.path.clone();
        move |source| JournalError::Io { path, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_across_openings() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("done");
        let journal = Journal::create(&path, 5).unwrap();
        journal.mark_done(3).unwrap();
        drop(journal);
        let journal = Journal::open(&path, 5).unwrap();
        let done: Vec<bool> = (0..5).map(|i| journal.is_done(i).unwrap()).collect();
        assert_eq!(done, [false, false, false, true, false]);
        assert_eq!(journal.count_done().unwrap(), 1);
        assert!(journal.is_done(5).is_err());
    }

    #[test]
    fn refuses_the_journal_of_another_plan() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("done");
        Journal::create(&path, 5).unwrap();
        assert!(matches!(Journal::open(&path, 6), Err(JournalError::Mismatch { found: 21, .. })));
        assert!(Journal::create(&path, 5).is_err());
        std::fs::write(&path, "something else entirely").unwrap();
        assert!(matches!(Journal::open(&path, 7), Err(JournalError::Mismatch { .. })));
    }
}

//! Why a counter could not be read.

use std::io;
use std::path::{Path, PathBuf};

use crate::Source;

/// Why a counter could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// A kernel file could not be opened, read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// `open`, `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A kernel file holds something else than expected.
    #[error("{}: expected {expected}, found {found:?}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        expected: &'static str,
        /// The start of what was there.
        found: String,
    },
    /// The process has ended.
    #[error("process {pid} has ended")]
    Gone {
        /// Its number.
        pid: u32,
    },
    /// This machine or program does not have the counter.
    #[error("{counter:?} is not available: {why}")]
    Unavailable {
        /// The counter.
        counter: Source,
        /// What is missing, and what would bring it.
        why: &'static str,
    },
    /// A system call failed.
    #[error("{call} failed: {source}")]
    System {
        /// The call.
        call: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl ProbeError {
    pub(crate) fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), source }
    }

    pub(crate) fn malformed(path: &Path, expected: &'static str, found: &str) -> Self {
        let found = found.chars().take(80).collect();
        Self::Malformed { path: path.to_owned(), expected, found }
    }
}

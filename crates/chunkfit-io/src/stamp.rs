use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::IoError;

/// A file as it was when it was opened: where it lies, its size and when it was modified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    path: PathBuf,
    bytes: u64,
    /// Seconds and nanoseconds since 1970; `None` where the file system does not say.
    modified: Option<(u64, u32)>,
}

impl Stamp {
    /// Opens a regular file and takes its stamp. The path is made absolute, so that another process
    /// finds it.
    pub(crate) fn open(path: &Path) -> Result<(File, Self), IoError> {
        let (file, metadata) = open_with_metadata(path)
            .map_err(|source| IoError::Open { path: path.to_owned(), source })?;
        let path = std::path::absolute(path)
            .map_err(|source| IoError::Open { path: path.to_owned(), source })?;
        let stamp = Self { path, bytes: metadata.len(), modified: modified(&metadata) };
        Ok((file, stamp))
    }

    /// Opens the file again.
    ///
    /// # Errors
    ///
    /// When it has another size or time of modification.
    pub(crate) fn reopen(&self) -> Result<File, IoError> {
        let (file, now) = Self::open(&self.path)?;
        if now == *self {
            return Ok(file);
        }
        Err(IoError::Changed { path: self.path.clone(), was: self.bytes, now: now.bytes })
    }

    #[cfg(any(feature = "segy", feature = "npy"))]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    #[cfg(any(feature = "segy", feature = "npy"))]
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }
}

fn open_with_metadata(path: &Path) -> io::Result<(File, Metadata)> {
    // A FIFO would block on opening, so its kind is looked at first.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is not a regular file"));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

fn modified(metadata: &Metadata) -> Option<(u64, u32)> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((since.as_secs(), since.subsec_nanos()))
}

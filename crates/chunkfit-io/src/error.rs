use std::io;
use std::path::{Path, PathBuf};

use chunkfit_core::{Region, Shape, StorageError};

/// Why a file could not be opened, read or written as a volume.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IoError {
    /// The file is absent, unreadable or no regular file.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says: no space left, no permission.
        source: io::Error,
    },
    /// The file is not the one that was opened before.
    #[error(
        "{} changed since it was opened: {was} bytes then, {now} bytes now, or a later time of \
         modification; start again without --resume",
        path.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// Bytes when it was opened first.
        was: u64,
        /// Bytes now.
        now: u64,
    },
    /// A description of an input that does not fit together.
    #[error("the description of {} is damaged: {problem}", path.display())]
    Descriptor {
        /// The file that it describes.
        path: PathBuf,
        /// What does not fit.
        problem: &'static str,
    },
    /// The file is neither SEG-Y nor npy nor Zarr v3.
    #[error(
        "{} is {what}; give a SEG-Y file, an .npy file, or the folder of a Zarr v3 array or group",
        path.display()
    )]
    UnknownKind {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        what: &'static str,
    },
    /// The headers of a SEG-Y file do not describe a post-stack volume.
    #[cfg(feature = "segy")]
    #[error("{} cannot be used as SEG-Y", path.display())]
    Segy {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<crate::segy::SegyError>,
    },
    /// The header of an npy file does not describe a volume.
    #[cfg(feature = "npy")]
    #[error("{} cannot be used as npy", path.display())]
    Npy {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: crate::npy::NpyError,
    },
    /// A Zarr store does not hold a volume that can be used.
    #[cfg(feature = "zarr")]
    #[error("{} cannot be used as Zarr", path.display())]
    Zarr {
        /// The folder of the group or array.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<crate::zarr::ZarrError>,
    },
}

/// Checks a region, and the array meant for it, against a volume.
pub(crate) fn check_request(
    path: &Path,
    volume: Shape,
    region: &Region,
    array: &[usize],
) -> Result<(), StorageError> {
    let problem = if !Region::whole(volume).contains(region) {
        format!("the volume is {volume}")
    } else if array != region.shape().extents() {
        format!("the array for it is {array:?}")
    } else {
        return Ok(());
    };
    Err(StorageError::new(format!("{region} of {} cannot be used", path.display()), problem))
}

/// The error of a read that failed on the way.
pub(crate) fn failed_read(
    path: &Path,
    region: &Region,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StorageError {
    StorageError::new(format!("cannot read {region} of {}", path.display()), source)
}

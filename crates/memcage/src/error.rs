use std::io;
use std::path::PathBuf;

/// Why a cage could not be made, used or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CageError {
    /// The name cannot be part of a group's name.
    #[error("cage name {name:?} must consist of 1 to 64 ASCII letters, digits, '-' and '_'")]
    Name {
        /// The name given.
        name: String,
    },
    /// Less than the kernel can count.
    #[error(
        "limit of {limit_bytes} bytes is less than one page; allow {least_bytes} bytes or more"
    )]
    LimitTooSmall {
        /// The limit asked for.
        limit_bytes: u64,
        /// The smallest limit there is.
        least_bytes: u64,
    },
    /// The kernel took another limit than the one written.
    #[error("limit in {path} reads {got_bytes} bytes after writing {expected_bytes}", path = .path.display())]
    LimitNotTaken {
        /// The group.
        path: PathBuf,
        /// What was written, rounded to pages.
        expected_bytes: u64,
        /// What was read back.
        got_bytes: u64,
    },
    /// `main` did not begin with [`init`](crate::init).
    #[error("memcage::init() was not called first in main, so the janitor process cannot start")]
    NotInitialised,
    /// The janitor process or the watchdog thread could not be started.
    #[error("cannot start the {helper}: {source}")]
    Helper {
        /// Which.
        helper: &'static str,
        /// What failed.
        source: io::Error,
    },
    /// The janitor process died, so an inmate could outlive this process.
    #[error("the janitor process has ended ({status}); make a new cage")]
    JanitorGone {
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// The processors asked for cannot be had.
    #[error(
        "cannot run on processors {}: {source}; name processors that are switched on and in the \
         cpuset of this process", numbers(.cpus)
    )]
    Cpus {
        /// Their numbers.
        cpus: Vec<usize>,
        /// What failed.
        source: io::Error,
    },
    /// This process and the inmates hold the total already.
    #[error(
        "total of {total_bytes} bytes leaves no room to enter: this process holds {held_bytes} bytes \
         and the inmates {inmates_bytes}; raise the total, or enter earlier"
    )]
    TotalTooSmall {
        /// The total of the cage.
        total_bytes: u64,
        /// Anonymous memory of this process.
        held_bytes: u64,
        /// What is charged inside already, idle page cache left out.
        inmates_bytes: u64,
    },
    /// The kernel, or the mechanism of this cage, does not have it.
    #[error("{what} is not available: {reason}")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
        /// Why, and what to do instead.
        reason: String,
    },
    /// The command did not start.
    #[error("cannot start {program}: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// What failed.
        source: io::Error,
    },
    /// A file of a control group could not be read or written.
    #[error("cannot {action} {path}: {source}", path = .path.display())]
    Group {
        /// What was tried.
        action: &'static str,
        /// The file or group.
        path: PathBuf,
        /// What failed.
        source: io::Error,
    },
    /// A file below `/proc` could not be read.
    #[error("cannot read what memory there is: {source}")]
    Proc {
        /// What failed.
        source: io::Error,
    },
}

impl CageError {
    /// An error about `path`, for `map_err`.
    pub(crate) fn group(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Group { action, path, source }
    }
}

fn numbers(cpus: &[usize]) -> String {
    cpus.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

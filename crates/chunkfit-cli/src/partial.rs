//! A run in progress: everything is in `OUTPUT.partial` until the result is complete.
//!
//! ```text
//! OUTPUT.partial/lock        held while a run works on it
//!               /store/      the Zarr group, growing
//!               /run.json    what is being run, and the plan; written last, so its presence
//!                            means that the store is set up
//!               /done        the journal: one byte per chunk
//!               /worker-N.err
//! ```

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use chunkfit_core::ByteSize;
use chunkfit_plan::Plan;
use chunkfit_run::Journal;
use serde::{Deserialize, Serialize};

use crate::budget::Allowed;
use crate::model::{Calibration, Learning};
use crate::report::IsolationUsed;
use crate::spec::JobSpec;

/// The file whose presence makes a folder an interrupted run.
const RECORD: &str = "run.json";
/// The file that marks a folder as a run's, and locks it.
const LOCK: &str = "lock";
const LOCK_TEXT: &[u8] = b"a run of chunkfit\n";
/// The output that is being replaced.
const REPLACED: &str = "replaced";

/// What is being run: enough to finish it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    pub(crate) job: JobSpec,
    pub(crate) plan: Plan,
    pub(crate) allowed: Allowed,
    pub(crate) isolation: IsolationUsed,
    /// Resident set of a worker beyond the ledger of its task, measured.
    pub(crate) base_bytes: ByteSize,
    pub(crate) calibration: Calibration,
    /// The model that learns from the run.
    pub(crate) learning: Option<Learning>,
}

/// The folder of a run in progress, locked.
#[derive(Debug)]
pub(crate) struct Partial {
    folder: PathBuf,
    output: PathBuf,
    overwrite: bool,
    _lock: File,
}

/// What was found for an output name.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing: start.
    Nothing(Partial),
    /// An interrupted run.
    Interrupted(Partial, Box<RunRecord>),
    /// The result of a finished run.
    Complete,
}

/// What to do with what is there already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Existing {
    /// Continue an interrupted run.
    pub(crate) resume: bool,
    /// Replace a result, once the new one is complete.
    pub(crate) overwrite: bool,
    /// Throw an interrupted run away.
    pub(crate) restart: bool,
}

impl Partial {
    /// Locks the folder for `output` and looks at what is there.
    pub(crate) fn open(output: &Path, existing: Existing) -> anyhow::Result<Found> {
        let Existing { resume, overwrite, restart } = existing;
        let output = std::path::absolute(output)
            .with_context(|| format!("{} is no name for an output", output.display()))?;
        let folder = beside(&output, ".partial")?;
        let exists = || {
            anyhow!(
                "{} exists; name another output, or add --overwrite to replace it once the new \
                 result is complete",
                output.display()
            )
        };
        let there = output.symlink_metadata().is_ok() && !overwrite;
        if there && !(resume && folder.exists()) {
            return if resume { Ok(Found::Complete) } else { Err(exists()) };
        }
        let parent = folder.parent().filter(|parent| parent.is_dir());
        if parent.is_none() {
            bail!("the folder of {} does not exist; make it first", output.display());
        }
        let lock = lock_folder(&folder)?;
        let this = Self { folder, output: output.clone(), overwrite, _lock: lock };
        let interrupted = this.record_path().exists();
        if there {
            // Killed after the result got its name and before the folder went.
            if interrupted && !this.store().exists() {
                this.discard();
                return Ok(Found::Complete);
            }
            return Err(exists());
        }
        match (interrupted, resume) {
            (true, true) => {
                let record = this.load()?;
                Ok(Found::Interrupted(this, Box::new(record)))
            }
            (true, false) if !restart => bail!(
                "{} is an interrupted run; continue it with --resume, or delete it to start again",
                this.folder.display()
            ),
            _ => {
                this.clear()?;
                Ok(Found::Nothing(this))
            }
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    /// A store for the task that measures the base of a worker.
    pub(crate) fn probe_store(&self) -> PathBuf {
        self.folder.join("probe")
    }

    fn record_path(&self) -> PathBuf {
        self.folder.join(RECORD)
    }

    fn journal_path(&self) -> PathBuf {
        self.folder.join("done")
    }

    /// Starts the journal, then writes the record, which makes the run one that can be resumed.
    pub(crate) fn begin(&self, record: &RunRecord) -> anyhow::Result<Journal> {
        let journal = Journal::create(&self.journal_path(), record.plan.tasks as u64)?;
        write_whole(&self.record_path(), &serde_json::to_vec_pretty(record)?)?;
        Ok(journal)
    }

    /// The journal of an interrupted run.
    pub(crate) fn resume(&self, record: &RunRecord) -> anyhow::Result<Journal> {
        Ok(Journal::open(&self.journal_path(), record.plan.tasks as u64)?)
    }

    fn load(&self) -> anyhow::Result<RunRecord> {
        let path = self.record_path();
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| {
            format!(
                "{} is damaged or from another version; delete {} to start again",
                path.display(),
                self.folder.display()
            )
        })
    }

    /// Removes what an earlier run left, all but the lock, and gives an output back that it was about to
    /// replace.
    fn clear(&self) -> anyhow::Result<()> {
        let replaced = self.folder.join(REPLACED);
        if replaced.exists() && self.output.symlink_metadata().is_err() {
            fs::rename(&replaced, &self.output)
                .with_context(|| format!("cannot restore {}", self.output.display()))?;
        }
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if !path.ends_with(LOCK) {
                remove(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// Removes the folder of a run that failed before it began.
    pub(crate) fn discard(self) {
        // The reason for the failure is the error to tell, not a folder that stays behind.
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// The store becomes the output, and the folder goes.
    pub(crate) fn commit(self) -> anyhow::Result<()> {
        let (store, output) = (self.store(), &self.output);
        if self.overwrite && output.symlink_metadata().is_ok() {
            let old = self.folder.join(REPLACED);
            fs::rename(output, &old)
                .with_context(|| format!("cannot move {}", output.display()))?;
        }
        fs::rename(&store, output).with_context(|| format!("cannot make {}", output.display()))?;
        sync_folder_of(output);
        fs::remove_dir_all(&self.folder)
            .with_context(|| format!("cannot remove {}", self.folder.display()))
    }
}

/// Whether the file system of `folder` has fewer than `needed` bytes left, and how many it has.
pub(crate) fn lacks_space(folder: &Path, needed: ByteSize) -> Option<ByteSize> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    let free = ByteSize::new(stat.f_bavail.saturating_mul(stat.f_frsize));
    (free < needed).then_some(free)
}

/// `path` with `suffix` added to its last component.
fn beside(path: &Path, suffix: &str) -> anyhow::Result<PathBuf> {
    let Some(name) = path.file_name() else {
        bail!(
            "{} is not a name for an output; give a folder name such as dip.zarr",
            path.display()
        );
    };
    let mut name = OsString::from(name);
    name.push(suffix);
    Ok(path.with_file_name(name))
}

/// Makes `folder` if need be and locks it. A folder that no run made is not ours to work in.
fn lock_folder(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join(LOCK);
    let context = || format!("cannot write {}", path.display());
    if folder.exists() && !fs::read(&path).is_ok_and(|text| text == LOCK_TEXT) {
        bail!("{} was made by no run; name another output, or move it away", folder.display());
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let mut file = file.with_context(context)?;
    match file.try_lock() {
        Ok(()) => {
            io::Write::write_all(&mut file, LOCK_TEXT).with_context(context)?;
            Ok(file)
        }
        Err(fs::TryLockError::WouldBlock) => {
            bail!("another run is working on {}", folder.display())
        }
        Err(fs::TryLockError::Error(error)) => Err(error).with_context(context),
    }
}

/// Whether the run that makes `output` was interrupted and can be resumed.
pub(crate) fn is_interrupted(output: &Path) -> bool {
    beside(output, ".partial").is_ok_and(|folder| folder.join(RECORD).exists())
}

/// Writes a file such that it is there whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let context = || format!("cannot write {}", path.display());
    let temporary = beside(path, ".tmp")?;
    let written = (|| {
        let mut file = File::create(&temporary)?;
        io::Write::write_all(&mut file, bytes)?;
        file.sync_data()?;
        fs::rename(&temporary, path)
    })();
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    written.with_context(context)
}

fn remove(path: &Path) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// Makes a rename durable; a file system that cannot is as durable as it gets.
fn sync_folder_of(path: &Path) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::bail;
use chunkfit_core::{ByteSize, Operator};
use chunkfit_predict::{Drift, Fitted, Identity, Ladder, Observation, SavedModel, remember};
use serde::{Deserialize, Serialize};

use super::{Lesson, load_for};
use crate::origin::{identity_of, ledger};
use crate::partial::write_whole;
use crate::progress::say;
use crate::report::count;

/// Readings of tasks of different shapes that a model keeps as it learns.
pub(crate) const MOST_KEPT: usize = 128;

/// The file of a model that a run learns for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Learning {
    pub(crate) file: PathBuf,
    /// Why the file stays as it is, if it does.
    pub(crate) not_because: Option<String>,
    /// Resident set of an idle worker.
    pub(crate) idle_bytes: ByteSize,
}

/// What a run was to its model.
#[derive(Debug, Serialize)]
pub(crate) struct ModelReport {
    pub(crate) file: PathBuf,
    /// Tasks whose peak was read.
    pub(crate) readings_added: u64,
    /// Tasks that hit the limit of their worker: each is a lower bound.
    pub(crate) kills_added: u64,
    /// Readings of different tasks in the file.
    pub(crate) readings_kept: usize,
    /// Whether the file was written.
    pub(crate) updated: bool,
    pub(crate) why_not: Option<String>,
    /// Tasks above the bound of the model.
    pub(crate) above_bound: u64,
    /// `above` when peaks have left the bound of the model, `below` when they stay far under what it
    /// expects.
    pub(crate) drift: Option<Drift>,
}

impl ModelReport {
    /// Says what became of the file when there is no other report.
    pub(crate) fn print(&self) {
        say(&format!("model: {}", self.line()));
        self.alarm().iter().for_each(|alarm| say(&format!("drift: {alarm}")));
    }

    /// The file, as one says it from where this process is.
    fn name(&self) -> &Path {
        let here = std::env::current_dir().unwrap_or_default();
        self.file.strip_prefix(here).unwrap_or(&self.file)
    }

    /// What became of the file, in a line.
    pub(crate) fn line(&self) -> String {
        let file = self.name().display();
        if let Some(why) = &self.why_not {
            return format!("{file} is as it was: {why}");
        }
        let kills = match self.kills_added {
            0 => String::new(),
            n => format!(" and {}", count(n as usize, "kill")),
        };
        format!(
            "{}{kills} added, {} kept, one for each shape of task: {file}",
            count(self.readings_added as usize, "reading"),
            self.readings_kept
        )
    }

    /// The alarm, in a line.
    pub(crate) fn alarm(&self) -> Option<String> {
        let file = self.name().display();
        Some(match self.drift? {
            Drift::Above => format!(
                "{} of {} above the bound of {file}; profile again",
                self.above_bound,
                count((self.readings_added + self.kills_added) as usize, "task")
            ),
            Drift::Below => format!(
                "peaks are more than a fifth below what {file} expects; profile again to use the memory"
            ),
        })
    }
}

impl Learning {
    /// Adds what a run of `operator` has taught to the file, which began as `start`. That a model cannot be
    /// written is told, and no reason to lose a result.
    pub(crate) fn publish(
        &self,
        operator: &dyn Operator,
        start: Option<&SavedModel>,
        lesson: &Lesson,
    ) -> ModelReport {
        let before = start.map_or(0, |saved| saved.evidence().len());
        let written = match &self.not_because {
            Some(why) => Err(why.clone()),
            None if lesson.readings.is_empty() => Err("no peak was read".to_owned()),
            None => self.add(operator, start, &lesson.readings).map_err(|e| format!("{e:#}")),
        };
        ModelReport {
            file: self.file.clone(),
            readings_added: lesson.measured,
            kills_added: lesson.killed,
            readings_kept: *written.as_ref().unwrap_or(&before),
            updated: written.is_ok(),
            why_not: written.err(),
            above_bound: lesson.above,
            drift: lesson.drift,
        }
    }

    /// Fits what the file holds by now and `new` readings, and returns how many it keeps. Two runs that end
    /// together come one after the other.
    fn add(
        &self,
        operator: &dyn Operator,
        start: Option<&SavedModel>,
        new: &[Observation],
    ) -> anyhow::Result<usize> {
        // A link stays one.
        let file = self.file.canonicalize().unwrap_or_else(|_| self.file.clone());
        let _lock = lock(file.parent().unwrap_or(Path::new("/")));
        let now = match file.metadata() {
            Ok(found) if found.permissions().readonly() => bail!("it is read-only"),
            Ok(_) => Some(load_for(&file, operator, false)?.0),
            Err(_) => None,
        };
        let kept = now.as_ref().or(start).map_or(&[][..], SavedModel::evidence);
        let seen = remember(kept, new, kept.len().max(MOST_KEPT));
        let declared = ledger(operator)?;
        let fitted = Ladder::new().with_ledger(&declared).with_halo(operator.halo()).fit(&seen)?;
        save(&file, &fitted, identity_of(operator), &seen)?;
        Ok(seen.len())
    }
}

/// Writes a model such that the file is there whole, or as it was.
pub(crate) fn save(
    path: &Path,
    fitted: &Fitted<'_>,
    identity: Identity,
    seen: &[Observation],
) -> anyhow::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut document = Vec::new();
    SavedModel::new(fitted, identity, seen, now).save(&mut document)?;
    write_whole(path, &document)
}

/// Waits for others that write a model in `folder`. Where a file system has no locks, the last one wins.
fn lock(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

//! Profiles and journals, told apart by their first bytes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Serialize;
use traceq::prof::{self, Limits};
use traceq::profile::Profile;

/// What a file was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Container {
    /// A whole profile.
    Profile,
    /// Rows as they were taken.
    Journal {
        /// Whether its writer ended it.
        complete: bool,
        /// Bytes of a torn end that were left out.
        lost_bytes: u64,
    },
}

const JOURNAL: &[u8] = b"traceqJ";

/// Reads a `.prof` file of any generation, or a journal.
pub(crate) fn load(path: &Path) -> anyhow::Result<(Profile, Container)> {
    let place = || path.display().to_string();
    let mut begin = Vec::new();
    let mut file = File::open(path).with_context(|| format!("cannot open {}", place()))?;
    let bytes = file.metadata().with_context(place)?.len();
    file.by_ref().take(JOURNAL.len() as u64).read_to_end(&mut begin).with_context(place)?;
    if begin != JOURNAL {
        if begin.is_empty() {
            bail!("{}: the file is empty, so it is no profile", place());
        }
        let profile = prof::load(path, Limits::default());
        return Ok((profile.with_context(place)?, Container::Profile));
    }
    // A journal is not compressed: what it takes in memory is bounded by its size on the disk.
    let default = Limits::default();
    let memory_bytes = default.memory_bytes.max(bytes.saturating_mul(16));
    let found = prof::recover(path, Limits { memory_bytes, ..default }).with_context(place)?;
    let container = Container::Journal { complete: found.complete, lost_bytes: found.lost_bytes };
    Ok((found.profile, container))
}

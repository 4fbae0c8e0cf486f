//! What a run did, as JSON and as a short table.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::bail;
use chunkfit_core::{ByteSize, Shape};
use serde::{Deserialize, Serialize};

use crate::args::Isolation;
use crate::model::ModelReport;
use crate::partial::write_whole;
use crate::progress::say;
use crate::verify::Verification;

/// Where tasks ran, and what limited them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum IsolationUsed {
    Processes,
    Threads,
}

impl From<Isolation> for IsolationUsed {
    fn from(said: Isolation) -> Self {
        match said {
            Isolation::Processes => Self::Processes,
            Isolation::Threads => Self::Threads,
        }
    }
}

impl fmt::Display for IsolationUsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Processes => "processes",
            Self::Threads => "threads",
        })
    }
}

/// The report of `run` and `demo`. Every `…_bytes` is bytes; peaks are resident sets.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) chunkfit: &'static str,
    pub(crate) operator: String,
    pub(crate) input: PathBuf,
    pub(crate) output: PathBuf,
    pub(crate) shape: Shape,
    pub(crate) missing_traces: usize,
    pub(crate) strategy: String,
    pub(crate) chunk: Shape,
    pub(crate) storage_chunk: Shape,
    pub(crate) workers: usize,
    pub(crate) isolation: IsolationUsed,
    /// How the limit is enforced, in a line.
    pub(crate) mechanism: String,
    /// `total` or `worker`: what `limit_bytes` limits.
    pub(crate) limit_scope: &'static str,
    pub(crate) limit_bytes: ByteSize,
    pub(crate) worker_limit_bytes: ByteSize,
    pub(crate) chunks: usize,
    pub(crate) chunks_resumed: u64,
    pub(crate) tasks: u64,
    pub(crate) retries: u64,
    pub(crate) splits: u64,
    pub(crate) killed: u64,
    pub(crate) tasks_over_bound: u64,
    pub(crate) base_bytes: ByteSize,
    pub(crate) peak_bytes_max: Option<ByteSize>,
    /// Largest resident set of the parent, which a total limit counts too.
    pub(crate) parent_peak_bytes: ByteSize,
    pub(crate) upper_bound_bytes_max: ByteSize,
    pub(crate) utilisation_median: Option<f64>,
    pub(crate) halo_factor: f64,
    /// Bytes fetched from the input ÷ bytes of its samples, measured.
    pub(crate) read_factor: f64,
    pub(crate) elapsed_s: f64,
    pub(crate) voxels_per_s: f64,
    /// What the run was to its model; null without one.
    pub(crate) model: Option<ModelReport>,
    /// Whether checked chunks agree with an independent computation; null when none was checked.
    pub(crate) verified: Option<bool>,
    pub(crate) verification: Option<Verification>,
}

impl Report {
    /// A short table for people.
    pub(crate) fn print(&self) {
        let unknown = || "not measured".to_owned();
        let percent = |ratio: f64| format!("{:.0} %", 100.0 * ratio);
        let mut rows = vec![
            ("operator", self.operator.clone()),
            ("input", format!("{}  {} voxels", self.input.display(), self.shape)),
            ("output", self.output.display().to_string()),
            (
                "chunks",
                format!(
                    "{} of {} voxels, {} ({} strategy)",
                    self.chunks,
                    self.chunk,
                    count(self.workers, "worker"),
                    self.strategy
                ),
            ),
            (
                "limit",
                match self.limit_scope {
                    "total" => format!("{} in total, {}", self.limit_bytes, self.mechanism),
                    _ => format!("{} per worker, {}", self.limit_bytes, self.mechanism),
                },
            ),
            (
                "peak",
                format!(
                    "{} measured ≤ {} predicted bound; median use of the bound {}",
                    self.peak_bytes_max.map_or_else(unknown, |p| p.to_string()),
                    self.upper_bound_bytes_max,
                    self.utilisation_median.map_or_else(unknown, percent)
                ),
            ),
            (
                "trouble",
                format!(
                    "{} killed, {} retries, {} splits, {} over the bound",
                    self.killed, self.retries, self.splits, self.tasks_over_bound
                ),
            ),
            (
                "extra work",
                format!("computed {:.2}× (halo), read {:.2}×", self.halo_factor, self.read_factor),
            ),
            (
                "time",
                format!("{:.1} s, {:.1} million voxels/s", self.elapsed_s, self.voxels_per_s / 1e6),
            ),
        ];
        if self.missing_traces > 0 {
            rows.push(("missing", count(self.missing_traces, "trace").clone() + " filled"));
        }
        if self.chunks_resumed > 0 {
            rows.push(("resumed", format!("{} chunks were done before", self.chunks_resumed)));
        }
        if let Some(model) = &self.model {
            rows.push(("model", model.line()));
            rows.extend(model.alarm().map(|alarm| ("drift", alarm)));
        }
        if let Some(check) = &self.verification {
            rows.push(("verified", check.to_string()));
        }
        for (name, value) in rows {
            say(&format!("{name:>12}  {value}"));
        }
    }
}

/// `1 worker`, `2 workers`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// Refuses a path that no report can be written to, before any work is done.
pub(crate) fn check_json_path(path: Option<&Path>) -> anyhow::Result<()> {
    let Some(path) = path.filter(|path| path.as_os_str() != "-") else { return Ok(()) };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() || !folder.is_dir() {
        bail!("--json {} is no place for a file; name one in a folder that exists", path.display());
    }
    Ok(())
}

/// Writes `value` as JSON to `path`, or to standard output when that is `-`.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    if path.as_os_str() == "-" {
        std::io::stdout().lock().write_all(&text)?;
        return Ok(());
    }
    write_whole(path, &text)
}

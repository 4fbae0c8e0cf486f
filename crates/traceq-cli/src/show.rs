//! `traceq show`: what a profile or journal holds.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use traceq::Unit;
use traceq::profile::{Clock, Column, Profile};

use crate::args::ShowArgs;
use crate::columns::{Meaning, meaning, peak_kind, scope};
use crate::load::{Container, load};
use crate::output::{count, seconds, shorten, table, wants_text, write_json};

/// The facts about a file.
#[derive(Debug, Serialize)]
struct Summary {
    file: PathBuf,
    container: Container,
    /// `unix` (dates), or `boot` (differences only).
    clock: &'static str,
    begin_ns: Option<u64>,
    duration_s: Option<f64>,
    n_rows: usize,
    columns: Vec<ColumnSummary>,
    metadata: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Serialize)]
struct ColumnSummary {
    name: String,
    #[serde(flatten)]
    meaning: Option<Meaning>,
    /// `bytes` or `count`.
    unit: &'static str,
    n_values: usize,
    /// The highest value; of a level a lower bound of the peak.
    peak_bytes: Option<u64>,
    peak_count: Option<u64>,
    /// When it was first reached, since the first row.
    peak_at_s: Option<f64>,
    last: Option<u64>,
}

/// `traceq show`.
pub(crate) fn show(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let (profile, container) = load(&args.file)?;
    let summary = Summary::of(&args.file, &profile, container);
    if let Some(path) = &args.json {
        write_json(path, &summary)?;
    }
    if wants_text(args.json.as_deref()) {
        std::io::stdout().lock().write_all(summary.text().as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Summary {
    fn of(file: &Path, profile: &Profile, container: Container) -> Self {
        let recorded = |column: &&Column| column.values().iter().any(Option::is_some);
        let columns = profile.columns().iter().filter(recorded);
        Self {
            file: file.to_owned(),
            container,
            clock: match profile.clock() {
                Clock::UnixNanos => "unix",
                Clock::BootMillis => "boot",
            },
            begin_ns: profile.times_ns().iter().min().copied(),
            duration_s: profile.duration().map(|time| time.as_secs_f64()),
            n_rows: profile.len(),
            columns: columns.map(|column| ColumnSummary::of(column, profile)).collect(),
            metadata: profile
                .metadata()
                .map(|(key, value)| (key.to_owned(), value.into()))
                .collect(),
        }
    }

    fn text(&self) -> String {
        let mut facts = vec![vec!["file".to_owned(), self.file.display().to_string()]];
        let mut fact = |name: &str, value: String| facts.push(vec![name.to_owned(), value]);
        match self.container {
            Container::Profile => {}
            Container::Journal { complete: true, .. } => {
                fact("kind", "complete journal".to_owned())
            }
            Container::Journal { lost_bytes, .. } => fact(
                "kind",
                format!(
                    "journal without an end: still written, or the profiler was killed; {} of a \
                     torn end left out",
                    count(lost_bytes, "byte")
                ),
            ),
        }
        match (self.clock, self.begin_ns) {
            ("unix", Some(begin)) => fact("begin", format!("{} UTC", date(begin))),
            (_, Some(begin)) => {
                fact("begin", format!("{} after boot, no date", seconds(begin as f64 / 1e9)));
            }
            _ => {}
        }
        fact("rows", self.n_rows.to_string());
        if let Some(s) = self.duration_s {
            fact("first to last", seconds(s));
        }
        let mut text = table(&facts, &[]);
        if self.columns.is_empty() {
            text.push_str("\n  nothing was recorded\n");
        } else {
            text.push('\n');
            text.push_str(&table(&self.rows(), &[2]));
        }
        if !self.metadata.is_empty() {
            text.push_str("\nmetadata\n");
            let entry = |(key, value): (&String, &serde_json::Value)| {
                let value = value.as_str().unwrap_or_default().replace('\n', "\\n");
                vec![key.clone(), shorten(&value, 100)]
            };
            text.push_str(&table(&self.metadata.iter().map(entry).collect::<Vec<_>>(), &[]));
        }
        text
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let heading = ["column", "what", "highest", "at", "scope", "kind", "values"];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        for column in &self.columns {
            let highest = match (column.peak_bytes, column.peak_count) {
                (Some(bytes), _) => Unit::Auto.show(bytes).to_string(),
                (None, Some(n)) => n.to_string(),
                (None, None) => "–".to_owned(),
            };
            let at = column.peak_at_s.map_or("–".to_owned(), seconds);
            let (label, scope, kind) = column.meaning.map_or(("unknown", "?", "?"), |meaning| {
                (meaning.label, scope(meaning.scope), peak_kind(meaning.kind))
            });
            let [label, scope, kind] = [label, scope, kind].map(str::to_owned);
            let n = column.n_values.to_string();
            rows.push(vec![column.name.clone(), label, highest, at, scope, kind, n]);
        }
        rows
    }
}

impl ColumnSummary {
    fn of(column: &Column, profile: &Profile) -> Self {
        let bytes = column.is_bytes();
        let peak = profile.peak(column.name());
        let first = profile.times_ns().iter().min().copied().unwrap_or(0);
        let at = column.values().iter().position(|value| *value == peak);
        let at = at.and_then(|row| profile.times_ns().get(row));
        Self {
            name: column.name().to_owned(),
            meaning: meaning(column.name()),
            unit: if bytes { "bytes" } else { "count" },
            n_values: column.values().iter().flatten().count(),
            peak_bytes: peak.filter(|_| bytes),
            peak_count: peak.filter(|_| !bytes),
            peak_at_s: at.map(|time| (time - first) as f64 / 1e9),
            last: column.values().iter().rev().flatten().next().copied(),
        }
    }
}

/// Date and time of day, UTC.
pub(crate) fn date(unix_ns: u64) -> String {
    let s = unix_ns / 1_000_000_000;
    let (days, of_day) = (s / 86_400, s % 86_400);
    // Days are counted from 1 March 0000, so that a leap day ends its year; a cycle is 400 years.
    let z = days + 719_468;
    let (cycle, day) = (z / 146_097, z % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) =
        (cycle * 400 + year + month / 10, if month < 10 { month + 3 } else { month - 9 });
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_around_leap_days() {
        for (s, text) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_741_996_800, "2025-03-15 00:00:00"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ] {
            assert_eq!(date(s * 1_000_000_000), text);
        }
    }
}

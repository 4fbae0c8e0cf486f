//! `traceq compare`: the peaks and durations of two groups of runs.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde::Serialize;
use traceq::Unit;
use traceq::profile::Profile;

use crate::args::CompareArgs;
use crate::columns::{best, meaning, peak_kind, scope};
use crate::load::load;
use crate::output::{seconds, table, wants_text, write_json};
use crate::statistics::{Difference, Sample};

/// The result of a comparison.
#[derive(Debug, Serialize)]
struct Comparison {
    /// The column whose peaks are compared, in bytes.
    column: String,
    /// What its peak is.
    peak_kind: &'static str,
    peak_bytes: Group,
    duration_s: Group,
}

/// One quantity of both groups.
#[derive(Debug, Serialize)]
struct Group {
    a: Sample,
    b: Sample,
    difference: Difference,
}

/// `traceq compare`.
pub(crate) fn compare(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let (first, second) = (load_all(&args.first)?, load_all(&args.second)?);
    let all = || first.iter().chain(&second).map(|(_, profile)| profile);
    let column = match &args.column {
        Some(column) => column.clone(),
        None => best(all())
            .context("no column is recorded in all of these profiles; `traceq show` lists them")?
            .to_owned(),
    };
    let peaks = |runs: &[(PathBuf, Profile)]| {
        values(runs, &format!("{column:?}"), |profile| {
            profile.peak(&column).map(|bytes| bytes as f64)
        })
    };
    let durations = |runs: &[(PathBuf, Profile)]| values(runs, "duration", duration);
    let comparison = Comparison {
        peak_kind: meaning(&column).map_or("highest value", |meaning| peak_kind(meaning.kind)),
        peak_bytes: Group::of(&peaks(&first)?, &peaks(&second)?)?,
        duration_s: Group::of(&durations(&first)?, &durations(&second)?)?,
        column,
    };
    if let Some(path) = &args.json {
        write_json(path, &comparison)?;
    }
    if wants_text(args.json.as_deref()) {
        std::io::stdout().lock().write_all(comparison.text().as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn load_all(files: &[PathBuf]) -> anyhow::Result<Vec<(PathBuf, Profile)>> {
    files.iter().map(|file| Ok((file.clone(), load(file)?.0))).collect()
}

fn values(
    runs: &[(PathBuf, Profile)],
    what: &str,
    value: impl Fn(&Profile) -> Option<f64>,
) -> anyhow::Result<Vec<f64>> {
    let of = |(path, profile): &(PathBuf, Profile)| match value(profile) {
        Some(value) => Ok(value),
        None => bail!("{} has no {what}; `traceq show` lists what it has", path.display()),
    };
    runs.iter().map(of).collect()
}

/// That of the command where it was recorded, else from the first to the last row.
fn duration(profile: &Profile) -> Option<f64> {
    let whole = profile.get("elapsed_s").and_then(|s| s.parse().ok());
    whole.or_else(|| profile.duration().map(|time| time.as_secs_f64()))
}

impl Group {
    fn of(a: &[f64], b: &[f64]) -> anyhow::Result<Self> {
        let empty = "a group has no profiles";
        Ok(Self {
            a: Sample::of(a).context(empty)?,
            b: Sample::of(b).context(empty)?,
            difference: Difference::between(a, b).context(empty)?,
        })
    }

    fn rows(&self, name: &str, show: impl Fn(f64) -> String) -> Vec<Vec<String>> {
        let cells = |label: &str, sample: &Sample| {
            let percent = |share: f64| format!("{:.2} %", 100.0 * share);
            let absent = || "–".to_owned();
            vec![
                label.to_owned(),
                sample.n.to_string(),
                show(sample.mean),
                sample.sd.map_or_else(absent, &show),
                sample.cv.map_or_else(absent, percent),
                show(sample.median),
                show(sample.min),
                show(sample.max),
            ]
        };
        let heading = [name, "n", "mean", "sd", "CV", "median", "lowest", "highest"];
        vec![heading.map(str::to_owned).to_vec(), cells("A", &self.a), cells("B", &self.b)]
    }

    fn verdict(&self) -> String {
        let p = |p: Option<f64>| match p {
            Some(p) if p < 1e-4 => "p < 0.0001".to_owned(),
            Some(p) => format!("p = {p:.4}"),
            None => "p unknown".to_owned(),
        };
        let Difference { relative, welch_p, mann_whitney_p, cliffs_delta, cohens_d, effect } =
            &self.difference;
        let change = match relative {
            Some(r) if *r > 0.0 => format!("B is {:.2} % higher", 100.0 * r),
            Some(r) if *r < 0.0 => format!("B is {:.2} % lower", -100.0 * r),
            _ => "the means are equal".to_owned(),
        };
        let d = cohens_d.map_or("unknown".to_owned(), |d| format!("{d:+.2}"));
        let surely = if self.difference.is_significant() { "" } else { ", which may be chance" };
        format!(
            "{change}{surely}; {effect} effect (Cliff's delta {cliffs_delta:+.2}, Cohen's d {d}); \
             Welch {}, Mann-Whitney {}",
            p(*welch_p),
            p(*mann_whitney_p),
        )
    }
}

impl Comparison {
    fn text(&self) -> String {
        let bytes = |bytes: f64| Unit::Auto.show(bytes.round() as u64).to_string();
        let scope = meaning(&self.column).map_or("", |meaning| scope(meaning.scope));
        let right = [1, 2, 3, 4, 5, 6, 7];
        format!(
            "peak of {} ({scope}; {})\n{}  {}\n\nduration\n{}  {}\n",
            self.column,
            self.peak_kind,
            table(&self.peak_bytes.rows("", bytes), &right),
            self.peak_bytes.verdict(),
            table(&self.duration_s.rows("", seconds), &right),
            self.duration_s.verdict(),
        )
    }
}

//! `traceq selftest`: the error of every backend on this machine.

use std::io::Write;
use std::process::ExitCode;

use indicatif::ProgressBar;
use serde::Serialize;
use traceq::{Outcome, Selftest, SelftestOptions, Unit};

use crate::args::SelftestArgs;
use crate::known_errors;
use crate::output::{table, wants_text, write_json};

#[derive(Debug, Serialize)]
struct Result<'a> {
    passed: bool,
    #[serde(flatten)]
    selftest: &'a Selftest,
}

/// `traceq selftest`.
pub(crate) fn selftest(args: &SelftestArgs) -> anyhow::Result<ExitCode> {
    let options = if args.quick {
        SelftestOptions { largest_bytes: 64 << 20, n_spikes: 100, n_runs: 3 }
    } else {
        SelftestOptions::default()
    };
    // Hidden unless standard error is a terminal. It stands still: a thread that draws would be
    // measured too.
    let bar = ProgressBar::new_spinner().with_message("measuring memory of known size");
    bar.tick();
    let found = traceq::selftest(options);
    bar.finish_and_clear();
    known_errors::keep(&found);
    let passed = found.passed();
    if let Some(path) = &args.json {
        write_json(path, &Result { passed, selftest: &found })?;
    }
    if wants_text(args.json.as_deref()) {
        std::io::stdout().lock().write_all(text(&found).as_bytes())?;
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(found: &Selftest) -> String {
    let heading = ["backend", "what", "median error", "worst error", "bound", ""];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for check in &found.checks {
        let row = match &check.outcome {
            Outcome::Absent { why } => {
                vec!["–".into(), "–".into(), "–".into(), format!("absent: {why}")]
            }
            Outcome::Error { worst, median, bound, unit } => vec![
                amount(*median, unit),
                amount(*worst, unit),
                bound.map_or("–".to_owned(), |bound| format!("± {}", amount(bound, unit))),
                match (bound, check.passed()) {
                    (None, _) => "not bounded",
                    (_, true) => "ok",
                    (_, false) => "OUTSIDE",
                }
                .to_owned(),
            ],
        };
        rows.push([vec![check.backend.to_owned(), check.what.clone()], row].concat());
    }
    let failed = found.checks.iter().filter(|check| !check.passed()).count();
    let verdict = match failed {
        0 => "every bounded backend is within its bound on this machine".to_owned(),
        n => format!("{n} of {} checks are outside of their bounds", found.checks.len()),
    };
    format!(
        "Linux {}, pages of {}, huge pages {}\n\n{}\n{verdict}\n",
        found.kernel,
        Unit::Auto.show(found.page_bytes),
        found.huge_pages.as_deref().unwrap_or("unknown"),
        table(&rows, &[2, 3, 4]),
    )
}

/// Bytes from 64 KiB on in a larger unit; smaller ones are told to the byte.
fn amount(number: f64, unit: &str) -> String {
    if unit == "B" && number.abs() >= 65_536.0 {
        let sign = if number < 0.0 { "−" } else { "" };
        return format!("{sign}{}", Unit::Auto.show(number.abs() as u64));
    }
    format!("{number} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_keep_their_sign_and_small_ones_their_bytes() {
        assert_eq!(amount(-131_072.0, "B"), "−128 KiB");
        assert_eq!(amount(4096.0, "B"), "4096 B");
        assert_eq!(amount(-0.5, "%"), "-0.5 %");
    }
}

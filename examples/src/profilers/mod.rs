//! Experiment 01: ten approaches to the peak of operators and victims.

mod analyze;
mod approach;
mod findings;
mod limit;
mod subject;

use clap::Parser;
use rand::seq::SliceRandom;
use rand::{SeedableRng, rngs::StdRng};

use crate::machine;
use crate::options::{Options, Phase, Settings};
use crate::progress::Progress;
use crate::protocol::{self, Part, Row, Rows};
use crate::report::Report;
use crate::supervisor::Supervisor;
use approach::Approach;
use subject::Subject;

/// Order of the runs.
const SEED: u64 = 1;

/// On one CPU, and on all.
const SERIES: [&str; 2] = ["pinned", "free"];

/// Experiment 01, as the command line says.
///
/// # Errors
/// When a victim cannot be started, or results cannot be written.
pub fn run() -> anyhow::Result<()> {
    let settings = Settings::new(Options::parse(), "exp01_profilers", 30, 3)?;
    std::fs::create_dir_all(&settings.out)?;
    let subjects = subject::all(&settings)?;
    if settings.does(Phase::Generate) {
        std::fs::create_dir_all(settings.data())?;
        subjects.iter().try_for_each(Subject::generate)?;
    }
    if settings.does(Phase::Profile) {
        let supervisor = Supervisor::new(settings.limit)?;
        machine::write(&settings, &supervisor)?;
        subjects.iter().try_for_each(Subject::prime)?;
        let chosen = SERIES.into_iter().filter(|series| settings.measures(series));
        for series in chosen {
            profile(&settings, &supervisor, &subjects, series)?;
        }
        if settings.measures(limit::NAME) {
            let rows = limit::profile(&settings, &supervisor, &subjects)?;
            protocol::write(&settings.rows(limit::NAME), &rows.all)?;
        }
    }
    if settings.does(Phase::Analyze) {
        let mut sections = Vec::new();
        for series in SERIES {
            if settings.rows(series).exists() {
                let rows = protocol::read(&settings.rows(series))?;
                sections.extend(analyze::sections(&Part::of(&rows, series), series));
            }
        }
        if settings.rows(limit::NAME).exists() {
            let rows = protocol::read(&settings.rows(limit::NAME))?;
            sections.push(limit::section(&Part::of(&rows, limit::NAME)));
        }
        let report = Report {
            title: "Experiment 01: approaches to the peak, compared".to_owned(),
            about: "Three seismic operators and a victim of known size, small and large, each run in \
                    a fresh process and control group under each approach; the order is random within \
                    blocks. Peaks are growth over the same counter's level just before. The page cache \
                    is primed: files are read once beforehand, outside the measured groups."
                .to_owned(),
            machine: machine::read(&settings)?,
            sections,
        };
        report.publish(&settings.out)?;
    }
    Ok(())
}

/// Measures one series.
fn profile(
    settings: &Settings,
    supervisor: &Supervisor,
    subjects: &[Subject],
    series: &str,
) -> anyhow::Result<()> {
    let cpu = (series == "pinned").then_some(settings.cpu);
    // The order of the tables, not of the dice.
    let place = |row: &Row| {
        let subject = subjects.iter().position(|subject| subject.name == row.case);
        let approach = Approach::ALL.iter().position(|approach| approach.name() == row.subject);
        (subject, approach, row.run)
    };
    let mut random = StdRng::seed_from_u64(SEED);
    let mut rows = Rows::new(series);
    let mut progress = Progress::new(u64::from(settings.runs));
    for run in 0..settings.runs {
        progress.begin(&format!("{series}, block {}", run + 1));
        let mut block: Vec<(&Subject, Approach)> = subjects
            .iter()
            .flat_map(|subject| Approach::ALL.map(|approach| (subject, approach)))
            .collect();
        block.shuffle(&mut random);
        for (subject, approach) in block {
            let outcome = supervisor.run(&approach.job(subject, cpu))?;
            let record = outcome.seen()?;
            let mut add = |quantity: &str, value: Option<f64>, unit: &str| {
                rows.add(&subject.name, approach.name(), run, quantity, value, unit);
            };
            let reference = record.whole.resident.map(|bytes| bytes as f64);
            add("peak", approach.peak(&outcome, record), "B");
            add("mark", reference, "B");
            add("truth", subject.truth.map(|bytes| bytes as f64).or(reference), "B");
            add("time", Some(record.whole.wall_s), "s");
            let watch = outcome.watch.as_ref().or(record.watch.as_ref());
            add("samples", watch.map(|watch| watch.samples as f64), "");
        }
        // After each block, so that an interrupted run is not lost.
        rows.all.sort_by_key(place);
        protocol::write(&settings.rows(series), &rows.all)?;
    }
    Ok(())
}

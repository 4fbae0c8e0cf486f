//! Whether bounds hold: tasks really run, and what other predictors would have asked for.

mod bounds;
mod draw;
mod job;
mod known;
mod large;
mod policies;
mod predictors;
mod subject;
mod tasks;

use std::process::ExitCode;

use clap::Parser;
use memcage::Cage;

use crate::machine;
use crate::options::{Options, Phase, Settings};
use crate::protocol;
use crate::report::Report;
use crate::supervisor::Supervisor;
use draw::Sizes;
use tasks::{Bench, Row};

/// Experiment 02, validation: as the command line says; or a worker of it.
#[must_use]
pub fn main() -> ExitCode {
    memcage::init();
    if let Some(code) = chunkfit_run::serve_if_worker(job::open) {
        return code;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn sizes(settings: &Settings) -> Sizes {
    settings.pick(
        Sizes {
            voxels: 1_000_000..=20_000_000,
            survey: [(200, 1000), (200, 1000), (250, 2000)],
            worker_mib: (32, 256),
        },
        Sizes {
            voxels: 100_000..=400_000,
            survey: [(40, 120), (40, 120), (50, 200)],
            worker_mib: (12, 24),
        },
    )
}

fn measure(bench: &Bench<'_>, settings: &Settings) -> anyhow::Result<()> {
    if settings.measures("bounds") {
        bench.measure(settings.runs as usize, &sizes(settings), &settings.rows("tasks"))?;
    }
    if settings.measures("large") {
        large::measure(bench, settings)?;
    }
    Ok(())
}

fn run() -> anyhow::Result<()> {
    let settings = Settings::new(Options::parse(), "exp02_validate", 3000, 40)?;
    let (tasks, targets) = (settings.rows("tasks"), settings.rows("large"));
    if settings.does(Phase::Profile) {
        std::fs::create_dir_all(&settings.out)?;
        machine::write(&settings, &Supervisor::new(settings.limit)?)?;
        let cage = Cage::new("chunkfit-validate", settings.limit)?;
        let logs = tempfile::tempdir()?;
        let bench = Bench { cage: &cage, logs: logs.path() };
        let measured = measure(&bench, &settings);
        let closed = cage.close();
        measured?;
        closed?;
    }
    if settings.does(Phase::Analyze) {
        let mut sections = Vec::new();
        if tasks.exists() || !targets.exists() {
            let measured: Vec<Row> = protocol::read(&tasks)?;
            sections.extend([bounds::section(&measured)?, predictors::section(&measured)?]);
        }
        if targets.exists() {
            sections.push(large::section(&protocol::read::<large::Run>(&targets)?)?);
        }
        let report = Report {
            title: "Experiment 02, validation: do bounds hold?".to_owned(),
            about: "Every operator on planned, random and large tasks in worker processes, against bounds \
                    that were computed from its declared bytes and four small blocks."
                .to_owned(),
            machine: machine::read(&settings)?,
            sections,
        };
        report.publish(&settings.out)?;
    }
    Ok(())
}

//! Whether bounds hold: tasks really run, and what other predictors would have asked for.

mod analyze;
mod job;
mod policies;
mod tasks;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use memcage::Cage;

use crate::machine;
use crate::options::{Options, Phase, Settings};
use crate::report::Report;
use crate::supervisor::Supervisor;
use tasks::Row;

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

fn run() -> anyhow::Result<()> {
    let settings = Settings::new(Options::parse(), "exp02_validate", 1000, 40)?;
    let rows = settings.rows("tasks");
    if settings.does(Phase::Profile) {
        std::fs::create_dir_all(settings.out.join("rows"))?;
        machine::write(&settings, &Supervisor::new(settings.limit)?)?;
        let cage = Cage::new("chunkfit-validate", settings.limit)?;
        let logs = tempfile::tempdir()?;
        let voxels = settings.pick(1_000_000..=20_000_000, 100_000..=400_000);
        let measured = tasks::measure(&cage, logs.path(), settings.runs as usize, &voxels);
        let closed = cage.close();
        write(&rows, &measured?)?;
        closed?;
    }
    if settings.does(Phase::Analyze) {
        let measured = read(&rows)?;
        let report = Report {
            title: "Experiment 02, validation: do bounds hold?".to_owned(),
            about: "Every operator on random tasks in worker processes, against bounds that were \
                    computed from its declared bytes and four small blocks."
                .to_owned(),
            machine: machine::read(&settings)?,
            sections: vec![analyze::bounds(&measured)?, analyze::predictors(&measured)?],
        };
        report.write(&settings.out)?;
        eprintln!("{}", settings.out.join("report.html").display());
    }
    Ok(())
}

fn write(path: &Path, rows: &[Row]) -> anyhow::Result<()> {
    let mut csv = csv::Writer::from_path(path)?;
    rows.iter().try_for_each(|row| csv.serialize(row))?;
    Ok(csv.flush()?)
}

fn read(path: &Path) -> anyhow::Result<Vec<Row>> {
    let mut csv = csv::Reader::from_path(path)
        .with_context(|| format!("{}: run the phase `profile` first", path.display()))?;
    Ok(csv.deserialize().collect::<Result<_, _>>()?)
}

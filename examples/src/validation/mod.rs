//! Whether bounds hold: tasks really run, and what other predictors would have asked for.

mod analyze;
mod job;
mod policies;
mod tasks;

use std::process::ExitCode;

use clap::Parser;
use memcage::Cage;

use crate::machine;
use crate::options::{Options, Phase, Settings};
use crate::protocol;
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
        std::fs::create_dir_all(&settings.out)?;
        machine::write(&settings, &Supervisor::new(settings.limit)?)?;
        let cage = Cage::new("chunkfit-validate", settings.limit)?;
        let logs = tempfile::tempdir()?;
        let voxels = settings.pick(1_000_000..=20_000_000, 100_000..=400_000);
        let measured = tasks::measure(&cage, logs.path(), settings.runs as usize, &voxels);
        let closed = cage.close();
        protocol::write(&rows, &measured?)?;
        closed?;
    }
    if settings.does(Phase::Analyze) {
        let measured: Vec<Row> = protocol::read(&rows)?;
        let report = Report {
            title: "Experiment 02, validation: do bounds hold?".to_owned(),
            about: "Every operator on random tasks in worker processes, against bounds that were \
                    computed from its declared bytes and four small blocks."
                .to_owned(),
            machine: machine::read(&settings)?,
            sections: vec![analyze::bounds(&measured)?, analyze::predictors(&measured)?],
        };
        report.publish(&settings.out)?;
    }
    Ok(())
}

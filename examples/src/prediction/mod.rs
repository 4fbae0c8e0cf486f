//! Experiment 02: the peak of an operator from the shape of its input, as the thesis predicts it, and
//! by the ladder on the same rows.

mod across;
mod charts;
mod data;
mod features;
mod measure;
mod results;
mod steps;
mod study;
mod tune;

use std::path::PathBuf;

use chunkfit_predict::FeatureMap;
use clap::Parser;

use crate::machine;
use crate::options::{Options, Phase, Settings};
use crate::report::Report;
use crate::supervisor::Supervisor;
use study::Study;

#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Peaks that were measured elsewhere: operator,inlines,xlines,samples,peak_gib.
    #[arg(long, global = true, value_name = "CSV")]
    dataset: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

/// Experiment 02, as the command line says.
///
/// # Errors
/// When the dataset cannot be read, a task cannot be measured, or results cannot be written.
pub fn run() -> anyhow::Result<()> {
    let Arguments { dataset, options } = Arguments::parse();
    let settings = Settings::new(options, "exp02_predict", 3, 2)?;
    std::fs::create_dir_all(&settings.out)?;
    if dataset.is_none() && settings.does(Phase::Generate) {
        measure::generate(&settings)?;
    }
    if settings.does(Phase::Profile) {
        let supervisor = Supervisor::new(settings.limit)?;
        machine::write(&settings, &supervisor)?;
        if dataset.is_none() {
            measure::profile(&settings, &supervisor)?;
        }
    }
    if !settings.does(Phase::Analyze) {
        return Ok(());
    }
    let all = match &dataset {
        Some(path) => data::of_thesis(path)?,
        None => data::of_rows(&settings.rows("peaks"), &settings.rows("history"))?,
    };
    let shapes: Vec<_> = all.iter().flat_map(|d| d.readings.iter().map(|r| r.shape)).collect();
    let map = FeatureMap::thesis(&shapes);
    let studies: Vec<Study> =
        all.into_iter().map(|data| Study::new(data, &map)).collect::<anyhow::Result<_>>()?;
    let mut sections = Vec::new();
    for study in &studies {
        sections.extend(results::sections(study)?);
        sections.push(tune::section(study, &settings)?);
    }
    sections.push(across::section(&studies, dataset.is_none().then_some(&settings)));
    let report = Report {
        title: "Experiment 02: peak memory from shape".to_owned(),
        about: "The pipeline of the thesis (23 features, eight models with their defaults, a random \
                split, a composite score), and beside it the ladder, on the same training rows. Peaks \
                are resident memory of a whole process, base included."
            .to_owned(),
        machine: machine::read(&settings)?,
        sections,
    };
    report.publish(&settings.out)?;
    Ok(())
}

//! Tables across operators, and the settings they were made with.

use super::charts;
use super::data::GIB;
use super::measure;
use super::results::gib;
use super::study::Study;
use crate::options::Settings;
use crate::report::Section;
use crate::tables::{Table, fixed, percent};

/// Straight lines through the peaks.
fn slopes(studies: &[Study]) -> Table {
    let header =
        ["operator", "bytes per voxel", "GiB per voxel", "at no voxels, MiB", "worst off, %"];
    let mut table = Table::new("Peak by volume, as a line", &header);
    for study in studies {
        let points: Vec<(f64, f64)> =
            study.data.readings.iter().map(|r| (r.voxels(), r.gib * GIB)).collect();
        let Some((start, slope)) = crate::stats::line(&points) else { continue };
        let off: Vec<f64> = points.iter().map(|(x, y)| (start + slope * x) / y - 1.0).collect();
        table.row([
            study.data.operator.clone(),
            fixed(Some(slope), 2),
            format!("{:.3e}", slope / GIB),
            fixed(Some(start / f64::from(1 << 20)), 1),
            percent(crate::stats::worst(&off), 2),
        ]);
    }
    table
}

/// What the environment or the options have set.
fn environment(settings: &Settings) -> Table {
    let header = ["variable", "meaning", "here"];
    let mut table = Table::new("Environment", &header);
    let [last, step] = measure::extents_of(settings);
    let limit = settings.limit.map(|bytes| bytes as f64 / GIB);
    for (name, meaning, value) in [
        ("DATASET_FINAL_SIZE", "largest extent", last.to_string()),
        ("DATASET_STEP_SIZE", "step between extents", step.to_string()),
        ("EXPERIMENT_N_RUNS", "runs of each shape", settings.runs.to_string()),
        ("CPUSET_CPUS", "CPU that tasks are pinned to", settings.cpu.to_string()),
        ("MEMORY_LIMIT_GB", "limit on all tasks together, GiB", fixed(limit, 1)),
    ] {
        table.row([name.to_owned(), meaning.to_owned(), value]);
    }
    table
}

/// `settings` are those of the measurements, where they were made here.
pub(super) fn section(studies: &[Study], settings: Option<&Settings>) -> Section {
    let mut table = Table::new(
        "Operators",
        &["operator", "shapes", "chosen model", "features", "rows", "RMSE, GiB", "largest quarter"],
    );
    for study in studies {
        let chosen = &study.results[study.chosen];
        let (features, rows) = study.last();
        table.row([
            study.data.operator.clone(),
            study.data.readings.len().to_string(),
            chosen.model.to_owned(),
            features.to_string(),
            rows.to_string(),
            gib(chosen.metrics.rmse),
            gib(chosen.largest.rmse),
        ]);
    }
    let mut tables = vec![table, slopes(studies)];
    tables.extend(settings.map(environment));
    Section {
        name: "cross".to_owned(),
        title: "Operators side by side".to_owned(),
        about: "The model of the highest score, and the fewest features and rows with which its score is \
                within 5 % of the highest."
            .to_owned(),
        answer: format!("{} operators.", studies.len()),
        tables,
        figures: charts::cross(studies),
        absent: Vec::new(),
    }
}

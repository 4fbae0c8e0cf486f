//! Tables of one operator and across operators.

use serde::Deserialize;

use super::charts;
use super::steps::Step;
use super::study::Study;
use crate::report::Section;
use crate::tables::{ABSENT, Table, fixed, percent};

/// What the thesis stored for a model.
#[derive(Clone, Debug, Deserialize)]
struct Stored {
    operator: String,
    model: String,
    rmse: f64,
    mae: f64,
    r2: f64,
    accuracy: f64,
    score: f64,
}

fn stored(operator: &str) -> anyhow::Result<Vec<Stored>> {
    let mut file = csv::Reader::from_reader(include_str!("stored.csv").as_bytes());
    let all: Vec<Stored> = file.deserialize().collect::<Result<_, _>>()?;
    Ok(all.into_iter().filter(|row| row.operator == operator).collect())
}

pub(super) fn sections(study: &Study) -> anyhow::Result<Vec<Section>> {
    let operator = &study.data.operator;
    let section = |what: &str, title: &str, about: &str, answer, tables, figures| Section {
        name: format!("{what}-{}", operator.replace(|c: char| !c.is_ascii_alphanumeric(), "-")),
        title: format!("{operator}: {title}"),
        about: about.to_owned(),
        answer,
        tables,
        figures,
        absent: Vec::new(),
    };
    let mut profile = section(
        "profile",
        "measured",
        "One row per shape.",
        format!("{} shapes.", study.data.readings.len()),
        vec![measured(study)],
        charts::profile(&study.data),
    );
    if study.data.readings.iter().all(|r| r.runs.is_empty()) {
        profile.absent.push((
            "charts of time and of histories".to_owned(),
            "the dataset has one mean peak per shape".to_owned(),
        ));
    }
    let stored = stored(operator)?;
    let mut tables = vec![models(study)];
    if !stored.is_empty() {
        tables.push(reproduction(study, &stored));
    }
    let (features, rows) = study.last();
    let chosen = study.results[study.chosen].model;
    let mut compared = section(
        "models",
        "models",
        "A random fifth of the rows is the test. `largest quarter`: the same models, learnt from the \
             smaller three quarters. Accuracy counts a prediction within 5 %, or any above.",
        verdict(study),
        tables,
        charts::models(study),
    );
    compared.absent.clone_from(&study.failures);
    Ok(vec![
        profile,
        compared,
        section(
            "reduction",
            "data reduction",
            "Nine tenths of the rows are kept at each step, drawn once, and split anew.",
            format!("{chosen} is within 5 % of its highest score with {rows} rows."),
            vec![steps(study, &study.reduction, "rows")],
            charts::steps(study, &study.reduction, "by_sample_size", "rows"),
        ),
        section(
            "selection",
            "feature selection",
            "The weakest feature goes at each step (F of a line, on all rows, test rows too, as the thesis \
             does). The thesis counts operator and target as features: 25 are 23.",
            format!("{chosen} is within 5 % of its highest score with {features} features."),
            vec![steps(study, &study.selection, "features")],
            charts::steps(study, &study.selection, "by_number_of_features", "features"),
        ),
        section(
            "insights",
            "insights",
            "Residuals and features of the chosen model.",
            "Residuals are measured less predicted: above 0 is too low a prediction.".to_owned(),
            Vec::new(),
            charts::insights(study),
        ),
    ])
}

fn measured(study: &Study) -> Table {
    let mut table = Table::new(
        &format!("Peaks, {}", study.data.operator),
        &["shape", "million voxels", "peak, GiB", "runs", "spread of the runs, %", "time, s"],
    );
    for reading in &study.data.readings {
        let peaks: Vec<f64> = reading.runs.iter().map(|row| row.peak_bytes as f64).collect();
        table.row([
            reading.shape.to_string(),
            fixed(Some(reading.voxels() / 1e6), 3),
            fixed(Some(reading.gib), 5),
            if peaks.is_empty() { ABSENT.to_owned() } else { peaks.len().to_string() },
            fixed(crate::stats::variation(&peaks).map(|cv| 100.0 * cv), 3),
            fixed(reading.seconds(), 3),
        ]);
    }
    table
}

pub(super) fn gib(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-3 { format!("{value:.3e}") } else { fixed(Some(value), 5) }
}

fn models(study: &Study) -> Table {
    let mut table = Table::new(
        &format!("Models, {}", study.data.operator),
        &[
            "model",
            "RMSE, GiB",
            "MAE, GiB",
            "R²",
            "accuracy",
            "score",
            "RMSE of 20 seeds",
            "largest quarter: RMSE",
            "too low, %",
            "worst too low, %",
        ],
    );
    for result in &study.results {
        let m = &result.metrics;
        table.row([
            result.model.to_owned(),
            gib(m.rmse),
            gib(m.mae),
            fixed(Some(m.r2), 6),
            fixed(Some(m.accuracy), 4),
            fixed(Some(m.score(&study.weights)), 5),
            result.band.map_or(ABSENT.to_owned(), |(a, b)| format!("{} to {}", gib(a), gib(b))),
            gib(result.largest.rmse),
            fixed(Some(100.0 * result.largest.under), 0),
            fixed(Some(100.0 * result.largest.worst_under.max(0.0)), 2),
        ]);
    }
    table
}

/// Ours beside what was stored, as relative differences.
fn reproduction(study: &Study, stored: &[Stored]) -> Table {
    let mut table = Table::new(
        &format!("Beside the stored metrics of the thesis, {}", study.data.operator),
        &[
            "model",
            "stored RMSE, GiB",
            "RMSE, %",
            "MAE, %",
            "R², %",
            "accuracy, %",
            "score, %",
            "stored RMSE in the band",
        ],
    );
    for kept in stored {
        let Some(result) = study.results.iter().find(|r| r.model == kept.model) else { continue };
        let m = &result.metrics;
        let off = |ours: f64, theirs: f64| percent(Some(ours / theirs - 1.0), 3);
        // The stored numbers have six digits.
        let inside = result
            .band
            .map(|(low, high)| low * (1.0 - 1e-5) <= kept.rmse && kept.rmse <= high * (1.0 + 1e-5));
        table.row([
            kept.model.clone(),
            gib(kept.rmse),
            off(m.rmse, kept.rmse),
            off(m.mae, kept.mae),
            off(m.r2, kept.r2),
            off(m.accuracy, kept.accuracy),
            off(m.score(&study.weights), kept.score),
            inside.map_or(ABSENT, |inside| if inside { "yes" } else { "no" }).to_owned(),
        ]);
    }
    table
}

fn verdict(study: &Study) -> String {
    let chosen = &study.results[study.chosen];
    let mut text = format!(
        "{} has the highest score of the models without chance; beyond its training shapes its RMSE is {} GiB, {:.0} % of its \
         predictions are too low.",
        chosen.model,
        gib(chosen.largest.rmse),
        100.0 * chosen.largest.under
    );
    for result in study.results.iter().filter(|r| r.model.starts_with("ladder")) {
        text += &format!(
            " {}: {} GiB, worst {:.2} % off.",
            result.model,
            gib(result.largest.rmse),
            100.0 * result.largest.worst_relative
        );
    }
    text
}

fn steps(study: &Study, steps: &[Step], what: &str) -> Table {
    let chosen = study.results[study.chosen].model;
    let header =
        [what, "RMSE, GiB", "MAE, GiB", "R²", "accuracy", "score", "ladder: RMSE", "removed"];
    let mut table = Table::new(&format!("{chosen} by {what}, {}", study.data.operator), &header);
    for step in steps {
        table.row([
            step.n.to_string(),
            gib(step.metrics.rmse),
            gib(step.metrics.mae),
            fixed(Some(step.metrics.r2), 6),
            fixed(Some(step.metrics.accuracy), 4),
            fixed(Some(step.metrics.score(&study.weights)), 5),
            step.ladder.map_or(ABSENT.to_owned(), |m| gib(m.rmse)),
            step.removed.clone().unwrap_or(ABSENT.to_owned()),
        ]);
    }
    table
}

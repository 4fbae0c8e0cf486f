//! The models of one operator side by side.

use super::{boxes, curves, dots, residuals, series, short, slug};
use crate::figures::{Figure, Look};
use crate::prediction::study::{Result, Study};

fn one_per_model(study: &Study, value: impl Fn(&Result) -> f64) -> Vec<(f64, f64)> {
    (0..).zip(&study.results).map(|(i, r)| (f64::from(i), value(r))).collect()
}

/// The models on the test rows.
pub(in crate::prediction) fn models(study: &Study) -> Vec<Figure> {
    let operator = &study.data.operator;
    let name = |what: &str| format!("{what}_{}", slug(operator));
    let names: Vec<String> = study.results.iter().map(|r| short(r.model)).collect();
    let one = |what: &str, title: &str, y: &str, s| {
        dots(&name(what), &format!("{title}, {operator}"), ["", y], names.clone(), s)
    };
    let each = |f: &dyn Fn(&Result) -> Vec<f64>| {
        let pairs = (0..)
            .zip(&study.results)
            .flat_map(|(i, r)| f(r).into_iter().map(move |v| (f64::from(i), v)));
        pairs.collect::<Vec<_>>()
    };
    vec![
        one(
            "performance_by_model",
            "Errors on the test rows",
            "GiB",
            vec![
                series("RMSE", 0, Look::Points, one_per_model(study, |r| r.metrics.rmse)),
                series("MAE", 1, Look::Points, one_per_model(study, |r| r.metrics.mae)),
            ],
        ),
        one(
            "score_by_model",
            "Composite score",
            "score",
            vec![series(
                "score",
                0,
                Look::Points,
                one_per_model(study, |r| r.metrics.score(&study.weights)),
            )],
        ),
        boxes(
            &name("residuals_distribution_by_model"),
            &format!("Residuals, {operator}"),
            ["", "measured − predicted, GiB"],
            names.clone(),
            vec![series("test rows", 0, Look::Points, each(&residuals))],
        ),
        one(
            "largest_out_by_model",
            "Largest quarter, learnt from the others",
            "RMSE, GiB",
            vec![series("RMSE", 1, Look::Points, one_per_model(study, |r| r.largest.rmse))],
        ),
        curves(
            &name("accuracy_by_rmse_per_model"),
            &format!("Accuracy by RMSE, {operator}"),
            ["RMSE, GiB", "accuracy of the thesis"],
            study
                .results
                .iter()
                .enumerate()
                .map(|(i, r)| {
                    series(r.model, i, Look::Points, vec![(r.metrics.rmse, r.metrics.accuracy)])
                })
                .collect(),
        ),
        curves(
            &name("actual_vs_predicted_by_model"),
            &format!("Measured and predicted, {operator}"),
            ["measured, GiB", "predicted, GiB"],
            study
                .results
                .iter()
                .enumerate()
                .map(|(i, r)| {
                    let pairs = r.measured.iter().copied().zip(r.predicted.iter().copied());
                    series(r.model, i, Look::Points, pairs.collect())
                })
                .collect(),
        ),
    ]
}

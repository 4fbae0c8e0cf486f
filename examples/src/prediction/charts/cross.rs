//! Figures across operators.

use super::{PEAK, VOLUME, by_volume, curves, dots, millions, residuals, series, short};
use crate::figures::{Figure, Look, Series};
use crate::prediction::data::Reading;
use crate::prediction::steps::Step;
use crate::prediction::study::{Result, Study};

/// All operators side by side.
pub(in crate::prediction) fn cross(studies: &[Study]) -> Vec<Figure> {
    let each = |f: &dyn Fn(&Study) -> Vec<(f64, f64)>, look: Look| -> Vec<Series> {
        let one = |(i, s): (usize, &Study)| series(&s.data.operator, i, look, f(s));
        studies.iter().enumerate().map(one).collect()
    };
    let slope = |s: &Study| by_volume(&s.data, |r| Some(r.gib * 1024.0 / millions(r)));
    let reduced = |s: &Study| s.reduction.iter().map(|x| (x.n as f64, x.metrics.rmse)).collect();
    let selected =
        |s: &Study| s.selection.iter().map(|x| (x.n as f64, x.metrics.r2.max(0.0))).collect();
    let measured = |s: &Study| {
        let best = &s.results[s.chosen];
        best.measured.iter().copied().zip(best.predicted.iter().copied()).collect()
    };
    let times = |s: &Study| by_volume(&s.data, Reading::seconds);
    let models: Vec<String> = studies
        .iter()
        .max_by_key(|s| s.results.len())
        .map(|s| s.results.iter().map(|r| short(r.model)).collect())
        .unwrap_or_default();
    let per_model = |f: &dyn Fn(&Result) -> f64| -> Vec<Series> {
        let at = |r: &Result| models.iter().position(|m| *m == short(r.model));
        let one = |(i, s): (usize, &Study)| {
            let points = s.results.iter().filter_map(|r| Some((at(r)? as f64, f(r))));
            series(&s.data.operator, i, Look::Points, points.collect())
        };
        studies.iter().enumerate().map(one).collect()
    };
    let aside = |s: &Study| {
        let best = &s.results[s.chosen];
        best.predicted.iter().copied().zip(residuals(best)).collect()
    };
    let worst = |x: &Step| x.residuals.iter().fold(0.0_f64, |m, r| m.max(r.abs()));
    let chosen: Vec<String> = studies
        .iter()
        .map(|s| format!("{}: {}", s.data.operator, short(s.results[s.chosen].model)))
        .collect();
    let scores = (0..)
        .zip(studies)
        .map(|(i, s)| (f64::from(i), s.results[s.chosen].metrics.score(&s.weights)));
    let impact = |s: &Study| {
        let steps = s.selection.iter().zip(s.selection.iter().skip(1));
        steps.map(|(a, b)| (a.n as f64, b.metrics.rmse - a.metrics.rmse)).collect()
    };
    let mut timed = Vec::new();
    if studies.iter().any(|s| !times(s).is_empty()) {
        let axes = [VOLUME, "time of a run, s"];
        let series = each(&times, Look::Points);
        timed.push(curves("cross_execution_time_by_volume", "Time by volume", axes, series));
    }
    let mut all = vec![
        curves(
            "cross_peak_memory_by_volume",
            "Peak by volume",
            [VOLUME, PEAK],
            each(&|s| by_volume(&s.data, |r| Some(r.gib)), Look::Points),
        ),
        curves(
            "cross_operator_memory_scaling_factor",
            "Memory per voxel",
            [VOLUME, "peak, MiB per million voxels"],
            each(&slope, Look::Points),
        ),
        curves(
            "cross_data_reduction_rmse",
            "Data reduction, the chosen models",
            ["rows", "RMSE, GiB"],
            each(&reduced, Look::Joined),
        ),
        curves(
            "cross_feature_selection_r2",
            "Feature selection, the chosen models",
            ["number of features, as the thesis counts", "R²"],
            each(&selected, Look::Joined),
        ),
        curves(
            "actual_vs_predicted_by_model",
            "The chosen models on their test rows",
            ["measured, GiB", "predicted, GiB"],
            each(&measured, Look::Points),
        ),
        dots(
            "cross_model_r2_bar",
            "R² on the test rows",
            ["", "R², not below 0"],
            models.clone(),
            per_model(&|r| r.metrics.r2.max(0.0)),
        ),
        dots(
            "cross_model_rmse_scatter",
            "RMSE on the test rows",
            ["", "RMSE, GiB"],
            models.clone(),
            per_model(&|r| r.metrics.rmse),
        ),
        curves(
            "residual_vs_predicted",
            "Residuals of the chosen models",
            ["predicted, GiB", "measured − predicted, GiB"],
            each(&aside, Look::Points),
        ),
        dots(
            "best_model_per_operator",
            "Score of the chosen models",
            ["", "score"],
            chosen,
            vec![series("score", 0, Look::Points, scores.collect())],
        ),
        curves(
            "feature_impact",
            "Change of RMSE when a feature goes",
            ["number of features, as the thesis counts", "ΔRMSE, GiB"],
            each(&impact, Look::Joined),
        ),
        curves(
            "metrics_evolution_by_sample_size",
            "MAE of the chosen models",
            ["rows", "MAE, GiB"],
            each(
                &|s| s.reduction.iter().map(|x| (x.n as f64, x.metrics.mae)).collect(),
                Look::Joined,
            ),
        ),
        curves(
            "residual_metrics_by_sample_size",
            "Largest residual",
            ["rows", "GiB"],
            each(&|s| s.reduction.iter().map(|x| (x.n as f64, worst(x))).collect(), Look::Joined),
        ),
        curves(
            "metrics_evolution_by_number_of_features",
            "RMSE of the chosen models",
            ["number of features, as the thesis counts", "RMSE, GiB"],
            each(
                &|s| s.selection.iter().map(|x| (x.n as f64, x.metrics.rmse)).collect(),
                Look::Joined,
            ),
        ),
        curves(
            "residual_metrics_by_number_of_features",
            "Largest residual",
            ["number of features, as the thesis counts", "GiB"],
            each(&|s| s.selection.iter().map(|x| (x.n as f64, worst(x))).collect(), Look::Joined),
        ),
    ];
    all.append(&mut timed);
    all
}

//! Data reduction and feature selection.

use super::{curves, series, slug};
use crate::figures::{Figure, Look};
use crate::prediction::steps::Step;
use crate::prediction::study::Study;

/// Scores and errors over steps of one kind.
pub(in crate::prediction) fn steps(
    study: &Study,
    steps: &[Step],
    by: &str,
    x: &str,
) -> Vec<Figure> {
    let operator = &study.data.operator;
    let name = |what: &str| format!("{what}_{by}_{}", slug(operator));
    let line = |f: &dyn Fn(&Step) -> f64| steps.iter().map(|s| (s.n as f64, f(s))).collect();
    let ladder: Vec<(f64, f64)> =
        steps.iter().filter_map(|s| Some((s.n as f64, s.ladder?.rmse))).collect();
    let mut errors = vec![
        series("RMSE", 0, Look::Joined, line(&|s| s.metrics.rmse)),
        series("MAE", 1, Look::Joined, line(&|s| s.metrics.mae)),
    ];
    if !ladder.is_empty() {
        errors.push(series("RMSE of the ladder", 2, Look::Joined, ladder));
    }
    let worst = |s: &Step| s.residuals.iter().fold(0.0_f64, |m, r| m.max(r.abs()));
    let chosen = study.results[study.chosen].model;
    let title = |what: &str| format!("{what} by {x}, {operator}, {chosen}");
    vec![
        curves(&name("metrics_evolution"), &title("Errors"), [x, "GiB"], errors),
        curves(
            &name("score"),
            &title("Score"),
            [x, "score"],
            vec![series(
                "score",
                0,
                Look::Joined,
                line(&|s| s.metrics.score(&study.weights).max(0.0)),
            )],
        ),
        curves(
            &name("rmse_mae_ratio"),
            &title("RMSE / MAE"),
            [x, "ratio"],
            vec![series(
                "RMSE / MAE",
                0,
                Look::Joined,
                line(&|s| s.metrics.rmse / s.metrics.mae.max(f64::MIN_POSITIVE)),
            )],
        ),
        curves(
            &name("residual_metrics"),
            &title("Largest residual"),
            [x, "GiB"],
            vec![series("largest |residual|", 0, Look::Joined, line(&worst))],
        ),
    ]
}

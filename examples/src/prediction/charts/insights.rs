//! Residuals and features of the chosen model.

use statrs::distribution::{ContinuousCDF, Normal};

use super::{PEAK, VOLUME, by_volume, curves, dots, figure, residuals, series, slug};
use crate::figures::{Content, Figure, Look};
use crate::prediction::data::{Dataset, Reading};
use crate::prediction::study::Study;
use crate::stats;

/// What the residuals look like, which features go with the peak, and what lies above the mean.
pub(in crate::prediction) fn insights(study: &Study) -> Vec<Figure> {
    let operator = &study.data.operator;
    let name = |what: &str| format!("{what}_{}", slug(operator));
    let best = &study.results[study.chosen];
    let by_predicted = best.predicted.iter().copied().zip(residuals(best)).collect();
    let mut sorted = residuals(best);
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let normal = Normal::standard();
    let expected = |i: usize| normal.inverse_cdf((i as f64 + 0.5) / n);
    let quantiles = sorted.iter().enumerate().map(|(i, r)| (expected(i), *r)).collect();
    let peaks = by_volume(&study.data, |r| Some(r.gib));
    let y: Vec<f64> = peaks.iter().map(|peak| peak.1).collect();
    let fitted = stats::line(&peaks);
    let on_line =
        |(start, slope): (f64, f64)| peaks.iter().map(move |p| (p.0, start + slope * p.0));
    let line = fitted.into_iter().flat_map(on_line).collect();
    let steps = study.selection.iter().zip(study.selection.iter().skip(1));
    let impact = steps.map(|(a, b)| (a.n as f64, b.metrics.rmse - a.metrics.rmse)).collect();
    // Over the peaks of shapes, not over readings in time.
    let quantile = |share| stats::quantile(&y, share).unwrap_or(0.0);
    let model = best.model;
    vec![
        curves(
            &name("residual_vs_predicted"),
            &format!("Residuals of {model}, {operator}"),
            ["predicted, GiB", "measured − predicted, GiB"],
            vec![series("test rows", 0, Look::Points, by_predicted)],
        ),
        curves(
            &name("residual_qq_plots"),
            &format!("Residuals of {model} against a normal, {operator}"),
            ["quantile of a normal", "residual, GiB"],
            vec![series("test rows", 0, Look::Points, quantiles)],
        ),
        curves(
            &name("memory_vs_volume_regression"),
            &format!("Peak by volume, {operator}"),
            [VOLUME, PEAK],
            vec![series("measured", 0, Look::Points, peaks), series("line", 1, Look::Thin, line)],
        ),
        correlation(study),
        pairs(&study.data),
        curves(
            &name("feature_impact"),
            &format!("Change of RMSE when a feature goes, {operator}"),
            ["number of features, as the thesis counts", "ΔRMSE, GiB"],
            vec![series("ΔRMSE", 0, Look::Joined, impact)],
        ),
        dots(
            &name("memory_safety_margin"),
            &format!("Peaks of all shapes, {operator}"),
            ["", PEAK],
            ["mean", "95th percentile", "highest"].map(str::to_owned).to_vec(),
            vec![series(
                "peaks",
                0,
                Look::Points,
                vec![
                    (0.0, stats::mean(&y).unwrap_or(0.0)),
                    (1.0, quantile(0.95)),
                    (2.0, quantile(1.0)),
                ],
            )],
        ),
    ]
}

/// Features and peak, each by each; the columns have the numbers of the rows.
fn correlation(study: &Study) -> Figure {
    let names = study.features.names.iter().map(String::as_str).chain(["peak"]);
    let rows: Vec<String> = (1..).zip(names).map(|(i, name)| format!("{name} {i}")).collect();
    // Two digits are what a tile has room for; + 0 drops the sign of a zero.
    let rounded = |v: f64| (100.0 * v).round() / 100.0 + 0.0;
    let values = study.features.correlations();
    let content = Content::Tiles {
        columns: (1..=rows.len()).map(|i| i.to_string()).collect(),
        rows,
        values: values.into_iter().map(|row| row.into_iter().map(rounded).collect()).collect(),
    };
    let operator = &study.data.operator;
    let title = format!("Correlation of features and peak, {operator}");
    figure(&format!("feature_correlation_{}", slug(operator)), &title, ["", ""], content)
}

fn pairs(data: &Dataset) -> Figure {
    let of = |name: &str, value: &dyn Fn(&Reading) -> f64| {
        (name.to_owned(), data.readings.iter().map(value).collect())
    };
    let extent = |a: usize| move |r: &Reading| r.shape.extents()[a] as f64;
    let content = Content::Pairs {
        quantities: vec![
            of("inlines", &extent(0)),
            of("crosslines", &extent(1)),
            of("samples", &extent(2)),
            of(PEAK, &|r| r.gib),
        ],
    };
    let title = format!("Extents and peak, {}", data.operator);
    let name = format!("memory_vs_dimensions_pairplot_{}", slug(&data.operator));
    figure(&name, &title, ["", ""], content)
}

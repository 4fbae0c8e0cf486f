//! Figures of one operator and across operators.

use statrs::distribution::{ContinuousCDF, Normal};

use super::data::{Dataset, Reading};
use super::study::{Result, Step, Study};
use crate::figures::{Content, Figure, Look, Scale, Series};

fn series(name: &str, colour: usize, look: Look, points: Vec<(f64, f64)>) -> Series {
    Series { name: name.to_owned(), points, look, colour }
}

/// Curves over a linear axis, from 0.
fn curves(name: &str, title: &str, axes: [&str; 2], series: Vec<Series>) -> Figure {
    let most = series.iter().flat_map(|s| &s.points).map(|p| p.1).fold(0.0, f64::max);
    let content = Content::Lines { series, y_max: 1.06 * most.max(1e-9), scale: Scale::Linear };
    figure(name, title, axes, content)
}

/// For each name, the values of each series.
fn dots(name: &str, title: &str, axes: [&str; 2], names: Vec<String>, s: Vec<Series>) -> Figure {
    figure(name, title, axes, Content::Dots { categories: names, series: s })
}

fn figure(name: &str, title: &str, [x, y]: [&str; 2], content: Content) -> Figure {
    Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        x: x.to_owned(),
        y: y.to_owned(),
        content,
    }
}

fn slug(operator: &str) -> String {
    operator.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

fn millions(reading: &Reading) -> f64 {
    reading.voxels() / 1e6
}

/// (x, y) of every reading, smallest volume first.
fn by_volume(data: &Dataset, y: impl Fn(&Reading) -> Option<f64>) -> Vec<(f64, f64)> {
    let mut points: Vec<_> =
        data.readings.iter().filter_map(|r| Some((millions(r), y(r)?))).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

const VOLUME: &str = "volume, million voxels";
const PEAK: &str = "peak, GiB";

/// Memory and time as they were measured.
pub(super) fn profile(data: &Dataset) -> Vec<Figure> {
    let name = |what: &str| format!("{what}_{}", slug(&data.operator));
    let peaks = by_volume(data, |r| Some(r.gib));
    let mut all = vec![curves(
        &name("peak_memory_by_volume"),
        &format!("Peak by volume, {}", data.operator),
        [VOLUME, PEAK],
        vec![series("measured", 0, Look::Points, peaks)],
    )];
    let mut depths: Vec<usize> = data.readings.iter().map(|r| r.shape.extents()[2]).collect();
    depths.sort_unstable();
    depths.dedup();
    let lines = depths.iter().enumerate().map(|(i, &samples)| {
        let mut points: Vec<(f64, f64)> = data
            .readings
            .iter()
            .filter(|r| r.shape.extents()[2] == samples)
            .map(|r| ((r.shape.extents()[0] * r.shape.extents()[1]) as f64 / 1e3, r.gib))
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        series(&format!("{samples} samples"), i, Look::Joined, points)
    });
    all.push(curves(
        &name("inline_xline_memory_usage_progression"),
        &format!("Peak by traces, {}", data.operator),
        ["traces, thousands", PEAK],
        lines.collect(),
    ));
    if data.readings.iter().any(|r| !r.runs.is_empty()) {
        all.push(curves(
            &name("execution_time_by_volume"),
            &format!("Time by volume, {}", data.operator),
            [VOLUME, "time of a run, s"],
            vec![series("mean of the runs", 0, Look::Points, by_volume(data, Reading::seconds))],
        ));
        let pairs = data.readings.iter().filter_map(|r| Some((r.seconds()?, r.gib))).collect();
        all.push(curves(
            &name("execution_time_vs_memory"),
            &format!("Time and memory, {}", data.operator),
            ["time of a run, s", PEAK],
            vec![series("shapes", 0, Look::Points, pairs)],
        ));
    }
    all.push(lateral(data));
    all.extend(distributions(data));
    let mut longest: Vec<&Reading> = data.readings.iter().filter(|r| r.history.len() > 1).collect();
    longest.sort_by_key(|r| std::cmp::Reverse(r.shape.voxels()));
    longest.truncate(5);
    if !longest.is_empty() {
        let lines = longest.iter().enumerate().map(|(i, reading)| {
            series(&reading.shape.to_string(), i, Look::Thin, reading.history.clone())
        });
        all.push(curves(
            &name("memory_progression"),
            &format!("Resident size while running, {}", data.operator),
            ["time, s", "resident, GiB"],
            lines.collect(),
        ));
        let peaks = by_volume(data, |r| {
            let highest = r.history.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
            Some(highest.0)
        });
        all.push(curves(
            &name("time_to_peak"),
            &format!("Time until the highest sample, {}", data.operator),
            [VOLUME, "time, s"],
            vec![series("sampled run", 0, Look::Points, peaks)],
        ));
    }
    all
}

/// How peaks and times are spread over shapes and runs.
fn distributions(data: &Dataset) -> Vec<Figure> {
    let name = |what: &str| format!("{what}_{}", slug(&data.operator));
    let title = |what: &str| format!("{what}, {}", data.operator);
    let share = |mut values: Vec<f64>| -> Vec<(f64, f64)> {
        values.sort_by(f64::total_cmp);
        let n = values.len() as f64;
        (1..).zip(values).map(|(i, value)| (value, f64::from(i) / n)).collect()
    };
    let peaks: Vec<f64> = data.readings.iter().map(|r| r.gib).collect();
    let ranked = (1..).zip(by_volume(data, |r| Some(r.gib))).map(|(i, p)| (f64::from(i), p.1));
    let mut samples: Vec<usize> = data.readings.iter().map(|r| r.shape.extents()[2]).collect();
    samples.sort_unstable();
    samples.dedup();
    let mut traces: Vec<[usize; 2]> = Vec::new();
    for reading in &data.readings {
        let [inlines, crosslines, _] = reading.shape.extents();
        if !traces.contains(&[inlines, crosslines]) {
            traces.push([inlines, crosslines]);
        }
    }
    let value = |[i, j]: [usize; 2], k: usize| {
        let found = data.readings.iter().find(|r| r.shape.extents() == [i, j, k]);
        found.map_or(f64::NAN, |r| 1024.0 * r.gib)
    };
    let content = Content::Tiles {
        columns: samples.iter().map(ToString::to_string).collect(),
        rows: traces.iter().map(|[i, j]| format!("{i} × {j}")).collect(),
        values: traces.iter().map(|&t| samples.iter().map(|&k| value(t, k)).collect()).collect(),
    };
    let points = |name: &str, points| vec![series(name, 0, Look::Points, points)];
    let mut all = vec![
        curves(
            &name("memory_usage_distribution"),
            &title("Distribution of peaks"),
            [PEAK, "share of shapes at or below"],
            points("shapes", share(peaks)),
        ),
        curves(
            &name("memory_usage_by_configuration"),
            &title("Peak by configuration"),
            ["rank of the shape by volume", PEAK],
            points("shapes", ranked.collect()),
        ),
        figure(
            &name("memory_usage_inlines_xlines_samples_heatmap"),
            &title("Peak, MiB"),
            ["samples", "inlines × crosslines"],
            content,
        ),
    ];
    let runs = || data.readings.iter().flat_map(|r| r.runs.iter().map(move |run| (r, run.time_s)));
    if runs().next().is_some() {
        all.push(curves(
            &name("execution_time_distribution"),
            &title("Distribution of times"),
            ["time of a run, s", "share of runs at or below"],
            points("runs", share(runs().map(|run| run.1).collect())),
        ));
        all.push(curves(
            &name("execution_time_distribution_by_volume"),
            &title("Times of all runs"),
            [VOLUME, "time of a run, s"],
            points("runs", runs().map(|(r, time)| (millions(r), time)).collect()),
        ));
    }
    all
}

/// The mean peak of the shapes of each pair of lateral extents, as shades.
fn lateral(data: &Dataset) -> Figure {
    let mut sizes = [0, 1].map(|a| data.readings.iter().map(|r| r.shape.extents()[a]).collect());
    sizes.iter_mut().for_each(|s: &mut Vec<usize>| {
        s.sort_unstable();
        s.dedup();
    });
    let [inlines, crosslines] = sizes;
    let value = |i: usize, j: usize| {
        let of = data.readings.iter().filter(|r| r.shape.extents()[..2] == [i, j]);
        crate::stats::mean(&of.map(|r| 1024.0 * r.gib).collect::<Vec<_>>()).unwrap_or(f64::NAN)
    };
    let values = crosslines.iter().map(|&j| inlines.iter().map(|&i| value(i, j)).collect());
    let names = |sizes: &[usize]| sizes.iter().map(ToString::to_string).collect();
    let content = Content::Tiles {
        columns: names(&inlines),
        rows: names(&crosslines),
        values: values.collect(),
    };
    let title = format!("Mean peak over samples, MiB, {}", data.operator);
    let name = format!("memory_usage_inlines_xlines_heatmap_{}", slug(&data.operator));
    figure(&name, &title, ["inlines", "crosslines"], content)
}

/// What the residuals look like, which features go with the peak, and what lies above the mean.
pub(super) fn insights(study: &Study) -> Vec<Figure> {
    let operator = &study.data.operator;
    let name = |what: &str| format!("{what}_{}", slug(operator));
    let best = &study.results[study.chosen];
    let by_predicted = best.predicted.iter().copied().zip(residuals(best)).collect();
    let mut sorted = residuals(best);
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let normal = Normal::standard();
    let quantile = |i: usize| normal.inverse_cdf((i as f64 + 0.5) / n);
    let quantiles = sorted.iter().enumerate().map(|(i, r)| (quantile(i), *r)).collect();
    let peaks = by_volume(&study.data, |r| Some(r.gib));
    let (x, y): (Vec<f64>, Vec<f64>) = peaks.iter().copied().unzip();
    let (mx, my) = (x.iter().sum::<f64>() / x.len() as f64, y.iter().sum::<f64>() / x.len() as f64);
    let slope = peaks.iter().map(|(a, b)| (a - mx) * (b - my)).sum::<f64>()
        / x.iter().map(|a| (a - mx) * (a - mx)).sum::<f64>();
    let line = x.iter().map(|a| (*a, my + slope * (a - mx))).collect();
    let names = &study.features.names;
    let strengths = (0..names.len()).map(|j| vec![study.features.correlation(j)]).collect();
    let steps = study.selection.iter().zip(study.selection.iter().skip(1));
    let impact = steps.map(|(a, b)| (a.n as f64, b.metrics.rmse - a.metrics.rmse)).collect();
    // Over the peaks of shapes, not over readings in time.
    let mut sorted_peaks = y.clone();
    sorted_peaks.sort_by(f64::total_cmp);
    let rank = (0.95 * (sorted_peaks.len() as f64 - 1.0)).round() as usize;
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
        figure(
            &name("feature_correlation"),
            &format!("Correlation with the peak, {operator}"),
            ["", ""],
            Content::Tiles {
                columns: vec!["peak".to_owned()],
                rows: names.clone(),
                values: strengths,
            },
        ),
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
                    (0.0, my),
                    (1.0, sorted_peaks[rank]),
                    (2.0, sorted_peaks[sorted_peaks.len() - 1]),
                ],
            )],
        ),
    ]
}

fn residuals(result: &Result) -> Vec<f64> {
    result.measured.iter().zip(&result.predicted).map(|(y, p)| y - p).collect()
}

fn one_per_model(study: &Study, value: impl Fn(&Result) -> f64) -> Vec<(f64, f64)> {
    (0..).zip(&study.results).map(|(i, r)| (f64::from(i), value(r))).collect()
}

/// The models on the test rows.
pub(super) fn models(study: &Study) -> Vec<Figure> {
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
        one(
            "residuals_distribution_by_model",
            "Residuals",
            "measured − predicted, GiB",
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

/// A name that fits below an axis.
fn short(model: &str) -> String {
    let words = model.replace(" regression", "").replace("support vector", "SVR");
    words.replace("ladder, ", "L: ").replace("gradient boosting", "boosting")
}

/// Scores and errors over steps of one kind.
pub(super) fn steps(study: &Study, steps: &[Step], by: &str, x: &str) -> Vec<Figure> {
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

/// All operators side by side.
pub(super) fn cross(studies: &[Study]) -> Vec<Figure> {
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

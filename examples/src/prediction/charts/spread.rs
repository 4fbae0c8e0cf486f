//! How peaks and times are spread over shapes and runs.

use super::{PEAK, VOLUME, boxes, by_volume, curves, figure, series, slug};
use crate::figures::{Content, Figure, Look};
use crate::prediction::data::{Dataset, Reading};

/// How peaks and times are spread over shapes and runs.
pub(super) fn distributions(data: &Dataset) -> Vec<Figure> {
    let name = |what: &str| format!("{what}_{}", slug(&data.operator));
    let title = |what: &str| format!("{what}, {}", data.operator);
    let ranked = (1..).zip(by_volume(data, |r| Some(r.gib))).map(|(i, p)| (f64::from(i), p.1));
    let mut samples: Vec<usize> = data.readings.iter().map(|r| r.shape.extents()[2]).collect();
    samples.sort_unstable();
    samples.dedup();
    let depths: Vec<String> = samples.iter().map(ToString::to_string).collect();
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
        columns: depths.clone(),
        rows: traces.iter().map(|[i, j]| format!("{i} × {j}")).collect(),
        values: traces.iter().map(|&t| samples.iter().map(|&k| value(t, k)).collect()).collect(),
    };
    let depth = |r: &Reading| samples.partition_point(|n| *n < r.shape.extents()[2]) as f64;
    let points = |name: &str, points| vec![series(name, 0, Look::Points, points)];
    let mut all = vec![
        boxes(
            &name("memory_usage_distribution"),
            &title("Distribution of peaks"),
            ["samples", PEAK],
            depths.clone(),
            points("shapes", data.readings.iter().map(|r| (depth(r), r.gib)).collect()),
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
        let mut volumes: Vec<usize> = data.readings.iter().map(|r| r.shape.voxels()).collect();
        volumes.sort_unstable();
        volumes.dedup();
        let volume = |r: &Reading| volumes.partition_point(|n| *n < r.shape.voxels()) as f64;
        let names = volumes.iter().map(|n| format!("{:.4}", *n as f64 / 1e6));
        let names = names.map(|n| n.trim_end_matches('0').trim_end_matches('.').to_owned());
        all.push(boxes(
            &name("execution_time_distribution"),
            &title("Distribution of times"),
            ["samples", "time of a run, s"],
            depths,
            points("runs", runs().map(|(r, time)| (depth(r), time)).collect()),
        ));
        all.push(boxes(
            &name("execution_time_distribution_by_volume"),
            &title("Times of all runs"),
            [VOLUME, "time of a run, s"],
            names.collect(),
            points("runs", runs().map(|(r, time)| (volume(r), time)).collect()),
        ));
    }
    all
}

/// The mean peak of the shapes of each pair of lateral extents, as shades.
pub(super) fn lateral(data: &Dataset) -> Figure {
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

/// Parts of the time of a run, and of the range of resident sizes.
const BINS: [usize; 2] = [50, 10];

/// Where the samples of all runs lie, in each part of the time of their own run. A long run has more
/// samples, and so more weight.
pub(super) fn by_time(data: &Dataset) -> Figure {
    let [parts, sizes] = BINS;
    let sampled = || data.readings.iter().filter(|r| r.history.len() > 1);
    let resident = || sampled().flat_map(|r| &r.history).map(|sample| 1024.0 * sample.1);
    let (low, high) = (resident().fold(f64::MAX, f64::min), resident().fold(0.0, f64::max));
    let bin = |value: f64, of: f64, n: usize| {
        ((value / of.max(f64::MIN_POSITIVE) * n as f64) as usize).min(n - 1)
    };
    let mut counts = vec![vec![0.0; parts]; sizes];
    for reading in sampled() {
        let end = reading.history.iter().map(|sample| sample.0).fold(0.0, f64::max);
        for (time, gib) in &reading.history {
            let size = bin(1024.0 * gib - low, high - low, sizes);
            counts[size][bin(*time, end, parts)] += 1.0;
        }
    }
    let totals: Vec<f64> = (0..parts).map(|p| counts.iter().map(|row| row[p]).sum()).collect();
    let share = |(count, total): (&f64, &f64)| {
        if *count > 0.0 { 100.0 * count / total } else { f64::NAN }
    };
    let values: Vec<Vec<f64>> =
        counts.iter().map(|row| row.iter().zip(&totals).map(share).collect()).collect();
    let darkest = values.iter().flatten().copied().fold(0.0, f64::max);
    let edge = |i: usize| low + (high - low) * i as f64 / sizes as f64;
    let tenth = |p: usize| {
        if p.is_multiple_of(parts / 10) { (100 * p / parts).to_string() } else { String::new() }
    };
    let content = Content::Tiles {
        columns: (0..parts).map(tenth).collect(),
        rows: (0..sizes).map(|i| format!("{:.1} to {:.1}", edge(i), edge(i + 1))).collect(),
        values,
    };
    let title = format!("Share of samples at a time (darkest: {darkest:.0} %), {}", data.operator);
    let name = format!("memory_usage_heatmap_by_time_{}", slug(&data.operator));
    figure(&name, &title, ["time of a run, % (left end of a bin)", "resident, MiB"], content)
}

//! Memory and time of one operator, as they were measured.

use super::{PEAK, VOLUME, by_volume, curves, series, slug, spread};
use crate::figures::{Figure, Look};
use crate::prediction::data::{Dataset, Reading};

/// Memory and time as they were measured.
pub(in crate::prediction) fn profile(data: &Dataset) -> Vec<Figure> {
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
    all.push(spread::lateral(data));
    all.extend(spread::distributions(data));
    let mut longest: Vec<&Reading> = data.readings.iter().filter(|r| r.history.len() > 1).collect();
    longest.sort_by_key(|r| std::cmp::Reverse(r.shape.voxels()));
    longest.truncate(5);
    if !longest.is_empty() {
        all.push(spread::by_time(data));
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

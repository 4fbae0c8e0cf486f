//! Whether bounds hold, and how much they leave.

use std::ops::Range;

use chunkfit_core::Regime;
use statrs::distribution::{Beta, ContinuousCDF};

use super::draw::Drawn;
use super::known::{Checked, Known};
use super::tasks::Row;
use crate::figures::{Content, Figure, Look, Scale, Series};
use crate::report::Section;
use crate::stats::{self, quantile};
use crate::tables::{Table, fixed};

const MIB: f64 = 1_048_576.0;

/// Peaks in MiB.
const SIZES: [(&str, Range<u64>); 4] = [
    ("up to 16 MiB", 0..16),
    ("16 to 32 MiB", 16..32),
    ("32 to 64 MiB", 32..64),
    ("64 MiB and more", 64..u64::MAX),
];

const WAYS: [(&str, Drawn); 2] = [("planned", Drawn::Planned), ("random", Drawn::Random)];

/// The upper 95 % limit of a share of which `k` of `n` were seen (Clopper and Pearson, 1934).
fn upper_limit(k: usize, n: usize) -> Option<f64> {
    let beta = Beta::new(k as f64 + 1.0, (n - k) as f64).ok()?;
    Some(beta.inverse_cdf(0.95))
}

pub(super) fn percent(value: Option<f64>, decimals: usize) -> String {
    fixed(value.map(|value| 100.0 * value), decimals)
}

pub(super) fn section(rows: &[Row]) -> anyhow::Result<Section> {
    let header = [
        "tasks of",
        "tasks",
        "above the bound",
        "worst above",
        "room, median",
        "room, 95th percentile",
        "error, 99th percentile",
        "error, largest",
        "largest task, MiB",
    ];
    let mut table = Table::new("bounds by operator and size, %", &header);
    let mut beyond = Table::new(
        "what tasks took beyond base and ledger, KiB",
        &["tasks of", "least", "5th percentile", "median", "95th percentile", "most"],
    );
    let mut all = Vec::new();
    for known in Known::of(rows)? {
        let checked = known.check()?;
        let name = known.subject.to_string();
        table.row(line(&name, &checked));
        beyond.row(spread(&name, &checked));
        all.extend(checked);
    }
    for (way, drawn) in WAYS {
        let of: Vec<Checked> = all.iter().copied().filter(|one| one.drawn == drawn).collect();
        for (size, range) in SIZES {
            let inside = |one: &Checked| range.contains(&((one.peak / MIB) as u64));
            let of: Vec<Checked> = of.iter().copied().filter(inside).collect();
            if !of.is_empty() {
                table.row(line(&format!("{way}, {size}"), &of));
            }
        }
        table.row(line(&format!("all {way}"), &of));
    }
    table.row(line("all", &all));
    beyond.row(spread("all", &all));
    let median = |drawn| {
        let of = all.iter().filter(|one| one.drawn == drawn);
        percent(stats::median(&of.map(|one| one.room).collect::<Vec<_>>()), 2)
    };
    let above = over(&all);
    let answer = format!(
        "{} of {} tasks were above their bound (upper 95 % limit of the share: {} %), the worst by \
         {} %. Bounds leave {} % of room in the median of planned tasks, {} % of random ones.",
        above.len(),
        all.len(),
        percent(upper_limit(above.len(), all.len()), 3),
        percent(stats::worst(&above).or(Some(0.0)), 2),
        median(Drawn::Planned),
        median(Drawn::Random),
    );
    Ok(Section {
        name: "bounds".to_owned(),
        title: "Do bounds hold?".to_owned(),
        about: "Half of the tasks are planned: chunks at random of the plan that `chunkfit run` would \
                make, for surveys of 200 to 1000 inlines and crosslines and 250 to 2000 samples, and \
                workers of 32 to 256 MiB, as many small as large by their logarithms. The others are \
                random, however awkward: volumes of 1 to 20 million voxels, up to 1000 times as long as \
                wide, a quarter of them one voxel thick, and parts of at least half of each axis. \
                (--quick: smaller.) Each runs in a worker process that does four in turn. Measured is \
                the resident high-water mark of the worker, reset before each task. The model of an \
                operator knows its declared bytes, and four blocks of 120 000 to 290 000 voxels that ran \
                in other processes."
            .to_owned(),
        answer,
        tables: vec![table, beyond],
        figures: vec![figure(&all)],
        absent: Vec::new(),
    })
}

fn figure(all: &[Checked]) -> Figure {
    let regimes = [
        (Regime::Declared, "declared"),
        (Regime::Calibrated, "calibrated"),
        (Regime::Extrapolated, "extrapolated"),
    ];
    let mut series = Vec::new();
    for (regime, said) in regimes {
        for (way, drawn) in WAYS {
            let of = all.iter().filter(|one| one.regime == regime && one.drawn == drawn);
            let points: Vec<_> = of.map(|one| (one.peak / MIB, 100.0 * one.room)).collect();
            if !points.is_empty() {
                let (name, colour) = (format!("{said}, {way}"), series.len());
                series.push(Series { name, points, look: Look::Points, colour });
            }
        }
    }
    let most = all.iter().map(|one| one.room).fold(0.0001, f64::max);
    Figure {
        name: "room".to_owned(),
        title: "Room that the bound leaves above the measured peak".to_owned(),
        x: "measured peak, MiB".to_owned(),
        y: "room, % of the peak".to_owned(),
        content: Content::Lines { series, y_max: 100.0 * most, scale: Scale::Log },
    }
}

/// By how much bounds were exceeded.
fn over(checked: &[Checked]) -> Vec<f64> {
    checked.iter().filter(|one| one.room < 0.0).map(|one| -one.room).collect()
}

fn line(name: &str, checked: &[Checked]) -> Vec<String> {
    let room: Vec<f64> = checked.iter().map(|one| one.room).collect();
    let error: Vec<f64> = checked.iter().map(|one| one.error.abs()).collect();
    let over = over(checked);
    let largest = checked.iter().map(|one| one.peak).fold(0.0, f64::max);
    vec![
        name.to_owned(),
        checked.len().to_string(),
        over.len().to_string(),
        if over.is_empty() { String::new() } else { percent(stats::worst(&over), 2) },
        percent(stats::median(&room), 2),
        percent(quantile(&room, 0.95), 2),
        percent(quantile(&error, 0.99), 2),
        percent(quantile(&error, 1.0), 2),
        fixed(Some(largest / MIB), 1),
    ]
}

fn spread(name: &str, checked: &[Checked]) -> Vec<String> {
    let beyond: Vec<f64> = checked.iter().map(|one| one.beyond / 1024.0).collect();
    let at = |share| fixed(quantile(&beyond, share), 0);
    vec![name.to_owned(), at(0.0), at(0.05), at(0.5), at(0.95), at(1.0)]
}

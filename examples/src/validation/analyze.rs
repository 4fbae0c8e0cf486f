//! Tables and figures from the rows.

use std::ops::Range;

use chunkfit_core::{MemoryModel, Regime};
use chunkfit_predict::{Fitted, Ladder, Online};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use statrs::distribution::{Beta, ContinuousCDF};

use super::job::Declared;
use super::policies::{self, Bill, FirstAllocation, Line, Most, Percentile, Policy, Task};
use super::tasks::Row;
use crate::figures::{Content, Figure, Look, Scale, Series};
use crate::report::Section;
use crate::stats;
use crate::tables::{Table, fixed};

/// A task and what was said of it before.
struct Checked {
    peak: f64,
    /// Predicted over measured, less one.
    error: f64,
    /// Bound over measured, less one.
    room: f64,
    regime: Regime,
}

/// All rows of one operator.
struct Operator<'a> {
    name: &'a str,
    declared: Declared,
    profiled: Vec<&'a Row>,
    tasks: Vec<&'a Row>,
}

impl<'a> Operator<'a> {
    fn of(rows: &'a [Row]) -> anyhow::Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        for row in rows {
            if all.last().is_none_or(|last| last.name != row.operator) {
                let declared = Declared::new(&row.operator)?;
                let (profiled, tasks) = (Vec::new(), Vec::new());
                all.push(Self { name: &row.operator, declared, profiled, tasks });
            }
            if let Some(last) = all.last_mut() {
                if row.profiled { &mut last.profiled } else { &mut last.tasks }.push(row);
            }
        }
        Ok(all)
    }

    fn fit(&self) -> anyhow::Result<Fitted<'_>> {
        let seen = self.profiled.iter().map(|row| row.observation());
        let seen: Vec<_> = seen.collect::<anyhow::Result<_>>()?;
        let halo = self.declared.operator.halo();
        Ok(Ladder::new().with_ledger(&self.declared).with_halo(halo).fit(&seen)?)
    }

    fn check(&self) -> anyhow::Result<Vec<Checked>> {
        let fitted = self.fit()?;
        let check = |row: &&Row| {
            let said = fitted.predict(row.block()?, row.core()?);
            let peak = row.peak_bytes as f64;
            Ok(Checked {
                peak,
                error: said.peak.as_f64() / peak - 1.0,
                room: said.upper.as_f64() / peak - 1.0,
                regime: said.regime,
            })
        };
        self.tasks.iter().map(check).collect()
    }

    fn log(&self) -> anyhow::Result<Vec<Task>> {
        self.tasks.iter().map(|row| task(row)).collect()
    }
}

fn task(row: &Row) -> anyhow::Result<Task> {
    Ok(Task {
        block: row.block()?,
        core: row.core()?,
        peak: row.peak_bytes as f64,
        seconds: row.seconds,
    })
}

/// The upper 95 % limit of a share of which `k` of `n` were seen (Clopper and Pearson, 1934).
fn upper_limit(k: usize, n: usize) -> Option<f64> {
    let beta = Beta::new(k as f64 + 1.0, (n - k) as f64).ok()?;
    Some(beta.inverse_cdf(0.95))
}

fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

fn percent(value: Option<f64>, decimals: usize) -> String {
    fixed(value.map(|value| 100.0 * value), decimals)
}

/// Peaks in MiB.
const SIZES: [(&str, Range<u64>); 4] = [
    ("up to 16 MiB", 0..16),
    ("16 to 32 MiB", 16..32),
    ("32 to 64 MiB", 32..64),
    ("64 MiB and more", 64..u64::MAX),
];

/// Whether bounds hold.
pub(super) fn bounds(rows: &[Row]) -> anyhow::Result<Section> {
    let mut table = Table::new(
        "bounds by operator, %",
        &[
            "tasks of",
            "tasks",
            "above the bound",
            "worst above",
            "room, median",
            "room, 95th percentile",
            "error, 99th percentile",
            "error, largest",
            "largest task, MiB",
        ],
    );
    let mut series = Vec::new();
    let mut all = Vec::new();
    for operator in Operator::of(rows)? {
        let checked = operator.check()?;
        table.row(line(operator.name, &checked.iter().collect::<Vec<_>>()));
        all.extend(checked);
    }
    for (name, sizes) in SIZES {
        let of = |one: &&Checked| sizes.contains(&((one.peak / f64::from(1 << 20)) as u64));
        let of: Vec<&Checked> = all.iter().filter(of).collect();
        if !of.is_empty() {
            table.row(line(name, &of));
        }
    }
    table.row(line("all", &all.iter().collect::<Vec<_>>()));
    let regimes = [
        (Regime::Declared, "declared"),
        (Regime::Calibrated, "calibrated"),
        (Regime::Extrapolated, "extrapolated"),
    ];
    for (colour, (regime, name)) in regimes.into_iter().enumerate() {
        let of: Vec<_> = all.iter().filter(|one| one.regime == regime).collect();
        if !of.is_empty() {
            let points = of.iter().map(|one| (one.peak / f64::from(1 << 20), 100.0 * one.room));
            let points = points.collect();
            let name = name.to_owned();
            series.push(Series { name, points, look: Look::Points, colour });
        }
    }
    let above = all.iter().filter(|one| one.room < 0.0).count();
    let room: Vec<f64> = all.iter().map(|one| one.room).collect();
    let y_max = 100.0 * quantile(&room, 1.0).unwrap_or(0.0).max(0.01);
    let answer = format!(
        "{above} of {} tasks were above their bound (upper 95 % limit of the share: {} %), the worst by \
         {} %. Bounds leave {} % of room in the median.",
        all.len(),
        percent(upper_limit(above, all.len()), 2),
        percent(stats::worst(&over(&all.iter().collect::<Vec<_>>())).or(Some(0.0)), 2),
        percent(stats::median(&room), 2),
    );
    Ok(Section {
        name: "bounds".to_owned(),
        title: "Do bounds hold?".to_owned(),
        about: "Tasks on random volumes of 1 to 20 million voxels (0.1 to 0.4 with --quick), up to 1000 times as long as wide, a \
                quarter of them one voxel thick, and on random parts of them, each in a worker process \
                that does four in turn. Measured is the resident high-water mark of the worker, reset \
                before each task. The model of an operator knows its declared bytes, and four blocks of \
                120 000 to 290 000 voxels that ran in other processes."
            .to_owned(),
        answer,
        tables: vec![table],
        figures: vec![Figure {
            name: "room".to_owned(),
            title: "Room that the bound leaves above the measured peak".to_owned(),
            x: "measured peak, MiB".to_owned(),
            y: "room, % of the peak".to_owned(),
            content: Content::Lines { series, y_max, scale: Scale::Log },
        }],
        absent: Vec::new(),
    })
}

/// By how much bounds were exceeded.
fn over(checked: &[&Checked]) -> Vec<f64> {
    checked.iter().filter(|one| one.room < 0.0).map(|one| -one.room).collect()
}

fn line(name: &str, checked: &[&Checked]) -> Vec<String> {
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
        fixed(Some(largest / f64::from(1 << 20)), 1),
    ]
}

/// What predictors waste.
pub(super) fn predictors(rows: &[Row]) -> anyhow::Result<Section> {
    let operators = Operator::of(rows)?;
    let most = rows.iter().map(|row| row.peak_bytes as f64).fold(0.0, f64::max);
    let mut tables = Vec::new();
    let mut best = String::new();
    for (order, title) in
        [(Order::Random, "random order"), (Order::SmallFirst, "small tasks first")]
    {
        let mut bills = vec![Bill::default(); NAMES.len()];
        for operator in &operators {
            let fitted = operator.fit()?;
            let known = operator.profiled.iter().map(|row| task(row));
            let known: Vec<Task> = known.collect::<anyhow::Result<_>>()?;
            let log = order.of(operator.log()?);
            for (bill, mut policy) in bills.iter_mut().zip(all_policies(&known, most, &fitted)) {
                *bill = bill.and(policies::replay(policy.as_mut(), &log));
            }
        }
        let mut table = Table::new(
            &format!("{title}: {} tasks", bills[0].tasks),
            &["predictor", "wastage, GiB·h", "failures", "failures, %", "retries", "quality (MAQ)"],
        );
        for (name, bill) in NAMES.iter().zip(&bills) {
            table.row([
                (*name).to_owned(),
                fixed(Some(bill.wastage_gib_h()), 5),
                bill.failures.to_string(),
                percent(Some(bill.failures as f64 / bill.tasks.max(1) as f64), 1),
                bill.retries.to_string(),
                fixed(Some(bill.quality()), 4),
            ]);
        }
        let ladder = &bills[NAMES.len() - 2];
        best += &format!(
            "In {title}, the ladder uses {} % of what it is given, with {} failures. ",
            percent(Some(ladder.quality()), 1),
            ladder.failures
        );
        tables.push(table);
    }
    Ok(Section {
        name: "predictors".to_owned(),
        title: "What do predictors waste?".to_owned(),
        about: "The same tasks, replayed operator by operator. Every predictor is told the four profiled \
                blocks first, and each task once it has ended. A task that gets too little fails at its \
                end, costs what it was given, and is tried again by the rule of its predictor."
            .to_owned(),
        answer: best.trim_end().to_owned(),
        tables,
        figures: Vec::new(),
        absent: Vec::new(),
    })
}

/// In the order of [`all_policies`].
const NAMES: [&str; 7] = [
    "most of all tasks, known beforehand",
    "95th percentile",
    "largest so far",
    "line and deviation (after Witt et al. 2019)",
    "first allocation (after Tovar et al. 2018)",
    "ladder, as profiled",
    "ladder, online",
];

fn all_policies<'a>(known: &[Task], most: f64, fitted: &Fitted<'a>) -> [Box<dyn Policy + 'a>; 7] {
    let peaks: Vec<f64> = known.iter().map(|task| task.peak).collect();
    let sizes = known.iter().map(|task| (task.block.bytes::<f32>().as_f64(), task.peak));
    let times = known.iter().map(|task| (task.peak, task.seconds));
    [
        Box::new(Most(most)),
        Box::new(Percentile { percent: 95.0, peaks: peaks.clone() }),
        Box::new(Percentile { percent: 100.0, peaks }),
        Box::new(Line { seen: sizes.collect() }),
        Box::new(FirstAllocation { seen: times.collect(), most }),
        Box::new(policies::Ladder(fitted.clone())),
        Box::new(Online::new(fitted)),
    ]
}

#[derive(Clone, Copy)]
enum Order {
    Random,
    SmallFirst,
}

impl Order {
    fn of(self, mut tasks: Vec<Task>) -> Vec<Task> {
        match self {
            Self::Random => tasks.shuffle(&mut StdRng::seed_from_u64(3)),
            Self::SmallFirst => tasks.sort_by_key(|task| task.block.voxels()),
        }
        tasks
    }
}

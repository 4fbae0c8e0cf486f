//! What predictors waste on the same tasks.

use chunkfit_predict::{Fitted, Online};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::bounds::percent;
use super::known::{Known, task};
use super::policies::{
    self, Bill, FirstAllocation, Ladder, Line, Most, Percentile, Policy, Ponder, Task,
};
use super::tasks::Row;
use crate::report::Section;
use crate::tables::{Table, fixed};

pub(super) fn section(rows: &[Row]) -> anyhow::Result<Section> {
    let known = Known::of(rows)?;
    let most = rows.iter().map(|row| row.peak_bytes as f64).fold(0.0, f64::max);
    let mut tables = Vec::new();
    let mut best = String::new();
    for (order, title) in
        [(Order::Random, "random order"), (Order::SmallFirst, "small tasks first")]
    {
        let mut bills = [Bill::default(); NAMES.len()];
        for one in &known {
            let fitted = one.fit()?;
            let told = one.profiled.iter().map(|row| task(row));
            let told: Vec<Task> = told.collect::<anyhow::Result<_>>()?;
            let log = order.of(one.log()?);
            for (bill, mut policy) in bills.iter_mut().zip(all_policies(&told, most, &fitted)) {
                *bill = bill.and(policies::replay(policy.as_mut(), &log));
            }
        }
        tables.push(table(title, &bills));
        let ladder = &bills[NAMES.len() - 2];
        best += &format!(
            "In {title}, the ladder uses {} % of what it is given, with {} failures. ",
            percent(Some(ladder.quality()), 1),
            ladder.failures
        );
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

fn table(title: &str, bills: &[Bill]) -> Table {
    let tasks = bills.first().map_or(0, |bill| bill.tasks);
    let mut table = Table::new(
        &format!("{title}: {tasks} tasks"),
        &["predictor", "wastage, GiB·h", "failures", "failures, %", "retries", "quality (MAQ)"],
    );
    for (name, bill) in NAMES.iter().zip(bills) {
        table.row([
            (*name).to_owned(),
            fixed(Some(bill.wastage_gib_h()), 5),
            bill.failures.to_string(),
            percent(Some(bill.failures as f64 / bill.tasks.max(1) as f64), 1),
            bill.retries.to_string(),
            fixed(Some(bill.quality()), 4),
        ]);
    }
    table
}

/// In the order of [`all_policies`].
const NAMES: [&str; 9] = [
    "most of all tasks, known beforehand",
    "95th percentile",
    "largest so far",
    "line and deviation (after Witt et al. 2019)",
    "first allocation (after Tovar et al. 2018)",
    "by pattern, 128 MiB on top (after Ponder, Lehmann et al. 2024)",
    "by pattern, 1 MiB on top (the same, for tasks as small as these)",
    "ladder, as profiled",
    "ladder, online",
];

fn all_policies<'a>(
    told: &[Task],
    most: f64,
    fitted: &Fitted<'a>,
) -> [Box<dyn Policy + 'a>; NAMES.len()] {
    let peaks: Vec<f64> = told.iter().map(|task| task.peak).collect();
    let sizes: Vec<(f64, f64)> = told.iter().map(|task| (task.input, task.peak)).collect();
    let times = told.iter().map(|task| (task.peak, task.seconds));
    let mib = |n: u32| f64::from(n << 20);
    [
        Box::new(Most(most)),
        Box::new(Percentile { share: 0.95, peaks: peaks.clone() }),
        Box::new(Percentile { share: 1.0, peaks }),
        Box::new(Line { seen: sizes.clone() }),
        Box::new(FirstAllocation { seen: times.collect(), most }),
        Box::new(Ponder { seen: sizes.clone(), most, least_offset: mib(128) }),
        Box::new(Ponder { seen: sizes, most, least_offset: mib(1) }),
        Box::new(Ladder(fitted.clone())),
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
            Self::SmallFirst => tasks.sort_by(|a, b| a.input.total_cmp(&b.input)),
        }
        tasks
    }
}

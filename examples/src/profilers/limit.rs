//! The mark held against what no sampler decides: the smallest limit under which a subject survives.

use super::subject::Subject;
use crate::levels::ANON;
use crate::options::Settings;
use crate::progress::Progress;
use crate::protocol::{Part, Rows};
use crate::report::Section;
use crate::stats::{median, worst};
use crate::supervisor::{Outcome, Supervisor};
use crate::tables::{Table, fixed, mib, percent};
use crate::victim::Job;

/// Name of its rows.
pub(super) const NAME: &str = "limit";

/// The limit is found to this part of itself.
const TOLERANCE: f64 = 0.0005;
const PAGE: u64 = 4096;
/// The mark must be as close to the limit, less what is not the process' own.
const MARGIN: f64 = 0.01;
/// Searches for each subject.
const SEARCHES: u32 = 3;

pub(super) fn profile(
    settings: &Settings,
    supervisor: &Supervisor,
    subjects: &[Subject],
) -> anyhow::Result<Rows> {
    let mut rows = Rows::new(NAME);
    if let Some(why) = supervisor.no_groups() {
        rows.absent("limits", why);
        return Ok(rows);
    }
    let mut progress = Progress::new(subjects.len() as u64);
    for subject in subjects {
        progress.begin(&format!("smallest limit of {}", subject.name));
        let work = subject.work.clone();
        let job = Job { work, cpu: Some(settings.cpu), observer: None, preload: None };
        for run in 0..settings.runs.min(SEARCHES) {
            let free = supervisor.run(&job)?;
            let peak = free.group_peak.unwrap_or_default();
            let found = smallest(supervisor, &job, peak)?;
            let mut add = |quantity, value: Option<u64>, unit| {
                let value = value.map(|bytes| bytes as f64);
                rows.add(&subject.name, "bisected", run, quantity, value, unit);
            };
            add("peak", Some(peak), "B");
            add("limit", Some(found.limit), "B");
            add("tries", Some(found.tries), "");
            let held = found.outcome.fullest;
            add("kernel", held.and_then(|usage| usage.kernel_bytes), "B");
            add("cache", held.map(|usage| usage.file_bytes), "B");
            // The growth of the mark, over what the process already held.
            let record = free.seen()?;
            let before = record.baseline.get(ANON);
            add("mark", before.zip(record.whole.resident).map(|(b, growth)| b + growth), "B");
        }
    }
    Ok(rows)
}

/// What a search found.
struct Found {
    limit: u64,
    /// The run that survived it.
    outcome: Outcome,
    tries: u64,
}

/// Bisects between a limit that kills and one that does not; both are tried.
fn smallest(supervisor: &Supervisor, job: &Job, peak: u64) -> anyhow::Result<Found> {
    let tolerance = ((peak as f64 * TOLERANCE) as u64).max(PAGE);
    let mut tries = 0;
    let mut survivor = |limit: u64| {
        tries += 1;
        let outcome = supervisor.run_under(job, Some(limit))?;
        anyhow::Ok(Some(outcome).filter(Outcome::survived))
    };
    let (mut low, mut high) = (pages(peak as f64 * 0.9), pages(peak as f64));
    let mut best = loop {
        match survivor(high)? {
            Some(outcome) => break outcome,
            None => (low, high) = (high, pages(high as f64 * 1.1)),
        }
    };
    while let Some(outcome) = survivor(low)? {
        (low, high, best) = (pages(low as f64 * 0.9), low, outcome);
    }
    while high - low > tolerance {
        let middle = pages((low + high) as f64 / 2.0).max(low + PAGE);
        match survivor(middle)? {
            Some(outcome) => (high, best) = (middle, outcome),
            None => low = middle,
        }
    }
    Ok(Found { limit: high, outcome: best, tries })
}

fn pages(bytes: f64) -> u64 {
    bytes as u64 / PAGE * PAGE
}

/// What is left of the limit for the process' own memory, against the mark, of each search.
fn apart(part: &Part, case: &str) -> Vec<f64> {
    let values = |quantity| part.values(case, "bisected", quantity);
    let (kernel, cache, mark) = (values("kernel"), values("cache"), values("mark"));
    let parts = kernel.iter().zip(cache).zip(mark);
    values("limit")
        .iter()
        .zip(parts)
        .map(|(limit, ((kernel, cache), mark))| (limit - kernel - cache) / mark - 1.0)
        .collect()
}

pub(super) fn section(part: &Part) -> Section {
    let header = [
        "subject",
        "peak of its group, MiB",
        "smallest limit, MiB",
        "of it kernel, MiB",
        "of it cache, MiB",
        "left, MiB",
        "mark, MiB",
        "difference, %",
        "runs of a search",
    ];
    let mut table = Table::new("Smallest limit that is survived, median of the searches", &header);
    let (mut within, mut largest) = (0, 0.0_f64);
    for case in part.cases() {
        let middle = |quantity| part.median(&case, "bisected", quantity);
        let apart = apart(part, &case);
        let left = middle("limit")
            .zip(middle("kernel").zip(middle("cache")))
            .map(|(limit, (kernel, cache))| limit - kernel - cache);
        if let Some(difference) = worst(&apart).map(f64::abs) {
            within += usize::from(difference <= MARGIN);
            largest = largest.max(difference);
        }
        table.row([
            case.clone(),
            mib(middle("peak")),
            mib(middle("limit")),
            fixed(middle("kernel").map(|bytes| bytes / f64::from(1 << 20)), 2),
            fixed(middle("cache").map(|bytes| bytes / f64::from(1 << 20)), 2),
            mib(left),
            mib(middle("mark")),
            percent(median(&apart), 2),
            fixed(middle("tries"), 0),
        ]);
    }
    Section {
        name: NAME.to_owned(),
        title: "Validation by limit".to_owned(),
        about: "The smallest limit that a subject survives, swap capped, is found by bisection to \
                0.05 %. While it runs, the group is looked at from outside; kernel memory and page \
                cache at its fullest are taken off. The mark is the anonymous memory before the \
                first step plus the growth of the high-water mark, from a run without a limit."
            .to_owned(),
        answer: format!(
            "In all searches on {within} of {} subjects, the smallest limit less kernel memory and \
             cache is within 1 % of the high-water mark; the largest difference is {} %.",
            part.cases().len(),
            fixed(Some(100.0 * largest), 2)
        ),
        tables: vec![table],
        figures: Vec::new(),
        absent: part.absences(),
    }
}

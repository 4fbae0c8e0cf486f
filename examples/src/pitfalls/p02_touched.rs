//! P2: memory that was requested is not memory that is used.

use super::{Bench, Pitfall, no_files};
use crate::levels::GROUP_NOW;
use crate::protocol::{Part, Rows};
use crate::report::Section;
use crate::schedule::{Advice, Allocator, PageSize, Step, truths};
use crate::tables::{Table, mib};
use crate::victim::Job;

pub(super) const PITFALL: Pitfall = Pitfall { name: "P2", generate: no_files, profile, analyze };

const COUNTERS: [&str; 4] = ["heap", "status", "hwm", GROUP_NOW];

fn cases(kib: u64) -> Vec<(String, Vec<Step>)> {
    let request = || Step::Malloc { slot: 0, kib, allocator: Allocator::System };
    let map = || Step::Map { slot: 0, kib, pages: PageSize::Small };
    let touch = || Step::Touch { slot: 0, kib };
    let mut cases: Vec<(String, Vec<Step>)> = [0, 25, 50, 100]
        .map(|part| {
            let kib = kib * part / 100;
            (format!("malloc, {part} % written"), vec![request(), Step::Touch { slot: 0, kib }])
        })
        .into();
    let more = [
        ("calloc", vec![Step::Calloc { slot: 0, kib }]),
        ("mapped, all read", vec![map(), Step::Look { slot: 0, kib }]),
        ("mapped, all written", vec![map(), touch()]),
        ("then MADV_FREE", vec![map(), touch(), Step::Advise { slot: 0, advice: Advice::Free }]),
        (
            "then MADV_DONTNEED",
            vec![map(), touch(), Step::Advise { slot: 0, advice: Advice::DontNeed }],
        ),
    ];
    cases.extend(more.into_iter().map(|(name, steps)| (name.to_owned(), steps)));
    cases
}

fn profile(bench: &Bench<'_>, rows: &mut Rows) -> anyhow::Result<()> {
    for (case, mut steps) in cases(bench.settings.pick(512, 16) << 10) {
        let truth = truths(&steps).0.last().copied().unwrap_or_default();
        steps.push(Step::Check);
        let job = Job::steps(steps);
        for run in 0..bench.settings.runs.min(5) {
            let outcome = bench.supervisor.run(&job)?;
            let record = outcome.seen()?;
            rows.add(&case, "truth", run, "live", Some(truth.live as f64), "B");
            rows.add(&case, "truth", run, "used", Some(truth.touched as f64), "B");
            for counter in COUNTERS {
                let rise = record.checks[0].rise(&record.baseline, counter);
                rows.add(&case, counter, run, "growth", rise, "B");
            }
        }
    }
    Ok(())
}

fn analyze(part: &Part) -> Section {
    let header = ["what", "requested", "written", "heap", "VmRSS", "VmHWM", "cgroup"];
    let mut table = Table::new("Growth in MiB, median of the runs", &header);
    let mut unseen = 0.0_f64;
    for case in part.cases() {
        let (live, used) =
            (part.median(&case, "truth", "live"), part.median(&case, "truth", "used"));
        let rss = part.median(&case, "status", "growth");
        unseen = unseen.max(live.zip(rss).map_or(0.0, |(live, rss)| live - rss));
        let counters = COUNTERS.map(|counter| mib(part.median(&case, counter, "growth")));
        table.row([case.clone(), mib(live), mib(used)].into_iter().chain(counters));
    }
    Section {
        name: "P2".to_owned(),
        title: "P2 Allocated is not used".to_owned(),
        about:
            "The same amount is requested each time, and a part of it is written. The heap counts \
                requests through the program's allocator; the kernel counts pages."
                .to_owned(),
        answer: format!(
            "Up to {} MiB were requested and not resident: what was not written, or only read, costs \
             nothing yet. Pages given up by MADV_FREE stay in every level until memory is short.",
            mib(Some(unseen))
        ),
        tables: vec![table],
        figures: Vec::new(),
        absent: part.absences(),
    }
}

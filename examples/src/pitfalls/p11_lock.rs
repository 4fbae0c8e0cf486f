//! P11: a sampler that needs a lock sees nothing while native code holds it.

use traceq::probe::Backend;

use super::{Bench, Pitfall, no_files};
use crate::observer::{Observer, Place, Style};
use crate::protocol::{Part, Rows};
use crate::report::Section;
use crate::schedule::{Step, held};
use crate::tables::{Table, fixed};
use crate::victim::Job;

pub(super) const PITFALL: Pitfall = Pitfall { name: "P11", generate: no_files, profile, analyze };

const EVERY_US: u64 = 10_000;

fn profile(bench: &Bench<'_>, rows: &mut Rows) -> anyhow::Result<()> {
    let ms = bench.settings.pick(500, 100);
    let steps: Vec<Step> = [Step::Sleep { us: 50_000 }]
        .into_iter()
        .chain(held(0, 16 << 10))
        .chain([Step::Lock { ms }, Step::Free { slot: 0 }, Step::Sleep { us: 50_000 }])
        .collect();
    let cases = [
        ("thread, needs the lock", Place::Thread, Style::Locked),
        ("thread, needs none", Place::Thread, Style::Traceq),
        ("process", Place::Process, Style::Traceq),
        ("outside", Place::Outside, Style::Traceq),
    ];
    for run in 0..bench.settings.runs {
        for (case, place, style) in cases {
            let observer = Observer { place, backend: Backend::Statm, every_us: EVERY_US, style };
            let job = Job { observer: Some(observer), ..Job::steps(steps.clone()) };
            let outcome = bench.supervisor.run(&job)?;
            let record = outcome.seen()?;
            let watch = outcome.watch.as_ref().or(record.watch.as_ref());
            let (begin, end) = record.locks[0];
            let during = watch.map(|watch| {
                watch.trace.iter().filter(|(at, _)| (begin..end).contains(at)).count() as f64
            });
            let expected = (end - begin) as f64 / 1e3 / EVERY_US as f64;
            rows.add(case, "lock", run, "samples", during, "");
            rows.add(case, "lock", run, "expected", Some(expected), "");
        }
    }
    Ok(())
}

/// In percent.
fn share(part: Option<f64>) -> String {
    fixed(part.map(|part| 100.0 * part), 0)
}

fn analyze(part: &Part) -> Section {
    let header = ["sampler", "samples while held", "due", "lost, %"];
    let mut table =
        Table::new("Samples during a lock held by native code, median of the runs", &header);
    let mut lost_by_lock = None;
    for case in part.cases() {
        let median = |quantity| part.median(&case, "lock", quantity);
        let lost =
            median("samples").zip(median("expected")).map(|(n, due)| (1.0 - n / due).max(0.0));
        if case.ends_with("the lock") {
            lost_by_lock = lost;
        }
        table.row([
            case.clone(),
            fixed(median("samples"), 0),
            fixed(median("expected"), 0),
            share(lost),
        ]);
    }
    Section {
        name: "P11".to_owned(),
        title: "P11 A lock held by native code".to_owned(),
        about:
            "The lock stands for that of an interpreter: a sampler in one of its threads must take \
                it for each sample, and native code holds it just while arrays are allocated."
                .to_owned(),
        answer: format!(
            "The sampler that needs the lock lost {} % of its samples, those in a process of their own \
             none to speak of.",
            share(lost_by_lock)
        ),
        tables: vec![table],
        figures: Vec::new(),
        absent: part.absences(),
    }
}

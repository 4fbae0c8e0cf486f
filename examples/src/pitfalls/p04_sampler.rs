//! P4: what sampling costs, and how well a sampler keeps time.

use traceq::probe::Backend;

use super::{Bench, Pitfall, no_files};
use crate::observer::{Observer, Place, Style};
use crate::protocol::{Part, Rows};
use crate::report::Section;
use crate::schedule::Step;
use crate::tables::{Table, fixed, percent};
use crate::victim::Job;

pub(super) const PITFALL: Pitfall = Pitfall { name: "P4", generate: no_files, profile, analyze };

fn profile(bench: &Bench<'_>, rows: &mut Rows) -> anyhow::Result<()> {
    let seconds = bench.settings.pick(1.0, 0.15);
    let rounds = bench.settings.pick(4_000, 400);
    let idle = vec![Step::Sleep { us: (seconds * 1e6) as u64 }];
    let cases = [
        ("idle", idle, None),
        ("busy", vec![Step::Work { rounds }], None),
        ("busy, one CPU", vec![Step::Work { rounds }], Some(bench.settings.cpu)),
    ];
    let periods: &[u64] = bench.settings.pick(&[100, 1_000, 10_000, 100_000], &[1_000, 10_000]);
    for (case, steps, cpu) in cases {
        for run in 0..bench.settings.runs.min(3) {
            let alone = Job { cpu, ..Job::steps(steps.clone()) };
            let time = bench.supervisor.run(&alone)?.seen()?.whole.wall_s;
            rows.add(case, "none", run, "time", Some(time), "s");
            for place in Place::ALL {
                for &every_us in periods {
                    let (backend, style) = (Backend::Statm, Style::Traceq);
                    let observer = Some(Observer { place, backend, every_us, style });
                    let outcome = bench.supervisor.run(&Job { observer, ..alone.clone() })?;
                    let record = outcome.seen()?;
                    let watch = outcome.watch.as_ref().or(record.watch.as_ref());
                    let subject = format!("{}, {} ms", place.name(), every_us as f64 / 1e3);
                    let mut add = |quantity, value, unit| {
                        rows.add(case, &subject, run, quantity, value, unit);
                    };
                    add("time", Some(record.whole.wall_s), "s");
                    add("nominal", Some(every_us as f64 / 1e6), "s");
                    add("period", watch.and_then(|watch| watch.real_period_s), "s");
                    add("late p99", watch.and_then(|watch| watch.late_p99_s), "s");
                    add("cost", watch.and_then(|watch| watch.cost_s), "s");
                    add("samples", watch.map(|watch| watch.samples as f64), "");
                    add("missed", watch.map(|watch| watch.missed as f64), "");
                }
            }
        }
    }
    Ok(())
}

fn analyze(part: &Part) -> Section {
    let header = [
        "victim",
        "sampler",
        "samples",
        "missed",
        "period error, %",
        "late p99, µs",
        "cost, µs",
        "slow-down, %",
    ];
    let mut table = Table::new(
        "Samplers by place and period: medians, and the slow-down of the fastest runs",
        &header,
    );
    let mut costs = Vec::new();
    for case in part.cases() {
        let alone = part.least(&case, "none", "time");
        for subject in part.subjects(&case).into_iter().filter(|subject| subject != "none") {
            let median = |quantity| part.median(&case, &subject, quantity);
            let micro = |seconds: Option<f64>| fixed(seconds.map(|s| 1e6 * s), 1);
            costs.extend(median("cost"));
            table.row([
                case.clone(),
                subject.clone(),
                fixed(median("samples"), 0),
                fixed(median("missed"), 0),
                percent(median("period").zip(median("nominal")).map(|(t, n)| t / n - 1.0), 2),
                micro(median("late p99")),
                micro(median("cost")),
                percent(
                    part.least(&case, &subject, "time")
                        .zip(alone)
                        .map(|(t, alone)| t / alone - 1.0),
                    1,
                ),
            ]);
        }
    }
    Section {
        name: "P4".to_owned(),
        title: "P4 Cost and drift of samplers".to_owned(),
        about: "The same work with a sampler of the resident set in a thread, in a child process, and \
                outside the control group. Deadlines are absolute, so the period does not drift; how \
                late single samples are is the machine's matter. Times are noisy where others use it."
            .to_owned(),
        answer: format!(
            "A sample costs {} µs in the median of all settings, so that periods below a millisecond \
             are felt where the victim has one CPU.",
            fixed(crate::stats::median(&costs).map(|s| 1e6 * s), 1)
        ),
        tables: vec![table],
        figures: Vec::new(),
        absent: part.absences(),
    }
}

//! P10: an observer inside the measured group is measured too.

use traceq::probe::Backend;

use super::{Bench, Pitfall, no_files};
use crate::observer::{Observer, Place, Style};
use crate::protocol::{Part, Rows};
use crate::report::Section;
use crate::schedule::{Step, held};
use crate::tables::{Table, fixed, kib, mib};
use crate::victim::Job;

pub(super) const PITFALL: Pitfall = Pitfall { name: "P10", generate: no_files, profile, analyze };

fn profile(bench: &Bench<'_>, rows: &mut Rows) -> anyhow::Result<()> {
    if let Some(why) = bench.supervisor.no_groups() {
        rows.absent("the peak of the control group", why);
        return Ok(());
    }
    let work: Vec<Step> = held(0, bench.settings.pick(64, 8) << 10)
        .into_iter()
        .chain([Step::Sleep { us: bench.settings.pick(500_000, 150_000) }])
        .collect();
    let shells =
        |n| vec![Step::Shell { every_ms: 10 }; n].into_iter().chain(work.clone()).collect();
    let observer =
        |place| Observer { place, backend: Backend::Statm, every_us: 10_000, style: Style::Traceq };
    let cases: [(&str, Vec<Step>, Option<Observer>); 5] = [
        ("nobody", work.clone(), None),
        ("sampler outside", work.clone(), Some(observer(Place::Outside))),
        ("sampler process inside", work.clone(), Some(observer(Place::Process))),
        ("one shell loop inside", shells(1), None),
        ("four shell loops inside", shells(4), None),
    ];
    for run in 0..bench.settings.runs {
        for (case, steps, observer) in &cases {
            let job = Job { observer: *observer, ..Job::steps(steps.clone()) };
            let outcome = bench.supervisor.run(&job)?;
            rows.add(case, "victim", run, "peak", outcome.group_peak.map(|b| b as f64), "B");
            let own = outcome.seen()?.whole.resident;
            rows.add(case, "victim", run, "mark", own.map(|b| b as f64), "B");
        }
    }
    Ok(())
}

fn analyze(part: &Part) -> Section {
    let header = [
        "observer",
        "cgroup's peak, MiB",
        "above nobody's, KiB",
        "sd, KiB",
        "victim's own mark, MiB",
    ];
    let mut table = Table::new("Who looks, and what that adds; median of the runs", &header);
    let alone = part.median("nobody", "victim", "peak");
    let mut most = Vec::new();
    for case in part.cases() {
        let (peak, mark) =
            (part.median(&case, "victim", "peak"), part.median(&case, "victim", "mark"));
        let excess = peak.zip(alone).map(|(peak, alone)| peak - alone);
        most.extend(excess);
        let sd = crate::stats::deviation(&part.values(&case, "victim", "peak"));
        table.row([
            case.clone(),
            mib(peak),
            kib(excess),
            fixed(sd.map(|b| b / 1024.0), 0),
            mib(mark),
        ]);
    }
    Section {
        name: "P10".to_owned(),
        title: "P10 An observer inside".to_owned(),
        about: "The peak of a victim's control group with nobody looking, a sampler outside, a sampler \
                inside, and shell loops inside that start three programs for each sample."
            .to_owned(),
        answer: format!(
            "Observers inside the group add up to {} KiB to its peak. The victim's own high-water mark \
             does not change.",
            kib(crate::stats::worst(&most))
        ),
        tables: vec![table],
        figures: Vec::new(),
        absent: part.absences(),
    }
}

//! P6: a process inherits a peak that it never had.

use super::{Bench, Pitfall, no_files};
use crate::protocol::{Part, Rows};
use crate::report::Section;
use crate::schedule::{Start, Step, held};
use crate::tables::{Table, mib};
use crate::victim::Job;

pub(super) const PITFALL: Pitfall = Pitfall { name: "P6", generate: no_files, profile, analyze };

fn profile(bench: &Bench<'_>, rows: &mut Rows) -> anyhow::Result<()> {
    for mib in bench.settings.pick([0, 200, 1000], [0, 32, 64]) {
        for (start, frees) in
            [(Start::Spawn, false), (Start::Spawn, true), (Start::Fork, false), (Start::Fork, true)]
        {
            let mut steps = Vec::new();
            if mib > 0 {
                steps.extend(held(0, mib << 10));
            }
            if frees {
                steps.push(Step::Free { slot: 0 });
            }
            let child: Vec<Step> = held(0, 8 << 10).into_iter().chain([Step::Check]).collect();
            steps.push(Step::Child { steps: child, start });
            let case = format!("{mib} MiB");
            let how = if start == Start::Spawn { "posix_spawn" } else { "fork" };
            let subject = if frees { format!("{how}, after freeing") } else { how.to_owned() };
            for run in 0..bench.settings.runs.min(3) {
                let outcome = bench.supervisor.run(&Job::steps(steps.clone()))?;
                let child = &outcome.seen()?.children[0];
                for counter in ["status", "hwm", "rusage"] {
                    let value = child.checks[0].get(counter).map(|bytes| bytes as f64);
                    rows.add(&case, &subject, run, counter, value, "B");
                }
                let group = outcome.group_peak.map(|bytes| bytes as f64);
                rows.add(&case, &subject, run, "cgroup", group, "B");
            }
        }
    }
    Ok(())
}

fn analyze(part: &Part) -> Section {
    let header = [
        "parent held",
        "child started by",
        "child's VmRSS",
        "child's VmHWM",
        "child's ru_maxrss",
        "cgroup of both",
    ];
    let mut table = Table::new("A child that holds 8 MiB, MiB", &header);
    let mut worst = 0.0_f64;
    for case in part.cases() {
        for how in part.subjects(&case) {
            let median = |quantity| part.median(&case, &how, quantity);
            let over = median("rusage").zip(median("hwm")).map(|(rusage, hwm)| rusage - hwm);
            worst = worst.max(over.unwrap_or_default());
            let cells = ["status", "hwm", "rusage", "cgroup"].map(|quantity| mib(median(quantity)));
            table.row([case.clone(), how.clone()].into_iter().chain(cells));
        }
    }
    Section {
        name: "P6".to_owned(),
        title: "P6 Inheritance".to_owned(),
        about:
            "A process that holds, or has held, memory starts a small child. ru_maxrss belongs to \
                the process and survives exec; VmHWM belongs to the program's own memory."
                .to_owned(),
        answer: format!(
            "ru_maxrss of the child was up to {} MiB above its own high-water mark. VmHWM never was: \
             it is the peak to read of a program that others started.",
            mib(Some(worst))
        ),
        tables: vec![table],
        figures: Vec::new(),
        absent: part.absences(),
    }
}

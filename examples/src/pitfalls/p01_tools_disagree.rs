//! P1: one process, one moment, many numbers.

use super::{Bench, Pitfall, no_files};
use crate::protocol::{Part, Rows};
use crate::report::Section;
use crate::schedule::{Allocator, Step};
use crate::tables::{Table, fixed, kib, mib, percent};

pub(super) const PITFALL: Pitfall = Pitfall { name: "P1", generate: no_files, profile, analyze };

const COUNTERS: [&str; 9] =
    ["heap", "statm", "status", "smaps", "sysinfo", "hwm", "rusage", "cgroup_now", "cgroup"];

fn profile(bench: &Bench<'_>, rows: &mut Rows) -> anyhow::Result<()> {
    for mib in bench.settings.pick([64, 256, 1024], [4, 16, 32]) {
        let (case, kib) = (format!("{mib} MiB"), mib << 10);
        // Requested from the allocator, so that the heap sees it too.
        let job = crate::victim::Job::steps([
            Step::Malloc { slot: 0, kib, allocator: Allocator::System },
            Step::Touch { slot: 0, kib },
            Step::Check,
        ]);
        for run in 0..bench.settings.runs {
            let outcome = bench.supervisor.run(&job)?;
            let record = outcome.seen()?;
            let check = &record.checks[0];
            for counter in COUNTERS {
                let value = check.get(counter).map(|bytes| bytes as f64);
                let rise = check.rise(&record.baseline, counter);
                // The group has a peak of its own life only.
                let truth = (kib << 10) as f64;
                rows.add(&case, counter, run, "value", value, "B");
                rows.add(&case, counter, run, "error", rise.map(|rise| rise - truth), "B");
            }
        }
    }
    Ok(())
}

fn analyze(part: &Part) -> Section {
    let header =
        ["size", "counter", "value, MiB", "growth − truth, KiB", "in %", "value − truth, KiB"];
    let mut table = Table::new("What each counter says, median of the runs", &header);
    let mut worst = (String::new(), 0.0_f64);
    let (mut apart, mut floor) = (Vec::new(), Vec::new());
    for case in part.cases() {
        let truth = size_of(&case);
        for counter in part.subjects(&case) {
            let (value, error) =
                (part.median(&case, &counter, "value"), part.median(&case, &counter, "error"));
            if let Some(off) = value.map(|value| value - truth).filter(|off| off.abs() > worst.1) {
                worst = (format!("{counter} at {case}"), off.abs());
            }
            if ["statm", "status", "smaps", "sysinfo", "hwm"].contains(&counter.as_str()) {
                apart.extend(error);
            } else if counter == "rusage" {
                floor.extend(error);
            }
            table.row([
                case.clone(),
                counter.clone(),
                mib(value),
                kib(error),
                percent(error.map(|error| error / truth), 2),
                kib(value.map(|value| value - truth)),
            ]);
        }
    }
    Section {
        name: "P1".to_owned(),
        title: "P1 Tools disagree".to_owned(),
        about:
            "A process requests memory, touches all of it, and asks every counter. Growth is the \
                value less the same counter's value just before."
                .to_owned(),
        answer: format!(
            "As they stand, the values differ from the truth by up to {} MiB ({}): they hold the \
             program itself, what was inherited, or what the kernel charges besides. As growth over \
             their own baseline, levels and VmHWM of the resident set are within {} KiB of it. ru_maxrss is \
             off by {} KiB at worst: it begins at a floor from before the program.",
            fixed(Some(worst.1 / f64::from(1 << 20)), 1),
            worst.0,
            kib(crate::stats::worst(&apart)),
            kib(crate::stats::worst(&floor)),
        ),
        tables: vec![table],
        figures: Vec::new(),
        absent: part.absences(),
    }
}

/// `64 MiB` in bytes.
pub(super) fn size_of(case: &str) -> f64 {
    let number = case.split(' ').next().and_then(|number| number.parse::<f64>().ok());
    number.unwrap_or_default() * f64::from(1 << 20)
}

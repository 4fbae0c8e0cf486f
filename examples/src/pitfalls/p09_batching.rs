//! P9: two ledgers, huge pages, and threads.

use super::{Bench, Pitfall, no_files};
use crate::protocol::{Part, Rows};
use crate::report::Section;
use crate::schedule::{PageSize, Step};
use crate::stats::{median, worst};
use crate::tables::{Table, fixed, kib};
use crate::victim::Job;

pub(super) const PITFALL: Pitfall = Pitfall { name: "P9", generate: no_files, profile, analyze };

/// For each thread; no whole number of batches or huge pages.
const KIB: u64 = 3 * 1024 + 100;

fn profile(bench: &Bench<'_>, rows: &mut Rows) -> anyhow::Result<()> {
    let pages =
        [("never", PageSize::Small), ("as set", PageSize::AsSet), ("wanted", PageSize::Huge)];
    for (case, pages) in pages {
        for n in bench.settings.pick(&[1, 2, 4, 8][..], &[1, 2]) {
            let repeats = bench.settings.pick(30, 5);
            let step = Step::Ledgers { n: *n, kib: KIB, pages };
            let outcome = bench.supervisor.run(&Job::steps(vec![step; repeats]))?;
            let truth = ((*n as u64 * KIB) << 10) as f64;
            for (run, ledgers) in (0..).zip(&outcome.seen()?.ledgers) {
                let subject = n.to_string();
                rows.add(case, &subject, run, "same", Some(ledgers.same as f64 - truth), "B");
                rows.add(case, &subject, run, "mixed", Some(ledgers.mixed as f64 - truth), "B");
            }
        }
    }
    rows.absent("huge pages always", "a setting of the machine, which an experiment leaves alone");
    Ok(())
}

fn analyze(part: &Part) -> Section {
    let header = [
        "huge pages",
        "threads",
        "runs",
        "same ledger: median",
        "worst",
        "VmRSS as baseline: median",
        "worst",
    ];
    let mut table = Table::new("Growth of the mark less truth, KiB", &header);
    let (mut same_all, mut mixed_all) = (Vec::new(), Vec::new());
    for case in part.cases() {
        for n in part.subjects(&case) {
            let (same, mixed) = (part.values(&case, &n, "same"), part.values(&case, &n, "mixed"));
            table.row([
                case.clone(),
                n.clone(),
                same.len().to_string(),
                kib(median(&same)),
                kib(worst(&same)),
                kib(median(&mixed)),
                kib(worst(&mixed)),
            ]);
            if case == "never" {
                same_all.extend(same);
                mixed_all.extend(mixed);
            }
        }
    }
    let size = |bytes: Option<f64>| fixed(bytes.map(|bytes| bytes.abs() / 1024.0), 0);
    Section {
        name: "P9".to_owned(),
        title: "P9 Huge pages and batching".to_owned(),
        about: "Threads map, write and free memory of known size. The high-water mark is kept in \
                batches, as is field 24 of stat; VmRSS is exact since Linux 6.16. A baseline from \
                another ledger adds that ledger's error. Few threads on few CPUs do not show the error \
                of many: its bound grows with the square of the CPUs."
            .to_owned(),
        answer: format!(
            "Without huge pages the growth over the mark's own ledger is off by at most {} KiB, over \
             VmRSS by {} KiB; the bound of one batched counter here is {} KiB.",
            size(worst(&same_all)),
            size(worst(&mixed_all)),
            traceq::counter_bound_bytes() >> 10,
        ),
        tables: vec![table],
        figures: Vec::new(),
        absent: part.absences(),
    }
}

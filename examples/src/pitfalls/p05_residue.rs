//! P5: what a first run leaves behind hides what the next one takes.

use std::path::PathBuf;

use super::{Bench, Pitfall, no_files};
use crate::figures::{Content, Figure, Look, Scale, Series};
use crate::protocol::{Part, Rows};
use crate::report::Section;
use crate::schedule::{Allocator, Step};
use crate::tables::{Table, mib};
use crate::victim::Job;

pub(super) const PITFALL: Pitfall = Pitfall { name: "P5", generate: no_files, profile, analyze };

const ROUNDS: usize = 10;
const BLOCKS: usize = 32;
const BLOCK_KIB: u64 = 1024;

/// Ten regions, each of which requests, writes and frees the same blocks, and leaves a small result
/// that is freed during the next. A larger block before them makes the C library keep such blocks in
/// its heap, unless its threshold is fixed; the results keep the heap from shrinking.
fn steps(allocator: Allocator) -> Vec<Step> {
    let take = |slot, kib| [Step::Malloc { slot, kib, allocator }, Step::Touch { slot, kib }];
    let before = take(0, 4 * BLOCK_KIB).into_iter().chain([Step::Free { slot: 0 }]);
    let round = |round| {
        let (result, old) = (BLOCKS + round % 2, BLOCKS + (round + 1) % 2);
        let taken = (0..BLOCKS).flat_map(move |slot| take(slot, BLOCK_KIB));
        let results = take(result, 64).into_iter().chain([Step::Free { slot: old }]);
        let freed = (0..BLOCKS).map(|slot| Step::Free { slot });
        [Step::Open].into_iter().chain(taken).chain(results).chain(freed).chain([Step::Close])
    };
    before.chain((0..ROUNDS).flat_map(round)).collect()
}

fn profile(bench: &Bench<'_>, rows: &mut Rows) -> anyhow::Result<()> {
    let mut cases = vec![
        ("C library, as it comes", Allocator::System, None),
        ("C library, fixed threshold", Allocator::Steady, None),
    ];
    for (case, library) in [("jemalloc", "libjemalloc.so.2"), ("mimalloc", "libmimalloc.so.2")] {
        match installed(library) {
            Some(path) => cases.push((case, Allocator::System, Some(path))),
            None => rows.absent(case, &format!("{library} is not installed")),
        }
    }
    for (case, allocator, preload) in cases {
        let outcome = bench.supervisor.run(&Job { preload, ..Job::steps(steps(allocator)) })?;
        for (round, taken) in (0..).zip(&outcome.seen()?.regions) {
            let bytes = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64);
            rows.add(case, "region", round, "resident", bytes(taken.resident), "B");
            rows.add(case, "region", round, "heap", bytes(taken.heap), "B");
        }
    }
    Ok(())
}

/// Where a shared library is, in the usual folders and those of an architecture below them.
fn installed(library: &str) -> Option<PathBuf> {
    let usual = ["/usr/local/lib", "/usr/lib64", "/usr/lib"].map(PathBuf::from);
    let below = |folder: &PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let inner = usual.iter().flat_map(below).map(|entry| entry.path());
    let folders = usual.iter().cloned().chain(inner.filter(|path| path.is_dir()));
    folders.map(|folder| folder.join(library)).find(|path| path.is_file())
}

fn analyze(part: &Part) -> Section {
    let header = [
        "allocator",
        "resident, run 1",
        "resident, run 2",
        "resident, run 10",
        "heap, run 1",
        "heap, run 10",
    ];
    let mut table = Table::new("Growth of one region, repeated in one process, MiB", &header);
    let (mut series, mut hidden) = (Vec::new(), 0.0_f64);
    for (colour, case) in part.cases().into_iter().enumerate() {
        let (resident, heap) =
            (part.values(&case, "region", "resident"), part.values(&case, "region", "heap"));
        let cells = [resident.first(), resident.get(1), resident.last(), heap.first(), heap.last()];
        table.row([case.clone()].into_iter().chain(cells.map(|bytes| mib(bytes.copied()))));
        if let (Some(first), Some(last)) = (resident.first(), resident.last()) {
            hidden = hidden.max(first - last);
        }
        let points = resident.iter().enumerate();
        let points = points.map(|(run, bytes)| ((run + 1) as f64, bytes / f64::from(1 << 20)));
        let points = points.collect();
        series.push(Series { name: case, points, look: Look::Joined, colour });
    }
    let y_max = series.iter().flat_map(|one| &one.points).map(|point| point.1).fold(1.0, f64::max);
    Section {
        name: "P5".to_owned(),
        title: "P5 Residue".to_owned(),
        about: format!(
            "A region requests, writes and frees {BLOCKS} blocks of 1 MiB and leaves a small result, \
             ten times in one process."
        ),
        answer: format!(
            "The heap says the same every time. The resident growth of the tenth run is up to {} MiB \
             less than that of the first, as it uses again what the allocator kept: measure in fresh \
             processes, or fix the threshold.",
            mib(Some(hidden))
        ),
        tables: vec![table],
        figures: vec![Figure {
            name: "P5".to_owned(),
            title: "Resident growth of the same region".to_owned(),
            x: "run".to_owned(),
            y: "MiB".to_owned(),
            content: Content::Lines { series, y_max: 1.1 * y_max, scale: Scale::Linear },
        }],
        absent: part.absences(),
    }
}

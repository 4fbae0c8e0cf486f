//! The high-water mark of regions, in a process where nothing else runs: one test only.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod memory;

use memory::{KIB, MIB, fill};
use traceq::{Region, counter_bound_bytes, measure, process_peak};

fn growth(bytes: usize, keep: bool) -> i64 {
    let (kept, report) = measure(|| {
        let block = fill(bytes);
        keep.then_some(block)
    });
    drop(kept);
    report.rss.unwrap().bytes() as i64 - bytes as i64
}

#[test]
fn regions_are_exact() {
    let bound = counter_bound_bytes() as i64;
    let _ = growth(MIB, false);
    // Where huge pages come unasked, a fault is not a page, and the batches bound the error.
    let huge = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled");
    let exact =
        if huge.is_ok_and(|text| text.contains("[always]")) { bound } else { 4 * KIB as i64 };
    println!("bound of a batched counter: {bound} bytes");

    // Still held at the end: the level is exact, whatever the size.
    for bytes in [256 * KIB, 300 * KIB, 1000 * KIB, 10_000 * KIB, 64 * MIB, 256 * MIB] {
        for _ in 0..10 {
            let error = growth(bytes, true);
            println!("held, {} KiB: {error} bytes", bytes / KIB);
            assert!(error.abs() <= 4 * KIB as i64, "{} KiB held: {error}", bytes / KIB);
        }
    }

    // Freed inside, taken once: the faults say what the batches of the mark hide.
    for bytes in [256, 300, 1000, 1024, 4096, 10_000, 65_536, 1 << 20].map(|kib| kib * KIB) {
        let runs = if bytes > 256 * MIB { 3 } else { 21 };
        let mut errors: Vec<i64> = (0..runs).map(|_| growth(bytes, false)).collect();
        errors.sort_by_key(|error| error.abs());
        println!("freed, {} KiB: {errors:?}", bytes / KIB);
        assert!(errors[runs - 1].abs() <= exact, "{} KiB: {errors:?}", bytes / KIB);
    }

    // Freed inside, taken again and again: two schedules with different peaks leave the same mark and
    // the same number of faults behind, so no reading afterwards can tell them apart ...
    let pages = |rounds: &[usize]| {
        let region = Region::enter("pages");
        rounds.iter().for_each(|n| drop(fill(n * 4 * KIB)));
        region.close()
    };
    for (rounds, peak) in [(&[127, 64][..], 127), (&[96, 95], 96)] {
        let report = pages(rounds);
        let (rss, bounds) = (report.rss.unwrap().bytes(), report.rss_bounds.unwrap());
        println!("pages {rounds:?}: {report}");
        let truth = (peak * 4 * KIB) as u64;
        assert!((bounds.at_least_bytes..=bounds.at_most_bytes).contains(&truth), "{bounds:?}");
        assert!((rss as i64 - truth as i64).abs() <= bound, "{report}");
    }
    // ... unless the program looks before it frees.
    let region = Region::enter("looks");
    for n in [127, 95, 126, 64] {
        let block = fill(n * 4 * KIB);
        region.look();
        drop(block);
    }
    let report = region.close();
    println!("{report}");
    let (rss, bounds) = (report.rss.unwrap().bytes(), report.rss_bounds.unwrap());
    assert_eq!(rss, 127 * 4 * KIB as u64, "{report}");
    assert!(bounds.at_least_bytes == rss && bounds.at_most_bytes >= rss, "{bounds:?}");

    // A spike of 0.1 ms is seen, always.
    let missed = (0..1000).filter(|_| growth(MIB, false).abs() > exact).count();
    assert_eq!(missed, 0);

    // An inner region resets the mark, and takes nothing from the outer one.
    let outer = Region::enter("outer");
    drop(fill(64 * MIB));
    let inner = Region::enter("inner");
    drop(fill(8 * MIB));
    let inner = inner.close().rss.unwrap();
    let outer = outer.close();
    assert!(!outer.shared, "regions of one thread are nested, not concurrent");
    let outer_rss = outer.rss.unwrap();
    assert!((outer_rss.bytes() as i64 - 64 * MIB as i64).abs() <= bound, "{outer}");
    assert!((inner.bytes() as i64 - 8 * MIB as i64).abs() <= bound, "{} bytes", inner.bytes());
    assert!(process_peak().unwrap().bytes >= outer_rss.peak.bytes - bound as u64);

    // Two threads: both see both, and say so.
    let barrier = std::sync::Barrier::new(2);
    let reports: Vec<_> = std::thread::scope(|scope| {
        let run = || {
            let region = Region::enter("thread");
            barrier.wait();
            let block = fill(16 * MIB);
            barrier.wait();
            drop(block);
            region.close()
        };
        let threads = [scope.spawn(run), scope.spawn(run)];
        threads.map(|thread| thread.join().unwrap()).into()
    });
    for report in &reports {
        let error = report.rss.unwrap().bytes() as i64 - 32 * MIB as i64;
        assert!(report.shared, "{report}");
        assert!(error.abs() <= 3 * bound, "{report}: {error}");
    }

    // Faults and levels belong to the region.
    let (_kept, report) = measure(|| fill(MIB));
    assert!(report.faults.unwrap().minor >= 256, "{:?}", report.faults);
    assert!(report.levels.unwrap().anon_bytes.unwrap() >= MIB as u64);

    traceq::set_enabled(false);
    let off = measure(|| fill(MIB)).1;
    assert!(off.rss.is_none() && off.wall.is_none() && off.faults.is_none(), "{off:?}");
    traceq::set_enabled(true);
}

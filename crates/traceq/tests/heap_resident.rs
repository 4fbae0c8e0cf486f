//! The resident peak of heap blocks that come and go: one test only.

use std::hint::black_box;

use traceq::{TraceqAlloc, measure};

#[global_allocator]
static ALLOC: TraceqAlloc = TraceqAlloc::system();

const KIB: usize = 1024;

/// Larger than glibc's largest threshold, so each block is a mapping of its own.
fn block(kib: usize) -> Vec<u8> {
    black_box(vec![1_u8; 33_000 * KIB + kib * KIB])
}

#[test]
fn the_allocator_looks_before_it_frees() {
    let huge = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled");
    if cfg!(not(target_env = "gnu")) || huge.is_ok_and(|text| text.contains("[always]")) {
        eprintln!("skipped: blocks do not have the size of their pages here");
        return;
    }
    let _ = measure(|| drop(block(0)));
    for run in 0..20 {
        // Taken many times, and each time the highest is another one: faults settle nothing.
        let ((), report) = measure(|| {
            for kib in [4, 300, 108, 452, 260] {
                drop(block(kib));
            }
        });
        // A block has its header before it, which begins one page more.
        let truth = (33_000 + 452 + 4) * KIB;
        let (rss, bounds) = (report.rss.unwrap().bytes() as i64, report.rss_bounds.unwrap());
        let error = rss - truth as i64;
        println!("run {run}: error {error}, {report}");
        assert!(error.abs() <= 4 * KIB as i64, "run {run}: {error}, {report}");
        let truth = truth as u64;
        assert!((bounds.at_least_bytes..=bounds.at_most_bytes).contains(&truth), "{bounds:?}");
    }
}

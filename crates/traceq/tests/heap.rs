//! The counting allocator, to the byte, on the one thread that allocates: one test only.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::hint::black_box;

use traceq::{Region, TraceqAlloc, assert_peak, heap};

#[global_allocator]
static ALLOC: TraceqAlloc = TraceqAlloc::system();

fn live() -> u64 {
    heap::live_bytes().unwrap()
}

/// Blocks of many sizes, grown, shrunk and freed in another order; its peak is known by adding up.
fn schedule() -> (u64, u64) {
    let mut seed = 7_u64;
    let mut blocks: Vec<Vec<u8>> = Vec::with_capacity(500);
    let (mut now, mut peak) = (500 * size_of::<Vec<u8>>() as u64, 0);
    peak = now.max(peak);
    for step in 0..2000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let random = (seed >> 33) as usize;
        if step % 3 == 2 {
            let block = blocks.swap_remove(random % blocks.len());
            now -= block.capacity() as u64;
        } else if step % 7 == 1 {
            let place = random % blocks.len();
            let block = &mut blocks[place];
            let old = block.capacity() as u64;
            block.reserve_exact(random % 200_000 + 1);
            now = now - old + block.capacity() as u64;
        } else if blocks.len() < 500 {
            let block = Vec::with_capacity(random % 50_000 + 1);
            now += block.capacity() as u64;
            blocks.push(block);
        }
        peak = peak.max(now);
    }
    (peak, blocks.iter().map(|block| block.capacity() as u64).sum())
}

#[test]
fn heap_is_exact() {
    // The harness's thread keeps a balance to itself; a level must be above that to be shown.
    let _above = black_box(vec![0_u8; 1 << 20]);

    // Small steps first, where nothing may be hidden in a batch.
    let before = live();
    let one = black_box(Box::new(1_u64));
    assert_eq!(live() - before, 8);
    drop(one);
    let mut grown: Vec<u8> = Vec::with_capacity(10);
    grown.reserve_exact(1000);
    assert_eq!(live() - before, 1000, "realloc counts the difference");
    grown.shrink_to(100);
    assert_eq!(live() - before, 100);
    drop(grown);
    let zeroed = black_box(vec![0_u8; 12_345]);
    assert_eq!(live() - before, 12_345);
    drop(zeroed);
    assert_eq!(live(), before);

    // The same schedule gives the same peak, a hundred times, and it is the true one.
    for run in 0..100 {
        let region = Region::enter_heap("schedule");
        let (peak, _) = schedule();
        let report = region.close();
        let (process, thread) = (report.heap.unwrap(), report.thread_heap.unwrap());
        assert_eq!(thread.peak_bytes, peak, "run {run}");
        assert_eq!(thread.end_bytes, 0, "run {run}");
        assert_eq!(process.bytes(), peak, "run {run}: only this thread allocates");
        assert!(process.peak.bytes <= heap::peak_bytes().unwrap());
    }

    // Nested, and left in another order than entered.
    let outer = Region::enter_heap("outer");
    drop(black_box(vec![1_u8; 500_000]));
    let inner = Region::enter_heap("inner");
    let kept = black_box(vec![1_u8; 70_000]);
    let outer = outer.close();
    drop(black_box(vec![1_u8; 90_000]));
    drop(kept);
    let inner = inner.close();
    assert_eq!(outer.thread_heap.unwrap().peak_bytes, 500_000);
    assert_eq!(outer.thread_heap.unwrap().end_bytes, 70_000);
    assert_eq!(inner.thread_heap.unwrap().peak_bytes, 160_000);
    assert_eq!(inner.thread_heap.unwrap().end_bytes, 0);

    // A region frees what is older.
    let old = black_box(vec![1_u8; 1000]);
    let region = Region::enter_heap("frees");
    drop(old);
    let freed = region.close().thread_heap.unwrap();
    assert_eq!((freed.peak_bytes, freed.end_bytes), (0, -1000));

    // More regions than there is room for: absent, not wrong.
    let many: Vec<_> = (0..100).map(|_| Region::enter_heap("many")).collect();
    let absent = many.into_iter().map(Region::close);
    let absent = absent.filter(|report| report.heap.is_none()).count();
    assert!((30..100).contains(&absent), "{absent} of 100");
    let region = Region::enter_heap("again");
    drop(black_box(vec![1_u8; 4321]));
    assert_eq!(region.close().heap.unwrap().bytes(), 4321);

    assert_eq!(assert_peak!(thread heap < 4322 B, black_box(vec![1_u8; 4321]).len()), 4321);
    let failed =
        std::panic::catch_unwind(|| assert_peak!(thread heap < 4 KiB, black_box(vec![1_u8; 4321])));
    let message = *failed.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("4321 bytes") && message.contains("4096 bytes"), "{message}");

    let report = traceq::selftest(traceq::SelftestOptions {
        largest_bytes: 16 << 20,
        n_spikes: 20,
        n_runs: 3,
    });
    println!("{report}");
    let heap = report.checks.iter().find(|check| check.backend == "heap").unwrap();
    assert!(heap.passed() && matches!(heap.outcome, traceq::Outcome::Error { .. }), "{heap:?}");
}

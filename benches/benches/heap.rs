//! What the counting allocator costs above the allocator below it.
//!
//! Both are called directly, in the same program, so that nothing else differs. At the end they are
//! compared in turns, which a noisy machine disturbs less than one after the other.

#![expect(unsafe_code, reason = "an allocator is unsafe by its trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, criterion_group};
use traceq::TraceqAlloc;

static COUNTING: TraceqAlloc = TraceqAlloc::system();

/// Takes a block and gives it back.
fn pair(alloc: &impl GlobalAlloc, layout: Layout) {
    // SAFETY: the layout is not empty, and the block goes back to where it came from, once.
    unsafe {
        let block = black_box(alloc.alloc(layout));
        alloc.dealloc(block, layout);
    }
}

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, 8).expect("a small layout")
}

/// Blocks of many sizes that live for a while, as in a program that does little else.
fn heavy(alloc: &impl GlobalAlloc, n: u32) {
    let mut seed = 7_u32;
    let mut blocks: Vec<Option<(*mut u8, Layout)>> = vec![None; 256];
    let mut exchange = |place: usize, new: Option<Layout>| {
        // SAFETY: each block is given back once, with its layout; the first byte is inside.
        unsafe {
            if let Some((block, layout)) = blocks[place].take() {
                alloc.dealloc(block, layout);
            }
            blocks[place] = new.map(|layout| {
                let block = alloc.alloc(layout);
                assert!(!block.is_null(), "out of memory");
                block.write(1);
                (block, layout)
            });
        }
    };
    for _ in 0..n {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        exchange((seed >> 24) as usize, Some(layout(16 + (seed >> 12 & 0x7ff) as usize)));
    }
    (0..256).for_each(|place| exchange(place, None));
}

/// The same in two threads.
fn heavy_twice(alloc: &(impl GlobalAlloc + Sync), n: u32) {
    std::thread::scope(|scope| {
        scope.spawn(|| heavy(alloc, n));
        heavy(alloc, n);
    });
}

fn pairs(c: &mut Criterion) {
    let mut group = c.benchmark_group("allocation pair");
    group.sample_size(30);
    for bytes in [32, 1024] {
        let layout = layout(bytes);
        group.bench_function(format!("system/{bytes} B"), |b| b.iter(|| pair(&System, layout)));
        group.bench_function(format!("traceq/{bytes} B"), |b| b.iter(|| pair(&COUNTING, layout)));
    }
    group.finish();
    let mut group = c.benchmark_group("allocation-heavy, 2 threads");
    group.sample_size(20);
    group.bench_function("system", |b| b.iter(|| heavy_twice(&System, 100_000)));
    group.bench_function("traceq", |b| b.iter(|| heavy_twice(&COUNTING, 100_000)));
    group.finish();
}

/// Seconds of both in turns: smallest and median of each.
fn in_turns(rounds: usize, a: impl Fn(), b: impl Fn()) -> [(f64, f64); 2] {
    let seconds = |f: &dyn Fn()| {
        let begun = Instant::now();
        f();
        begun.elapsed().as_secs_f64()
    };
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        times[0].push(seconds(&a));
        times[1].push(seconds(&b));
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        (times[0], times[rounds / 2])
    })
}

fn compare() {
    const N: u32 = 1_000_000;
    let layout = layout(64);
    let many = |alloc: &dyn Fn()| (0..N).for_each(|_| alloc());
    let [system, traceq] =
        in_turns(31, || many(&|| pair(&System, layout)), || many(&|| pair(&COUNTING, layout)));
    let ns = |s: f64| 1e9 * s / f64::from(N);
    println!(
        "\npair of 64 B: system {:.2} ns, traceq {:.2} ns: + {:.2} ns (smallest of 31), + {:.2} ns (median)",
        ns(system.0),
        ns(traceq.0),
        ns(traceq.0 - system.0),
        ns(traceq.1 - system.1),
    );
    let [system, traceq] =
        in_turns(31, || heavy_twice(&System, 200_000), || heavy_twice(&COUNTING, 200_000));
    println!(
        "allocation-heavy, 2 threads: × {:.3} (smallest of 31), × {:.3} (median)",
        traceq.0 / system.0,
        traceq.1 / system.1,
    );
}

criterion_group!(benches, pairs);

fn main() {
    benches();
    compare();
    Criterion::default().configure_from_args().final_summary();
}

//! The counting allocator with several threads: one test only.

use std::hint::black_box;
use std::sync::{Barrier, mpsc};

use traceq::{Region, TraceqAlloc, heap};

#[global_allocator]
static ALLOC: TraceqAlloc = TraceqAlloc::system();

/// Allocates in the destructor of a thread-local, after much of the thread is gone.
struct Late;

impl Drop for Late {
    fn drop(&mut self) {
        drop(black_box(vec![1_u8; 10_000]));
    }
}

thread_local! {
    static LATE: Late = const { Late };
}

#[test]
fn threads_stay_within_the_bound() {
    const N: usize = 8;
    const BYTES: usize = 3_000_017;

    // All hold their block at the same time, in small pieces, so that nothing is handed on at once.
    let barrier = Barrier::new(N);
    let region = Region::enter_heap("all");
    std::thread::scope(|scope| {
        for _ in 0..N {
            scope.spawn(|| {
                let own = Region::enter_heap("own");
                let pieces: Vec<Vec<u8>> =
                    (0..1000).map(|i| vec![1; BYTES / 1000 + i % 7]).collect();
                barrier.wait();
                let bytes: usize = pieces.iter().map(Vec::capacity).sum();
                let list = pieces.capacity() * size_of::<Vec<u8>>();
                drop(pieces);
                let own = own.close().thread_heap.unwrap();
                assert_eq!(own.peak_bytes as usize, bytes + list, "a thread's own mark is exact");
                assert_eq!(own.end_bytes, 0);
            });
        }
    });
    let report = region.close();
    let bound = report.heap_bound_bytes.unwrap();
    let pieces: usize = (0..1000).map(|i| BYTES / 1000 + i % 7).sum();
    let truth = (N * (pieces + 1000 * size_of::<Vec<u8>>())) as u64;
    let peak = report.heap.unwrap().bytes();
    println!("truth {truth}, peak {peak}, bound {bound} bytes");
    // The threads themselves (names, stacks' handles, results) take some kilobytes beside.
    assert!(peak + bound >= truth && peak <= truth + bound + N as u64 * 4096);

    // Blocks freed by another thread are booked there, and the process's sum is right.
    let before = heap::live_bytes().unwrap();
    let (to, from) = mpsc::channel::<Vec<u8>>();
    let freeing = std::thread::spawn(move || from.into_iter().for_each(drop));
    for _ in 0..10_000 {
        to.send(vec![1; 1000]).unwrap();
    }
    drop(to);
    freeing.join().unwrap();
    let after = heap::live_bytes().unwrap();
    assert!(after.abs_diff(before) < 16 * 1024, "{before} to {after}: joined threads hand on all");

    // A thousand short threads, each with a destructor that allocates: no balance is lost.
    let before = heap::live_bytes().unwrap();
    for _ in 0..1000 {
        std::thread::spawn(|| {
            LATE.with(|_| ());
            black_box(vec![1_u8; 777]);
        })
        .join()
        .unwrap();
    }
    let after = heap::live_bytes().unwrap();
    assert!(after.abs_diff(before) < 16 * 1024, "{before} to {after} bytes");
    assert!(heap::bound_bytes() <= (N as u64 + 5) * heap::FLUSH_BYTES, "{}", heap::bound_bytes());
}

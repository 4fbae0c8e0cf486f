//! Heap of `tracing` spans, to the byte: one test only.

#![cfg(feature = "tracing")]

use std::hint::black_box;
use std::sync::{Arc, Mutex};

use traceq::{RegionLayer, TraceqAlloc};
use tracing::info_span;
use tracing_subscriber::prelude::*;

#[global_allocator]
static ALLOC: TraceqAlloc = TraceqAlloc::system();

#[test]
fn a_span_that_is_entered_twice_adds_up() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&seen);
    let layer = RegionLayer::new(move |report| to.lock().unwrap().push(report)).heap_only();
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        let span = info_span!("task");
        let kept = span.in_scope(|| {
            drop(black_box(vec![1_u8; 300_000]));
            black_box(vec![1_u8; 100_000])
        });
        let beside = black_box(vec![1_u8; 900_000]);
        span.in_scope(|| drop(black_box(vec![1_u8; 250_000])));
        drop((beside, kept));
    });
    let reports = seen.lock().unwrap();
    let heap = reports[0].thread_heap.unwrap();
    assert_eq!((heap.peak_bytes, heap.end_bytes), (350_000, 100_000));
    assert_eq!(reports[0].name, "task");
}

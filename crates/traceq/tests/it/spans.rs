//! `tracing` spans as regions.

use std::hint::black_box;
use std::sync::{Arc, Mutex};

use traceq::{RegionLayer, RegionReport};
use tracing::info_span;
use tracing_subscriber::prelude::*;

type Report = Box<dyn Fn(RegionReport) + Send + Sync>;

fn reports(
    change: impl Fn(RegionLayer<Report>) -> RegionLayer<Report>,
    run: impl FnOnce(),
) -> Vec<RegionReport> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&seen);
    let report: Report = Box::new(move |report| to.lock().unwrap().push(report));
    let layer = change(RegionLayer::new(report));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), run);
    seen.lock().unwrap().clone()
}

#[test]
fn paths_depths_and_resident_sets() {
    let nested = || {
        let _read = info_span!("read").entered();
        let _decode = info_span!("decode").entered();
        let _deep = info_span!("deep").entered();
        black_box(vec![1_u8; 8 << 20]);
    };
    let all = reports(|layer| layer.depth(2), nested);
    let names: Vec<_> = all.iter().map(|report| report.name.as_ref()).collect();
    assert_eq!(names, ["read/decode", "read"]);
    for report in &all {
        // Other tests free and touch memory meanwhile, so only the order of size is certain.
        assert!(report.rss.unwrap().bytes() > 4 << 20, "{report}");
        assert!(report.wall.is_some() && report.heap.is_none());
    }
    let heap_only = reports(RegionLayer::heap_only, nested);
    assert_eq!(heap_only.len(), 3);
    assert!(heap_only.iter().all(|report| report.rss.is_none() && report.faults.is_none()));
}

#[test]
fn overlapping_spans_of_two_threads_are_marked_shared() {
    let all = reports(
        |layer| layer,
        || {
            let here = info_span!("here").entered();
            let dispatch = tracing::dispatcher::get_default(Clone::clone);
            let run = move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    info_span!("there").in_scope(|| black_box(vec![1_u8; 1 << 20]).len())
                })
            };
            std::thread::spawn(run).join().unwrap();
            drop(here);
        },
    );
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|report| report.shared), "{all:?}");
}

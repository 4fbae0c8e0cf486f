//! Time to fit, ask and update a memory model.

use std::hint::black_box;

use chunkfit_core::{ByteSize, MemoryModel, Shape};
use chunkfit_predict::{Ladder, Observation, Online, Scope};
use criterion::{Criterion, criterion_group, criterion_main};

/// Bytes of a task by voxels, voxels of a face, and noise.
type Need = fn(f64, f64, f64) -> f64;

/// 64 readings of a shape grid; each rung of the ladder is the answer to one of the cases.
const CASES: [(&str, Need); 4] = [
    ("line", |v, _, _| 1e8 + 8.0 * v),
    ("faces", |v, face, _| 1e8 + 28.0 * v + 4000.0 * face),
    ("sampled", |v, _, noise| 1e8 + 28.0 * v * (1.0 - 0.05 * noise.abs())),
    ("noisy", |v, _, noise| 1e8 + 28.0 * v * (1.0 + 0.05 * noise)),
];

fn observations(bytes: Need) -> Vec<Observation> {
    let axis = [100, 200, 300, 400];
    let mut out = Vec::with_capacity(64);
    for (i, a) in axis.into_iter().enumerate() {
        for (j, b) in axis.into_iter().enumerate() {
            for (k, c) in axis.into_iter().enumerate() {
                let shape = Shape::new([a, b, c]).expect("a shape");
                let noise = ((i * 16 + j * 4 + k) as f64 * 2.399).sin();
                let peak = bytes(shape.voxels() as f64, (a * c) as f64, noise);
                let mut seen = Observation::live_heap(shape, ByteSize::new(peak as u64));
                (seen.origin.scope, seen.base) = (Scope::HighWater, None);
                out.push(seen);
            }
        }
    }
    out
}

fn predicting(c: &mut Criterion) {
    let mut group = c.benchmark_group("predict");
    for (name, bytes) in CASES {
        let rows = observations(bytes);
        let ladder = Ladder::new();
        let fitted = ladder.fit(&rows).expect("readings of many volumes");
        let rung = fitted.rung();
        group.bench_function(format!("fit 64 rows/{name} ({rung})"), |b| {
            b.iter(|| ladder.fit(black_box(&rows)));
        });
        let shape = Shape::new([951, 651, 462]).expect("a shape");
        group.bench_function(format!("predict/{name} ({rung})"), |b| {
            b.iter(|| fitted.predict(black_box(shape), black_box(shape)));
        });
        let mut online = Online::new(&fitted);
        let mut next = (0..rows.len()).cycle();
        group.bench_function(format!("update/{name} ({rung})"), |b| {
            b.iter(|| {
                let seen = &rows[next.next().unwrap_or_default()];
                online.update(black_box(seen.block), seen.core, seen.peak)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, predicting);
criterion_main!(benches);

//! Bytes per second read from a SEG-Y file in the page cache, by the shape of the region.

use chunkfit_benches::survey;
use chunkfit_core::{Region, Shape, Source};
use chunkfit_io::segy::{SegyLayout, SegyWriter};
use chunkfit_io::{Input, InputOptions};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ndarray::Array3;

const EXTENTS: [usize; 3] = [100, 200, 500];

fn reading(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("survey.sgy");
    let shape = Shape::new(EXTENTS).expect("a shape");
    let volume = survey(EXTENTS).expect("a shape");
    let mut writer = SegyWriter::create(&path, &SegyLayout::new(shape)).expect("a file");
    for (i, inline) in volume.outer_iter().enumerate() {
        writer.write_inline(i, inline).expect("room");
    }
    writer.finish().expect("room");
    let mut group = c.benchmark_group("segy");
    group.sample_size(20);
    group.bench_function("open", |b| {
        b.iter(|| Input::open(&path, &InputOptions::default()).expect("a survey"));
    });
    let input = Input::open(&path, &InputOptions::default()).expect("a survey");
    for (what, extents) in [
        ("inlines", [10, 200, 500]),
        ("block", [40, 40, 500]),
        ("part of the traces", [40, 40, 100]),
        ("time slices", [100, 200, 4]),
    ] {
        let part = Shape::new(extents).expect("a shape");
        let mut out = Array3::zeros(extents);
        group.throughput(Throughput::Bytes(part.bytes::<f32>().as_u64()));
        group.bench_function(what, |b| {
            b.iter(|| input.read(&Region::new([0; 3], part), out.view_mut()).expect("a region"));
        });
    }
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);

//! Voxels per second of each operator on one thread, on shapes that are odd, thin and prime.

use chunkfit_benches::survey;
use chunkfit_core::{Placement, Shape};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ndarray::Array3;

fn kernels(c: &mut Criterion) {
    let variants = ["gaussian:sigma=3,precision=f32", "gst:outputs=dip"];
    let all = chunkfit_seismic::catalog();
    for name in all.iter().map(|operator| operator.name).chain(variants) {
        let operator = chunkfit_seismic::parse(name).expect("a known operator");
        let mut group = c.benchmark_group(name);
        group.sample_size(10);
        for extents in [[128, 128, 128], [61, 67, 509], [3, 200, 1000], [400, 400, 5]] {
            let volume = survey(extents).expect("a shape");
            let at = Placement::whole(Shape::new(extents).expect("a shape"));
            let mut outputs = vec![Array3::zeros(extents); operator.outputs().len()];
            group.throughput(Throughput::Elements(volume.len() as u64));
            group.bench_function(at.volume().to_string(), |b| {
                b.iter(|| {
                    let mut views: Vec<_> = outputs.iter_mut().map(|o| o.view_mut()).collect();
                    operator.apply(volume.view(), &at, &mut views).expect("shapes agree");
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, kernels);
criterion_main!(benches);

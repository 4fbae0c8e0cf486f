//! Time to plan: the survey of the README, and one that is twenty times larger.

use std::hint::black_box;

use chunkfit_core::{ByteSize, Ledger, MemoryModel, Operator, Shape, StorageLayout, TraceOrder};
use chunkfit_plan::{Budget, CostModel, Memory, OutputChunk, Problem, Reserve, Workers, strategy};
use criterion::{Criterion, criterion_group, criterion_main};

fn planning(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan");
    group.sample_size(20);
    for (extents, workers, memory) in
        [([951, 651, 462], 4, ByteSize::gib(4)), ([2000, 2000, 1500], 32, ByteSize::mib(256))]
    {
        for name in ["gst", "gaussian:sigma=3", "envelope"] {
            let operator = chunkfit_seismic::parse(name).expect("a known operator");
            let ledger = Ledger::new(operator.as_ref());
            let problem = problem(operator.as_ref(), &ledger, extents, workers, memory);
            let planner = strategy("memory-aware").expect("a known strategy");
            let shape = problem.volume;
            group.bench_function(format!("{name}/{shape}/{workers}×{memory}"), |b| {
                b.iter(|| black_box(planner.plan(black_box(&problem)).expect("feasible")));
            });
        }
    }
    group.finish();
}

fn problem<'a>(
    operator: &dyn Operator,
    model: &'a dyn MemoryModel,
    extents: [usize; 3],
    workers: usize,
    memory: ByteSize,
) -> Problem<'a> {
    let order = TraceOrder::Inline;
    Problem {
        volume: Shape::new(extents).expect("a shape"),
        element_bytes: 4,
        halo: operator.halo(),
        layout: StorageLayout::Traces { order, header_bytes: 240, sample_bytes: 4 },
        storage: OutputChunk::AtMost(Shape::new([64; 3]).expect("a shape")),
        budget: Budget {
            memory: Memory::PerWorker(memory),
            workers: Workers::Exactly(workers),
            reserve: Reserve::default(),
        },
        cost: CostModel::default(),
        model,
    }
}

criterion_group!(benches, planning);
criterion_main!(benches);

//! Formulas against walks over every voxel and every trace.

use std::collections::HashSet;

use chunkfit_core::testing::Dice;
use chunkfit_core::{Axis, ByteSize, Halo, Reach, Region, Shape, StorageLayout, TraceOrder};
use chunkfit_plan::{Budget, CostModel, Memory, OutputChunk, Plan, Reserve, Workers};

use crate::cases::{Case, shape};

/// A plan with chunks of `chunk` for one worker, whose makespan is the sum of what `cost` counts.
fn fixed(mut case: Case, chunk: Shape, cost: CostModel) -> Plan {
    case.cost = cost;
    case.storage = OutputChunk::AtMost(shape([64; 3]));
    case.budget = Budget {
        memory: Memory::PerWorker(ByteSize::gib(1)),
        workers: Workers::Exactly(1),
        reserve: Reserve::NONE,
    };
    let [i, x, s] = chunk.extents();
    case.plan(&format!("fixed={i}x{x}x{s}")).expect("rules always plan")
}

const NOTHING: CostModel =
    CostModel { per_task_s: 0.0, per_voxel_s: 0.0, per_run_s: 0.0, bytes_per_s: f64::INFINITY };

fn voxels(region: &Region) -> impl Iterator<Item = [usize; 3]> + use<> {
    let [is, xs, ss] = Axis::ALL.map(|axis| region.range(axis));
    is.flat_map(move |i| {
        let ss = ss.clone();
        xs.clone().flat_map(move |x| ss.clone().map(move |s| [i, x, s]))
    })
}

/// Runs and bytes by visiting every voxel of `block` in the order of the file.
fn walk(case: &Case, block: &Region) -> (usize, usize) {
    let [n_i, n_x, n_s] = case.volume.extents();
    let trace_at = |order, [i, x, _]: [usize; 3]| match order {
        TraceOrder::Crossline => x * n_i + i,
        // A stride of 2 keeps scattered traces apart.
        TraceOrder::Scattered => 2 * (i * n_x + x),
        TraceOrder::Inline => i * n_x + x,
    };
    let traces = |order, header: usize, sample: usize| {
        let mut positions: Vec<usize> =
            voxels(block).map(|at| trace_at(order, at) * n_s + at[2]).collect();
        positions.sort_unstable();
        let breaks = positions.windows(2).filter(|pair| pair[0] + 1 != pair[1]).count();
        let records: HashSet<usize> = positions.iter().map(|position| position / n_s).collect();
        (breaks + 1, records.len() * (header + n_s * sample))
    };
    match case.layout {
        StorageLayout::Contiguous { element_bytes } => traces(TraceOrder::Inline, 0, element_bytes),
        StorageLayout::Traces { order, header_bytes, sample_bytes } => {
            traces(order, header_bytes, sample_bytes)
        }
        StorageLayout::Chunked { chunk, element_bytes } => {
            let stored = |at: [usize; 3]| [0, 1, 2].map(|a| at[a] / chunk.extents()[a]);
            let touched: HashSet<[usize; 3]> = voxels(block).map(stored).collect();
            let whole = Region::whole(case.volume);
            let fetched = voxels(&whole).filter(|&at| touched.contains(&stored(at))).count();
            (touched.len(), fetched * element_bytes)
        }
        _ => unreachable!("the cases have no other layout"),
    }
}

#[test]
fn voxels_runs_and_bytes_are_those_of_a_walk() {
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let case = Case::random(&mut dice, 9);
        let chunk = dice.shape(case.volume.extents());
        let plan = fixed(case, chunk, NOTHING);
        let (mut padded, mut runs, mut bytes, mut pieces) = (0, 0, 0, 0);
        for task in plan.tasks() {
            let block = task.placement.block();
            let (its_runs, its_bytes) = walk(&case, &block);
            padded += voxels(&block).count();
            runs += its_runs;
            bytes += its_bytes;
            let written =
                |at: [usize; 3]| [0, 1, 2].map(|a| at[a] / plan.output_chunk.extents()[a]);
            pieces += voxels(&task.placement.core()).map(written).collect::<HashSet<_>>().len();
        }
        let volume = case.volume.voxels() as f64;
        let element = match case.layout {
            StorageLayout::Traces { sample_bytes, .. } => sample_bytes,
            StorageLayout::Contiguous { element_bytes }
            | StorageLayout::Chunked { element_bytes, .. } => element_bytes,
            _ => unreachable!("the cases have no other layout"),
        } as f64;
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9 * b.max(1.0);
        let what = format!("seed {seed}, {case:?}, {chunk}");
        assert!(near(plan.halo_factor, padded as f64 / volume), "{what}");
        assert!(near(plan.read_factor, bytes as f64 / (volume * element)), "{what}");
        let counted = fixed(case, chunk, CostModel { per_run_s: 1.0, ..NOTHING }).makespan_s;
        assert!(near(counted, (runs + pieces) as f64), "{what}: {counted} {runs} + {pieces}");
        let counted = fixed(case, chunk, CostModel { per_voxel_s: 1.0, ..NOTHING }).makespan_s;
        assert!(near(counted, padded as f64), "{what}");
        let counted = fixed(case, chunk, CostModel { per_task_s: 1.0, ..NOTHING }).makespan_s;
        assert!(near(counted, plan.tasks as f64), "{what}");
        let counted = fixed(case, chunk, CostModel { bytes_per_s: 1.0, ..NOTHING }).makespan_s;
        assert!(near(counted, bytes as f64 + 4.0 * volume), "{what}");
    }
}

#[test]
fn padded_voxels_depend_on_counts_alone() {
    for seed in 0..2000 {
        let mut dice = Dice::new(seed);
        let mut case = Case::random(&mut dice, 24);
        let width = [0; 3].map(|_| dice.between(0, 4));
        case.halo = Halo::symmetric(width);
        let chunk = dice.shape(case.volume.extents());
        let plan = fixed(case, chunk, NOTHING);
        let (n, v, c) = (plan.grid.counts(), case.volume.extents(), chunk.extents());
        let last = [0, 1, 2].map(|a| v[a] - (n[a] - 1) * c[a].min(v[a]));
        if (0..3).any(|a| n[a] > 1 && last[a] < width[a]) {
            continue;
        }
        let padded: usize = (0..3).map(|a| v[a] + 2 * width[a] * (n[a] - 1)).product();
        let expected = padded as f64 / case.volume.voxels() as f64;
        assert!((plan.halo_factor - expected).abs() < 1e-9 * expected, "{case:?} {chunk}");
    }
}

#[test]
fn the_reads_of_the_design_example() {
    let mut case = Case::survey();
    case.volume = shape([1024; 3]);
    case.layout = StorageLayout::Chunked { chunk: shape([128; 3]), element_bytes: 4 };
    for (chunk, halo_factor, read_factor) in [
        ([256, 256, 256], 1.036, 5.36),
        ([256, 256, 1024], 1.024, 3.06),
        ([128, 1024, 1024], 1.027, 2.75),
        ([256, 512, 1024], 1.016, 2.19),
        ([512, 512, 512], 1.012, 1.95),
    ] {
        let plan = fixed(case, shape(chunk), NOTHING);
        assert!((plan.halo_factor - halo_factor).abs() < 6e-4, "{chunk:?} {}", plan.halo_factor);
        assert!((plan.read_factor - read_factor).abs() < 6e-3, "{chunk:?} {}", plan.read_factor);
    }
}

#[test]
fn a_part_of_a_long_trace_costs_what_is_read_ahead() {
    let mut case = Case::survey();
    case.volume = shape([2, 3, 100_000]);
    case.halo = Halo::none();
    let plan = fixed(case, shape([2, 3, 50_000]), NOTHING);
    // Two parts of 200 kB, more than the 128 KiB ahead.
    assert!((plan.read_factor - 1.0).abs() < 1e-12);
    let plan = fixed(case, shape([2, 3, 25_000]), NOTHING);
    // Four parts of 100 kB, each of which reads 128 KiB.
    assert!((plan.read_factor - 4.0 * 131_072.0 / 400_000.0).abs() < 1e-12);
    case.halo = case.halo.with(Axis::Sample, Reach::Whole);
    let plan = fixed(case, shape([2, 3, 50_000]), NOTHING);
    // Both read all of it, headers too.
    assert!((plan.read_factor - 2.0 * 400_240.0 / 400_000.0).abs() < 1e-12);
}

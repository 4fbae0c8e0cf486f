//! What holds for every plan.

use chunkfit_core::testing::Dice;
use chunkfit_core::{Axis, Halo, Region, StorageLayout};
use chunkfit_plan::{CostModel, Memory, OutputChunk, Plan, PlanError, Workers};
use proptest::prelude::*;

use crate::cases::{Case, shape};

const STRATEGIES: [&str; 6] =
    ["memory-aware", "dask-auto", "even", "cube", "fixed=3x4x5", "fixed=100x1x7"];

/// A random problem that has a plan.
fn feasible() -> impl Strategy<Value = (Case, Plan)> {
    any::<u64>().prop_filter_map("nothing fits", |seed| {
        let case = Case::random(&mut Dice::new(seed), 30);
        case.plan("memory-aware").ok().map(|plan| (case, plan))
    })
}

fn fastest_s(plan: &Plan) -> f64 {
    plan.rationale.as_ref().expect("a search").fastest_s
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn cores_cover_the_volume_once_on_storage_chunks(seed in any::<u64>(), which in 0..6_usize) {
        let case = Case::random(&mut Dice::new(seed), 20);
        let Ok(plan) = case.plan(STRATEGIES[which]) else { return Ok(()) };
        prop_assert_eq!(plan.check(), Ok(()));
        let mut seen = vec![false; plan.tasks];
        let mut voxels = 0;
        let mut padded = 0;
        let mut last = usize::MAX;
        for task in plan.tasks() {
            let core = task.placement.core();
            prop_assert!(!std::mem::replace(&mut seen[task.index], true), "{} twice", task.index);
            prop_assert_eq!(plan.grid.get(task.index), Some(core));
            let block = task.placement.block();
            prop_assert_eq!(block, core.expand(&case.halo, case.volume));
            prop_assert!(block.shape().voxels() <= last, "longest first");
            last = block.shape().voxels();
            padded += block.shape().voxels();
            voxels += core.shape().voxels();
            for axis in Axis::ALL {
                let (chunk, range) = (plan.output_chunk[axis], core.range(axis));
                prop_assert_eq!(range.start % chunk, 0);
                prop_assert!(range.end % chunk == 0 || range.end == case.volume[axis]);
            }
        }
        prop_assert!(seen.into_iter().all(|seen| seen));
        prop_assert_eq!(voxels, case.volume.voxels());
        let expected = padded as f64 / voxels as f64;
        prop_assert!((plan.halo_factor - expected).abs() < 1e-9 * expected);
        if let OutputChunk::Exactly(chunk) = case.storage {
            prop_assert_eq!(plan.output_chunk, chunk);
        }
    }

    #[test]
    fn searched_plans_fit((case, plan) in feasible()) {
        prop_assert!(plan.fits());
        prop_assert!(plan.makespan_s >= fastest_s(&plan) * (1.0 - 1e-12));
        prop_assert!(plan.makespan_s <= 1.01 * fastest_s(&plan) * (1.0 + 1e-12));
        prop_assert!(plan.efficiency > 0.0 && plan.efficiency <= 1.0 + 1e-9);
        if let OutputChunk::AtMost(most) = case.storage {
            prop_assert_eq!(chunkfit_plan::output_chunk(plan.grid.chunk(), most), plan.output_chunk);
        }
    }

    #[test]
    fn more_memory_never_hurts((case, plan) in feasible(), percent in 100..400_u32) {
        let mut richer = case;
        richer.budget = case.budget.with_memory_times(f64::from(percent) / 100.0);
        let richer = richer.plan("memory-aware").unwrap();
        prop_assert!(fastest_s(&richer) <= fastest_s(&plan) * (1.0 + 1e-12));
    }

    #[test]
    fn more_workers_never_hurt((mut case, plan) in feasible(), more in 1..5_usize) {
        case.budget.workers = match (case.budget.workers, case.budget.memory) {
            (Workers::UpTo(n), _) => Workers::UpTo(n + more),
            (Workers::Exactly(n), Memory::PerWorker(_)) => Workers::Exactly(n + more),
            // More workers with less memory each may well be slower.
            (Workers::Exactly(_), Memory::Total { .. }) => return Ok(()),
        };
        let larger = case.plan("memory-aware").unwrap();
        prop_assert!(fastest_s(&larger) <= fastest_s(&plan) * (1.0 + 1e-12));
    }

    #[test]
    fn the_unit_of_time_does_not_matter((mut case, plan) in feasible(), power in -20..20_i32) {
        let unit = 2.0_f64.powi(power);
        let CostModel { per_task_s, per_voxel_s, per_run_s, bytes_per_s } = case.cost;
        case.cost = CostModel {
            per_task_s: per_task_s * unit,
            per_voxel_s: per_voxel_s * unit,
            per_run_s: per_run_s * unit,
            bytes_per_s: bytes_per_s / unit,
        };
        let scaled = case.plan("memory-aware").unwrap();
        prop_assert_eq!(scaled.grid, plan.grid);
        prop_assert_eq!(scaled.workers, plan.workers);
        prop_assert!((scaled.makespan_s - plan.makespan_s * unit).abs() <= 1e-12 * scaled.makespan_s);
    }

    #[test]
    fn the_order_of_the_axes_does_not_matter((mut case, _) in feasible(), order in 0..6_usize) {
        let order = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]][order];
        case.layout = StorageLayout::Chunked { chunk: shape([3; 3]), element_bytes: 4 };
        case.storage = OutputChunk::AtMost(shape([5; 3]));
        let turned = Case {
            volume: shape(order.map(|a| case.volume.extents()[a])),
            halo: Axis::ALL.into_iter().fold(Halo::none(), |halo, axis| {
                halo.with(axis, case.halo.reach(Axis::ALL[order[axis.index()]]))
            }),
            ..case
        };
        let (Ok(plan), Ok(turned)) = (case.plan("memory-aware"), turned.plan("memory-aware")) else {
            return Ok(());
        };
        prop_assert!((fastest_s(&plan) - fastest_s(&turned)).abs() <= 1e-12 * fastest_s(&plan));
        prop_assert_eq!(plan.workers, turned.workers);
        prop_assert_eq!(plan.largest_task, turned.largest_task);
        prop_assert_eq!(plan.tasks, turned.tasks);
    }

    #[test]
    fn only_what_is_too_small_for_the_smallest_chunk_has_no_plan(seed in any::<u64>()) {
        let mut case = Case::random(&mut Dice::new(seed), 20);
        if let Err(PlanError::DoesNotFit(why)) = case.plan("memory-aware") {
            prop_assert!(why.need > why.share.usable, "{}", why);
            let worst = why.share.usable;
            let core = Region::new(case.volume.extents().map(|n| n / 2), shape([1; 3]));
            if core.shape().voxels() == why.chunk.voxels() {
                let block = core.expand(&case.halo, case.volume).shape();
                let one = chunkfit_core::MemoryModel::predict(&case.model, block, core.shape());
                prop_assert!(one.upper <= why.need && why.need > worst);
            }
            case.budget.memory = match case.budget.memory {
                Memory::Total { shared, .. } => Memory::Total { limit: why.enough, shared },
                Memory::PerWorker(_) => Memory::PerWorker(why.enough),
            };
            prop_assert!(case.plan("memory-aware").is_ok(), "{} is not enough: {}", why.enough, why);
        }
    }
}

#[test]
fn turning_a_volume_turns_its_chunks() {
    let mut case = Case::survey();
    case.layout = StorageLayout::Chunked { chunk: shape([128; 3]), element_bytes: 4 };
    let [i, x, s] = case.plan("memory-aware").unwrap().grid.chunk().extents();
    case.volume = shape([462, 951, 651]);
    let turned = case.plan("memory-aware").unwrap().grid.chunk();
    assert_eq!(turned, shape([s, i, x]));
}

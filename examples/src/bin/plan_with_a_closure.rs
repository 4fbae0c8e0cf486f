//! The planner alone: a shape, a halo, a budget, and any closure as memory model.
//!
//! Needs `chunkfit-core` and `chunkfit-plan`.

use chunkfit_core::{ByteSize, Halo, Prediction, Regime, Shape, StorageLayout};
use chunkfit_plan::{Budget, CostModel, Memory, OutputChunk, Problem, Reserve, Workers};

fn main() -> anyhow::Result<()> {
    // A Python operator that somebody measured: 239 bytes a voxel above 100 MiB.
    let measured = |block: Shape, _core: Shape| {
        let peak = ByteSize::mib(100) + ByteSize::new(239 * block.voxels() as u64);
        Prediction { peak, upper: peak.scale(1.03), regime: Regime::Calibrated }
    };
    let problem = Problem {
        volume: Shape::new([951, 651, 462])?,
        element_bytes: 4,
        halo: Halo::uniform(2),
        layout: StorageLayout::Chunked { chunk: Shape::new([128, 128, 128])?, element_bytes: 4 },
        storage: OutputChunk::AtMost(Shape::new([128, 128, 128])?),
        budget: Budget {
            memory: Memory::PerWorker(ByteSize::gib(4)),
            workers: Workers::Exactly(4),
            reserve: Reserve::default(),
        },
        cost: CostModel::default(),
        model: &measured,
    };
    let plan = chunkfit_plan::strategy("memory-aware")?.plan(&problem)?;
    println!("{}", plan.explain());
    println!("first of {} tasks: {:?}", plan.tasks, plan.tasks().next());
    Ok(())
}

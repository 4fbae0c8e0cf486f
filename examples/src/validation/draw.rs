//! Which volumes and which parts of them are run.

use std::ops::RangeInclusive;

use anyhow::bail;
use chunkfit_core::{ByteSize, MemoryModel, Prediction, Regime, Region, Shape, StorageLayout};
use chunkfit_plan::{Budget, CostModel, Memory, OutputChunk, PlanError, Problem, Reserve, Workers};
use chunkfit_run::TaskModel;
use rand::RngExt;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use super::subject::Subject;

/// How a block was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Drawn {
    /// For the model, which may see it.
    Profiled,
    /// By the planner, for a worker of some memory.
    Planned,
    /// At random, however awkward.
    Random,
    /// A thousand times as large as what was profiled.
    Large,
}

/// Between what volumes and workers are drawn.
#[derive(Clone, Debug)]
pub(super) struct Sizes {
    /// Voxels of a volume at random.
    pub(super) voxels: RangeInclusive<usize>,
    /// Extents of a survey that is planned: inlines and crosslines, and samples.
    pub(super) survey: [(usize, usize); 3],
    /// Memory of a worker that is planned for, in MiB.
    pub(super) worker_mib: (usize, usize),
}

/// As many from 1 to 10 as from 10 to 100.
fn evenly_by_size(rng: &mut StdRng, (low, high): (usize, usize)) -> usize {
    let [low, high] = [low, high].map(|n| (n as f64).ln());
    rng.random_range(low..=high).exp().round() as usize
}

/// A survey, and `n` cores at random of the plan that `chunkfit run` would make for it.
pub(super) fn planned(
    rng: &mut StdRng,
    sizes: &Sizes,
    subject: &Subject,
    base: ByteSize,
    n: usize,
) -> anyhow::Result<(Shape, Vec<Region>)> {
    let declared = subject.declared()?;
    let margin = TaskModel::default_margin();
    let model = |block: Shape, core: Shape| {
        let peak = base + declared.predict(block, core).peak;
        Prediction { peak, upper: peak + margin, regime: Regime::Calibrated }
    };
    let element_bytes = subject.dtype.element_bytes();
    for _ in 0..100 {
        let volume = Shape::new(sizes.survey.map(|range| evenly_by_size(rng, range)))?;
        let limit = ByteSize::mib(evenly_by_size(rng, sizes.worker_mib) as u64);
        let problem = Problem {
            volume,
            element_bytes,
            halo: subject.halo()?,
            layout: StorageLayout::Contiguous { element_bytes },
            storage: OutputChunk::AtMost(Shape::new([64; 3])?),
            budget: Budget {
                memory: Memory::PerWorker(limit),
                workers: Workers::Exactly(2),
                reserve: Reserve::default(),
            },
            cost: CostModel::default(),
            model: &model,
        };
        match chunkfit_plan::strategy("memory-aware")?.plan(&problem) {
            Ok(plan) => {
                let mut one = || plan.grid.get(rng.random_range(0..plan.tasks));
                return Ok((volume, (0..n).filter_map(|_| one()).collect()));
            }
            // Not even the smallest chunk: another worker is drawn.
            Err(PlanError::DoesNotFit(_)) => {}
            Err(other) => return Err(other.into()),
        }
    }
    bail!("{subject} fits no worker of up to {} MiB", sizes.worker_mib.1)
}

/// A volume of extents over three decades, a quarter of them one voxel thick, and of it the whole and
/// `n − 1` parts of at least half of each axis.
pub(super) fn random(
    rng: &mut StdRng,
    sizes: &Sizes,
    n: usize,
) -> anyhow::Result<(Shape, Vec<Region>)> {
    let volume = loop {
        let mut extents: [usize; 3] =
            std::array::from_fn(|_| rng.random_range(0.0..7.0_f64).exp() as usize);
        if rng.random_range(0..4) == 0 {
            extents[rng.random_range(0..3)] = 1;
        }
        if sizes.voxels.contains(&extents.iter().product()) {
            break Shape::new(extents)?;
        }
    };
    let mut cores = vec![Region::whole(volume)];
    for _ in 1..n {
        let extents = volume.extents();
        let length = extents.map(|n| rng.random_range(n.div_ceil(2)..=n));
        let mut start = [0; 3];
        for axis in 0..3 {
            start[axis] = rng.random_range(0..=extents[axis] - length[axis]);
        }
        cores.push(Region::new(start, Shape::new(length)?));
    }
    Ok((volume, cores))
}

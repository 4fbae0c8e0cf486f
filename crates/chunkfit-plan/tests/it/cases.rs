//! Random small problems, and models that own what a [`Problem`] borrows.

use chunkfit_core::testing::Dice;
use chunkfit_core::{
    Axis, ByteSize, Halo, MemoryModel, Prediction, Reach, Regime, Shape, StorageLayout, TraceOrder,
};
use chunkfit_plan::{
    Budget, CostModel, Memory, OutputChunk, Plan, PlanError, Problem, Reserve, Workers, strategy,
};

pub(crate) fn shape(extents: [usize; 3]) -> Shape {
    Shape::new(extents).expect("extents are at least 1")
}

/// `base + block_bytes · block + core_bytes · core`, and a bound some bytes above.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Linear {
    pub(crate) base: u64,
    pub(crate) block_bytes: u64,
    pub(crate) core_bytes: u64,
    pub(crate) margin: u64,
}

impl MemoryModel for Linear {
    fn predict(&self, block: Shape, core: Shape) -> Prediction {
        let voxels = |shape: Shape| shape.voxels() as u64;
        let peak = self.base + self.block_bytes * voxels(block) + self.core_bytes * voxels(core);
        Prediction {
            peak: ByteSize::new(peak),
            upper: ByteSize::new(peak + self.margin),
            regime: Regime::Declared,
        }
    }
}

/// A problem that owns its model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) volume: Shape,
    pub(crate) halo: Halo,
    pub(crate) layout: StorageLayout,
    pub(crate) storage: OutputChunk,
    pub(crate) budget: Budget,
    pub(crate) cost: CostModel,
    pub(crate) model: Linear,
}

impl Case {
    pub(crate) fn problem(&self) -> Problem<'_> {
        Problem {
            volume: self.volume,
            element_bytes: 4,
            halo: self.halo,
            layout: self.layout,
            storage: self.storage,
            budget: self.budget,
            cost: self.cost,
            model: &self.model,
        }
    }

    pub(crate) fn plan(&self, name: &str) -> Result<Plan, PlanError> {
        strategy(name)?.plan(&self.problem())
    }

    /// A survey of 951 × 651 × 462 in inline order, cut for 4 workers of 4 GiB.
    pub(crate) fn survey() -> Self {
        Self {
            volume: shape([951, 651, 462]),
            halo: Halo::uniform(2),
            layout: StorageLayout::Traces {
                order: TraceOrder::Inline,
                header_bytes: 240,
                sample_bytes: 4,
            },
            storage: OutputChunk::AtMost(shape([64; 3])),
            budget: Budget {
                memory: Memory::PerWorker(ByteSize::gib(4)),
                workers: Workers::Exactly(4),
                reserve: Reserve::default(),
            },
            cost: CostModel::default(),
            model: Linear { base: 8 << 20, block_bytes: 235, core_bytes: 4, margin: 2 << 20 },
        }
    }

    /// A random problem with extents up to `most`.
    pub(crate) fn random(dice: &mut Dice, most: usize) -> Self {
        let volume = dice.shape([most; 3]);
        let mut halo = Halo::none();
        let width = dice.between(0, 3);
        for axis in Axis::ALL {
            let before = dice.between(0, width);
            let after = if dice.between(0, 1) == 0 { before } else { dice.between(0, width) };
            halo = halo.with(axis, Reach::Width { before, after });
            if dice.between(0, 7) == 0 {
                halo = halo.with(axis, Reach::Whole);
            }
        }
        let model = Linear {
            base: dice.between(0, 500) as u64,
            block_bytes: dice.between(1, 40) as u64,
            core_bytes: dice.between(0, 40) as u64,
            margin: dice.between(0, 50) as u64,
        };
        let whole = model.predict(volume, volume).upper;
        // Half of the limits are small ones.
        let percent = dice.between(1, 120) * dice.between(1, 100) / 100;
        let limit = whole.scale(percent as f64 / 100.0);
        let n = dice.between(1, 6);
        let workers = if dice.between(0, 1) == 0 { Workers::Exactly(n) } else { Workers::UpTo(n) };
        let shared = ByteSize::new(dice.between(0, 50) as u64);
        let memory = if dice.between(0, 1) == 0 {
            Memory::PerWorker(limit)
        } else {
            Memory::Total { limit: limit * n as u64, shared }
        };
        let reserve = if dice.between(0, 1) == 0 {
            Reserve::NONE
        } else {
            Reserve { fixed: ByteSize::new(dice.between(0, 100) as u64), share: 1.0 / 32.0 }
        };
        let seconds = |dice: &mut Dice, most: usize| dice.between(0, most) as f64 / 16.0;
        Self {
            volume,
            halo,
            layout: Self::random_layout(dice),
            storage: if dice.between(0, 3) == 0 {
                OutputChunk::Exactly(dice.shape([5; 3]))
            } else {
                OutputChunk::AtMost(dice.shape([9; 3]))
            },
            budget: Budget { memory, workers, reserve },
            cost: CostModel {
                per_task_s: seconds(dice, 200),
                per_voxel_s: seconds(dice, 40) + 1.0 / 16.0,
                per_run_s: seconds(dice, 10),
                bytes_per_s: dice.between(1, 400) as f64,
            },
            model,
        }
    }

    pub(crate) fn random_layout(dice: &mut Dice) -> StorageLayout {
        let traces =
            |order, header_bytes| StorageLayout::Traces { order, header_bytes, sample_bytes: 2 };
        match dice.between(0, 4) {
            0 => StorageLayout::Contiguous { element_bytes: 8 },
            1 => StorageLayout::Chunked { chunk: dice.shape([6; 3]), element_bytes: 4 },
            2 => traces(TraceOrder::Inline, dice.between(0, 240)),
            3 => traces(TraceOrder::Crossline, 240),
            _ => traces(TraceOrder::Scattered, 240),
        }
    }
}

//! The tasks: chosen at random, run in worker processes, kept as rows.

use std::ops::RangeInclusive;
use std::path::Path;

use anyhow::Context;
use chunkfit_core::{ByteSize, Placement, Region, Shape};
use chunkfit_predict::{Disturbance, Dtype, Observation, Origin, Peak, Scope};
use chunkfit_run::{Pool, PoolOptions};
use memcage::Cage;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use super::job::Spec;
use crate::progress::Progress;

/// Parameters that are not the default, beside every operator with its own.
const VARIANTS: [&str; 8] = [
    "gaussian:sigma=1",
    "gaussian:sigma=1x2x5",
    "gaussian:sigma=2,precision=f32",
    "gst:kernel=5",
    "gst:outputs=dip",
    "median:window=3x3x5",
    "mean:window=5x5x15",
    "gaussian:sigma=2+envelope",
];

/// Blocks that are profiled for each operator: small, and enough to fill 200 pages.
const PROFILED: [[usize; 3]; 4] = [[40, 50, 60], [30, 40, 160], [61, 67, 71], [50, 60, 80]];

/// Tasks in each worker, one after the other as in a run.
const TASKS_OF_A_WORKER: usize = 4;

/// One task that ran.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) operator: String,
    /// Whether the model of the operator may see it.
    pub(super) profiled: bool,
    block: String,
    core: String,
    /// Resident set of the worker before its first task.
    base_bytes: u64,
    /// Largest resident set during the task.
    pub(super) peak_bytes: u64,
    pub(super) seconds: f64,
}

impl Row {
    pub(super) fn block(&self) -> anyhow::Result<Shape> {
        Ok(self.block.parse()?)
    }

    pub(super) fn core(&self) -> anyhow::Result<Shape> {
        Ok(self.core.parse()?)
    }

    pub(super) fn observation(&self) -> anyhow::Result<Observation> {
        Ok(Observation {
            block: self.block()?,
            core: self.core()?,
            peak: Peak::Measured(ByteSize::new(self.peak_bytes)),
            base: Some(ByteSize::new(self.base_bytes)),
            origin: Origin {
                dtype: Dtype::F32,
                scope: Scope::HighWater,
                machine: "here".to_owned(),
                allocator: "system".to_owned(),
            },
            disturbance: Disturbance::default(),
        })
    }
}

/// Every operator, and some with other parameters.
fn operators() -> Vec<String> {
    let listed = chunkfit_seismic::catalog().into_iter().map(|entry| entry.name.to_owned());
    listed.chain(VARIANTS.map(str::to_owned)).collect()
}

/// Runs `n` tasks or a few more, and the profiled ones, each in a worker of `cage`.
pub(super) fn measure(
    cage: &Cage,
    logs: &Path,
    n: usize,
    voxels: &RangeInclusive<usize>,
) -> anyhow::Result<Vec<Row>> {
    let operators = operators();
    let mut rng = StdRng::seed_from_u64(2);
    let volumes = n.div_ceil(TASKS_OF_A_WORKER * operators.len());
    let mut progress = Progress::new(operators.len() as u64);
    let mut rows = Vec::new();
    for operator in operators {
        progress.begin(&operator);
        let halo = chunkfit_seismic::parse(&operator)?.halo();
        for extents in PROFILED {
            let volume = Shape::new(extents)?;
            rows.extend(run(cage, logs, &operator, volume, &[Placement::whole(volume)], true)?);
        }
        for _ in 0..volumes {
            let volume = Shape::new(volume(&mut rng, voxels))?;
            let mut tasks = vec![Placement::whole(volume)];
            for _ in 1..TASKS_OF_A_WORKER {
                tasks.push(Placement::new(volume, region(&mut rng, volume)?, &halo));
            }
            rows.extend(run(cage, logs, &operator, volume, &tasks, false)?);
        }
    }
    Ok(rows)
}

fn run(
    cage: &Cage,
    logs: &Path,
    operator: &str,
    volume: Shape,
    tasks: &[Placement],
    profiled: bool,
) -> anyhow::Result<Vec<Row>> {
    let spec = Spec { operator: operator.to_owned(), volume: volume.extents() };
    let spec = serde_json::to_string(&spec)?;
    let pool = Pool::new(cage, PoolOptions { spec, limit: None, logs: logs.to_owned() });
    let measured = pool.measure(tasks).with_context(|| format!("{operator} on {volume}"))?;
    tasks
        .iter()
        .zip(measured.costs)
        .map(|(at, done)| {
            let peak = done.peak.context("this kernel does not let a process reset its peak")?;
            Ok(Row {
                operator: operator.to_owned(),
                profiled,
                block: text(at.block().shape()),
                core: text(at.core().shape()),
                base_bytes: measured.resident.as_u64(),
                peak_bytes: peak.as_u64(),
                seconds: done.seconds,
            })
        })
        .collect()
}

fn text(shape: Shape) -> String {
    shape.extents().map(|n| n.to_string()).join("x")
}

/// Extents over three decades, a quarter of them one voxel thick.
fn volume(rng: &mut StdRng, voxels: &RangeInclusive<usize>) -> [usize; 3] {
    loop {
        let mut extents: [usize; 3] =
            std::array::from_fn(|_| rng.random_range(0.0..7.0_f64).exp() as usize);
        if rng.random_range(0..4) == 0 {
            extents[rng.random_range(0..3)] = 1;
        }
        if voxels.contains(&extents.iter().product()) {
            return extents;
        }
    }
}

/// A part of a volume, at least half of it along each axis.
fn region(rng: &mut StdRng, volume: Shape) -> anyhow::Result<Region> {
    let extents = volume.extents();
    let length = extents.map(|n| rng.random_range(n.div_ceil(2)..=n));
    let mut start = [0; 3];
    for axis in 0..3 {
        start[axis] = rng.random_range(0..=extents[axis] - length[axis]);
    }
    Ok(Region::new(start, Shape::new(length)?))
}

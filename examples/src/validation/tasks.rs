//! The tasks: run in worker processes, kept as rows.

use std::path::Path;

use anyhow::Context;
use chunkfit_core::{ByteSize, Placement, Region, Shape};
use chunkfit_predict::{Disturbance, Dtype, Observation, Origin, Peak, Scope};
use chunkfit_run::{Pool, PoolOptions};
use memcage::Cage;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use super::draw::{self, Drawn, Sizes};
use super::job::Spec;
use super::subject::Subject;
use crate::progress::Progress;
use crate::protocol;

/// Blocks that are profiled for each subject: small, and enough to fill 200 pages.
const PROFILED: [[usize; 3]; 4] = [[40, 50, 60], [30, 40, 160], [61, 67, 71], [50, 60, 80]];

/// Tasks in each worker, one after the other as in a run.
const TASKS_OF_A_WORKER: usize = 4;

/// One task that ran.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) operator: String,
    pub(super) dtype: Dtype,
    pub(super) drawn: Drawn,
    pub(super) block: String,
    pub(super) core: String,
    /// Resident set of the worker before its first task.
    pub(super) base_bytes: u64,
    /// Largest resident set during the task.
    pub(super) peak_bytes: u64,
    pub(super) seconds: f64,
}

impl Row {
    pub(super) fn subject(&self) -> Subject {
        Subject { operator: self.operator.clone(), dtype: self.dtype }
    }

    pub(super) fn block(&self) -> anyhow::Result<Shape> {
        Ok(self.block.parse()?)
    }

    pub(super) fn core(&self) -> anyhow::Result<Shape> {
        Ok(self.core.parse()?)
    }

    /// Bytes that the task reads.
    pub(super) fn input_bytes(&self) -> anyhow::Result<f64> {
        Ok((self.block()?.voxels() * self.dtype.element_bytes()) as f64)
    }

    pub(super) fn observation(&self) -> anyhow::Result<Observation> {
        Ok(Observation {
            block: self.block()?,
            core: self.core()?,
            peak: Peak::Measured(ByteSize::new(self.peak_bytes)),
            base: Some(ByteSize::new(self.base_bytes)),
            origin: Origin {
                dtype: self.dtype,
                scope: Scope::HighWater,
                machine: "here".to_owned(),
                allocator: "system".to_owned(),
            },
            disturbance: Disturbance::default(),
        })
    }
}

/// Workers of one cage.
pub(super) struct Bench<'a> {
    pub(super) cage: &'a Cage,
    pub(super) logs: &'a Path,
}

impl Bench<'_> {
    /// Runs `cores` of `volume` in one fresh worker, one after the other.
    pub(super) fn run(
        &self,
        subject: &Subject,
        volume: Shape,
        cores: &[Region],
        drawn: Drawn,
    ) -> anyhow::Result<Vec<Row>> {
        let tasks: Vec<Placement> =
            cores.iter().map(|&core| subject.place(volume, core)).collect::<Result<_, _>>()?;
        let stored = tasks.first().map_or(volume, Placement::volume);
        let spec = Spec { subject: subject.clone(), volume: stored.extents() };
        let spec = serde_json::to_string(&spec)?;
        let pool =
            Pool::new(self.cage, PoolOptions { spec, limit: None, logs: self.logs.to_owned() });
        let measured = pool.measure(&tasks).with_context(|| format!("{subject} on {volume}"))?;
        let halo = subject.halo()?;
        let one = |(&core, done): (&Region, chunkfit_run::Done)| {
            let peak = done.peak.context("this kernel does not let a process reset its peak")?;
            Ok(Row {
                operator: subject.operator.clone(),
                dtype: subject.dtype,
                drawn,
                block: text(Placement::new(volume, core, &halo).block().shape()),
                core: text(core.shape()),
                base_bytes: measured.resident.as_u64(),
                peak_bytes: peak.as_u64(),
                seconds: done.seconds,
            })
        };
        cores.iter().zip(measured.costs).map(one).collect()
    }

    /// The four small blocks, each in a worker of its own.
    fn profile(&self, subject: &Subject) -> anyhow::Result<Vec<Row>> {
        let mut rows = Vec::new();
        for extents in PROFILED {
            let volume = Shape::new(extents)?;
            rows.extend(self.run(subject, volume, &[Region::whole(volume)], Drawn::Profiled)?);
        }
        Ok(rows)
    }

    /// `n` tasks or a few more, half of them planned and half at random, and those that are profiled;
    /// into `file` after each subject, so that an interrupted run is not lost.
    pub(super) fn measure(&self, n: usize, sizes: &Sizes, file: &Path) -> anyhow::Result<()> {
        let subjects = Subject::all();
        let mut rng = StdRng::seed_from_u64(4);
        let volumes = n.div_ceil(2 * TASKS_OF_A_WORKER * subjects.len());
        let mut progress = Progress::new(subjects.len() as u64);
        let mut rows = Vec::new();
        for subject in &subjects {
            progress.begin(&subject.to_string());
            let profiled = self.profile(subject)?;
            let base = profiled.iter().map(|row| row.base_bytes).max().unwrap_or(0);
            rows.extend(profiled);
            for _ in 0..volumes {
                let base = ByteSize::new(base);
                let (volume, cores) =
                    draw::planned(&mut rng, sizes, subject, base, TASKS_OF_A_WORKER)?;
                rows.extend(self.run(subject, volume, &cores, Drawn::Planned)?);
                let (volume, cores) = draw::random(&mut rng, sizes, TASKS_OF_A_WORKER)?;
                rows.extend(self.run(subject, volume, &cores, Drawn::Random)?);
            }
            protocol::write(file, &rows)?;
        }
        Ok(())
    }
}

pub(super) fn text(shape: Shape) -> String {
    shape.extents().map(|n| n.to_string()).join("x")
}

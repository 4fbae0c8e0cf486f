//! Targets a thousand times larger than anything that was profiled.

mod report;
mod targets;

use std::time::Instant;

use anyhow::Context;
use chunkfit_core::{ByteSize, Region, Shape};
use chunkfit_predict::Ladder;
use serde::{Deserialize, Serialize};

use super::draw::Drawn;
use super::job::{self, Spec};
use super::subject::Subject;
use super::tasks::{Bench, Row, text};
use crate::options::Settings;
use crate::progress::Progress;
use crate::protocol;

pub(super) use report::section;

/// One whole volume, in a worker of its own and once more in this process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Run {
    operator: String,
    dtype: chunkfit_predict::Dtype,
    drawn: Drawn,
    /// What is awkward about its shape.
    what: String,
    shape: String,
    base_bytes: u64,
    peak_bytes: u64,
    /// Most bytes of the heap that were live at once.
    live_bytes: u64,
    /// Of the task alone.
    task_s: f64,
    /// And with the start and the end of its worker.
    worker_s: f64,
}

/// Memory for one run where nothing else is said.
const LIMIT: ByteSize = ByteSize::gib(3);

/// Runs small blocks and then targets that fit the limit, up to 1e9 voxels.
pub(super) fn measure(bench: &Bench<'_>, settings: &Settings) -> anyhow::Result<()> {
    let limit = settings.limit.map_or(settings.pick(LIMIT, ByteSize::mib(64)), ByteSize::new);
    let subjects = targets::subjects();
    let mut progress = Progress::new(subjects.len() as u64);
    let mut runs = Vec::new();
    for subject in &subjects {
        progress.begin(&format!("{subject}, large"));
        let mut profiled = Vec::new();
        for extents in targets::PROFILED {
            profiled.push(run(bench, subject, Shape::new(extents)?, Drawn::Profiled, "")?);
        }
        let declared = subject.declared()?;
        let seen: Vec<_> =
            profiled.iter().map(Run::row).map(|row| row.observation()).collect::<Result<_, _>>()?;
        let fitted = Ladder::new().with_ledger(&declared).with_halo(subject.halo()?).fit(&seen)?;
        let awkward = targets::awkward(&fitted, limit, settings.pick(1, 8));
        let surveys = targets::surveys(&fitted, limit, 1_000_000_000);
        runs.extend(profiled);
        for target in awkward.into_iter().chain(surveys) {
            runs.push(run(bench, subject, target.shape, Drawn::Large, target.what)?);
        }
        // So that an interrupted run is not lost.
        protocol::write(&settings.rows("large"), &runs)?;
    }
    Ok(())
}

fn run(
    bench: &Bench<'_>,
    subject: &Subject,
    volume: Shape,
    drawn: Drawn,
    what: &str,
) -> anyhow::Result<Run> {
    let whole = Region::whole(volume);
    let began = Instant::now();
    let rows = bench.run(subject, volume, &[whole], drawn)?;
    let worker_s = began.elapsed().as_secs_f64();
    let row = rows.first().context("a task was run")?;
    Ok(Run {
        operator: subject.operator.clone(),
        dtype: subject.dtype,
        drawn,
        what: what.to_owned(),
        shape: text(volume),
        base_bytes: row.base_bytes,
        peak_bytes: row.peak_bytes,
        live_bytes: live(subject, volume)?,
        task_s: row.seconds,
        worker_s,
    })
}

/// The same task in this process, whose heap is counted.
fn live(subject: &Subject, volume: Shape) -> anyhow::Result<u64> {
    let at = subject.place(volume, Region::whole(volume))?;
    let spec = Spec { subject: subject.clone(), volume: at.volume().extents() };
    let job = job::build(&spec)?;
    let (done, report) = traceq::measure(|| job.perform(&at));
    done.with_context(|| format!("{subject} on {volume}"))?;
    Ok(report.heap.context("the heap of this program is not counted")?.bytes())
}

impl Run {
    fn row(&self) -> Row {
        Row {
            operator: self.operator.clone(),
            dtype: self.dtype,
            drawn: self.drawn,
            block: self.shape.clone(),
            core: self.shape.clone(),
            base_bytes: self.base_bytes,
            peak_bytes: self.peak_bytes,
            seconds: self.task_s,
        }
    }

    fn subject(&self) -> Subject {
        Subject { operator: self.operator.clone(), dtype: self.dtype }
    }

    fn shape(&self) -> anyhow::Result<Shape> {
        Ok(self.shape.parse()?)
    }
}

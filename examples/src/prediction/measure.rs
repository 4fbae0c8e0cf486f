//! Our own operators over a grid of shapes, each run in a fresh process.

use anyhow::Context;
use chunkfit_core::Shape;
use traceq::probe::Backend;

use super::data::{HistoryRow, PeakRow};
use crate::observer::{Observer, Place, Style};
use crate::operator::{self, Operator};
use crate::options::Settings;
use crate::progress::Progress;
use crate::supervisor::Supervisor;
use crate::victim::{Job, Record, Work};

/// The three operators of the thesis.
const OPERATORS: [&str; 3] = ["envelope", "gaussian:sigma=3", "gst:outputs=dip"];
/// A thread of the task: a task may end before a sampler outside has found it.
const SAMPLER: Observer = Observer {
    place: Place::Thread,
    backend: Backend::Status,
    every_us: 2_000,
    style: Style::Traceq,
};

/// The largest extent along an axis, and the step.
pub(super) fn extents_of(settings: &Settings) -> [usize; 2] {
    let last = settings.final_size.unwrap_or(settings.pick(400, 48));
    [last, settings.step_size.unwrap_or(settings.pick(100, 16)).max(1)]
}

/// Extents along each axis: multiples of the step, up to the final size.
fn extents(settings: &Settings) -> Vec<usize> {
    let [last, step] = extents_of(settings);
    (1..=last / step).map(|i| i * step).collect()
}

/// One SEG-Y file serves all shapes: a task reads the first voxels along each axis.
fn volume(settings: &Settings) -> anyhow::Result<(std::path::PathBuf, Shape)> {
    let last =
        *extents(settings).last().context("DATASET_FINAL_SIZE is below DATASET_STEP_SIZE")?;
    let shape = Shape::new([last; 3])?;
    Ok((settings.data().join(format!("{shape}.sgy")), shape))
}

pub(super) fn generate(settings: &Settings) -> anyhow::Result<()> {
    std::fs::create_dir_all(settings.data())?;
    let (path, shape) = volume(settings)?;
    operator::write(&path, shape)
}

pub(super) fn profile(settings: &Settings, supervisor: &Supervisor) -> anyhow::Result<()> {
    let (path, _) = volume(settings)?;
    let sizes = extents(settings);
    let mut shapes = Vec::new();
    for &i in &sizes {
        for &j in &sizes {
            for &k in &sizes {
                shapes.push([i, j, k]);
            }
        }
    }
    std::fs::create_dir_all(settings.out.join("rows"))?;
    let mut peaks = csv::Writer::from_path(settings.rows("peaks"))?;
    let mut histories = csv::Writer::from_path(settings.rows("history"))?;
    let mut progress = Progress::new((OPERATORS.len() * shapes.len()) as u64);
    for name in OPERATORS {
        for &[inlines, crosslines, samples] in &shapes {
            progress.begin(&format!("{name}, {inlines}x{crosslines}x{samples}"));
            let shape = Shape::new([inlines, crosslines, samples])?;
            let task = |observer| -> anyhow::Result<Record> {
                let work = Operator { name: name.to_owned(), shape, volume: path.clone() };
                let (work, cpu) = (Work::Operator(work), Some(settings.cpu));
                let outcome = supervisor.run(&Job { work, cpu, observer, preload: None })?;
                outcome.seen().cloned()
            };
            // The envelope of the thesis has the same name and another ledger.
            let operator = format!("own {name}");
            for run in 0..settings.runs {
                let record = task(None)?;
                let base_bytes =
                    record.baseline.get(Backend::Status.name()).context("no resident size")?;
                let growth = record.whole.resident.context("no high-water mark")?;
                peaks.serialize(PeakRow {
                    operator: operator.clone(),
                    inlines,
                    crosslines,
                    samples,
                    run,
                    base_bytes,
                    peak_bytes: base_bytes + growth,
                    time_s: record.whole.wall_s,
                })?;
            }
            // One run more, whose sampler adds to no peak.
            let trace = task(Some(SAMPLER))?.watch.map(|watch| watch.trace).unwrap_or_default();
            let begin_ns = trace.first().map_or(0, |sample| sample.0);
            for (at_ns, resident_bytes) in trace {
                histories.serialize(HistoryRow {
                    operator: operator.clone(),
                    inlines,
                    crosslines,
                    samples,
                    time_s: (at_ns - begin_ns) as f64 / 1e9,
                    resident_bytes,
                })?;
            }
            // So that an interrupted run is not lost.
            peaks.flush()?;
            histories.flush()?;
        }
    }
    Ok(())
}

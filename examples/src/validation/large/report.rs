//! Tables of what was predicted for large targets.

use chunkfit_core::{ByteSize, MemoryModel, Shape};
use chunkfit_predict::{Fitted, Ladder, Observation};

use super::Run;
use super::targets::COMPUTED;
use crate::report::Section;
use crate::stats;
use crate::tables::{ABSENT, Table, fixed};
use crate::validation::bounds::percent;
use crate::validation::draw::Drawn;
use crate::validation::subject::{Declared, Subject};

const MIB: f64 = 1_048_576.0;

/// What the small blocks of one subject say.
struct Told<'a> {
    subject: Subject,
    declared: Declared,
    profiled: Vec<&'a Run>,
    targets: Vec<&'a Run>,
}

impl<'a> Told<'a> {
    fn of(runs: &'a [Run]) -> anyhow::Result<Vec<Self>> {
        let one = |runs: &'a [Run]| {
            let subject = runs[0].subject();
            let (profiled, targets) = runs.iter().partition(|run| run.drawn == Drawn::Profiled);
            Ok(Self { declared: subject.declared()?, subject, profiled, targets })
        };
        runs.chunk_by(|a, b| a.subject() == b.subject()).map(one).collect()
    }

    fn resident(&self) -> anyhow::Result<Vec<Observation>> {
        self.profiled.iter().map(|run| run.row().observation()).collect()
    }

    fn live(&self) -> anyhow::Result<Vec<Observation>> {
        let one = |run: &&Run| {
            let mut seen = Observation::live_heap(run.shape()?, ByteSize::new(run.live_bytes));
            seen.origin.dtype = run.dtype;
            Ok(seen)
        };
        self.profiled.iter().map(one).collect()
    }

    fn fit(&self) -> anyhow::Result<Fits<'_>> {
        let alone = Ladder::new().with_halo(self.subject.halo()?);
        let ladder = alone.with_ledger(&self.declared);
        let live = self.live()?;
        Ok(Fits {
            resident: ladder.fit(&self.resident()?)?,
            live: ladder.fit(&live)?,
            alone: alone.fit(&live)?,
        })
    }

    fn base(&self) -> f64 {
        self.profiled.iter().map(|run| run.base_bytes as f64).fold(0.0, f64::max)
    }

    fn largest_profiled(&self) -> anyhow::Result<f64> {
        let voxels = self.profiled.iter().map(|run| Ok(run.shape()?.voxels() as f64));
        Ok(voxels.collect::<anyhow::Result<Vec<_>>>()?.into_iter().fold(0.0, f64::max))
    }
}

/// Models of what is resident and of what is live, and one that knows no declared bytes.
struct Fits<'a> {
    resident: Fitted<'a>,
    live: Fitted<'a>,
    alone: Fitted<'a>,
}

fn mib(bytes: f64) -> String {
    fixed(Some(bytes / MIB), 1)
}

/// Of what was measured or declared.
fn off(predicted: f64, truth: f64) -> f64 {
    predicted / truth - 1.0
}

pub(in crate::validation) fn section(runs: &[Run]) -> anyhow::Result<Section> {
    let all = Told::of(runs)?;
    let (runs, worst) = really(&all)?;
    let (computed, worst_computed) = computed(&all)?;
    let answer = format!(
        "From four blocks of at most 100 000 voxels the worst error of a resident peak is {} %, of live \
         bytes {} %; at 1e9 voxels the prediction differs from base and ledger by {} % at most.",
        percent(stats::worst(&worst.resident), 3),
        percent(stats::worst(&worst.live), 4),
        percent(stats::worst(&worst_computed), 4),
    );
    Ok(Section {
        name: "large".to_owned(),
        title: "Do small blocks tell of large targets?".to_owned(),
        about: "Each model knows the declared bytes and four blocks of at most 100 000 voxels. Targets \
                are whole volumes in a worker of their own: awkward shapes of about 1e8 voxels, and \
                surveys that need a quarter and all of the limit (--limit, 3 GiB unless set), up \
                to 1e9 voxels. Live bytes are those of the same task by a counting allocator. \
                (--quick: smaller.) `shapes alone`: the ladder without the declared bytes."
            .to_owned(),
        answer,
        tables: vec![runs, computed, cost(&all)?],
        figures: Vec::new(),
        absent: Vec::new(),
    })
}

#[derive(Default)]
struct Worst {
    resident: Vec<f64>,
    live: Vec<f64>,
}

fn really(all: &[Told<'_>]) -> anyhow::Result<(Table, Worst)> {
    let mut table = Table::new(
        "targets that were run",
        &[
            "operator",
            "shape",
            "million voxels",
            "times the largest block",
            "awkward",
            "predicted, MiB",
            "measured, MiB",
            "error, %",
            "room, %",
            "live, MiB",
            "error of live, %",
            "live, shapes alone, %",
        ],
    );
    let mut worst = Worst::default();
    for told in all {
        let fits = told.fit()?;
        for run in &told.targets {
            let shape = run.shape()?;
            let (said, peak) = (fits.resident.predict(shape, shape), run.peak_bytes as f64);
            let heap = run.live_bytes as f64;
            let error = off(said.peak.as_f64(), peak);
            let of_heap = off(fits.live.predict(shape, shape).peak.as_f64(), heap);
            worst.resident.push(error);
            worst.live.push(of_heap);
            table.row([
                told.subject.to_string(),
                shape.to_string(),
                fixed(Some(shape.voxels() as f64 / 1e6), 1),
                fixed(Some(shape.voxels() as f64 / told.largest_profiled()?), 0),
                if run.what.is_empty() { ABSENT.to_owned() } else { run.what.clone() },
                mib(said.peak.as_f64()),
                mib(peak),
                percent(Some(error), 3),
                percent(Some(off(said.upper.as_f64(), peak)), 2),
                mib(heap),
                percent(Some(of_heap), 4),
                percent(Some(off(fits.alone.predict(shape, shape).peak.as_f64(), heap)), 2),
            ]);
        }
    }
    Ok((table, worst))
}

fn computed(all: &[Told<'_>]) -> anyhow::Result<(Table, Vec<f64>)> {
    let mut table = Table::new(
        "targets up to 1e9 voxels, against base and declared bytes",
        &[
            "operator",
            "shape",
            "million voxels",
            "base and declared, MiB",
            "predicted, MiB",
            "difference, %",
            "live, difference, %",
            "live, shapes alone, %",
        ],
    );
    let mut differences = Vec::new();
    for told in all {
        let fits = told.fit()?;
        for extents in COMPUTED {
            let shape = Shape::new(extents)?;
            let heap = told.declared.predict(shape, shape).peak.as_f64();
            let peak = |model: &dyn MemoryModel| model.predict(shape, shape).peak.as_f64();
            let difference = off(peak(&fits.resident), told.base() + heap);
            differences.push(difference);
            table.row([
                told.subject.to_string(),
                shape.to_string(),
                fixed(Some(shape.voxels() as f64 / 1e6), 1),
                mib(told.base() + heap),
                mib(peak(&fits.resident)),
                percent(Some(difference), 4),
                percent(Some(off(peak(&fits.live), heap)), 4),
                percent(Some(off(peak(&fits.alone), heap)), 2),
            ]);
        }
    }
    Ok((table, differences))
}

/// What profiling costs beside a run of the whole target.
fn cost(all: &[Told<'_>]) -> anyhow::Result<Table> {
    let mut table = Table::new(
        "time of profiling",
        &[
            "operator",
            "four blocks, s",
            "of it starting workers, s",
            "largest target, million voxels",
            "its run, s",
            "share, %",
            "share is 1 % at million voxels",
        ],
    );
    for told in all {
        let sum = |of: fn(&Run) -> f64| told.profiled.iter().map(|run| of(run)).sum::<f64>();
        let spent = sum(|run| run.worker_s);
        let mut largest: Option<(f64, &Run)> = None;
        for run in &told.targets {
            let voxels = run.shape()?.voxels() as f64;
            if run.what.is_empty() && largest.is_none_or(|(most, _)| voxels > most) {
                largest = Some((voxels, run));
            }
        }
        let Some((voxels, run)) = largest else { continue };
        table.row([
            told.subject.to_string(),
            fixed(Some(spent), 3),
            fixed(Some(spent - sum(|run| run.task_s)), 3),
            fixed(Some(voxels / 1e6), 1),
            fixed(Some(run.worker_s), 1),
            percent(Some(spent / run.worker_s), 2),
            fixed(Some(100.0 * spent * voxels / run.worker_s / 1e6), 0),
        ]);
    }
    Ok(table)
}

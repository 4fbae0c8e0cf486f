//! `chunkfit profile`: readings of a few small blocks.

mod block;
mod recorded;
mod subject;

use std::sync::atomic::Ordering;

use anyhow::{Context, bail};
use chunkfit_core::{ByteSize, Shape, Source};
use chunkfit_io::Input;
use chunkfit_predict::{ExperimentDesign, Next, Observation, Reason, write_csv};
use memcage::Cage;

use super::Stopped;
use super::run::stop_on_signals;
use crate::args::ProfileArgs;
use crate::origin::ledger;
use crate::partial::write_whole;
use crate::progress::{Progress, say};
use crate::report::{check_json_path, count, write_json};
use block::Blocks;
use subject::{Bench, Subject, read};

/// A disturbed reading is taken again, so often.
const ATTEMPTS: usize = 3;

/// `chunkfit profile`.
pub(crate) fn profile(args: &ProfileArgs) -> anyhow::Result<()> {
    check_json_path(args.json.as_deref())?;
    let (name, seen) = if args.from.is_empty() {
        let blocks = match &args.input {
            Some(path) => Blocks::Of(Box::new(Input::open(path, &args.reading.options()?)?)),
            None => Blocks::Noise,
        };
        let subject = Subject::new(args, &blocks)?;
        (subject.name(), take(args, &subject, blocks)?)
    } else {
        (count(args.from.len(), "file"), recorded::readings(&args.from, &args.shapes)?)
    };
    let mut csv = Vec::new();
    write_csv(&mut csv, &seen)?;
    write_whole(&args.output, &csv)?;
    if let Some(path) = &args.json {
        write_json(path, &seen)?;
    }
    let voxels: usize = seen.iter().map(|row| row.block.voxels()).sum();
    let largest = seen.iter().map(|row| row.peak.bytes()).max().unwrap_or(ByteSize::ZERO);
    say(&format!(
        "{} of {name} over {voxels} voxels, the largest {largest}: {}",
        count(seen.len(), "reading"),
        args.output.display()
    ));
    Ok(())
}

/// Takes the readings that are asked for.
fn take(args: &ProfileArgs, subject: &Subject, blocks: Blocks) -> anyhow::Result<Vec<Observation>> {
    let stop = stop_on_signals()?;
    let folder = tempfile::tempdir().context("cannot make a folder for inputs")?;
    let cage = Cage::new("chunkfit-profile", None)?;
    let volume = args.volume.or_else(|| blocks.input().map(Source::shape));
    let bench =
        Bench { cage: &cage, folder: folder.path(), origin: subject.origin(), blocks, stop };
    let seen = match volume {
        Some(volume) if args.shapes.is_empty() => design(args, volume, subject, &bench),
        _ => measure_all(args, subject, &bench, &args.shapes),
    };
    let closed = cage.close();
    let seen = seen?;
    closed?;
    Ok(seen)
}

/// Runs the blocks that the design asks for.
fn design(
    args: &ProfileArgs,
    volume: Shape,
    subject: &Subject,
    bench: &Bench<'_>,
) -> anyhow::Result<Vec<Observation>> {
    let declared = match subject {
        Subject::Operator(operator) => Some((ledger(operator.as_ref())?, operator.halo())),
        Subject::Command(..) => None,
    };
    let mut design = ExperimentDesign::new(volume, size_of::<f32>()).with_budget(args.budget);
    if let Some((ledger, halo)) = &declared {
        design = design.with_ledger(ledger).with_halo(*halo);
    }
    if bench.blocks.input().is_some() {
        design = design.cut_from_target();
    }
    let mut seen = Vec::new();
    loop {
        match design.next(&seen) {
            Next::Run(blocks) => seen.extend(measure_all(args, subject, bench, &blocks)?),
            Next::Stop(Reason::Budget) if seen.is_empty() => bail!(
                "{} % of {volume} are {} voxels, fewer than a block that can be measured; raise \
                 --budget, or name blocks with --shapes",
                100.0 * args.budget,
                (volume.voxels() as f64 * args.budget) as u64
            ),
            Next::Stop(reason) => {
                say(match reason {
                    Reason::LedgerAgrees => "the declared ledger explains every reading to 0.5 %",
                    Reason::Complete => "every block of the design was run",
                    Reason::Budget => {
                        "the budget is spent before every block of the design was run"
                    }
                });
                return Ok(seen);
            }
        }
    }
}

fn measure_all(
    args: &ProfileArgs,
    subject: &Subject,
    bench: &Bench<'_>,
    blocks: &[Shape],
) -> anyhow::Result<Vec<Observation>> {
    let voxels: usize = blocks.iter().map(|block| block.voxels()).sum();
    let mut progress = Progress::new("profile", (voxels * args.repeats) as u64, 0);
    let mut seen = Vec::new();
    for &block in blocks {
        for _ in 0..args.repeats {
            let taken = measure(subject, bench, block);
            // A command may have ended by the same signal: that is no failure of it.
            if bench.stop.load(Ordering::Relaxed) {
                let done = count(seen.len(), "reading");
                bail!(Stopped(format!("stopped after {done}; nothing was written")));
            }
            seen.push(taken?);
            progress.advance(block.voxels() as u64);
        }
    }
    progress.finish();
    Ok(seen)
}

/// Takes a reading that nothing has disturbed.
fn measure(subject: &Subject, bench: &Bench<'_>, block: Shape) -> anyhow::Result<Observation> {
    bench.blocks.check(block)?;
    let mut major_faults = 0;
    for _ in 0..ATTEMPTS {
        // A folder for each, so that nothing is found that another has left.
        let folder = tempfile::tempdir_in(bench.folder)?;
        let reading = read(subject, bench, folder.path(), block)
            .with_context(|| format!("{} on a block of {block}", subject.name()))?;
        if reading.disturbance.is_none() {
            return Ok(Observation {
                block: reading.block,
                core: reading.core,
                peak: reading.peak,
                base: reading.base,
                origin: bench.origin.clone(),
                disturbance: reading.disturbance,
            });
        }
        major_faults = reading.major_faults;
    }
    bail!(
        "{} on a block of {block}: {ATTEMPTS} readings in a row were disturbed, the last by \
         {major_faults} page faults that waited for a disk; profile when memory is not short",
        subject.name()
    )
}

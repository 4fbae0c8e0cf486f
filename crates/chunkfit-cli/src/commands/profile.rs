use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use chunkfit_core::{ByteSize, Operator, Placement, Shape, Source};
use chunkfit_io::{Input, InputOptions, zarr};
use chunkfit_predict::{
    Disturbance, ExperimentDesign, Next, Observation, Origin, Peak, Reason, write_csv,
};
use chunkfit_run::{Pool, PoolOptions};
use memcage::{Cage, Death, Verdict, resident};

use crate::args::ProfileArgs;
use crate::engine::{STORAGE_CHUNK, zarr_spec};
use crate::noise::write_noise;
use crate::origin::{ledger, origin};
use crate::partial::write_whole;
use crate::progress::{Progress, say};
use crate::report::{check_json_path, write_json};
use crate::spec::JobSpec;

/// A disturbed reading is taken again, so often.
const ATTEMPTS: usize = 3;

/// Pages that came back from a disk may hold this share of the peak: a program reads a few of its own.
const FEW: f64 = 0.001;

/// What of the error output of a command is shown.
const LAST_WORDS: usize = 2000;

/// `chunkfit profile`.
pub(crate) fn profile(args: &ProfileArgs) -> anyhow::Result<()> {
    check_json_path(args.json.as_deref())?;
    let subject = Subject::new(args)?;
    let folder = tempfile::tempdir().context("cannot make a folder for inputs")?;
    let cage = Cage::new("chunkfit-profile", None)?;
    let bench = Bench { cage: &cage, folder: folder.path(), origin: subject.origin() };
    let seen = match args.volume {
        Some(volume) => design(args, volume, &subject, &bench),
        None => measure_all(args, &subject, &bench, &args.shapes),
    };
    let closed = cage.close();
    let seen = seen?;
    closed?;
    let mut csv = Vec::new();
    write_csv(&mut csv, &seen)?;
    write_whole(&args.output, &csv)?;
    if let Some(path) = &args.json {
        write_json(path, &seen)?;
    }
    let voxels: usize = seen.iter().map(|row| row.block.voxels()).sum();
    let largest = seen.iter().map(|row| row.peak.bytes()).max().unwrap_or(ByteSize::ZERO);
    say(&format!(
        "{} readings of {} over {voxels} voxels, the largest {largest}: {}",
        seen.len(),
        subject.name(),
        args.output.display()
    ));
    Ok(())
}

/// What is profiled.
enum Subject {
    Operator(Box<dyn Operator>),
    /// Words of a command, and its limit.
    Command(Vec<String>, Option<ByteSize>),
}

impl Subject {
    fn new(args: &ProfileArgs) -> anyhow::Result<Self> {
        if let Some(text) = &args.operator {
            return Ok(Self::Operator(chunkfit_seismic::parse(text)?));
        }
        let text = args.command.as_deref().unwrap_or_default();
        let words = shlex::split(text)
            .filter(|words| !words.is_empty())
            .with_context(|| format!("--command {text:?} is not words; close its quotes"))?;
        if !words.iter().any(|word| word.contains("{input}") || word.contains("{shape}")) {
            bail!(
                "--command {text:?} says nothing of its input; write {{input}}, or {{shape}}, where \
                 it belongs"
            );
        }
        Ok(Self::Command(words, args.limit))
    }

    fn name(&self) -> String {
        match self {
            Self::Operator(operator) => operator.name(),
            Self::Command(words, _) => words[0].clone(),
        }
    }

    fn origin(&self) -> Origin {
        origin(matches!(self, Self::Operator(_)))
    }
}

/// Where tasks run.
struct Bench<'a> {
    cage: &'a Cage,
    folder: &'a Path,
    origin: Origin,
}

/// One reading, and what may be wrong with it.
struct Reading {
    peak: Peak,
    base: Option<ByteSize>,
    disturbance: Disturbance,
    major_faults: u64,
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
            seen.push(measure(subject, bench, block)?);
            progress.advance(block.voxels() as u64);
        }
    }
    progress.finish();
    Ok(seen)
}

/// Takes a reading that nothing has disturbed.
fn measure(subject: &Subject, bench: &Bench<'_>, block: Shape) -> anyhow::Result<Observation> {
    let mut major_faults = 0;
    for _ in 0..ATTEMPTS {
        // A folder for each, so that nothing is found that another has left.
        let folder = tempfile::tempdir_in(bench.folder)?;
        let input = folder.path().join("input.npy");
        write_noise(&input, block)?;
        let reading = match subject {
            Subject::Operator(operator) => task(operator.as_ref(), bench, folder.path(), &input),
            Subject::Command(words, limit) => {
                command(words, *limit, bench, folder.path(), &input, block)
            }
        }
        .with_context(|| format!("{} on a block of {block}", subject.name()))?;
        if reading.disturbance.is_none() {
            return Ok(Observation {
                block,
                core: block,
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

/// The reading of a worker of ours, from a file to a store.
fn task(
    operator: &dyn Operator,
    bench: &Bench<'_>,
    folder: &Path,
    input: &Path,
) -> anyhow::Result<Reading> {
    let input = Input::open(input, &InputOptions::default())?;
    let store = folder.join("result.zarr");
    let most = Shape::new([STORAGE_CHUNK; 3])?;
    let chunk = chunkfit_plan::output_chunk(input.shape(), most);
    zarr::create(&store, &zarr_spec(&input, operator, chunk, "profile"))?;
    let job = JobSpec { input: input.descriptor(), operator: operator.name(), store };
    let spec = serde_json::to_string(&job)?;
    let pool = Pool::new(bench.cage, PoolOptions { spec, limit: None, logs: folder.to_owned() });
    let measured = pool.measure(&[Placement::whole(input.shape())])?;
    let peak = measured.costs.first().and_then(|done| done.peak);
    let peak = peak.context("this kernel does not let a process reset its peak")?;
    let (disturbance, major_faults) = disturbance(&measured.death, peak);
    let base = Some(measured.resident);
    Ok(Reading { peak: Peak::Measured(peak), base, disturbance, major_faults })
}

/// The reading of a command: the highest resident set of any of its processes.
fn command(
    words: &[String],
    limit: Option<ByteSize>,
    bench: &Bench<'_>,
    folder: &Path,
    input: &Path,
    block: Shape,
) -> anyhow::Result<Reading> {
    let text = |path: &Path| path.to_str().map(str::to_owned).context("a path is not text");
    let (input, output) = (text(input)?, text(&folder.join("output"))?);
    let shape = block.extents().map(|n| n.to_string()).join("x");
    let fill = |word: &String| {
        word.replace("{input}", &input).replace("{output}", &output).replace("{shape}", &shape)
    };
    let errors = folder.join("errors");
    let mut command = Command::new(fill(&words[0]));
    command
        .args(words[1..].iter().map(fill))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&errors)?);
    let own = resident::current_bytes()?;
    let limit_bytes = limit.map(ByteSize::as_u64);
    let mut inmate = bench.cage.spawn(&mut command, limit_bytes).context("it does not start")?;
    let death = inmate.wait()?;
    let resident = ByteSize::new(death.work.resident_peak_bytes);
    let (disturbance, major_faults) = disturbance(&death, resident);
    let peak = match death.verdict {
        Verdict::OutOfMemory { limit_bytes } => Peak::AtLeast(ByteSize::new(limit_bytes)),
        _ if !death.status.success() => {
            let mut said = String::new();
            // What it said helps, and is missed by nobody where it cannot be read.
            let _ = File::open(&errors).and_then(|mut file| file.read_to_string(&mut said));
            let start = said.char_indices().rev().nth(LAST_WORDS - 1).map_or(0, |(at, _)| at);
            bail!("the command ended with {death}\n{}", said[start..].trim());
        }
        _ if resident.as_u64() <= own => bail!(
            "the command needed less than the {} of this process, and cannot be told from it",
            ByteSize::new(own)
        ),
        _ => Peak::Measured(resident),
    };
    // What was killed by its limit was short of memory on purpose.
    let killed = matches!(peak, Peak::AtLeast(_));
    let disturbance = if killed { Disturbance::default() } else { disturbance };
    Ok(Reading { peak, base: None, disturbance, major_faults })
}

/// Whether pages had to come back from a disk, and the faults that say so. The first start of a program
/// reads it from the disk too: the next reading does not.
fn disturbance(death: &Death, peak: ByteSize) -> (Disturbance, u64) {
    let faults = death.work.major_faults;
    let pages = faults as f64 * rustix::param::page_size() as f64;
    let swap = death.swap_peak_bytes.is_some_and(|bytes| bytes > 0);
    (Disturbance { reclaim: pages > FEW * peak.as_f64(), swap }, faults)
}

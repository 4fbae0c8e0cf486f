//! What is profiled, and one reading of it.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, bail};
use chunkfit_core::{ByteSize, Operator, Placement, Shape, Source};
use chunkfit_io::{Input, InputOptions, zarr};
use chunkfit_predict::{Disturbance, Origin, Peak};
use chunkfit_run::{Pool, PoolOptions};
use memcage::{Cage, Death, Verdict, resident};

use super::block::{Blocks, task_in};
use crate::args::ProfileArgs;
use crate::engine::{STORAGE_CHUNK, zarr_spec};
use crate::operator::operator_for;
use crate::origin::origin;
use crate::spec::JobSpec;

/// Pages that came back from a disk may hold this share of the peak: a program reads a few of its own.
const FEW: f64 = 0.001;

/// What of the error output of a command is shown.
const LAST_WORDS: usize = 2000;

/// What is profiled.
pub(super) enum Subject {
    Operator(Box<dyn Operator>),
    /// Words of a command, and its limit.
    Command(Vec<String>, Option<ByteSize>),
}

impl Subject {
    /// The operator, for the volume of `blocks`, or the command.
    pub(super) fn new(args: &ProfileArgs, blocks: &Blocks) -> anyhow::Result<Self> {
        if let Some(text) = &args.operator {
            return Ok(Self::Operator(match blocks.input() {
                Some(input) => operator_for(text, input)?,
                None => chunkfit_seismic::parse(text)?,
            }));
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

    pub(super) fn name(&self) -> String {
        match self {
            Self::Operator(operator) => operator.name(),
            Self::Command(words, _) => words[0].clone(),
        }
    }

    pub(super) fn origin(&self) -> Origin {
        origin(matches!(self, Self::Operator(_)))
    }
}

/// Where tasks run.
pub(super) struct Bench<'a> {
    pub(super) cage: &'a Cage,
    pub(super) folder: &'a Path,
    pub(super) origin: Origin,
    pub(super) blocks: Blocks,
    /// Set when the profile is to end.
    pub(super) stop: Arc<AtomicBool>,
}

/// One reading, and what may be wrong with it.
pub(super) struct Reading {
    /// What was read, and what of it was to be made.
    pub(super) block: Shape,
    pub(super) core: Shape,
    pub(super) peak: Peak,
    pub(super) base: Option<ByteSize>,
    pub(super) disturbance: Disturbance,
    pub(super) major_faults: u64,
}

/// One reading on `block`, in an empty `folder`.
pub(super) fn read(
    subject: &Subject,
    bench: &Bench<'_>,
    folder: &Path,
    block: Shape,
) -> anyhow::Result<Reading> {
    let file = folder.join("input.npy");
    match (subject, &bench.blocks) {
        (Subject::Operator(operator), Blocks::Of(input)) => {
            let at = task_in(input.shape(), block, &operator.halo())?;
            // The core is one chunk of the store, so that it may lie where it does.
            task(operator.as_ref(), bench, folder, input, at, at.core().shape())
        }
        (Subject::Operator(operator), Blocks::Noise) => {
            bench.blocks.write(&file, block)?;
            let input = Input::open(&file, &InputOptions::default())?;
            let most = Shape::new([STORAGE_CHUNK; 3])?;
            let chunk = chunkfit_plan::output_chunk(block, most);
            task(operator.as_ref(), bench, folder, &input, Placement::whole(block), chunk)
        }
        (Subject::Command(words, limit), blocks) => {
            blocks.write(&file, block)?;
            command(words, *limit, bench, folder, &file, block)
        }
    }
}

/// The reading of a worker of ours, from `input` to a store in chunks of `chunk`.
fn task(
    operator: &dyn Operator,
    bench: &Bench<'_>,
    folder: &Path,
    input: &Input,
    at: Placement,
    chunk: Shape,
) -> anyhow::Result<Reading> {
    let store = folder.join("result.zarr");
    zarr::create(&store, &zarr_spec(input, operator, chunk, "profile"))?;
    let job = JobSpec { input: input.descriptor(), operator: operator.name(), store };
    let spec = serde_json::to_string(&job)?;
    let pool = Pool::new(bench.cage, PoolOptions { spec, limit: None, logs: folder.to_owned() });
    let measured = pool.measure(&[at])?;
    let peak = measured.costs.first().and_then(|done| done.peak);
    let peak = peak.context("this kernel does not let a process reset its peak")?;
    let (disturbance, major_faults) = disturbance(&measured.death, peak);
    let (block, core) = (at.block().shape(), at.core().shape());
    let base = Some(measured.resident);
    Ok(Reading { block, core, peak: Peak::Measured(peak), base, disturbance, major_faults })
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
    Ok(Reading { block, core: block, peak, base: None, disturbance, major_faults })
}

/// Whether pages had to come back from a disk, and the faults that say so. The first start of a program
/// reads it from the disk too: the next reading does not.
fn disturbance(death: &Death, peak: ByteSize) -> (Disturbance, u64) {
    let faults = death.work.major_faults;
    let swap = death.swap_peak_bytes.is_some_and(|bytes| bytes > 0);
    (Disturbance { reclaim: !few(faults, peak), swap }, faults)
}

/// Whether pages that had to come back from a disk are few beside `peak`.
pub(super) fn few(faults: u64, peak: ByteSize) -> bool {
    faults as f64 * rustix::param::page_size() as f64 <= FEW * peak.as_f64()
}

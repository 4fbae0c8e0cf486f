//! What can be said on the command line.

use std::path::PathBuf;

use chunkfit_core::{ByteSize, Shape};
use chunkfit_io::InputOptions;
use chunkfit_io::segy::{ByteOrder, Fill, SampleFormat, SegyOptions};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Run an operator over a seismic volume that is larger than memory, without being killed for it.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  chunkfit demo                                              a synthetic survey, start to end
  chunkfit info survey.sgy                                   what is in the file
  chunkfit run survey.sgy dip.zarr --operator gst --memory 4GiB
  chunkfit plan survey.sgy --operator envelope --worker-memory 2GiB --workers 8
  chunkfit plan --shape 951x651x462 --operator gst --worker-memory 4GiB --workers 4 --json -

Volumes are (inline, crossline, sample). Sizes are written 192MiB, 4GiB or 1.5GB."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a synthetic survey, run an operator over it in little memory, check and draw the result.
    Demo(DemoArgs),
    /// Run an operator over a volume, chunk by chunk, under a hard memory limit.
    Run(RunArgs),
    /// Show the chunks that a run would use, and why, without running anything.
    Plan(PlanArgs),
    /// Measure the memory of an operator, or of any command, on a few small blocks.
    Profile(ProfileArgs),
    /// Fit a model of memory to the readings of a profile.
    Fit(FitArgs),
    /// Predict the memory of a block, or the largest block for a budget.
    Predict(PredictArgs),
    /// Show what is in a file.
    Info(InfoArgs),
    /// List the operators, their parameters and outputs.
    Operators,
    /// Show what this machine allows: memory limits, exact peaks, and the evidence for each.
    Doctor(DoctorArgs),
}

/// Where tasks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Isolation {
    /// Worker processes, each under a hard limit of its own.
    Processes,
    /// Threads of one process; a task starts when its predicted bytes fit.
    Threads,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Folder for the survey, the result, the pictures and the report.
    #[arg(long, value_name = "DIR", default_value = "demo")]
    pub(crate) out: PathBuf,
    /// Inlines, crosslines and samples of the survey.
    #[arg(long, value_name = "AxBxC", default_value = "400x400x400")]
    pub(crate) shape: Shape,
    /// The operator, with parameters as `gaussian:sigma=2`; see `chunkfit operators`.
    #[arg(long, value_name = "NAME[:key=value,…]", default_value = "gst")]
    pub(crate) operator: String,
    /// Hard limit of everything together, workers and parent.
    #[arg(long, value_name = "SIZE", default_value = "192MiB")]
    pub(crate) memory: ByteSize,
    /// Number of workers, at most.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = worker_count)]
    pub(crate) workers: usize,
    /// Write the report as JSON to FILE, or to standard output with `-`.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  chunkfit run f3.sgy envelope.zarr --operator envelope
  chunkfit run f3.sgy smooth.zarr --operator gaussian:sigma=2 --memory 2GiB
  chunkfit run volume.npy dip.zarr --operator gst:outputs=dip --worker-memory 1GiB --workers 4
  chunkfit run f3.sgy dip.zarr --operator gst --model gst.json     plan with it, and add to it
  chunkfit run f3.sgy dip.zarr --operator gst --resume       continue after Ctrl-C, a kill or a crash

The result is a Zarr v3 group in the MDIO layout; open it with xarray.open_zarr(OUTPUT, consolidated=False).
While it runs, everything is in OUTPUT.partial; OUTPUT appears when it is complete.")]
pub(crate) struct RunArgs {
    /// A SEG-Y file, an .npy file, or a Zarr v3 array or group.
    pub(crate) input: PathBuf,
    /// The Zarr group to make.
    pub(crate) output: PathBuf,
    /// The operator, with parameters as `gaussian:sigma=2`; see `chunkfit operators`.
    #[arg(long, value_name = "NAME[:key=value,…]")]
    pub(crate) operator: String,
    /// Hard limit of the whole run, workers and parent together. The planner picks the number of
    /// workers. Default: 80 % of what this process may really use.
    #[arg(long, value_name = "SIZE", conflicts_with = "worker_memory")]
    pub(crate) memory: Option<ByteSize>,
    /// Hard limit of each worker, as in Dask.
    #[arg(long, value_name = "SIZE")]
    pub(crate) worker_memory: Option<ByteSize>,
    /// Number of workers; with --memory, at most. Default: the processors that we may use.
    #[arg(long, value_name = "N", value_parser = worker_count)]
    pub(crate) workers: Option<usize>,
    /// Where tasks run. Default: processes.
    #[arg(long, value_enum)]
    pub(crate) isolation: Option<Isolation>,
    /// How to choose the chunks: memory-aware (the default), dask-auto, even, cube or fixed=AxBxC.
    #[arg(long, value_name = "NAME")]
    pub(crate) strategy: Option<String>,
    /// Continue an interrupted run of the same input, output and operator, as it was planned.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Replace OUTPUT if it exists, once the new result is complete.
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Write the report as JSON to FILE, or to standard output with `-`.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  chunkfit plan f3.sgy --operator gst --worker-memory 512MiB --workers 4
  chunkfit plan --shape 951x651x462 --operator gst --worker-memory 4GiB --workers 4
  chunkfit plan --shape 951x651x462 --operator gst --worker-memory 4GiB --workers 4 --strategy dask-auto
  chunkfit plan --shape 951x651x462 --operator gst --worker-memory 4GiB --workers 4 --model gst.json")]
pub(crate) struct PlanArgs {
    /// A SEG-Y file, an .npy file, or a Zarr v3 array or group.
    #[arg(required_unless_present = "shape", conflicts_with = "shape")]
    pub(crate) input: Option<PathBuf>,
    /// Plan for a volume of this shape instead of a file: inlines, crosslines, samples.
    #[arg(long, value_name = "AxBxC")]
    pub(crate) shape: Option<Shape>,
    /// Type of a stored sample, with --shape.
    #[arg(long, value_enum, default_value = "f32", requires = "shape")]
    pub(crate) dtype: Dtype,
    /// The operator, with parameters as `gaussian:sigma=2`; see `chunkfit operators`.
    #[arg(long, value_name = "NAME[:key=value,…]")]
    pub(crate) operator: String,
    /// Hard limit of each worker, as in Dask.
    #[arg(long, value_name = "SIZE")]
    pub(crate) worker_memory: ByteSize,
    /// Number of workers.
    #[arg(long, value_name = "N", value_parser = worker_count)]
    pub(crate) workers: usize,
    /// How to choose the chunks: memory-aware, dask-auto, even, cube or fixed=AxBxC.
    #[arg(long, value_name = "NAME", default_value = "memory-aware")]
    pub(crate) strategy: String,
    /// Write the plan as JSON to FILE, or to standard output with `-`.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  chunkfit profile --operator gst --volume 951x651x462 -o gst.csv
  chunkfit profile --operator gaussian:sigma=2 --shapes 64x64x64,48x96x64 -o gaussian.csv
  chunkfit profile --operator gst --input survey.sgy -o gst.csv
  chunkfit profile --command 'python op.py {input} {output}' --shapes 40x50x60,60x50x80 -o op.csv
  chunkfit profile --from a.prof,b.prof --shapes 40x50x60,60x50x80 -o op.csv

A command is started without a shell. {input} is an .npy file of f32 noise, or of a block of
--input, {output} a path to write to, {shape} is as 40x50x60. Its peak is the highest resident set of
any one of its processes: that of all together is not known exactly, since the peak of a control
group counts the page cache. What --from reads is of a command too.")]
#[command(group = clap::ArgGroup::new("what").required(true))]
#[command(group = clap::ArgGroup::new("where").multiple(true))]
pub(crate) struct ProfileArgs {
    /// The operator, with parameters as `gaussian:sigma=2`; see `chunkfit operators`.
    #[arg(long, value_name = "NAME[:key=value,…]", group = "what", requires = "where")]
    pub(crate) operator: Option<String>,
    /// Any program: words with {input}, {output} and {shape}.
    #[arg(long, value_name = "WORDS", group = "what", requires = "where")]
    pub(crate) command: Option<String>,
    /// What `traceq run` has recorded, a file for each of --shapes, in the same order. Without --shapes, the
    /// shapes that the files say.
    #[arg(long, value_name = "FILE,…", value_delimiter = ',', group = "what",
          conflicts_with_all = ["input", "volume", "repeats", "limit"])]
    pub(crate) from: Vec<PathBuf>,
    /// Cut the blocks from this file: an operator reads them as in a run.
    #[arg(long, value_name = "FILE", group = "where", conflicts_with = "volume")]
    pub(crate) input: Option<PathBuf>,
    /// The blocks to run. With --input, an axis that the operator needs whole must be whole.
    #[arg(long, value_name = "AxBxC,…", value_delimiter = ',', group = "where")]
    pub(crate) shapes: Vec<Shape>,
    /// The volume to predict for, from which the blocks are chosen when --shapes is left out; with --input
    /// that of the file.
    #[arg(long, value_name = "AxBxC", group = "where", conflicts_with = "shapes")]
    pub(crate) volume: Option<Shape>,
    /// Share of the voxels of that volume that all blocks together may have.
    #[arg(long, value_name = "PERCENT", default_value = "1%", value_parser = percent)]
    pub(crate) budget: f64,
    /// Runs of each block.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_one)]
    pub(crate) repeats: usize,
    /// Hard limit of a run of the command. A run that is killed by it is recorded as \"at least\".
    #[arg(long, value_name = "SIZE", requires = "command")]
    pub(crate) limit: Option<ByteSize>,
    /// Where the readings go, as CSV.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Write the readings as JSON to FILE, or to standard output with `-`.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  chunkfit fit gst.csv --operator gst -o gst.json     with the ledger that the operator declares
  chunkfit fit op.csv -o op.json                      any program")]
pub(crate) struct FitArgs {
    /// What `chunkfit profile` wrote.
    pub(crate) observations: PathBuf,
    /// The operator that was profiled, if it is one of `chunkfit operators`.
    #[arg(long, value_name = "NAME[:key=value,…]")]
    pub(crate) operator: Option<String>,
    /// Where the model goes.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Write the summary as JSON to FILE, or to standard output with `-`.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  chunkfit predict --model gst.json --shape 200x300x462
  chunkfit predict --model op.json --shape 200x300x462 --slurm     a line for a batch script
  chunkfit predict --model op.json --budget 4GiB                   the largest cube that fits
  chunkfit predict --operator gst --shape 200x300x462              by the declared ledger alone")]
#[command(group = clap::ArgGroup::new("of").required(true).multiple(true))]
#[command(group = clap::ArgGroup::new("asked").required(true).multiple(true))]
pub(crate) struct PredictArgs {
    /// What `chunkfit fit` wrote.
    #[arg(long, value_name = "FILE", group = "of")]
    pub(crate) model: Option<PathBuf>,
    /// The operator; with --model, it must be the one of the model.
    #[arg(long, value_name = "NAME[:key=value,…]", group = "of")]
    pub(crate) operator: Option<String>,
    /// Use a model of another version, allocator, page size or machine all the same.
    #[arg(long, requires = "model")]
    pub(crate) accept_stale: bool,
    /// The block, halo included. With --budget, the largest that is asked for.
    #[arg(long, value_name = "AxBxC", group = "asked")]
    pub(crate) shape: Option<Shape>,
    /// Find the largest block whose bound fits in this: a cube, or of the proportions of --shape.
    #[arg(long, value_name = "SIZE", group = "asked")]
    pub(crate) budget: Option<ByteSize>,
    /// Resident set of an idle worker, for an operator without a model. Default: 8 MiB, as is typical.
    #[arg(long, value_name = "SIZE", conflicts_with = "model")]
    pub(crate) base: Option<ByteSize>,
    /// Print the line for a batch script of Slurm, and nothing else.
    #[arg(long, requires = "shape", conflicts_with_all = ["budget", "json"])]
    pub(crate) slurm: bool,
    /// Write the prediction as JSON to FILE, or to standard output with `-`.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// Stored sample types that a plan can be asked for without a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dtype {
    /// 8-bit integers.
    I8,
    /// 16-bit integers.
    I16,
    /// 32-bit integers.
    I32,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl Dtype {
    /// Bytes of one stored sample.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// A SEG-Y file, an .npy file, or a Zarr v3 array or group.
    pub(crate) input: PathBuf,
    /// Write the facts as JSON to FILE, or to standard output with `-`.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
}

/// A model to plan with.
#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    /// Plan with this model of the operator, made by `chunkfit fit`. A run adds what its tasks needed to
    /// it, and begins it where there is none.
    #[arg(long = "model", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Use a model of another version, allocator, page size or machine all the same. It does not learn.
    #[arg(long, requires = "file")]
    pub(crate) accept_stale: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Write the findings as JSON to FILE, or to standard output with `-`.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// How to read the input where its headers are wrong or say too little.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading the input")]
pub(crate) struct ReadingArgs {
    /// SEG-Y: first byte of the inline number in the trace header, counted from 1.
    #[arg(long, alias = "iline-byte", value_name = "BYTE", default_value_t = 189)]
    pub(crate) il_byte: usize,
    /// SEG-Y: first byte of the crossline number in the trace header, counted from 1.
    #[arg(long, alias = "xline-byte", value_name = "BYTE", default_value_t = 193)]
    pub(crate) xl_byte: usize,
    /// SEG-Y: byte order, instead of what the headers suggest.
    #[arg(long, value_enum)]
    pub(crate) byte_order: Option<Endian>,
    /// SEG-Y: sample format code (1 IBM, 2 i32, 3 i16, 5 IEEE f32, 6 f64, 8 i8, …), instead of the
    /// header's.
    #[arg(long, value_name = "CODE")]
    pub(crate) format: Option<u16>,
    /// SEG-Y: samples per trace, instead of the header's.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) samples: Option<usize>,
    /// SEG-Y: sample interval in milliseconds, instead of the header's.
    #[arg(long, value_name = "MS")]
    pub(crate) dt_ms: Option<f64>,
    /// SEG-Y: read only traces with this offset (trace header bytes 37–40) from a pre-stack file.
    #[arg(long, value_name = "OFFSET", allow_negative_numbers = true)]
    pub(crate) offset: Option<i32>,
    /// SEG-Y: what missing traces read as.
    #[arg(long, value_enum, default_value = "zero")]
    pub(crate) fill: Filling,
    /// Zarr: the array to read from a group with several.
    #[arg(long, value_name = "NAME")]
    pub(crate) variable: Option<String>,
}

/// A byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Endian {
    /// Most significant byte first, as the standard has it.
    Big,
    /// Least significant byte first.
    Little,
}

/// What missing traces read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Filling {
    /// Zeros.
    Zero,
    /// Not-a-number.
    Nan,
}

impl ReadingArgs {
    /// The options of the reader.
    pub(crate) fn options(&self) -> anyhow::Result<InputOptions> {
        let format = self.format.map(SampleFormat::try_from).transpose()?;
        if let Some(dt) = self.dt_ms.filter(|dt| !(dt.is_finite() && *dt > 0.0)) {
            anyhow::bail!("--dt-ms {dt} is not an interval; give milliseconds above 0, such as 4");
        }
        let segy = SegyOptions {
            il_byte: self.il_byte,
            xl_byte: self.xl_byte,
            byte_order: self.byte_order.map(|order| match order {
                Endian::Big => ByteOrder::Big,
                Endian::Little => ByteOrder::Little,
            }),
            format,
            samples: self.samples,
            dt_us: self.dt_ms.map(|ms| ms * 1000.0),
            offset: self.offset,
            fill: match self.fill {
                Filling::Zero => Fill::Zero,
                Filling::Nan => Fill::Nan,
            },
        };
        Ok(InputOptions { segy, variable: self.variable.clone() })
    }
}

/// More workers than this are a slip of the finger, and more processes than a machine takes.
const MOST_WORKERS: usize = 4096;

fn worker_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=MOST_WORKERS).contains(&n) => Ok(n),
        _ => Err(format!("give a whole number from 1 to {MOST_WORKERS}")),
    }
}

/// `1%` or `1` as 0.01.
fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').trim().parse::<f64>() {
        Ok(n) if n > 0.0 && n <= 100.0 => Ok(n / 100.0),
        _ => Err("give a share above 0 % and at most 100 %, such as 1%".to_owned()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("give a whole number of at least 1".to_owned()),
        Ok(n) => Ok(n),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }
}

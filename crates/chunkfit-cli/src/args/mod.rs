//! What can be said on the command line.

mod memory;
mod reading;

use std::path::PathBuf;

use chunkfit_core::{ByteSize, Shape};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use memory::{FitArgs, ModelArgs, PredictArgs, ProfileArgs};
pub(crate) use reading::ReadingArgs;

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
  chunkfit plan f3.sgy --operator gst --worker-memory 512MiB --workers 4 --model gst.json")]
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

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Write the findings as JSON to FILE, or to standard output with `-`.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// More workers than this are a slip of the finger, and more processes than a machine takes.
const MOST_WORKERS: usize = 4096;

fn worker_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=MOST_WORKERS).contains(&n) => Ok(n),
        _ => Err(format!("give a whole number from 1 to {MOST_WORKERS}")),
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

//! Profiles, fits, predictions and models.

use std::path::PathBuf;

use chunkfit_core::{ByteSize, Shape};
use clap::Args;

use super::{ReadingArgs, at_least_one};

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
    /// Hard limit of a run of the command. A run that is killed by it is recorded as "at least".
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

/// `1%` or `1` as 0.01.
fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').trim().parse::<f64>() {
        Ok(n) if n > 0.0 && n <= 100.0 => Ok(n / 100.0),
        _ => Err("give a share above 0 % and at most 100 %, such as 1%".to_owned()),
    }
}

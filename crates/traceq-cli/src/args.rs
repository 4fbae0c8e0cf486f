//! What can be said on the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use traceq::{parse_bytes, parse_duration};

/// Run any program under a memory profiler, and see exact peaks, a timeline, and why it died.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  traceq run -- python3 train.py                     peaks, timeline and cause of death; children too
  traceq run --limit 2GiB --out train.prof -- python3 train.py
  traceq show train.prof
  traceq plot train.prof -o train.svg
  traceq compare old-*.prof --vs new-*.prof
  traceq find-limit -- python3 train.py              the smallest limit that it survives

Sizes are written 64MiB, 1.5GiB or 4096; times 10ms, 250us or 1s. K, KB and KiB all mean 1024."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a command and record its memory.
    Run(RunArgs),
    /// Show what a profile or journal holds.
    Show(ShowArgs),
    /// Draw one timeline, or several runs over each other.
    Plot(PlotArgs),
    /// Convert a profile for the Firefox Profiler, Perfetto, or a table.
    Export(ExportArgs),
    /// Compare the peaks and durations of two groups of runs.
    Compare(CompareArgs),
    /// Find the smallest memory limit that a command survives.
    FindLimit(FindLimitArgs),
    /// Make a profile from the journal of a profiler that was killed.
    Recover(RecoverArgs),
    /// Measure the error of every backend on this machine.
    Selftest(SelftestArgs),
    /// Show what this machine allows, and the evidence for each.
    Doctor(DoctorArgs),
}

/// What to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    /// Resident set of the command itself, /proc/PID/statm.
    #[value(alias = "statm")]
    Kernel,
    /// The same from /proc/PID/status.
    Status,
    /// The same by a walk over the page tables; stalls the command.
    Smaps,
    /// The same through the sysinfo crate.
    Sysinfo,
    /// High-water mark of the command itself, VmHWM.
    Hwm,
    /// Resident sets of the command and its descendants, summed.
    Tree,
    /// Level and peak of the command's own control group.
    Cgroup,
    /// High-water mark of the largest process, read when the command has ended.
    Rusage,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  traceq run -- python3 train.py
  traceq run --limit 512MiB -- sh -c 'sort big.txt | uniq -c > counts.txt'
  traceq run --every 1ms --backend hwm --backend tree --out short.prof -- ./short
  traceq run --json report.json -- make -j2

The command keeps its standard streams, and its exit code becomes this command's; death by signal N
gives 128 + N (137: killed). 125: traceq itself failed, 126: cannot be executed, 127: not found.

While it runs, each sample is appended to OUT.journal at once. If the profiler is killed, the command
is killed too, and `traceq show OUT.journal` and `traceq recover OUT.journal` still work.")]
pub(crate) struct RunArgs {
    /// Most memory that the command and its descendants may hold together; no swap.
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub(crate) limit: Option<u64>,
    /// Time between two samples.
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = parse_duration)]
    pub(crate) every: Duration,
    /// What to read; may be given several times. Default: kernel, hwm, tree, cgroup and rusage, each
    /// where it is available, with the level of the group and the look for new processes at every
    /// fifth sample (at least every 50 ms), and the marks, which miss nothing, and the pressure, which
    /// is a sum, at every tenth.
    #[arg(long, value_name = "NAME", value_enum, value_delimiter = ',')]
    pub(crate) backend: Vec<Backend>,
    /// The profile to write, replacing what is there. Default: COMMAND.prof, or COMMAND-2.prof, …
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Use no control groups, even where they are allowed: the limit is then on the data of each
    /// process, and a watchdog adds up their resident sets.
    #[arg(long)]
    pub(crate) no_cgroup: bool,
    /// Write the report as JSON to FILE, or to standard output with `-`.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Print nothing about a run that worked.
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// The command and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  traceq show train.prof
  traceq show train.prof.journal           a run that goes on, or whose profiler was killed
  traceq show old/4f2c.prof --json - | jq '.columns[].peak_bytes'")]
pub(crate) struct ShowArgs {
    /// A .prof file of any generation, or a journal.
    pub(crate) file: PathBuf,
    /// Write the facts as JSON to FILE, or to standard output with `-`.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  traceq plot train.prof -o train.svg                one run: what the memory is made of
  traceq plot run-*.prof -o runs.png                 several runs over each other
  traceq plot train.prof -o train.png --size 1600x700")]
pub(crate) struct PlotArgs {
    /// Profiles or journals.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The picture; its ending, .svg or .png, decides the format.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Width and height in pixels.
    #[arg(long, value_name = "WxH", default_value = "1200x600", value_parser = size)]
    pub(crate) size: (u32, u32),
}

/// The program that is to read an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// profiler.firefox.com, memory tracks.
    Firefox,
    /// ui.perfetto.dev or chrome://tracing, counter tracks.
    Perfetto,
    /// A table: a row per sample, a column per counter.
    Csv,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  traceq export train.prof --to firefox              writes train.firefox.json
  traceq export train.prof --to perfetto -o train.json
  traceq export train.prof --to csv -o - | head")]
pub(crate) struct ExportArgs {
    /// A .prof file of any generation, or a journal.
    pub(crate) file: PathBuf,
    /// For which program.
    #[arg(long, value_enum)]
    pub(crate) to: Format,
    /// The file to write, or `-` for standard output. Default: beside FILE.
    #[arg(long, short, value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  traceq compare before-*.prof --vs after-*.prof
  traceq compare a.prof b.prof --vs c.prof d.prof --column hwm_memory_usage --json -

Welch's test compares means, Mann-Whitney's ranks; p is the chance to see such a difference, or a
larger one, if there were none. Cliff's delta is the effect: the share of pairs in which the second
group is higher, less the share in which it is lower.")]
pub(crate) struct CompareArgs {
    /// Profiles of the first group.
    #[arg(required = true, value_name = "A")]
    pub(crate) first: Vec<PathBuf>,
    /// Profiles of the second group.
    #[arg(long = "vs", required = true, num_args = 1.., value_name = "B")]
    pub(crate) second: Vec<PathBuf>,
    /// The column whose peaks are compared. Default: the most exact one that all files have.
    #[arg(long, value_name = "NAME")]
    pub(crate) column: Option<String>,
    /// Write the result as JSON to FILE, or to standard output with `-`.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  traceq find-limit -- python3 train.py
  traceq find-limit --from 64MiB --to 2GiB --tolerance 4MiB -- ./job input.dat

The command runs about ten times, without input; what it prints is dropped. It survives a limit if it
is not killed for memory and ends as it does without a limit. Swap is off, so the limit is a real one.")]
pub(crate) struct FindLimitArgs {
    /// A limit that it is known not to survive.
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub(crate) from: Option<u64>,
    /// A limit that it should survive; tried first. Default: its peak without a limit.
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub(crate) to: Option<u64>,
    /// Stop when the answer is known so well. Default: 1 % of the peak, at least 256 KiB.
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub(crate) tolerance: Option<u64>,
    /// A try that takes longer has not survived. Default: 10 s and ten times the time without a limit.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Option<Duration>,
    /// Write the tries and the answer as JSON to FILE, or to standard output with `-`.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// The command and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  traceq recover train.prof.journal                  writes train.prof
  traceq recover train.prof.journal -o saved.prof")]
pub(crate) struct RecoverArgs {
    /// The journal.
    pub(crate) journal: PathBuf,
    /// The profile to write. Default: the journal's name without `.journal`.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  traceq selftest              some seconds, and 1 GiB of memory for a moment
  traceq selftest --quick      a second, 64 MiB
  traceq selftest --json -     exit code 1 where a backend is outside of its bound")]
pub(crate) struct SelftestArgs {
    /// Smaller regions, fewer repetitions.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Write the result as JSON to FILE, or to standard output with `-`.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  traceq doctor
  traceq doctor --json -")]
pub(crate) struct DoctorArgs {
    /// Write the findings as JSON to FILE, or to standard output with `-`.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let parts = text.split_once('x').map(|(w, h)| (w.parse().ok(), h.parse().ok()));
    match parts {
        Some((Some(w @ 300..=10_000), Some(h @ 200..=10_000))) => Ok((w, h)),
        _ => Err("write it like 1200x600, from 300x200 to 10000x10000".to_owned()),
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

    #[test]
    fn a_command_keeps_its_options_with_and_without_dashes() {
        for line in [
            &["traceq", "run", "--limit", "1MiB", "--", "sh", "-c", "x", "--limit"][..],
            &["traceq", "run", "--limit", "1MiB", "sh", "-c", "x", "--limit"],
        ] {
            let Command::Run(args) = Cli::parse_from(line).command else { panic!("not run") };
            assert_eq!((args.limit, args.command.len()), (Some(1 << 20), 4));
        }
        assert!(Cli::try_parse_from(["traceq", "run"]).is_err());
        assert!(size("1200x600").is_ok() && size("0x0").is_err() && size("12").is_err());
    }
}

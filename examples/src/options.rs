//! What both experiments are told: by options, and by the environment as in the thesis.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};

/// Options of both experiments.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub(crate) struct Options {
    /// Small sizes and few runs: some seconds instead of many minutes.
    #[arg(long, global = true)]
    pub(crate) quick: bool,
    /// Runs of each setting [environment: EXPERIMENT_N_RUNS].
    #[arg(long, global = true, value_name = "N")]
    runs: Option<u32>,
    /// Limit on all that is measured, in GiB [environment: MEMORY_LIMIT_GB].
    #[arg(long, global = true, value_name = "GIB")]
    limit: Option<f64>,
    /// Where results go.
    #[arg(long, global = true, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Measure these parts only: P1,P3 or bounds,large.
    #[arg(long, global = true, value_name = "PARTS", value_delimiter = ',')]
    only: Vec<String>,
    #[command(subcommand)]
    phase: Option<Phase>,
}

/// One phase alone; without, all three in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Phase {
    /// Make the input files.
    Generate,
    /// Measure: rows into rows/.
    Profile,
    /// Make tables, figures and the report from rows/.
    Analyze,
}

/// Everything settled.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) quick: bool,
    pub(crate) runs: u32,
    pub(crate) out: PathBuf,
    phase: Option<Phase>,
    only: Vec<String>,
    /// The CPU that victims are pinned to.
    pub(crate) cpu: usize,
    /// Limit on all victims together, in bytes.
    pub(crate) limit: Option<u64>,
    /// Extents that the environment asks for: the largest, and the step to the smaller.
    pub(crate) final_size: Option<usize>,
    pub(crate) step_size: Option<usize>,
}

impl Settings {
    /// `full` and `few` are the numbers of runs without and with `--quick`.
    pub(crate) fn new(options: Options, name: &str, full: u32, few: u32) -> anyhow::Result<Self> {
        let runs =
            options.runs.map_or_else(|| number("EXPERIMENT_N_RUNS"), |runs| Ok(Some(runs)))?;
        let cpus = std::env::var("CPUSET_CPUS").ok();
        // A set may be written 0-3,8: its first CPU is taken.
        let first = cpus.as_deref().map(|set| set.split(['-', ',']).next().unwrap_or(set).trim());
        let cpu = first.map(|cpu| cpu.parse().with_context(|| format!("CPUSET_CPUS={cpu}")));
        let limit = options.limit.map_or_else(|| number("MEMORY_LIMIT_GB"), |gib| Ok(Some(gib)))?;
        Ok(Self {
            quick: options.quick,
            runs: runs.unwrap_or(if options.quick { few } else { full }).max(1),
            out: options.out.unwrap_or_else(|| PathBuf::from("results").join(name)),
            phase: options.phase,
            only: options.only,
            cpu: cpu.transpose()?.unwrap_or_else(first_cpu),
            limit: limit.map(|gib| (gib * f64::from(1 << 30)) as u64),
            final_size: number("DATASET_FINAL_SIZE")?,
            step_size: number("DATASET_STEP_SIZE")?,
        })
    }

    pub(crate) fn does(&self, phase: Phase) -> bool {
        self.phase.is_none_or(|only| only == phase)
    }

    pub(crate) fn measures(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only.eq_ignore_ascii_case(part))
    }

    /// Where the rows of a part are.
    pub(crate) fn rows(&self, part: &str) -> PathBuf {
        self.out.join("rows").join(format!("{part}.csv"))
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.out.join("data")
    }

    /// One of two values.
    pub(crate) fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}

/// A variable of the environment as a number; unset and empty are none, anything else an error.
fn number<T: std::str::FromStr>(name: &str) -> anyhow::Result<Option<T>> {
    match std::env::var(name) {
        Ok(text) if !text.trim().is_empty() => match text.trim().parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => anyhow::bail!("{name}={text} is not a number"),
        },
        _ => Ok(None),
    }
}

/// The first CPU that this process may use.
fn first_cpu() -> usize {
    let allowed = rustix::thread::sched_getaffinity(None);
    allowed.ok().and_then(|set| (0..1024).find(|cpu| set.is_set(*cpu))).unwrap_or(0)
}

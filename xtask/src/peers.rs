//! Kernels beside what a user would pick instead, in one interleaved run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::python;
use crate::steps::{command, root, run};

const HELP: &str = "\
cargo xtask bench peers [SHAPE] [ROUNDS] [KERNEL…]
  SHAPE   inlines x crosslines x samples, 400x400x400 unless said
  ROUNDS  how often everything runs, each time in a fresh process, in turn; 3 unless said
  KERNEL  envelope, gaussian or dip; all unless said";

/// What is compared: ours first, then peers by the name of their program.
struct Contest {
    kernel: &'static str,
    ours: &'static str,
    rust: &'static [&'static str],
    python: &'static [&'static str],
}

const CONTESTS: [Contest; 3] = [
    Contest {
        kernel: "envelope",
        ours: "envelope",
        rust: &["copy", "copy-reused", "envelope-reused"],
        python: &[
            "envelope-scipy",
            "envelope-scipy-slabs",
            "envelope-mkl-slabs",
            "envelope-mkl-complex-slabs",
            "envelope-pyfftw-slabs",
        ],
    },
    Contest {
        kernel: "gaussian",
        ours: "gaussian:sigma=3",
        rust: &["ndarray-ndimage", "gaussian:sigma=3-reused"],
        python: &[
            "gaussian-scipy",
            "gaussian-skimage",
            "gaussian-opencv",
            "gaussian-numba",
            "gaussian-simpleitk",
            "gaussian-simpleitk-recursive",
        ],
    },
    Contest {
        kernel: "dip",
        ours: "gst:outputs=dip",
        rust: &["gst:outputs=dip-reused"],
        python: &["dip-numpy", "dip-numpy-slabs", "dip-structure-tensor", "dip-numba"],
    },
];

/// One process, as it reports itself.
#[derive(Debug, Clone, Deserialize)]
struct Reading {
    first_s: f64,
    again_s: f64,
    bytes_per_voxel: f64,
}

/// `cargo xtask bench peers`.
pub(crate) fn bench(arguments: &[String]) -> anyhow::Result<()> {
    let shape = arguments.first().map_or("400x400x400", String::as_str);
    if shape.starts_with('-') {
        println!("{HELP}");
        return Ok(());
    }
    let voxels = voxels(shape).context(HELP)?;
    let rounds: usize = arguments.get(1).map_or(Ok(3), |text| text.parse()).context(HELP)?;
    let wanted = arguments.get(2..).unwrap_or_default();
    if let Some(unknown) = wanted.iter().find(|name| CONTESTS.iter().all(|c| c.kernel != **name)) {
        bail!("there is no kernel `{unknown}`\n{HELP}");
    }
    let runner = Runner::prepare()?;
    println!("{}\n", machine());
    for contest in
        CONTESTS.iter().filter(|c| wanted.is_empty() || wanted.iter().any(|w| w == c.kernel))
    {
        let mut readings: BTreeMap<String, Vec<Reading>> = BTreeMap::new();
        let two = format!("{} on 2 threads", contest.ours);
        for round in 0..rounds {
            let mut note = |name: &str, reading: anyhow::Result<Reading>| match reading {
                Ok(reading) => readings.entry(name.to_owned()).or_default().push(reading),
                Err(error) => eprintln!("{name}: {error:#}"),
            };
            eprintln!("{}: round {} of {rounds}", contest.kernel, round + 1);
            note(contest.ours, runner.rust(contest.ours, shape, 1));
            note(&two, runner.rust(contest.ours, shape, 2));
            for name in contest.rust {
                note(name, runner.rust(name, shape, 1));
            }
            for name in contest.python {
                note(name, runner.python(name, shape));
            }
        }
        print!("{}", table(contest, shape, voxels, rounds, &readings)?);
    }
    Ok(())
}

/// Programs that are ready to run.
struct Runner {
    ours: PathBuf,
    python: PathBuf,
    script: PathBuf,
}

impl Runner {
    fn prepare() -> anyhow::Result<Self> {
        let build = ["build", "--release", "--quiet", "-p", "chunkfit-benches", "--bin", "kernel"];
        run(&mut command("cargo", &build))?;
        let folder = root().join("benches/peers/kernels");
        let packages = fs::read_to_string(folder.join("requirements.txt"))?;
        let packages: Vec<_> = packages.lines().filter(|line| !line.is_empty()).collect();
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or(root().join("target"), PathBuf::from);
        Ok(Self {
            ours: target.join("release/kernel"),
            python: python::environment("peers-kernels", &packages)?,
            script: folder.join("peers.py"),
        })
    }

    fn rust(&self, name: &str, shape: &str, threads: usize) -> anyhow::Result<Reading> {
        let mut command = pinned(&self.ours, threads);
        read(command.args([name, shape, &threads.to_string()]))
    }

    fn python(&self, name: &str, shape: &str) -> anyhow::Result<Reading> {
        let mut command = pinned(&self.python, 1);
        for pool in ["OMP", "OPENBLAS", "MKL", "NUMBA"] {
            command.env(format!("{pool}_NUM_THREADS"), "1");
        }
        command.env("NUMBA_CACHE_DIR", root().join("target/peers-kernels/numba"));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        read(command.arg(&self.script).args([name, shape]))
    }
}

/// A program that may use the first processors only.
fn pinned(program: &Path, threads: usize) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &format!("0-{}", threads - 1)]).arg(program);
    command
}

fn read(command: &mut Command) -> anyhow::Result<Reading> {
    let output = command.output().context("taskset, of util-linux, is needed")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}", output.status, said.lines().last().unwrap_or("it said nothing"));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A table of medians, ours first.
fn table(
    contest: &Contest,
    shape: &str,
    voxels: f64,
    rounds: usize,
    readings: &BTreeMap<String, Vec<Reading>>,
) -> anyhow::Result<String> {
    let ours = readings.get(contest.ours).context("our kernel did not run")?;
    let ours = median(ours, |reading| reading.again_s);
    let mut rows: Vec<_> = readings.iter().collect();
    rows.sort_by(|(_, a), (_, b)| {
        median(a, |reading| reading.again_s).total_cmp(&median(b, |reading| reading.again_s))
    });
    let mut text = format!(
        "### {} of {shape}, medians of {rounds}\n\n| | first call, ns/voxel | repeat, ns/voxel | times \
         ours | bytes/voxel |\n|---|---|---|---|---|\n",
        contest.kernel
    );
    for (name, all) in rows {
        let ns = |seconds: f64| seconds / voxels * 1e9;
        let again = median(all, |reading| reading.again_s);
        text += &format!(
            "| {} | {:.2} | {:.2} | {:.2} | {:.2} |\n",
            if name == contest.ours { format!("**chunkfit** `{name}`") } else { name.clone() },
            ns(median(all, |reading| reading.first_s)),
            ns(again),
            again / ours,
            median(all, |reading| reading.bytes_per_voxel),
        );
    }
    Ok(text + "\n")
}

fn median(readings: &[Reading], of: impl Fn(&Reading) -> f64) -> f64 {
    let mut values: Vec<_> = readings.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn voxels(shape: &str) -> anyhow::Result<f64> {
    let extents: Vec<f64> = shape.split('x').map(str::parse).collect::<Result<_, _>>()?;
    if extents.len() != 3 {
        bail!("{shape} is no shape");
    }
    Ok(extents.iter().product())
}

/// Processor and kernel, to stand beside figures.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let field = |name: &str| {
        let line = cpu.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or("", |(_, value)| value.trim()).to_owned()
    };
    let vectors = if field("flags").contains("avx512f") {
        "AVX-512"
    } else if field("flags").contains("avx2") {
        "AVX2"
    } else {
        "no AVX2"
    };
    format!(
        "{}, {} processors, {vectors}, Linux {}, huge pages {}",
        field("model name"),
        cpu.lines().filter(|line| line.starts_with("processor")).count(),
        read("/proc/sys/kernel/osrelease").trim(),
        read("/sys/kernel/mm/transparent_hugepage/enabled").trim(),
    )
}

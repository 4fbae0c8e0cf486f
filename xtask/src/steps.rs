//! The steps of `cargo xtask test`.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail};

use crate::{demo, python, vm};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// A command that runs in the root of the workspace.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Runs a step, says what it is and how long it took, and fails when it fails.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let words = command.get_args().map(|a| a.to_string_lossy().into_owned()).collect::<Vec<_>>();
    let line = format!("{program} {}", words.join(" "));
    eprintln!("\n── {line}");
    let started = Instant::now();
    let status = command.status().with_context(|| format!("cannot run {program}"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    eprintln!("── {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Everything that CI runs.
pub(crate) fn test() -> anyhow::Result<()> {
    lint()?;
    let python = python::readers()?;
    run(command("cargo", &["test", "--workspace"]).env("CHUNKFIT_PYTHON", python))?;
    features()?;
    docs()?;
    match vm::obstacle() {
        None => vm::test()?,
        Some(obstacle) => {
            eprintln!("\n── skipped: tests on cgroup v2 in a virtual machine: {obstacle}")
        }
    }
    demo::run()
}

/// Format and lints, where the tools are installed.
pub(crate) fn lint() -> anyhow::Result<()> {
    if installed("fmt") {
        run(&mut command("cargo", &["fmt", "--all", "--check"]))?;
    }
    if installed("clippy") {
        let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        run(&mut command("cargo", &clippy))?;
    }
    Ok(())
}

/// Whether cargo has this subcommand; says so when not.
fn installed(subcommand: &str) -> bool {
    let output = command("cargo", &[subcommand, "--version"]).output();
    let found = output.is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("\n── skipped: cargo {subcommand} is not installed");
    }
    found
}

/// Each feature alone, and none where that leaves something.
fn features() -> anyhow::Result<()> {
    let crates = [
        ("chunkfit-io", &["segy", "npy", "zarr"][..]),
        ("chunkfit-seismic", &["", "rayon"]),
        ("traceq", &["", "prof", "config", "sysinfo", "tracing"]),
    ];
    for (name, features) in crates {
        for feature in features {
            let check = ["check", "-p", name, "--no-default-features", "--features", feature];
            run(&mut command("cargo", &check))?;
        }
    }
    Ok(())
}

/// Rustdoc without warnings.
pub(crate) fn docs() -> anyhow::Result<()> {
    let doc = ["doc", "--workspace", "--no-deps"];
    run(command("cargo", &doc).env("RUSTDOCFLAGS", "-D warnings"))
}

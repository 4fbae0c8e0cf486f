//! Tasks of the workspace, each a command that works the same at home and in CI.

mod demo;
mod python;
mod steps;
mod vm;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test    everything that CI runs: lint, tests, features, docs, demo
cargo xtask lint    rustfmt and clippy
cargo xtask docs    rustdoc without warnings
cargo xtask demo    the demo in release, its report held against the figures it promises
cargo xtask vm-test memcage's tests on a real cgroup v2 hierarchy, in a virtual machine";

fn main() -> ExitCode {
    let task = std::env::args().nth(1).unwrap_or_default();
    let result = match task.as_str() {
        "test" => steps::test(),
        "lint" => steps::lint(),
        "docs" => steps::docs(),
        "demo" => demo::run(),
        "vm-test" => vm::test(),
        "" | "help" | "--help" | "-h" => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        other => Err(anyhow::anyhow!("there is no task `{other}`\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

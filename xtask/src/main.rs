//! Tasks of the workspace, each a command that works the same at home and in CI.

mod demo;
mod golden;
mod instructions;
mod peers;
mod profilers;
mod python;
mod steps;
mod vm;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test    everything that CI runs: lint, tests, features, docs, demo
cargo xtask lint    rustfmt and clippy
cargo xtask docs    rustdoc without warnings
cargo xtask golden  make the golden files again with NumPy and SciPy; --check compares instead
cargo xtask demo    the demo in release, its report held against the figures it promises
cargo xtask bench peers [SHAPE] [ROUNDS] [KERNEL…]
                    kernels beside SciPy, MKL, OpenCV, numba and others, in one interleaved run
cargo xtask bench profilers
                    traceq beside other memory profilers, on victims of known size
cargo xtask bench instructions [--check]
                    instructions of each operator for a voxel, beside those recorded
cargo xtask vm-test memcage's tests on a real cgroup v2 hierarchy, in a virtual machine";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let result = match words.first().copied().unwrap_or_default() {
        "test" => steps::test(),
        "lint" => steps::lint(),
        "docs" => steps::docs(),
        "golden" => golden::run(&arguments[1..]),
        "demo" => demo::run(),
        "vm-test" => vm::test(),
        "bench" => bench(&arguments[1..]),
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

fn bench(arguments: &[String]) -> anyhow::Result<()> {
    let (subject, rest) = arguments.split_first().map_or(("", arguments), |(s, rest)| (s, rest));
    match subject {
        "peers" => peers::bench(rest),
        "profilers" => profilers::bench(),
        "instructions" => instructions::bench(rest),
        other => anyhow::bail!("there is no benchmark `{other}`\n{HELP}"),
    }
}

//! The `traceq` command: any program under a memory profiler that says how far each number may be off.

mod args;
mod columns;
mod compare;
mod doctor;
mod export;
mod find_limit;
mod known_errors;
mod load;
mod output;
mod plot;
mod recover;
mod run;
mod selftest;
mod show;
mod statistics;

use std::process::ExitCode;

use clap::Parser;
use traceq::TraceqAlloc;

use args::{Cli, Command};

/// For the heap's line in `traceq selftest`.
#[global_allocator]
static ALLOC: TraceqAlloc = TraceqAlloc::system();

/// When `traceq run` itself fails, as `env`, `timeout` and container engines have it.
const RUN_FAILED: u8 = 125;

fn main() -> ExitCode {
    memcage::init();
    let command = Cli::parse().command;
    let failure = if matches!(command, Command::Run(_)) { RUN_FAILED } else { 1 };
    let result = match command {
        Command::Run(args) => run::run(&args),
        Command::Show(args) => show::show(&args),
        Command::Plot(args) => plot::plot(&args),
        Command::Export(args) => export::export(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::FindLimit(args) => find_limit::find_limit(&args),
        Command::Recover(args) => recover::recover(&args),
        Command::Selftest(args) => selftest::selftest(&args),
        Command::Doctor(args) => doctor::doctor(&args),
    };
    match result {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("traceq: {}", one_line(&error));
            let code = error.downcast_ref::<run::NotStarted>().map_or(failure, |e| e.exit_code());
            ExitCode::from(code)
        }
    }
}

/// An error and its causes, each once.
fn one_line(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Whether the reader of our standard output went away, as `head` does.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

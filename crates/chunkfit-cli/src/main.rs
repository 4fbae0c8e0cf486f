//! The `chunkfit` command: seismic volumes larger than memory, through an operator, under a hard
//! memory limit.

mod args;
mod budget;
mod commands;
mod engine;
mod imagined;
mod model;
mod npy;
mod operator;
mod origin;
mod partial;
mod picture;
mod progress;
mod report;
mod spec;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

/// Exit code after Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    memcage::init();
    if let Some(code) = chunkfit_run::serve_if_worker(spec::open) {
        return code;
    }
    let result = match Cli::parse().command {
        Command::Demo(args) => commands::demo(&args),
        Command::Run(args) => commands::run(&args),
        Command::Plan(args) => commands::plan(&args),
        Command::Profile(args) => commands::profile(&args),
        Command::Fit(args) => commands::fit(&args),
        Command::Predict(args) => commands::predict(&args),
        Command::Info(args) => commands::info(&args),
        Command::Operators => commands::operators(),
        Command::Doctor(args) => commands::doctor(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            progress::say(&format!("error: {}", one_line(&error)));
            let run = error.downcast_ref::<chunkfit_run::RunError>();
            if matches!(run, Some(chunkfit_run::RunError::Stopped { .. }))
                || error.is::<commands::Stopped>()
            {
                return ExitCode::from(INTERRUPTED);
            }
            ExitCode::FAILURE
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

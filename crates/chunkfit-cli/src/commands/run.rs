use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::args::{Isolation, RunArgs};
use crate::budget::Allowed;
use crate::engine::{Outcome, Request, execute};
use crate::model::ModelRequest;
use crate::partial::{Existing, is_interrupted};
use crate::progress::say;
use crate::report::{check_json_path, write_json};

/// `chunkfit run`.
pub(crate) fn run(args: &RunArgs) -> anyhow::Result<()> {
    let request = Request {
        input: args.input.clone(),
        output: args.output.clone(),
        operator: args.operator.clone(),
        reading: args.reading.options()?,
        allowed: allowed(args)?,
        allowed_was_said: args.memory.is_some() || args.worker_memory.is_some(),
        workers: args.workers,
        isolation: args.isolation,
        strategy: args.strategy.clone(),
        model: model(args)?,
        existing: Existing { resume: args.resume, overwrite: args.overwrite, restart: false },
    };
    check_json_path(args.json.as_deref())?;
    let stop = stop_on_signals()?;
    let outcome = execute(&request, &stop).map_err(|error| resumable(error, args))?;
    match outcome {
        Outcome::WasComplete => {
            say(&format!("{} is complete; nothing to resume", args.output.display()));
        }
        Outcome::Finished(report) => {
            report.print();
            if let Some(path) = &args.json {
                write_json(path, &report)?;
            }
        }
    }
    Ok(())
}

/// The model that the user names.
fn model(args: &RunArgs) -> anyhow::Result<Option<ModelRequest>> {
    let Some(file) = args.model.file.clone() else { return Ok(None) };
    if matches!(args.isolation, Some(Isolation::Threads)) {
        bail!(
            "--model is of the memory of a worker process, and that of threads cannot be told apart; \
             leave --isolation threads out, or --model"
        );
    }
    Ok(Some(ModelRequest { file, accept_stale: args.model.accept_stale }))
}

/// What the user allows. Threads share one process, so a limit for each is one for all together.
fn allowed(args: &RunArgs) -> anyhow::Result<Allowed> {
    let allowed = Allowed::from_options(args.memory, args.worker_memory)?;
    Ok(match (allowed, args.isolation) {
        (Allowed::PerWorker(limit), Some(Isolation::Threads)) => {
            Allowed::Total(limit * args.workers.unwrap_or_else(memcage::cpus) as u64)
        }
        _ => allowed,
    })
}

/// A flag that Ctrl-C, a termination request or a closed terminal sets; a second Ctrl-C ends at once.
pub(crate) fn stop_on_signals() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let code = 128 + signal;
        signal_hook::flag::register_conditional_shutdown(signal, code, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .context("cannot handle signals")?;
    }
    Ok(stop)
}

/// Adds how to go on to the error of a run that left finished chunks behind.
fn resumable(error: anyhow::Error, args: &RunArgs) -> anyhow::Error {
    if error.is::<chunkfit_run::RunError>() && is_interrupted(&args.output) {
        let quote =
            |path: &Path| format!("'{}'", path.display().to_string().replace('\'', "'\\''"));
        let overwrite = if args.overwrite { " --overwrite" } else { "" };
        say(&format!(
            "continue with: chunkfit run {} {} --operator {} --resume{overwrite}",
            quote(&args.input),
            quote(&args.output),
            args.operator
        ));
    }
    error
}

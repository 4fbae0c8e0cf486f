use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use memcage::Cage;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::args::RunArgs;
use crate::budget::Allowed;
use crate::engine::{Outcome, Request, execute};
use crate::report::write_json;

/// `chunkfit run`.
pub(crate) fn run(args: &RunArgs) -> anyhow::Result<()> {
    let request = Request {
        input: args.input.clone(),
        output: args.output.clone(),
        operator: args.operator.clone(),
        reading: args.reading.options()?,
        allowed: Allowed::from_options(args.memory, args.worker_memory)?,
        allowed_was_said: args.memory.is_some() || args.worker_memory.is_some(),
        workers: args.workers,
        isolation: args.isolation,
        strategy: args.strategy.clone(),
        resume: args.resume,
        overwrite: args.overwrite,
    };
    let stop = stop_on_signals()?;
    let cage = cage_for(request.allowed)?;
    let outcome = execute(&request, &cage, &stop);
    cage.close()?;
    let outcome = outcome.map_err(|error| resumable(error, args))?;
    match outcome {
        Outcome::WasComplete => {
            eprintln!("{} is complete; nothing to resume", args.output.display());
        }
        Outcome::Finished(report) => {
            report.print()?;
            if let Some(path) = &args.json {
                write_json(path, &report)?;
            }
        }
    }
    Ok(())
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

/// A cage for the run. Under a total limit this process is inside, so that it counts.
pub(crate) fn cage_for(allowed: Allowed) -> anyhow::Result<Cage> {
    let cage = Cage::new("chunkfit", allowed.total().map(|limit| limit.as_u64()))?;
    if allowed.total().is_some() {
        cage.enter()?;
    }
    Ok(cage)
}

/// Adds how to go on to the error of a run that left finished chunks behind.
fn resumable(error: anyhow::Error, args: &RunArgs) -> anyhow::Error {
    if error.is::<chunkfit_run::RunError>() {
        eprintln!(
            "continue with: chunkfit run {} {} --operator {} --resume",
            args.input.display(),
            args.output.display(),
            args.operator
        );
    }
    error
}

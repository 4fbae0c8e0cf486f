//! Plans, really executed: by threads, and by worker processes under real limits.
//!
//! This program re-executes itself as its own worker, so it has a `main` of its own.

#![expect(clippy::unwrap_used, reason = "a case fails by panicking")]

mod cases;
mod stage;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    memcage::init();
    if let Some(code) = chunkfit_run::serve_if_worker(stage::open) {
        return code;
    }
    let mut arguments = Arguments::from_args();
    // Cases set limits and measure this process; they would disturb each other.
    arguments.test_threads = Some(1);
    let trials = cases::ALL.iter().map(|(name, case)| {
        Trial::test(*name, move || {
            case();
            Ok(())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

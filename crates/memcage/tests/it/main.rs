//! Real children under real limits.
//!
//! This program re-executes itself, as janitor and as victim, so it has a `main` of its own.

#![expect(clippy::unwrap_used, reason = "a case fails by panicking")]

mod confined;
mod groups;
mod keeper;
mod readings;
mod victim;
mod watched;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// A case and its name.
type Case = (&'static str, fn());

fn main() -> ExitCode {
    memcage::init();
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).is_some_and(|first| first == victim::ARGUMENT) {
        victim::act(&args[2..]);
        return ExitCode::SUCCESS;
    }
    let mut arguments = Arguments::from_args();
    // Cases move this process and watch for what is left behind.
    arguments.test_threads = Some(1);
    let cases = [groups::ALL, readings::ALL, confined::ALL, watched::ALL, keeper::ALL].concat();
    let trials = cases.into_iter().map(|(name, case)| {
        Trial::test(name, move || {
            case();
            Ok(())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

//! Experiment 02, validation: random tasks of every operator against their bounds.

use std::process::ExitCode;

fn main() -> ExitCode {
    chunkfit_examples::exp02_validate()
}

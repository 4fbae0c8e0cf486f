//! Experiment 02, validation: tasks of every operator against their bounds.

use std::process::ExitCode;

use traceq::TraceqAlloc;

#[global_allocator]
static ALLOC: TraceqAlloc = TraceqAlloc::system();

fn main() -> ExitCode {
    chunkfit_examples::exp02_validate()
}

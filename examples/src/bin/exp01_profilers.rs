//! Experiment 01: ten approaches to the peak of an operator.

use traceq::TraceqAlloc;

#[global_allocator]
static ALLOC: TraceqAlloc = TraceqAlloc::system();

fn main() -> anyhow::Result<()> {
    chunkfit_examples::serve_if_called();
    chunkfit_examples::exp01_profilers()
}

//! Experiment 00: what measurements of memory get wrong.

use traceq::TraceqAlloc;

#[global_allocator]
static ALLOC: TraceqAlloc = TraceqAlloc::system();

fn main() -> anyhow::Result<()> {
    chunkfit_examples::serve_if_called();
    chunkfit_examples::exp00_pitfalls()
}

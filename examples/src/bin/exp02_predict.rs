//! Experiment 02: predicting the peak of an operator from the shape of its input.

use traceq::TraceqAlloc;

#[global_allocator]
static ALLOC: TraceqAlloc = TraceqAlloc::system();

fn main() -> anyhow::Result<()> {
    chunkfit_examples::serve_if_called();
    chunkfit_examples::exp02_predict()
}

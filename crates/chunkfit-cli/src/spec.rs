//! What a worker process is told to open.

use std::error::Error;
use std::path::{Path, PathBuf};

use chunkfit_core::{Operator, Sink};
use chunkfit_io::zarr::ZarrSink;
use chunkfit_io::{Input, InputDescriptor};
use chunkfit_run::Job;
use serde::{Deserialize, Serialize};

/// Source, operator and output store of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct JobSpec {
    pub(crate) input: InputDescriptor,
    pub(crate) operator: String,
    pub(crate) store: PathBuf,
}

type BoxError = Box<dyn Error + Send + Sync>;

/// Opens the job that `text`, a [`JobSpec`] as JSON, describes.
pub(crate) fn open(text: &str) -> Result<Job, BoxError> {
    let spec: JobSpec = serde_json::from_str(text)?;
    let operator = chunkfit_seismic::parse(&spec.operator)?;
    let input = Input::from_descriptor(&spec.input)?;
    Ok(job(input, operator, &spec.store)?)
}

/// A job that reads `input` and writes each output of `operator` to the store of its name.
pub(crate) fn job(input: Input, operator: Box<dyn Operator>, store: &Path) -> anyhow::Result<Job> {
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    for output in operator.outputs() {
        sinks.push(Box::new(ZarrSink::open(store, &output.name)?));
    }
    Ok(Job::new(Box::new(input), operator, sinks)?)
}

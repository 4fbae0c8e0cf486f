//! What a worker process is told to open.

use std::error::Error;
use std::path::{Path, PathBuf};

use chunkfit_core::{Operator, OutputSpec, Sink};
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
    Ok(spec.open()?)
}

impl JobSpec {
    /// Opens the job in this process.
    pub(crate) fn open(&self) -> anyhow::Result<Job> {
        let operator = chunkfit_seismic::parse(&self.operator)?;
        let sinks = sinks(operator.as_ref(), &self.store)?;
        let input = Input::from_descriptor(&self.input)?;
        Ok(Job::new(Box::new(input), operator, sinks)?)
    }
}

/// One sink for each output of `operator`.
pub(crate) fn sinks(operator: &dyn Operator, store: &Path) -> anyhow::Result<Vec<Box<dyn Sink>>> {
    let open = |output: &OutputSpec| -> anyhow::Result<Box<dyn Sink>> {
        Ok(Box::new(ZarrSink::open(store, &output.name)?))
    };
    operator.outputs().iter().map(open).collect()
}

use std::fmt;
use std::io;
use std::path::PathBuf;

use chunkfit_core::{ByteSize, OperatorError, Region, Shape, StorageError};

use crate::JournalError;

/// Why one task failed inside the process that ran it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The allocator refused an array.
    #[error("no memory for an array of {shape} ({asked})")]
    OutOfMemory {
        /// Bytes asked for.
        asked: ByteSize,
        /// Shape of the array.
        shape: Shape,
    },
    /// The source or a sink failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The operator failed.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// An array could not be given its shape.
    #[error(transparent)]
    Shape(#[from] ndarray::ShapeError),
}

/// Why a task could not be finished.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The memory limit, and the task cannot be split further.
    Limit {
        /// The limit that was hit, if it was one of ours.
        limit: Option<ByteSize>,
        /// What the kernel reported.
        evidence: String,
    },
    /// Somebody else ended the worker, several times.
    Killed {
        /// The signal.
        signal: i32,
        /// What the kernel reported.
        evidence: String,
    },
    /// The operator panicked.
    Panic {
        /// The message of the panic.
        message: String,
    },
    /// The source, the operator or a sink failed.
    Error {
        /// The error and its sources.
        message: String,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit { limit: Some(limit), evidence } => write!(
                f,
                "it does not fit the memory limit of {limit} and is one storage chunk, which cannot \
                 be split further ({evidence}); raise --memory or --worker-memory"
            ),
            Self::Limit { limit: None, evidence } => write!(
                f,
                "memory was refused and it is one storage chunk, which cannot be split further \
                 ({evidence}); raise --memory or --worker-memory"
            ),
            Self::Killed { signal, evidence } => {
                write!(f, "its worker was killed by signal {signal}, not by our limit ({evidence})")
            }
            Self::Panic { message } => write!(f, "the operator panicked: {message}"),
            Self::Error { message } => f.write_str(message),
        }
    }
}

/// Why a run stopped. What was done before is kept, and a new run resumes it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A job needs one sink per output.
    #[error("the operator has {outputs} outputs, {sinks} sinks were given")]
    SinkCount {
        /// Outputs of the operator.
        outputs: usize,
        /// Sinks given.
        sinks: usize,
    },
    /// A sink has another shape than the source.
    #[error("the source is {volume}, a sink is {sink}")]
    SinkShape {
        /// Shape of the source.
        volume: Shape,
        /// Shape of the sink.
        sink: Shape,
    },
    /// A task could not be finished.
    #[error("chunk {core} failed: {cause}")]
    Task {
        /// The voxels that are missing.
        core: Region,
        /// Why.
        cause: Cause,
    },
    /// A worker ended before it was ready.
    #[error("worker {worker} ended before it was ready ({how}){stderr}")]
    WorkerDidNotStart {
        /// Number of the worker.
        worker: usize,
        /// How it ended.
        how: String,
        /// The last lines of its error output.
        stderr: String,
    },
    /// The caller asked to stop.
    #[error("stopped after {done} of {tasks} chunks; what is done is kept")]
    Stopped {
        /// Chunks that are done, those of earlier runs included.
        done: u64,
        /// Chunks of the plan.
        tasks: u64,
    },
    /// Processes or limits could not be set up.
    #[error(transparent)]
    Cage(#[from] memcage::CageError),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file that belongs to the run failed.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// Talking to a worker failed.
    #[error("talking to worker {worker} failed")]
    Pipe {
        /// Number of the worker.
        worker: usize,
        /// What went wrong.
        source: io::Error,
    },
}

/// An error and its sources on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

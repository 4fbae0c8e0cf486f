//! Execute a plan: threads or memory-limited worker processes, split and retry, resume.
//!
//! A [`Job`] is a source, an operator and one sink per output. [`threads()`] runs the plan's tasks in
//! this process and starts one only when its predicted bytes fit what is left of the budget.
//! [`Pool`] runs them in worker processes, each under a hard limit set by `memcage`: the program
//! re-executes itself, and [`serve_if_worker`] at the top of `main` turns the copy into a worker.
//!
//! A task that dies by the limit is split along its cheapest axis on storage-chunk multiples, the
//! bound of all later tasks is raised, and both halves are tried again. What is done is recorded in a
//! [`Journal`], so that a killed run is finished by running it again.
//!
//! ```
//! use chunkfit_core::{ByteSize, Shape};
//! # use chunkfit_core::{AxisLabel, Region, Sink, Source, StorageError, StorageLayout};
//! # use chunkfit_core::{Halo, Operator, OperatorError, OutputSpec, Placement};
//! use chunkfit_run::Job;
//!
//! fn bytes_of_one_task(job: &Job) -> Result<ByteSize, chunkfit_core::ShapeError> {
//!     let block = Shape::new([5, 7, 11])?;
//!     Ok(job.ledger().bytes(block, block))
//! }
//! ```
//!
//! It does not choose chunks (that is `chunkfit-plan`), does not change a plan, and knows no file
//! format: the caller opens sources and sinks.

mod board;
mod error;
mod event;
mod job;
mod journal;
mod ledger;
mod processes;
mod protocol;
mod summary;
mod threads;
mod worker;

pub use error::{Cause, RunError, TaskError};
pub use event::{Event, Observer};
pub use job::Job;
pub use journal::{Journal, JournalError};
pub use ledger::{TaskLedger, TaskModel};
pub use processes::{Measured, Pool, PoolOptions};
pub use protocol::Done;
pub use summary::Summary;
pub use threads::threads;
pub use worker::serve_if_worker;

use std::any::Any;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use chunkfit_core::{ByteSize, Placement};
use memcage::resident;

use crate::error::chain;
use crate::protocol::{Reply, Request, receive, send};
use crate::{Done, Job, TaskError};

/// The first argument of a program that was re-executed as a worker.
pub(crate) const WORKER_ARGUMENT: &str = "__chunkfit-worker";

/// Turns this process into a worker if it was started as one by a [`Pool`](crate::Pool).
///
/// Call it at the top of `main`, before any thread is started, and return the exit code when there is
/// one. `open` builds the job from the text that was given to the pool.
///
/// ```no_run
/// # fn open(spec: &str) -> Result<chunkfit_run::Job, Box<dyn std::error::Error + Send + Sync>> { unimplemented!() }
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     memcage::init();
///     if let Some(code) = chunkfit_run::serve_if_worker(open) {
///         return code;
///     }
///     // the program itself
///     ExitCode::SUCCESS
/// }
/// ```
pub fn serve_if_worker<F>(open: F) -> Option<ExitCode>
where
    F: FnOnce(&str) -> Result<Job, Box<dyn Error + Send + Sync>>,
{
    if std::env::args_os().nth(1)? != WORKER_ARGUMENT {
        return None;
    }
    // A failure here means that the pipe to the parent is gone, so nobody is left to tell.
    Some(serve(open).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS))
}

fn serve<F>(open: F) -> io::Result<()>
where
    F: FnOnce(&str) -> Result<Job, Box<dyn Error + Send + Sync>>,
{
    // Replies own the pipe; whatever an operator prints goes to standard error instead.
    let mut replies = File::from(rustix::io::dup(rustix::stdio::stdout())?);
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    resident::steady_allocator();

    let mut requests = BufReader::with_capacity(4096, io::stdin().lock());
    let Some(Request::Open { spec }) = receive(&mut requests)? else { return Ok(()) };
    let job = match catch_unwind(AssertUnwindSafe(|| open(&spec))) {
        Ok(Ok(job)) => job,
        Ok(Err(error)) => return send(&mut replies, &Reply::Error { message: chain(&*error) }),
        Err(panic) => return send(&mut replies, &Reply::Panic { message: text_of(&*panic) }),
    };
    drop(spec);
    let resident = ByteSize::new(resident::current_bytes()?);
    send(&mut replies, &Reply::Ready { resident })?;
    while let Some(request) = receive(&mut requests)? {
        if let Request::Perform { at } = request {
            send(&mut replies, &perform(&job, &at))?;
        }
    }
    Ok(())
}

fn perform(job: &Job, at: &Placement) -> Reply {
    match catch_unwind(AssertUnwindSafe(|| measured(|| job.perform(at)))) {
        Ok(Ok(done)) => Reply::Done(done),
        Ok(Err(error @ TaskError::OutOfMemory { .. })) => {
            Reply::OutOfMemory { message: chain(&error) }
        }
        Ok(Err(error)) => Reply::Error { message: chain(&error) },
        Err(panic) => Reply::Panic { message: text_of(&*panic) },
    }
}

/// Runs a task that returns the bytes it fetched, between a reset and a reading of this process'
/// resident high-water mark.
pub(crate) fn measured(
    task: impl FnOnce() -> Result<ByteSize, TaskError>,
) -> Result<Done, TaskError> {
    let started = Instant::now();
    let reset = resident::reset_peak().is_ok();
    let fetched = task()?;
    let peak = resident::peak_bytes().ok().filter(|_| reset).map(ByteSize::new);
    Ok(Done { peak, fetched, seconds: started.elapsed().as_secs_f64() })
}

/// The message of a panic.
pub(crate) fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::AtomicBool;

use chunkfit_core::{ByteSize, MemoryModel, Placement};
use chunkfit_plan::Plan;
use memcage::{Cage, Death, Inmate, Limit, Verdict};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::board::{Board, Hit, Work};
use crate::protocol::{Reply, Request, receive, send};
use crate::worker::WORKER_ARGUMENT;
use crate::{Cause, Done, Journal, Observer, RunError, Summary};

/// What the workers of a [`Pool`] open, and where they leave their error output.
#[derive(Debug, Clone)]
pub struct PoolOptions {
    /// Text handed to the `open` of [`serve_if_worker`](crate::serve_if_worker).
    pub spec: String,
    /// Hard limit of each worker, or none.
    pub limit: Option<ByteSize>,
    /// A folder for `worker-N.err`.
    pub logs: PathBuf,
}

/// What one worker did and cost.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Its resident set before the first task.
    pub resident: ByteSize,
    /// The cost of each task.
    pub costs: Vec<Done>,
    /// Its end, with what disturbed it: faults, swap and pressure.
    pub death: Death,
}

/// Worker processes: copies of this program, each under a hard memory limit.
#[derive(Debug)]
pub struct Pool<'a> {
    cage: &'a Cage,
    options: PoolOptions,
}

impl<'a> Pool<'a> {
    /// A pool in `cage`. Nothing starts before there is work.
    #[must_use]
    pub const fn new(cage: &'a Cage, options: PoolOptions) -> Self {
        Self { cage, options }
    }

    /// Performs `tasks` in one fresh worker and returns what each cost: the way to measure the base, and
    /// the peak of a task.
    ///
    /// # Errors
    ///
    /// When the worker does not start, dies, or a task fails.
    pub fn measure(&self, tasks: &[Placement]) -> Result<Measured, RunError> {
        let never = AtomicBool::new(false);
        let mut worker = self.start(0)?;
        let mut costs = Vec::new();
        for at in tasks {
            match worker.perform(at, &never) {
                Ok(Answer::Reply(Reply::Done(done))) => costs.push(done),
                Ok(Answer::Reply(reply)) => {
                    let cause = Cause::Error { message: format!("{reply:?}") };
                    return Err(RunError::Task { core: at.core(), cause });
                }
                Ok(Answer::Ended | Answer::Stopped) | Err(_) => return Err(worker.not_started()),
            }
        }
        let (number, resident) = (worker.number, worker.resident);
        let death = worker.close().map_err(|source| RunError::Pipe { worker: number, source })?;
        Ok(Measured { resident, costs, death })
    }

    /// Runs what `journal` says is left of `plan` in `plan.workers` processes.
    ///
    /// `model` predicts the resident set of a worker during a task, its base included. Setting `stop`
    /// ends the workers within a fraction of a second; what is done stays done.
    ///
    /// # Errors
    ///
    /// When a worker does not start, a task fails or does not fit even as one storage chunk, the
    /// journal fails, or `stop` is set.
    pub fn run<'b>(
        &'b self,
        plan: &'b Plan,
        model: &'b (dyn MemoryModel + Sync),
        journal: &'b Journal,
        stop: &'b AtomicBool,
        observer: &'b mut Observer<'b>,
    ) -> Result<Summary, RunError> {
        let board = Board::new(plan, model, plan.usable_bytes, journal, stop, observer)?;
        std::thread::scope(|scope| {
            for worker in 0..plan.workers.min(plan.tasks) {
                let board = &board;
                scope.spawn(move || self.lane(worker, board, stop));
            }
        });
        board.finish()
    }

    /// Keeps one worker busy, and replaces it when it dies.
    fn lane(&self, number: usize, board: &Board<'_>, stop: &AtomicBool) {
        let mut idle = None;
        while let Some(work) = board.next() {
            let mut worker = match idle.take().map_or_else(|| self.start(number), Ok) {
                Ok(worker) => worker,
                Err(_) if board.stopping() => return board.abandoned(),
                Err(error) => return board.fail(error),
            };
            match worker.perform(&work.at, stop) {
                Ok(Answer::Reply(Reply::Done(done))) => board.done(&work, done),
                Ok(Answer::Reply(Reply::OutOfMemory { message: evidence })) => {
                    let limit = self.options.limit;
                    board.over_limit(&work, Hit { died: false, own: true, limit, evidence });
                }
                Ok(Answer::Reply(Reply::Panic { message })) => {
                    board.failed(&work, Cause::Panic { message });
                }
                Ok(Answer::Reply(Reply::Error { message })) => {
                    board.failed(&work, Cause::Error { message });
                }
                Ok(Answer::Reply(Reply::Ready { .. })) => {
                    let message = "the worker answered out of turn".to_owned();
                    board.failed(&work, Cause::Error { message });
                }
                Ok(Answer::Ended) if board.stopping() => return board.abandoned(),
                Ok(Answer::Ended) => {
                    report_death(board, work, worker);
                    continue;
                }
                Ok(Answer::Stopped) => {
                    worker.kill();
                    return board.abandoned();
                }
                Err(source) => return board.fail(RunError::Pipe { worker: number, source }),
            }
            idle = Some(worker);
        }
        if let Some(worker) = idle {
            // It has answered all it was asked; how it ends changes nothing.
            let _ = worker.close();
        }
    }

    fn start(&self, number: usize) -> Result<Worker, RunError> {
        let log = self.options.logs.join(format!("worker-{number}.err"));
        let file_error = |source| RunError::File { path: log.clone(), source };
        let errors = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&log)
            .map_err(file_error)?;
        let mut command = Command::new("/proc/self/exe");
        command
            .arg(WORKER_ARGUMENT)
            // Ctrl-C at a terminal is for the parent, which ends the workers.
            .process_group(0)
            .env("RAYON_NUM_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.try_clone().map_err(file_error)?);
        let limit = self.options.limit.map(ByteSize::as_u64);
        let mut inmate = self.cage.spawn(&mut command, limit)?;
        let pipe = || RunError::Pipe { worker: number, source: io::ErrorKind::BrokenPipe.into() };
        let requests = inmate.take_stdin().ok_or_else(pipe)?;
        let replies = inmate.take_stdout().ok_or_else(pipe)?;
        let resident = ByteSize::ZERO;
        let mut worker =
            Worker { number, inmate, requests: Some(requests), replies, errors, resident };
        let never = AtomicBool::new(false);
        let open = Request::Open { spec: self.options.spec.clone() };
        match worker.ask(&open, &never) {
            Ok(Answer::Reply(Reply::Ready { resident })) => Ok(Worker { resident, ..worker }),
            Ok(Answer::Reply(Reply::Error { message } | Reply::Panic { message })) => {
                let (how, stderr) = (message, String::new());
                Err(RunError::WorkerDidNotStart { worker: number, how, stderr })
            }
            _ => Err(worker.not_started()),
        }
    }
}

/// Tells the board why a worker ended in the middle of `work`.
fn report_death(board: &Board<'_>, work: Work, mut worker: Worker) {
    let number = worker.number;
    let death = match worker.inmate.wait() {
        Ok(death) => death,
        Err(source) => return board.fail(RunError::Pipe { worker: number, source }),
    };
    let stderr = worker.last_words();
    match death.verdict {
        Verdict::OutOfMemory { limit_bytes } => {
            let limit = Some(ByteSize::new(limit_bytes));
            let own = death.limit == Some(Limit::Inmate);
            board.over_limit(&work, Hit { died: true, own, limit, evidence: death.evidence });
        }
        // Under a data limit the allocator is refused memory, and the runtime says so and aborts.
        Verdict::Signal { signal: libc_abort } if libc_abort == SIGABRT && refused(&stderr) => {
            let hit = Hit { died: true, own: true, limit: None, evidence: stderr };
            board.over_limit(&work, hit);
        }
        Verdict::Signal { signal } if [SIGKILL, SIGTERM, SIGINT, SIGHUP].contains(&signal) => {
            board.killed(work, signal, death.evidence);
        }
        Verdict::Exited { code: 101 } => board.failed(&work, Cause::Panic { message: stderr }),
        _ => {
            let message = format!("its worker ended by itself: {}{stderr}", how(&death));
            board.failed(&work, Cause::Error { message });
        }
    }
}

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

fn refused(stderr: &str) -> bool {
    stderr.contains("memory allocation of")
}

fn how(death: &Death) -> String {
    format!("{}, {}", death.status, death.evidence)
}

/// What came back from a worker.
enum Answer {
    Reply(Reply),
    /// The pipe closed: the worker is dead or dying.
    Ended,
    /// The run stops; the worker is still busy.
    Stopped,
}

/// One worker process and the pipes to it.
struct Worker {
    number: usize,
    inmate: Inmate,
    requests: Option<ChildStdin>,
    replies: ChildStdout,
    errors: File,
    /// Resident set when it was ready.
    resident: ByteSize,
}

impl Worker {
    fn perform(&mut self, at: &Placement, stop: &AtomicBool) -> io::Result<Answer> {
        self.ask(&Request::Perform { at: *at }, stop)
    }

    fn ask(&mut self, request: &Request, stop: &AtomicBool) -> io::Result<Answer> {
        let Some(requests) = &mut self.requests else { return Ok(Answer::Ended) };
        match send(requests, request) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Answer::Ended),
            sent => sent?,
        }
        while !self.has_reply()? {
            if stop.load(std::sync::atomic::Ordering::Relaxed) {
                return Ok(Answer::Stopped);
            }
        }
        match receive(&mut self.replies) {
            Ok(Some(reply)) => Ok(Answer::Reply(reply)),
            Ok(None) => Ok(Answer::Ended),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Answer::Ended),
            Err(error) => Err(error),
        }
    }

    /// Waits a tenth of a second for a reply or the end of the pipe.
    fn has_reply(&self) -> io::Result<bool> {
        let mut fds = [PollFd::new(&self.replies, PollFlags::IN)];
        let tenth = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        match poll(&mut fds, Some(&tenth)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The end of the worker's error output, on a line of its own, or nothing.
    fn last_words(&mut self) -> String {
        const MOST: u64 = 2000;
        let mut text = Vec::new();
        let end = self.errors.seek(SeekFrom::End(0)).unwrap_or(0);
        let from = self.errors.seek(SeekFrom::Start(end.saturating_sub(MOST)));
        let _ = from.and_then(|_| Read::by_ref(&mut self.errors).take(MOST).read_to_end(&mut text));
        match String::from_utf8_lossy(&text).trim() {
            "" => String::new(),
            text => format!("\n{text}"),
        }
    }

    fn not_started(mut self) -> RunError {
        self.requests = None;
        let how = match self.inmate.wait() {
            Ok(death) if matches!(death.verdict, Verdict::OutOfMemory { .. }) => {
                format!("{}; raise --memory or --worker-memory", how(&death))
            }
            Ok(death) => how(&death),
            Err(error) => error.to_string(),
        };
        RunError::WorkerDidNotStart { worker: self.number, how, stderr: self.last_words() }
    }

    fn kill(mut self) {
        let _ = self.inmate.kill();
        let _ = self.inmate.wait();
    }

    /// Closes the pipe, upon which the worker ends by itself.
    fn close(mut self) -> io::Result<Death> {
        self.requests = None;
        self.inmate.wait()
    }
}

//! Runs each job in a fresh process in a cage of its own, and always has a result.
//!
//! A victim prints lines: `ready` before the first step, `usage` when it asks what its group holds,
//! and at the end its record. After the first two it waits for a line.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::Context;
use memcage::{Cage, Inmate, Mechanism, Usage, Verdict};
use traceq::Target;

use crate::levels::Levels;
use crate::observer::{Place, Running, Watch};
use crate::victim::{ARGUMENT, Job, Record};

/// Starts victims outside its own control group.
#[derive(Debug)]
pub(crate) struct Supervisor {
    cage: Cage,
}

/// How a job ended, and what is known of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What the victim printed; `None` where it died before.
    pub(crate) record: Option<Record>,
    /// What the sampler outside saw, if one was asked for.
    pub(crate) watch: Option<Watch>,
    /// Highest charge of its control group; `None` without groups.
    pub(crate) group_peak: Option<u64>,
    /// What the group held when it was seen fullest; only under a limit.
    pub(crate) fullest: Option<Usage>,
    pub(crate) oom_kills: Option<u64>,
    /// In words.
    pub(crate) verdict: String,
    /// From the first step until the end of the process.
    pub(crate) wall_s: f64,
    /// Time that tasks of this machine waited for memory meanwhile.
    pub(crate) pressure_us: Option<u64>,
}

impl Outcome {
    /// What the victim saw, or why there is nothing.
    pub(crate) fn seen(&self) -> anyhow::Result<&Record> {
        self.record.as_ref().with_context(|| format!("a victim failed: {}", self.verdict))
    }

    pub(crate) fn survived(&self) -> bool {
        self.verdict == SURVIVED
    }
}

const SURVIVED: &str = "survived";
const READY: &str = "ready";
const USAGE: &str = "usage";
/// How often a group under a limit is looked at.
const LOOK: Duration = Duration::from_micros(500);

impl Supervisor {
    /// `total_bytes` limits all victims together.
    pub(crate) fn new(total_bytes: Option<u64>) -> anyhow::Result<Self> {
        Ok(Self { cage: Cage::new("experiment", total_bytes)? })
    }

    /// Why there are no columns of control groups, where there are none.
    pub(crate) fn no_groups(&self) -> Option<&str> {
        match self.cage.mechanism() {
            Mechanism::DataLimit { reason } => Some(reason),
            _ => None,
        }
    }

    /// How limits are enforced here.
    pub(crate) fn mechanism(&self) -> String {
        self.cage.mechanism().to_string()
    }

    pub(crate) fn run(&self, job: &Job) -> anyhow::Result<Outcome> {
        self.run_under(job, None)
    }

    /// Runs `job` with at most `limit_bytes`. A sampler that belongs outside is started here.
    pub(crate) fn run_under(&self, job: &Job, limit_bytes: Option<u64>) -> anyhow::Result<Outcome> {
        let mut inmate = self.start(job, limit_bytes)?;
        let mut talk = Talk {
            stdin: inmate.take_stdin().context("a pipe was asked for")?,
            stdout: BufReader::new(inmate.take_stdout().context("a pipe was asked for")?),
        };
        talk.until_ready(&inmate);
        let outside = job.observer.filter(|observer| observer.place == Place::Outside);
        let running = outside.map(|observer| {
            let running = Running::thread(observer, Target::Pid(inmate.id()));
            std::thread::sleep(Duration::from_millis(5));
            running
        });
        let before = pressure();
        let begin = Instant::now();
        let mut work = || {
            talk.answer("go");
            talk.until_record(&inmate)
        };
        let (text, fullest) = match limit_bytes {
            Some(_) => watched(&inmate, work),
            None => (work(), None),
        };
        let death = inmate.wait()?;
        let wall_s = begin.elapsed().as_secs_f64();
        let pressure_us = pressure().zip(before).map(|(after, before)| after - before);
        let watch = running.map(Running::stop).transpose()?;
        let verdict = match death.verdict {
            Verdict::Exited { code: 0 } => SURVIVED.to_owned(),
            Verdict::Exited { code } => format!("exit code {code}"),
            Verdict::OutOfMemory { .. } => "killed for memory".to_owned(),
            Verdict::Signal { signal } => format!("signal {signal}"),
            _ => death.to_string(),
        };
        Ok(Outcome {
            record: serde_json::from_str(&text).ok(),
            watch,
            group_peak: death.peak_bytes,
            fullest,
            oom_kills: death.oom_kills,
            verdict,
            wall_s,
            pressure_us,
        })
    }

    fn start(&self, job: &Job, limit_bytes: Option<u64>) -> anyhow::Result<Inmate> {
        let inside = job.observer.filter(|observer| observer.place != Place::Outside);
        let job = Job { observer: inside, ..job.clone() };
        let mut command = Command::new(std::env::current_exe()?);
        command.args([ARGUMENT, &serde_json::to_string(&job)?]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        if limit_bytes.is_some() {
            // Dying is what is asked of it; it need not complain.
            command.stderr(Stdio::null());
        }
        if let Some(library) = &job.preload {
            command.env("LD_PRELOAD", library);
        }
        Ok(self.cage.spawn(&mut command, limit_bytes)?)
    }
}

/// Both pipes of a victim. It may be dead at any moment; then its verdict tells.
struct Talk {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Talk {
    fn until_ready(&mut self, inmate: &Inmate) {
        while self.line(inmate).is_some_and(|line| line != READY) {}
    }

    /// The last line, or nothing.
    fn until_record(&mut self, inmate: &Inmate) -> String {
        let mut last = String::new();
        while let Some(line) = self.line(inmate) {
            last = line;
        }
        last
    }

    /// The next line that is no question.
    fn line(&mut self, inmate: &Inmate) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.stdout.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line.trim_end() != USAGE {
                return Some(line.trim_end().to_owned());
            }
            let levels = inmate.usage().map(Levels::from).unwrap_or_default();
            self.answer(&serde_json::to_string(&levels).unwrap_or_default());
        }
    }

    fn answer(&mut self, text: &str) {
        let _ = writeln!(self.stdin, "{text}");
    }
}

/// Does `work` while a thread looks at the group, and also returns what it held when it was fullest.
fn watched<T>(inmate: &Inmate, work: impl FnOnce() -> T) -> (T, Option<Usage>) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut fullest: Option<Usage> = None;
            while !done.load(Relaxed) {
                if let Ok(usage) = inmate.usage()
                    && fullest.is_none_or(|most| most.current_bytes < usage.current_bytes)
                {
                    fullest = Some(usage);
                }
                std::thread::sleep(LOOK);
            }
            fullest
        });
        let result = work();
        done.store(true, Relaxed);
        (result, watch.join().ok().flatten())
    })
}

/// Called by a victim: tells the supervisor that the first step is next, and waits for its word.
pub(crate) fn wait_for_go() -> anyhow::Result<()> {
    say(READY).map(drop)
}

/// Called by a victim: what its group holds. Nothing where there are no groups, or no supervisor.
pub(crate) fn ask() -> anyhow::Result<Levels> {
    let text = say(USAGE)?;
    Ok(if text.trim().is_empty() { Levels::default() } else { serde_json::from_str(&text)? })
}

fn say(line: &str) -> anyhow::Result<String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer)
}

/// Total time for which some task of the machine waited for memory. Averages lag; the total does not.
fn pressure() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/pressure/memory").ok()?;
    text.lines().next()?.rsplit_once("total=")?.1.trim().parse().ok()
}

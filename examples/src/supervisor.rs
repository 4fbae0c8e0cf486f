//! Runs each job in a fresh process in a cage of its own, and always has a result.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context;
use memcage::{Cage, Mechanism, Verdict};
use traceq::Target;

use crate::observer::{Observer, Place, Running, Watch};
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
}

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
        let outside = job.observer.filter(|observer| observer.place == Place::Outside);
        let inside = job.observer.filter(|observer| observer.place != Place::Outside);
        let job = Job { observer: inside, ..job.clone() };
        let mut command = Command::new(std::env::current_exe()?);
        command.args([ARGUMENT, &serde_json::to_string(&job)?]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        if limit_bytes.is_some() {
            // Dying is what is asked of it; it need not complain.
            command.stderr(Stdio::null());
        }
        let mut inmate = self.cage.spawn(&mut command, limit_bytes)?;
        let pid = inmate.id();
        let mut stdin = inmate.take_stdin().context("a pipe was asked for")?;
        let mut stdout = BufReader::new(inmate.take_stdout().context("a pipe was asked for")?);
        stdout.read_line(&mut String::new())?;
        let running = outside.map(|observer: Observer| {
            let running = Running::thread(observer, Target::Pid(pid));
            std::thread::sleep(std::time::Duration::from_millis(5));
            running
        });
        let before = pressure();
        let begin = Instant::now();
        // It may be dead by now; then its verdict tells.
        let _ = stdin.write_all(b"go\n");
        let mut text = String::new();
        let _ = stdout.read_to_string(&mut text);
        let death = inmate.wait()?;
        let wall_s = begin.elapsed().as_secs_f64();
        let pressure_us = pressure().zip(before).map(|(after, before)| after - before);
        let watch = running.map(Running::stop).transpose()?;
        let verdict = match death.verdict {
            Verdict::Exited { code: 0 } => "survived".to_owned(),
            Verdict::Exited { code } => format!("exit code {code}"),
            Verdict::OutOfMemory { .. } => "killed for memory".to_owned(),
            Verdict::Signal { signal } => format!("signal {signal}"),
            _ => death.to_string(),
        };
        Ok(Outcome {
            record: serde_json::from_str(&text).ok(),
            watch,
            group_peak: death.peak_bytes,
            oom_kills: death.oom_kills,
            verdict,
            wall_s,
            pressure_us,
        })
    }
}

/// Total time for which some task of the machine waited for memory. Averages lag; the total does not.
fn pressure() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/pressure/memory").ok()?;
    text.lines().next()?.rsplit_once("total=")?.1.trim().parse().ok()
}

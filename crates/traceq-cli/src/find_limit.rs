//! `traceq find-limit`: the smallest memory limit that a command survives, by bisection.

use std::ffi::OsString;
use std::io::Write;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::bail;
use memcage::{Cage, Mechanism, Verdict};
use serde::Serialize;
use traceq::{ExitWatch, Unit};

use crate::args::FindLimitArgs;
use crate::output::{seconds, wants_text, write_json};
use crate::run::{exit_code, start};

/// All tries, and what came out.
#[derive(Debug, Serialize)]
struct Search {
    command: Vec<String>,
    mechanism: String,
    /// Without a limit.
    free: Try,
    tries: Vec<Try>,
    tolerance_bytes: u64,
    /// The smallest limit that was survived.
    survived_bytes: u64,
    /// The largest limit that was not.
    failed_bytes: u64,
}

/// One run of the command.
#[derive(Clone, Debug, Serialize)]
struct Try {
    limit_bytes: Option<u64>,
    survived: bool,
    why: String,
    exit_code: u8,
    /// Of the group; `None` without control groups.
    group_peak_bytes: Option<u64>,
    /// Of the largest process.
    process_peak_bytes: u64,
    elapsed_s: f64,
}

/// Below this no process starts.
const LEAST_BYTES: u64 = 64 << 10;

/// `traceq find-limit`.
pub(crate) fn find_limit(args: &FindLimitArgs) -> anyhow::Result<ExitCode> {
    let cage = Cage::new("traceq-find-limit", None)?;
    let prober = Prober { cage: &cage, command: &args.command };
    let free = prober.run(None, None)?;
    say(&free);
    if free.exit_code != 0 {
        eprintln!(
            "traceq: it ends with exit code {} even without a limit; the same counts as survived",
            free.exit_code
        );
    }
    let peak = free.peak();
    let tolerance = args.tolerance.unwrap_or((peak / 100).max(256 << 10)).max(4096);
    let patience = Duration::from_secs_f64(10.0 * free.elapsed_s) + Duration::from_secs(10);
    let patience = args.timeout.unwrap_or(patience);

    let mut tries = Vec::new();
    let mut survives = |limit: u64| {
        let found = prober.run(Some(limit), Some((patience, free.exit_code)))?;
        say(&found);
        let survived = found.survived;
        tries.push(found);
        anyhow::Ok(survived)
    };
    let mut low = args.from.unwrap_or(LEAST_BYTES);
    let mut high = args.to.unwrap_or(peak.max(low + tolerance));
    if low >= high {
        bail!("--from {} is not below {}", show(low), show(high));
    }
    // Usually the first try: its peak is what it needs at most, but for what it would take if it could.
    while !survives(high)? {
        if args.to.is_some() {
            bail!("it does not survive {}; raise --to", show(high));
        }
        (low, high) = (high, high.saturating_mul(2));
        if high > peak.saturating_mul(16).max(1 << 30) {
            bail!("it does not survive {} either, but runs without a limit", show(low));
        }
    }
    while high - low > tolerance {
        let middle = low + (high - low) / 2;
        if survives(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    let lossy = |word: &OsString| word.to_string_lossy().into_owned();
    let search = Search {
        command: args.command.iter().map(lossy).collect(),
        mechanism: cage.mechanism().to_string(),
        free,
        tries,
        tolerance_bytes: tolerance,
        survived_bytes: high,
        failed_bytes: low,
    };
    if let Some(path) = &args.json {
        write_json(path, &search)?;
    }
    if wants_text(args.json.as_deref()) {
        let out = search.text(matches!(cage.mechanism(), Mechanism::DataLimit { .. }));
        std::io::stdout().lock().write_all(out.as_bytes())?;
    }
    cage.close()?;
    Ok(ExitCode::SUCCESS)
}

/// Runs the command again and again.
struct Prober<'a> {
    cage: &'a Cage,
    command: &'a [OsString],
}

impl Prober<'_> {
    /// Runs it once; with a limit on its time and the exit code that it should have.
    fn run(&self, limit: Option<u64>, expected: Option<(Duration, u8)>) -> anyhow::Result<Try> {
        let (mut inmate, started) = start(self.cage, self.command, limit, |command| {
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        })?;
        let watch = ExitWatch::open(inmate.id())?;
        let patience = expected.map(|(patience, _)| patience);
        let in_time = loop {
            let left = patience.map(|patience| patience.saturating_sub(started.elapsed()));
            match watch.wait(left)? {
                true => break true,
                false if left.is_some_and(|left| left.is_zero()) => break false,
                false => {}
            }
        };
        if !in_time {
            inmate.kill()?;
        }
        let usage = watch.usage()?;
        let elapsed = started.elapsed();
        let death = inmate.wait()?;
        let code = exit_code(death.status);
        let killed = matches!(death.verdict, Verdict::OutOfMemory { .. });
        let (survived, why) = match expected {
            _ if !in_time => (false, "too slow".to_owned()),
            _ if killed => (false, "killed for memory".to_owned()),
            Some((_, expected)) if code != expected => (false, format!("exit code {code}")),
            _ => (true, format!("exit code {code}")),
        };
        Ok(Try {
            limit_bytes: limit,
            survived,
            why,
            exit_code: code,
            group_peak_bytes: death.peak_bytes,
            process_peak_bytes: usage.peak.bytes,
            elapsed_s: elapsed.as_secs_f64(),
        })
    }
}

impl Try {
    /// What is limited: the group where there is one.
    fn peak(&self) -> u64 {
        self.group_peak_bytes.unwrap_or(self.process_peak_bytes)
    }
}

fn show(bytes: u64) -> String {
    Unit::Auto.show(bytes).to_string()
}

/// A line per try, as it ends.
fn say(found: &Try) {
    let limit = found.limit_bytes.map_or("no limit".to_owned(), show);
    let outcome = if found.survived { "survived" } else { "failed" };
    let peak = show(found.peak());
    eprintln!(
        "  {limit:>12}  {outcome:8}  {} after {}, peak {peak}",
        found.why,
        seconds(found.elapsed_s)
    );
}

impl Search {
    fn text(&self, each_process: bool) -> String {
        let mut text = format!(
            "survives {}, not {} (± {}; {})\n",
            show(self.survived_bytes),
            show(self.failed_bytes),
            show(self.survived_bytes - self.failed_bytes),
            self.mechanism,
        );
        if each_process {
            text.push_str(
                "the limit is on the data of each process by itself, not on all together\n",
            );
        }
        let mut compare = |name: &str, bytes: u64| {
            let off = 100.0 * (self.survived_bytes as f64 / bytes as f64 - 1.0);
            text.push_str(&format!(
                "without a limit: {name} {}; the answer is {off:+.1} %\n",
                show(bytes)
            ));
        };
        if let Some(bytes) = self.free.group_peak_bytes {
            compare("peak of the group", bytes);
        }
        compare("peak of the largest process", self.free.process_peak_bytes);
        text
    }
}

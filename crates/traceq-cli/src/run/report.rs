//! What a run found, as metadata, JSON and a short table.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use memcage::{Death, Mechanism, Pressure, PressureScope, Verdict};
use serde::Serialize;
use traceq::profile::{CGROUP, HWM, KERNEL, PROCESSES, Profile, RESOURCE, TREE};
use traceq::sampler::Timing;
use traceq::{ExitUsage, Kind, Scope, Unit, counter_bound_bytes};

use crate::args::RunArgs;
use crate::columns::meaning;
use crate::output::{count, seconds, shorten, table};

/// All that is known when a run has ended.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) command: Vec<OsString>,
    pub(super) mechanism: String,
    pub(super) limit_bytes: Option<u64>,
    pub(super) death: Death,
    pub(super) usage: ExitUsage,
    pub(super) floor_bytes: Option<u64>,
    pub(super) elapsed: Duration,
    pub(super) timing: Option<Timing>,
    pub(super) absent: Vec<(&'static str, String)>,
    /// Why rows could not be written any more.
    pub(super) stopped: Option<String>,
}

/// Metadata that is known before the command starts.
pub(super) fn circumstances(args: &RunArgs, mechanism: &Mechanism) -> Vec<(&'static str, String)> {
    let setting = |path| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let mut entries = vec![
        ("command", shell_words(&args.command)),
        ("traceq_version", env!("CARGO_PKG_VERSION").to_owned()),
        ("clock", "one reading of the wall clock, then CLOCK_MONOTONIC".to_owned()),
        ("period_nominal_s", args.every.as_secs_f64().to_string()),
        ("mechanism", mechanism.to_string()),
        ("page_bytes", rustix::param::page_size().to_string()),
        ("counter_bound_bytes", counter_bound_bytes().to_string()),
    ];
    let kernel = setting("/proc/sys/kernel/osrelease").map(|release| ("kernel", release));
    let pages = setting("/sys/kernel/mm/transparent_hugepage/enabled").map(|s| ("huge_pages", s));
    let limit = args.limit.map(|bytes| ("limit_bytes", bytes.to_string()));
    entries.extend(kernel.into_iter().chain(pages).chain(limit));
    entries
}

impl Facts {
    /// Metadata of the end.
    pub(super) fn metadata(&self) -> Vec<(&'static str, String)> {
        let mut entries = vec![
            ("verdict", verdict(&self.death).to_owned()),
            ("evidence", self.death.evidence.clone()),
            ("exit_code", super::exit_code(self.death.status).to_string()),
            ("elapsed_s", self.elapsed.as_secs_f64().to_string()),
            ("cpu_s", self.usage.cpu.as_secs_f64().to_string()),
            ("major_faults", self.usage.faults.major.to_string()),
        ];
        if let Some(pressure) = self.death.pressure.map(Lost::from) {
            entries.push(("pressure_scope", pressure.scope.to_owned()));
            entries.push(("pressure_some_s", pressure.some_s.to_string()));
            entries.push(("pressure_full_s", pressure.full_s.to_string()));
        }
        if let Some(bytes) = self.death.swap_peak_bytes {
            entries.push(("swap_peak_bytes", bytes.to_string()));
        }
        if let Some(bytes) = self.floor_bytes {
            entries.push(("resource_floor_bytes", bytes.to_string()));
        }
        if let Some(timing) = &self.timing {
            entries.push(("samples", timing.samples.to_string()));
            entries.push(("samples_missed", timing.missed.to_string()));
            entries.push(("sample_cost_s", timing.cost_s.to_string()));
            entries.push(("sample_cost_p50_s", timing.cost_p50_s.to_string()));
            entries.push(("sample_late_p99_s", timing.late_p99_s.to_string()));
            entries.extend(timing.real_period_s.map(|s| ("period_real_s", s.to_string())));
        }
        entries
    }
}

/// The result of a run. Every `…_bytes` is bytes.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    command: Vec<String>,
    /// On one line, for people.
    #[serde(skip)]
    title: String,
    profile: PathBuf,
    peaks: Vec<Peak>,
    n_processes_seen: Option<u64>,
    limit_bytes: Option<u64>,
    mechanism: String,
    /// `exited`, `signal` or `out_of_memory`.
    verdict: &'static str,
    evidence: String,
    /// Which limit, where it was killed for memory.
    limit_hit: Option<String>,
    exit_code: u8,
    signal: Option<i32>,
    oom_kills: Option<u64>,
    elapsed_s: f64,
    cpu_s: f64,
    major_faults: u64,
    minor_faults: u64,
    /// Absent where the kernel does not count it.
    pressure: Option<Lost>,
    /// Most that was swapped out at a time; absent where the kernel keeps no such mark.
    swap_peak_bytes: Option<u64>,
    counter_bound_bytes: u64,
    sampling: Option<Timing>,
    absent: Vec<Absent>,
    timeline_stopped: Option<String>,
}

/// A peak, and how good it is.
#[derive(Debug, Serialize)]
struct Peak {
    column: &'static str,
    label: &'static str,
    bytes: u64,
    scope: Scope,
    kind: Kind,
    exactness: String,
}

/// Time lost for want of memory.
#[derive(Debug, Serialize)]
struct Lost {
    /// `command` (with its descendants) or `machine`.
    scope: &'static str,
    /// At least one process stood still.
    some_s: f64,
    /// All that had something to do stood still.
    full_s: f64,
}

impl From<Pressure> for Lost {
    fn from(pressure: Pressure) -> Self {
        Self {
            scope: match pressure.scope {
                PressureScope::Inmate => "command",
                _ => "machine",
            },
            some_s: pressure.some.as_secs_f64(),
            full_s: pressure.full.as_secs_f64(),
        }
    }
}

/// What was not read.
#[derive(Debug, Serialize)]
struct Absent {
    backend: &'static str,
    why: String,
}

impl Report {
    pub(super) fn new(facts: &Facts, profile: &Profile, path: &Path) -> Self {
        let words = facts.command.iter().map(|word| word.to_string_lossy().into_owned());
        let absent = facts.absent.iter();
        Self {
            command: words.collect(),
            title: shorten(&shell_words(&facts.command).replace('\n', "\\n"), 100),
            profile: path.to_owned(),
            peaks: peaks(facts, profile),
            n_processes_seen: profile.peak(PROCESSES),
            limit_bytes: facts.limit_bytes,
            mechanism: facts.mechanism.clone(),
            verdict: verdict(&facts.death),
            evidence: facts.death.evidence.clone(),
            limit_hit: facts.death.limit.map(|limit| limit.to_string()),
            exit_code: super::exit_code(facts.death.status),
            signal: facts.death.status.signal(),
            oom_kills: facts.death.oom_kills,
            elapsed_s: facts.elapsed.as_secs_f64(),
            cpu_s: facts.usage.cpu.as_secs_f64(),
            major_faults: facts.usage.faults.major,
            minor_faults: facts.usage.faults.minor,
            pressure: facts.death.pressure.map(Lost::from),
            swap_peak_bytes: facts.death.swap_peak_bytes,
            counter_bound_bytes: counter_bound_bytes(),
            sampling: facts.timing.clone(),
            absent: absent.map(|(backend, why)| Absent { backend, why: why.clone() }).collect(),
            timeline_stopped: facts.stopped.clone(),
        }
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let show = |bytes| Unit::Auto.show(bytes).to_string();
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut row = |name: &str, value: String, note: String| {
            rows.push(vec![name.to_owned(), value, note]);
        };
        for peak in &self.peaks {
            row(peak.label, show(peak.bytes), peak.exactness.clone());
        }
        match self.limit_bytes {
            Some(bytes) => row("limit", show(bytes), self.mechanism.clone()),
            None => row("limit", "none".to_owned(), self.mechanism.clone()),
        }
        let end = match (self.verdict, self.signal) {
            ("out_of_memory", _) => "out of memory".to_owned(),
            (_, Some(signal)) => format!("signal {signal}"),
            _ => format!("exit code {}", self.exit_code),
        };
        row("end", end, self.evidence.clone());
        let faults = count(self.major_faults, "major fault");
        let note = format!("processor {}, {faults}", seconds(self.cpu_s));
        row("elapsed", seconds(self.elapsed_s), note);
        let swap = self.swap_peak_bytes.map(|bytes| match bytes {
            0 => "nothing swapped out".to_owned(),
            bytes => format!("up to {} swapped out", show(bytes)),
        });
        if let Some(lost) = &self.pressure {
            let whose = match lost.scope {
                "command" => "lost by waiting for memory",
                _ => "lost by waiting for memory, on the whole machine",
            };
            let parts = [Some(whose.to_owned()), swap].into_iter().flatten();
            row("pressure", seconds(lost.some_s), parts.collect::<Vec<_>>().join("; "));
        } else if let Some(swap) = swap {
            row("swap", swap, String::new());
        }
        if let Some(timing) = self.sampling.as_ref().filter(|timing| timing.samples > 0) {
            let off = timing.real_period_s.map_or("one sample has no period".to_owned(), |real| {
                let percent = 100.0 * (real / timing.nominal_period_s - 1.0);
                format!("period {} ({percent:+.3} %)", seconds(real))
            });
            let (cost, mean) = (seconds(timing.cost_p50_s), seconds(timing.cost_s));
            let note = format!("{off}, {} missed, {cost} each (mean {mean})", timing.missed);
            row("samples", timing.samples.to_string(), note);
        } else {
            row("samples", "none".to_owned(), "it ended before the first".to_owned());
        }
        let profile = self.profile.display();
        row("written", profile.to_string(), String::new());
        let mut text = format!("traceq: {}\n", self.title);
        text.push_str(&table(&rows, &[]));
        for absent in &self.absent {
            text.push_str(&format!("  not read: {}: {}\n", absent.backend, absent.why));
        }
        if let Some(why) = &self.timeline_stopped {
            text.push_str(&format!("  WARNING: the timeline is incomplete: {why}\n"));
        }
        text
    }
}

/// What the kernel charges in advance on each CPU: 64 pages of 4 KiB (32 in older kernels).
const CHARGE_BATCH_BYTES: u64 = 256 << 10;

/// The peaks worth telling, the most exact first.
fn peaks(facts: &Facts, profile: &Profile) -> Vec<Peak> {
    let show = |bytes| Unit::Auto.show(bytes).to_string();
    let bound = counter_bound_bytes();
    let sampled = match &facts.timing {
        Some(timing) => format!("lower bound, sampled every {}", seconds(timing.nominal_period_s)),
        None => "lower bound".to_owned(),
    };
    let note = |column: &str, bytes: u64| match column {
        CGROUP => {
            let capped = facts.limit_bytes.is_some_and(|limit| bytes + (1 << 20) >= limit);
            let most = show(memcage::cpus() as u64 * CHARGE_BATCH_BYTES);
            let what = format!("at most {most} too high; with page cache and kernel memory");
            if capped { format!("{what}; at the limit, so no measure of need") } else { what }
        }
        RESOURCE => match facts.floor_bytes {
            Some(floor) if bytes <= floor + bound => {
                format!("or less: traceq itself held {} when it started it", show(floor))
            }
            _ => format!("largest process, at its end, within {}", show(bound)),
        },
        HWM => format!("at the last reading, within {}", show(bound)),
        TREE => match profile.peak(PROCESSES) {
            Some(n) => format!("up to {}; {sampled}", count(n, "process")),
            None => sampled.clone(),
        },
        _ => sampled.clone(),
    };
    // The mark at the end is never below the one that was read before.
    let mark = if profile.peak(RESOURCE).is_some() { RESOURCE } else { HWM };
    let told = [CGROUP, mark, TREE, KERNEL].into_iter();
    told.filter_map(|column| {
        let (meaning, bytes) = (meaning(column)?, profile.peak(column)?);
        let exactness = note(column, bytes);
        let label = match column {
            CGROUP => "peak of the group",
            RESOURCE => "peak of a process",
            HWM => "peak of the command itself",
            TREE => "seen, all together",
            _ => "seen, the command itself",
        };
        let (scope, kind) = (meaning.scope, meaning.kind);
        Some(Peak { column, label, bytes, scope, kind, exactness })
    })
    .collect()
}

fn verdict(death: &Death) -> &'static str {
    match death.verdict {
        Verdict::OutOfMemory { .. } => "out_of_memory",
        Verdict::Signal { .. } => "signal",
        _ => "exited",
    }
}

/// The command as a shell would take it.
fn shell_words(command: &[OsString]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    let quote = |word: &OsString| {
        let word = word.to_string_lossy();
        if !word.is_empty() && word.chars().all(plain) {
            word.into_owned()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    command.iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        let words = ["sh", "-c", "echo 'a b'", ""].map(OsString::from);
        assert_eq!(shell_words(&words), r"sh -c 'echo '\''a b'\''' ''");
    }
}

//! `traceq run`: a command in a cage of its own, sampled from this process.
//!
//! The sampler is this process, not another one. It is outside of the command's group, so the limit and
//! the killer of the kernel do not reach it; it has nothing else to do while the command runs; and
//! being the parent it can read the command's last marks between its end and its reaping. Every sample
//! is one write to the journal, which therefore survives this process too, up to one period.

mod files;
mod gauges;
mod report;
mod signals;

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use anyhow::Context;
use memcage::{Cage, CageError, Death, Inmate, Pressure, PressureScope};
use traceq::prof::Journal;
use traceq::profile::{CGROUP, MACHINE_PRESSURE, PRESSURE, RESOURCE, UNSIGNED};
use traceq::sampler::Timing;
use traceq::{ExitWatch, MemoryProbe, Target, probe::Statm};

use crate::args::{Backend, RunArgs};
use crate::{known_errors, load, output};

use files::Files;
use gauges::Gauges;
use report::{Facts, Report};
use signals::Signals;

/// The command did not start.
#[derive(Debug)]
pub(crate) struct NotStarted {
    program: String,
    source: std::io::Error,
}

impl NotStarted {
    /// As shells have it.
    pub(crate) fn exit_code(&self) -> u8 {
        if self.source.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 }
    }
}

impl std::fmt::Display for NotStarted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { program, source } = self;
        match source.kind() {
            std::io::ErrorKind::NotFound => write!(f, "{program}: command not found"),
            _ => write!(f, "{program}: cannot be executed: {source}"),
        }
    }
}

impl std::error::Error for NotStarted {}

/// `traceq run`.
pub(crate) fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let cage = if args.no_cgroup { Cage::without_cgroups } else { Cage::new };
    let cage = cage("traceq", None)?;
    gauges::check(&args.backend, cage.mechanism())?;
    let files = Files::reserve(args.out.as_deref(), &args.command)?;
    let begun = Journal::create(files.journal()).map_err(anyhow::Error::from);
    let recorded = begun.and_then(|journal| record(args, &cage, journal));
    let recorded = recorded.inspect_err(|_| files.abandon())?;
    let (code, facts) = (exit_code(recorded.death.status), recorded.facts);

    let (profile, _) = load::load(files.journal())?;
    traceq::prof::save(&profile, files.profile()).with_context(|| {
        format!("the run is kept in {}; `traceq recover` reads it", files.journal().display())
    })?;
    files.done();
    let report = Report::new(&facts, &profile, files.profile());
    if let Some(path) = &args.json {
        output::write_json(path, &report)?;
    }
    if !args.quiet || code != 0 {
        eprint!("{}", report.table());
    }
    cage.close()?;
    Ok(ExitCode::from(code))
}

/// A run that has ended; its rows are in the journal.
struct Recorded {
    facts: Facts,
    death: Death,
}

fn record(args: &RunArgs, cage: &Cage, mut journal: Journal) -> anyhow::Result<Recorded> {
    for (key, value) in report::circumstances(args, cage.mechanism()) {
        journal.set(key, &value)?;
    }
    let signals = Signals::catch()?;
    // A process begins with the mark of the one that started it.
    let floor_bytes = Statm::open(Target::Own).and_then(|mut own| own.read()).map(|own| own.bytes);
    let (mut inmate, started) = start(cage, &args.command, args.limit, |_| {})?;
    // A child that was not reaped can always be watched.
    let watch = Arc::new(ExitWatch::open(inmate.id())?);
    signals.pass_on_to(&watch);

    let mut gauges = Gauges::open(inmate.id(), &args.backend, cage.mechanism(), args.every)?;
    for (name, why) in &gauges.absent {
        journal.set(&format!("absent_{name}"), why)?;
    }
    let (timing, stopped) =
        sample(&mut gauges, &mut journal, args.backend.is_empty().then_some(&inmate));
    let usage = watch.usage()?;
    let elapsed = started.elapsed();
    let death = inmate.wait()?;

    let facts = Facts {
        command: args.command.clone(),
        mechanism: cage.mechanism().to_string(),
        limit_bytes: args.limit,
        death: death.clone(),
        usage,
        floor_bytes: floor_bytes.ok(),
        elapsed,
        timing,
        absent: gauges.absent,
        stopped,
    };
    if facts.stopped.is_none() {
        // The marks that are exact only now.
        let wanted = |backend| args.backend.is_empty() || args.backend.contains(&backend);
        let largest = wanted(Backend::Rusage).then_some(usage.peak.bytes);
        let group = death.peak_bytes.filter(|_| wanted(Backend::Cgroup));
        let lost = death
            .pressure
            .filter(|_| args.backend.is_empty())
            .and_then(column_of)
            .map(|(column, sum)| (column, Some(sum)));
        let last = [(RESOURCE, largest), (CGROUP, group)].into_iter().chain(lost);
        journal.push(unix_ns(), UNSIGNED, last)?;
        for (key, value) in facts.metadata() {
            journal.set(key, &value)?;
        }
        for (key, value) in known_errors::recall_or_take(args.quiet) {
            journal.set(&key, &value)?;
        }
        journal.finish()?;
    }
    Ok(Recorded { facts, death })
}

/// Starts the command in a cage.
pub(crate) fn start(
    cage: &Cage,
    line: &[OsString],
    limit: Option<u64>,
    streams: impl FnOnce(&mut Command),
) -> anyhow::Result<(Inmate, Instant)> {
    let (program, arguments) = line.split_first().context("no command")?;
    let mut command = Command::new(program);
    streams(command.args(arguments));
    let started = Instant::now();
    match cage.spawn(&mut command, limit) {
        Ok(inmate) => Ok((inmate, started)),
        Err(CageError::Spawn { program, source }) => Err(NotStarted { program, source }.into()),
        Err(error) => Err(error.into()),
    }
}

/// Samples until the command ends, or its rows cannot be written any more. The pressure of `strained` is
/// a column too.
fn sample(
    gauges: &mut Gauges,
    journal: &mut Journal,
    strained: Option<&Inmate>,
) -> (Option<Timing>, Option<String>) {
    let Some(sampler) = &mut gauges.sampler else { return (None, None) };
    let columns = sampler.columns().to_vec();
    let mut stopped = None;
    let mut n = 0_u64;
    let timing = sampler.run(|sample| {
        // A sum, so what lies between two readings is not lost.
        let lost = match n.is_multiple_of(PRESSURE_EVERY) {
            true => strained.and_then(Inmate::pressure).and_then(column_of),
            false => None,
        };
        n += 1;
        let values = columns.iter().copied().zip(sample.levels.iter().copied());
        let values = values.chain(lost.map(|(column, micros)| (column, Some(micros))));
        match journal.push(sample.unix_ns, UNSIGNED, values) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                stopped = Some(error.to_string());
                ControlFlow::Break(())
            }
        }
    });
    (Some(timing), stopped)
}

/// The pressure is read at every so-many-th sample.
const PRESSURE_EVERY: u64 = 10;

fn column_of(pressure: Pressure) -> Option<(&'static str, u64)> {
    let column = match pressure.scope {
        PressureScope::Inmate => PRESSURE,
        _ => MACHINE_PRESSURE,
    };
    Some((column, u64::try_from(pressure.some.as_micros()).ok()?))
}

fn unix_ns() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

/// The command's own code; 128 and the signal's number where one killed it.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

//! The machine that results belong to.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use crate::options::Settings;
use crate::supervisor::Supervisor;

/// Names and values for the head of a report; no host names and no paths.
fn facts(supervisor: &Supervisor) -> Vec<(String, String)> {
    let line = |path: &str, key: &str| {
        let text = fs::read_to_string(path).ok()?;
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let file = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let memory = line("/proc/meminfo", "MemTotal").and_then(|kib| {
        let kib: f64 = kib.split_ascii_whitespace().next()?.parse().ok()?;
        Some(format!("{:.1} GiB", kib / f64::from(1 << 20)))
    });
    let load = file("/proc/loadavg").and_then(|text| Some(text.split_once(' ')?.0.to_owned()));
    let found = [
        ("CPU", line("/proc/cpuinfo", "model name")),
        ("CPUs", Some(memcage::cpus().to_string())),
        ("memory", memory),
        ("kernel", file("/proc/sys/kernel/osrelease")),
        ("limits by", Some(supervisor.mechanism())),
        ("huge pages", file("/sys/kernel/mm/transparent_hugepage/enabled")),
        ("swap", Some(if has_swap() { "yes" } else { "none" }.to_owned())),
        (
            "a batched counter may be off by",
            Some(format!("{} KiB", traceq::counter_bound_bytes() >> 10)),
        ),
        ("load when it began", load),
        (
            "built",
            Some(if cfg!(debug_assertions) { "for debugging" } else { "optimised" }.to_owned()),
        ),
    ];
    let known = |(name, value): (&str, Option<String>)| {
        (name.to_owned(), value.unwrap_or("unknown".to_owned()))
    };
    found.into_iter().map(known).collect()
}

pub(crate) fn has_swap() -> bool {
    fs::read_to_string("/proc/swaps").is_ok_and(|text| text.lines().count() > 1)
}

/// Keeps the facts beside the rows, for `analyze` may run elsewhere.
pub(crate) fn write(settings: &Settings, supervisor: &Supervisor) -> anyhow::Result<()> {
    let mut facts = facts(supervisor);
    let scale = if settings.quick { "quick" } else { "full" };
    facts.push(("sizes".to_owned(), scale.to_owned()));
    facts.push(("runs".to_owned(), settings.runs.to_string()));
    Ok(fs::write(path(settings), serde_json::to_string_pretty(&facts)?)?)
}

pub(crate) fn read(settings: &Settings) -> anyhow::Result<Vec<(String, String)>> {
    let text = fs::read_to_string(path(settings)).context("run the phase `profile` first")?;
    Ok(serde_json::from_str(&text)?)
}

fn path(settings: &Settings) -> PathBuf {
    settings.out.join("machine.json")
}

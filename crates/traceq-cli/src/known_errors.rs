//! The errors of the backends on this machine, for the profiles that are made here.
//!
//! A self-test takes a second, so its result is kept in the user's folder for cached files and taken
//! again when the kernel, the processors, the huge pages or this program are other ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use traceq::{Check, Outcome, Selftest};

use crate::show::date;

/// Metadata of a profile, all keys beginning with `selftest_`.
type Entries = BTreeMap<String, String>;

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    machine: String,
    entries: Entries,
}

/// Keeps the result of a self-test. Where that fails, the next one is taken anew.
pub(crate) fn keep(found: &Selftest) {
    let Some(path) = path() else { return };
    let kept = Kept { machine: machine(), entries: entries(found) };
    let Ok(text) = serde_json::to_vec_pretty(&kept) else { return };
    // Beside its place first: runs may begin at the same time.
    let beside = path.with_extension(std::process::id().to_string());
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = folder.and_then(|()| fs::write(&beside, text));
    if written.and_then(|()| fs::rename(&beside, &path)).is_err() {
        let _ = fs::remove_file(&beside);
    }
}

/// What is known of this machine; taken now, by another process, where nothing is. Nothing where there
/// is no place to keep it, since a run should not take a second longer each time.
pub(crate) fn recall_or_take(quiet: bool) -> Entries {
    let Some(path) = path() else { return Entries::new() };
    let recall = || {
        let kept: Kept = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        (kept.machine == machine()).then_some(kept.entries)
    };
    recall().unwrap_or_else(|| {
        if !quiet {
            let place = path.display();
            eprintln!("traceq: measuring the errors of this machine, once; kept in {place}");
        }
        take();
        recall().unwrap_or_default()
    })
}

/// In a process of its own: it takes memory, and this one's is the floor of what it starts next.
fn take() {
    let Ok(own) = std::env::current_exe() else { return };
    let mut command = Command::new(own);
    command.args(["selftest", "--quick"]).stdin(Stdio::null()).stdout(Stdio::null());
    let _ = command.stderr(Stdio::null()).status();
}

fn path() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let caches = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")))?;
    Some(caches.join("traceq/selftest.json"))
}

fn machine() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    format!(
        "traceq {}, Linux {}, {} CPUs, pages of {} B, huge pages {}",
        env!("CARGO_PKG_VERSION"),
        read("/proc/sys/kernel/osrelease"),
        read("/sys/devices/system/cpu/online"),
        rustix::param::page_size(),
        read("/sys/kernel/mm/transparent_hugepage/enabled"),
    )
}

fn entries(found: &Selftest) -> Entries {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let taken = date(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
    let mut entries = Entries::from([
        ("selftest_taken".to_owned(), format!("{taken} UTC")),
        ("selftest_passed".to_owned(), found.passed().to_string()),
    ]);
    for check in &found.checks {
        let key = format!("selftest_{}", check.backend);
        let text = told(check);
        entries
            .entry(key)
            .and_modify(|before| *before = format!("{before}; {text}"))
            .or_insert(text);
    }
    entries
}

/// The largest error and its bound.
fn told(check: &Check) -> String {
    match &check.outcome {
        Outcome::Absent { why } => format!("{}: absent: {why}", check.what),
        Outcome::Error { worst, bound: Some(bound), unit, .. } => {
            format!("{}: worst {worst} {unit}, bound {bound} {unit}", check.what)
        }
        Outcome::Error { worst, unit, .. } => format!("{}: worst {worst} {unit}", check.what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_its_unit_and_bound() {
        let outcome =
            Outcome::Error { worst: -4096.0, median: 0.0, bound: Some(8192.0), unit: "B" };
        let check = Check { backend: "hwm", what: "region".to_owned(), outcome };
        assert_eq!(told(&check), "region: worst -4096 B, bound 8192 B");
        assert!(machine().contains("Linux "));
    }
}

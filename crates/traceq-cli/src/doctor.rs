//! `traceq doctor`: what this machine allows.

use std::io::Write;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;
use serde::Serialize;
use traceq::probe::{Backend, Hwm, Tree};
use traceq::{
    ExitUsage, ExitWatch, MemoryProbe, ProbeError, Reading, Target, Unit, counter_bound_bytes,
};

use crate::args::DoctorArgs;
use crate::output::{table, wants_text, write_json};

#[derive(Debug, Serialize)]
struct Findings {
    /// What can be read about a command while it runs, and at its end.
    measuring: Vec<Finding>,
    /// What can be done with it.
    limiting: Vec<memcage::Capability>,
    counter_bound_bytes: u64,
    n_cpus: usize,
}

#[derive(Debug, Serialize)]
struct Finding {
    name: &'static str,
    available: bool,
    evidence: String,
}

/// `traceq doctor`.
pub(crate) fn doctor(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let findings = Findings {
        measuring: measuring()?,
        limiting: memcage::doctor(),
        counter_bound_bytes: counter_bound_bytes(),
        n_cpus: memcage::cpus(),
    };
    if let Some(path) = &args.json {
        write_json(path, &findings)?;
    }
    if wants_text(args.json.as_deref()) {
        std::io::stdout().lock().write_all(findings.text().as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Findings {
    fn text(&self) -> String {
        let row = |available: bool, name: &str, evidence: &str| {
            let mark = if available { "yes" } else { "no" };
            [mark, name, evidence].map(str::to_owned).to_vec()
        };
        let own = self.measuring.iter().map(|f| row(f.available, f.name, &f.evidence));
        let cages = self.limiting.iter().map(|f| row(f.available, f.name, &f.evidence));
        format!(
            "measuring, on {} CPUs (a batched counter is within ± {})\n{}\nlimiting\n{}",
            self.n_cpus,
            Unit::Auto.show(self.counter_bound_bytes),
            table(&own.collect::<Vec<_>>(), &[]),
            table(&cages.collect::<Vec<_>>(), &[]),
        )
    }
}

/// Reads everything that there is about a child that waits for the end of its input.
fn measuring() -> anyhow::Result<Vec<Finding>> {
    let mut child = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start `cat` to measure it")?;
    let pid = child.id();
    let target = Target::Pid(pid);
    let probe = |backend: Backend| backend.open(target).and_then(|mut probe| probe.read());
    let mut found = vec![
        finding("resident set, statm", probe(Backend::Statm)),
        finding("resident set, status", probe(Backend::Status)),
        finding("resident set, smaps", probe(Backend::Smaps)),
        finding("resident set, sysinfo", probe(Backend::Sysinfo)),
        finding("high-water mark", probe(Backend::Hwm)),
        finding("its reset", Hwm::open(target).and_then(|mut hwm| hwm.reset())),
        finding("peak of the group it is in", probe(Backend::Cgroup)),
        finding("descendants", Tree::of_descendants(pid).and_then(|mut tree| tree.read())),
    ];
    let watch = ExitWatch::open(pid);
    drop(child.stdin.take());
    let usage = watch.and_then(|watch| watch.usage());
    child.wait()?;
    found.push(finding("mark at the end", usage.map(|usage: ExitUsage| usage.peak)));
    Ok(found)
}

fn finding(name: &'static str, read: Result<Reading, ProbeError>) -> Finding {
    let available = read.is_ok();
    let evidence = match read {
        Ok(reading) => format!("reads {} of a waiting `cat`", Unit::Auto.show(reading.bytes)),
        Err(error) => error.to_string(),
    };
    Finding { name, available, evidence }
}

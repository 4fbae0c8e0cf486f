//! Each profiler: how it is called, by its own manual, and where its peak stands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use super::{Language, Tools};
use crate::steps::run;

/// What a number is the peak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Pages in memory, of one process.
    Resident,
    /// Bytes requested and not given back.
    Heap,
    /// What the kernel charges to a control group: resident, kernel memory and page cache.
    Group,
}

/// A way to measure a peak.
pub(super) struct Profiler {
    pub(super) name: &'static str,
    pub(super) scope: Scope,
    pub(super) languages: &'static [Language],
    /// How the victim is called.
    pub(super) mode: &'static str,
    /// Whether it lives in the victim alone.
    pub(super) inside: bool,
    /// Why it cannot be used here.
    pub(super) absent: fn(&Tools) -> Option<String>,
    /// The command line that measures another one and writes to a file.
    pub(super) command: fn(&Tools, &Path, Vec<String>) -> Vec<String>,
    /// The peak in bytes, from that file or from what the victim said.
    pub(super) read: fn(&Tools, &Path, &Value) -> anyhow::Result<u64>,
}

const BOTH: &[Language] = &[Language::Native, Language::Python];
const NATIVE: &[Language] = &[Language::Native];
const PYTHON: &[Language] = &[Language::Python];

pub(super) const ALL: [Profiler; 13] = [
    inside("traceq, hwm region", Scope::Resident, NATIVE, "region", |_, _, said| {
        field(said, "region_resident")
    }),
    inside("traceq, heap", Scope::Heap, NATIVE, "heap", |_, _, said| field(said, "region_heap")),
    traceq("traceq run: high-water mark", Scope::Resident, |_, out, _| {
        column(out, "resource_memory_usage")
    }),
    traceq("traceq run: control group", Scope::Group, |_, out, _| {
        column(out, "cgroup_memory_usage")
    }),
    traceq("traceq run: sampled every 10 ms", Scope::Resident, |_, out, _| {
        column(out, "kernel_memory_usage")
    }),
    Profiler {
        absent: |_| missing("/usr/bin/time", "time"),
        command: |_, out, argv| wrap(&["/usr/bin/time", "-v", "-o", &text(out)], argv),
        read: |_, out, _| {
            let report = fs::read_to_string(out)?;
            let line = report.lines().find(|line| line.contains("Maximum resident set size"));
            let kib = line.and_then(|line| line.rsplit_once(' ')).context("no maximum")?.1;
            Ok(kib.parse::<u64>()? << 10)
        },
        ..outside("GNU time -v", Scope::Resident, BOTH)
    },
    Profiler {
        absent: no_python,
        command: |tools, out, argv| {
            let poll = text(&tools.scripts.join("poll.py"));
            wrap(&[&interpreter(tools), &poll, &text(out)], argv)
        },
        read: |_, out, _| Ok(fs::read_to_string(out)?.trim().parse()?),
        ..outside("psutil, polled every 10 ms", Scope::Resident, BOTH)
    },
    Profiler {
        absent: no_python,
        command: |tools, out, argv| {
            wrap(&[&interpreter(tools), "-m", "mprof", "run", "-o", &text(out)], argv)
        },
        read: |_, out, _| {
            let report = fs::read_to_string(out)?;
            let mib = |line: &str| line.strip_prefix("MEM ")?.split(' ').next()?.parse().ok();
            let peak = report.lines().filter_map(mib).max_by(f64::total_cmp);
            Ok((peak.context("no samples")? * f64::from(1 << 20)) as u64)
        },
        ..outside("memory_profiler (mprof run)", Scope::Resident, BOTH)
    },
    memray("memray", |tools, out, argv| record(tools, out, &argv, &[])),
    memray("memray, Python's allocator too", |tools, out, argv| {
        record(tools, out, &argv, &["--trace-python-allocators"])
    }),
    inside("tracemalloc", Scope::Heap, PYTHON, "tracemalloc", |_, _, said| {
        field(said, "tracemalloc")
    }),
    Profiler {
        absent: |_| missing("/usr/bin/valgrind", "valgrind"),
        command: |_, out, argv| {
            let file = format!("--massif-out-file={}", out.display());
            wrap(&["/usr/bin/valgrind", "--tool=massif", &file], argv)
        },
        read: |_, out, _| {
            let report = fs::read_to_string(out)?;
            let bytes = |line: &str| line.strip_prefix("mem_heap_B=")?.parse().ok();
            report.lines().filter_map(bytes).max().context("no snapshots")
        },
        ..outside("valgrind massif", Scope::Heap, NATIVE)
    },
    Profiler {
        absent: |_| missing("/usr/bin/heaptrack", "heaptrack"),
        command: |_, out, argv| wrap(&["/usr/bin/heaptrack", "-o", &text(out)], argv),
        read: |_, out, _| {
            // The text shows three digits; stacks have whole bytes.
            let (file, stacks) = (format!("{}.zst", out.display()), out.with_extension("stacks"));
            let arguments = ["-f", &file, "-F", &text(&stacks), "--flamegraph-cost-type", "peak"];
            let output = Command::new("heaptrack_print").args(arguments).output()?;
            if !output.status.success() {
                bail!("heaptrack_print cannot read it");
            }
            let stacks = fs::read_to_string(stacks)?;
            let bytes = |line: &str| line.rsplit_once(' ')?.1.parse::<u64>().ok();
            Ok(stacks.lines().filter_map(bytes).sum())
        },
        ..outside("heaptrack", Scope::Heap, BOTH)
    },
];

const fn outside(name: &'static str, scope: Scope, languages: &'static [Language]) -> Profiler {
    Profiler {
        name,
        scope,
        languages,
        mode: "alone",
        inside: false,
        absent: |_| None,
        command: |_, _, argv| argv,
        read: |_, _, _| bail!("nothing is written"),
    }
}

const fn inside(
    name: &'static str,
    scope: Scope,
    languages: &'static [Language],
    mode: &'static str,
    read: fn(&Tools, &Path, &Value) -> anyhow::Result<u64>,
) -> Profiler {
    Profiler { mode, inside: true, read, ..outside(name, scope, languages) }
}

const fn traceq(
    name: &'static str,
    scope: Scope,
    read: fn(&Tools, &Path, &Value) -> anyhow::Result<u64>,
) -> Profiler {
    let command: fn(&Tools, &Path, Vec<String>) -> Vec<String> = |tools, out, argv| {
        let (traceq, prof) = (text(&tools.built.join("traceq")), text(&out.with_extension("prof")));
        wrap(&[&traceq, "run", "--every", "10ms", "-o", &prof, "--json", &text(out), "--"], argv)
    };
    Profiler { command, read, ..outside(name, scope, BOTH) }
}

const fn memray(
    name: &'static str,
    command: fn(&Tools, &Path, Vec<String>) -> Vec<String>,
) -> Profiler {
    let read: fn(&Tools, &Path, &Value) -> anyhow::Result<u64> = |tools, out, _| {
        let script = tools.scripts.join("memray_peak.py");
        let output = Command::new(interpreter(tools)).arg(script).arg(out).output()?;
        String::from_utf8_lossy(&output.stdout).trim().parse().context("memray cannot read it")
    };
    Profiler { absent: no_python, command, read, ..outside(name, Scope::Heap, PYTHON) }
}

/// memray takes a script, where others take a command.
fn record(tools: &Tools, out: &Path, argv: &[String], options: &[&str]) -> Vec<String> {
    let (python, out) = (interpreter(tools), text(out));
    let begin = [&[&python, "-m", "memray", "run", "-q", "-f"], options, &["-o", &out]].concat();
    wrap(&begin, argv[1..].to_vec())
}

fn wrap(begin: &[&str], argv: Vec<String>) -> Vec<String> {
    begin.iter().map(|word| (*word).to_owned()).chain(argv).collect()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn interpreter(tools: &Tools) -> String {
    tools.python.as_deref().map(text).unwrap_or_default()
}

fn field(said: &Value, name: &str) -> anyhow::Result<u64> {
    said[name].as_u64().with_context(|| format!("the victim says no {name}"))
}

/// One peak from the report of `traceq run`.
fn column(out: &Path, column: &str) -> anyhow::Result<u64> {
    let report: Value = serde_json::from_str(&fs::read_to_string(out)?)?;
    let peaks = report["peaks"].as_array().context("no peaks")?;
    let peak = peaks.iter().find(|peak| peak["column"] == column);
    peak.and_then(|peak| peak["bytes"].as_u64()).with_context(|| format!("no {column}"))
}

fn missing(program: &str, package: &str) -> Option<String> {
    (!Path::new(program).exists()).then(|| format!("the package {package} is not installed"))
}

fn no_python(tools: &Tools) -> Option<String> {
    tools.python.as_ref().err().cloned()
}

/// Packages of the environment. Changing a line makes it anew.
pub(super) const PACKAGES: [&str; 4] =
    ["memray==1.20.0", "memory-profiler==0.61.0", "psutil==7.2.2", "numpy==2.4.6"];

/// The interpreter of an environment with the peers from PyPI.
pub(super) fn environment(folder: &Path) -> anyhow::Result<PathBuf> {
    let (venv, stamp) = (folder.join("venv"), folder.join("packages.txt"));
    let python = venv.join("bin/python");
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) && python.exists() {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES))?;
    fs::write(stamp, wanted)?;
    Ok(python)
}

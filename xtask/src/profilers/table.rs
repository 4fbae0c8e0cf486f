//! The results as Markdown.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use super::peers::{self, PACKAGES, Profiler, Scope};
use super::{Cell, Language, RUNS, Results, Tools, VICTIMS};

const HEADER: &str = "\
| profiler | measures | reported, MiB | idle, MiB | growth, MiB | truth, MiB | error, KiB (all runs) | error, % | slow-down |
|---|---|---:|---:|---:|---:|---:|---:|---:|
";

pub(super) fn markdown(tools: &Tools, results: &Results) -> String {
    let mut out = format!(
        "{}\n\nMedian of {RUNS} interleaved runs. *Growth* is what is reported less what the same \
         profiler reports of an idle victim.\n",
        machine()
    );
    for language in [Language::Native, Language::Python] {
        for victim in VICTIMS.into_iter().filter(|victim| *victim != "idle") {
            let _ = write!(out, "\n**{}: {victim}**\n\n{HEADER}", name(language));
            for profiler in peers::ALL.iter().filter(|p| p.languages.contains(&language)) {
                let _ = writeln!(out, "{}", row(results, profiler, language, victim));
            }
        }
    }
    let _ = writeln!(out, "\n**Victim killed by SIGKILL at its peak (steady)**\n");
    let _ = writeln!(out, "| profiler | program | what is left |\n|---|---|---|");
    for ((language, profiler), found) in &results.after_kill {
        let idle = results.cells.get(&((*language, "idle"), *profiler)).and_then(Cell::value);
        let truth = results.truths[&(*language, "steady")].resident as f64;
        let left = match (found, idle) {
            (Ok(bytes), Some(idle)) => {
                let part = 100.0 * (*bytes as f64 - idle) / truth;
                match part {
                    99.0.. => format!("survives: {part:.1} % of the truth"),
                    1.0.. => format!("in part: {part:.1} % of the truth"),
                    _ => "nothing of the peak".to_owned(),
                }
            }
            (Ok(_), None) => "not measured".to_owned(),
            (Err(why), _) => format!("nothing ({why})"),
        };
        let _ = writeln!(out, "| {profiler} | {} | {left} |", name(*language));
    }
    if tools.python.is_err() {
        out.push_str("\nWithout Python there are no victims in Python.\n");
    }
    out
}

fn row(results: &Results, profiler: &Profiler, language: Language, victim: &'static str) -> String {
    let name = profiler.name;
    let measures = match profiler.scope {
        Scope::Resident => "resident",
        Scope::Heap => "live heap",
        Scope::Group => "control group",
    };
    if let Some(why) = results.absent.get(&(language, name)) {
        return format!("| {name} | {measures} | absent: {why} | | | | | | |");
    }
    let key = (language, victim);
    let idle = results.cells.get(&((language, "idle"), name)).and_then(Cell::value);
    let (Some(cell), Some(idle)) = (results.cells.get(&(key, name)), idle) else {
        return format!("| {name} | {measures} | not measured | | | | | | |");
    };
    let truth = results.truths[&key].of(profiler.scope) as f64;
    let errors: Vec<f64> = cell.values.iter().map(|value| *value as f64 - idle - truth).collect();
    let ratios: Vec<f64> =
        cell.work_s.iter().zip(&results.alone_s[&key]).map(|(with, alone)| with / alone).collect();
    let (low, high) = errors
        .iter()
        .fold((f64::MAX, f64::MIN), |(low, high), error| (low.min(*error), high.max(*error)));
    let mib = |bytes: f64| format!("{:.2}", bytes / f64::from(1 << 20));
    let kib = |bytes: f64| minus(format!("{:+.1}", bytes / 1024.0));
    let (value, error) = (cell.value().unwrap_or_default(), median(&errors).unwrap_or_default());
    let range = if kib(low) == kib(high) {
        "the same".to_owned()
    } else {
        format!("{} to {}", kib(low), kib(high))
    };
    format!(
        "| {name} | {measures} | {} | {} | {} | {} | {} ({range}) | {} | {:.2} |",
        mib(value),
        mib(idle),
        minus(mib(value - idle)),
        mib(truth),
        kib(error),
        minus(format!("{:+.2}", 100.0 * error / truth)),
        median(&ratios).unwrap_or_default(),
    )
}

impl Cell {
    fn value(&self) -> Option<f64> {
        median(&self.values.iter().map(|value| *value as f64).collect::<Vec<_>>())
    }
}

/// Of an odd number the middle, of an even one the upper of both in the middle.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// A true minus, and no sign before nothing.
fn minus(text: String) -> String {
    let nothing = text.chars().all(|c| "+-0.".contains(c));
    if nothing { text.trim_start_matches(['+', '-']).to_owned() } else { text.replace('-', "−") }
}

fn name(language: Language) -> &'static str {
    match language {
        Language::Native => "native",
        Language::Python => "Python",
    }
}

/// Processor, kernel and versions, in one line.
fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpus = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let versions = [
        ("/usr/bin/time", "--version"),
        ("valgrind", "--version"),
        ("heaptrack", "--version"),
        ("python3", "--version"),
    ];
    let version = |(program, option): (&str, &str)| {
        let output = Command::new(program).arg(option).output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        Some(String::from_utf8_lossy(&text).lines().next()?.trim().to_owned())
    };
    let versions: Vec<String> = versions.into_iter().filter_map(version).collect();
    format!(
        "{cpus} × {}, Linux {}, load {} at the end; {}; {}.",
        model.map_or("unknown processor", |(_, model)| model),
        kernel.trim(),
        load.split(' ').next().unwrap_or_default(),
        PACKAGES.join(", ").replace("==", " "),
        versions.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_numbers() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[]), None);
        assert_eq!(minus("-0.00".to_owned()), "0.00");
        assert_eq!(minus("-2.5".to_owned()), "−2.5");
    }
}

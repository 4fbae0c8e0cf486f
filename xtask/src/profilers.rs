//! `traceq` and other memory profilers on the same victims, side by side.
//!
//! Each profiler watches each victim in turn, interleaved, and an idle one: a value counts as its growth
//! over what the same profiler says of the idle victim, so that programs and interpreters cancel.

mod peers;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::steps::{command, root, run};
use peers::{Profiler, Scope};

/// Runs of each profiler on each victim.
const RUNS: usize = 5;
const VICTIMS: [&str; 4] = ["idle", "steady", "spike", "small"];

/// The language of a victim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Language {
    Native,
    Python,
}

/// Programs and folders.
struct Tools {
    folder: PathBuf,
    /// Built by cargo: `victim`, `exp01_profilers`, `traceq`.
    built: PathBuf,
    /// The interpreter of the environment, with the peers from PyPI; or why there is none.
    python: Result<PathBuf, String>,
    scripts: PathBuf,
}

/// What one run said.
struct Measured {
    /// Bytes, as the profiler reports them.
    value: u64,
    /// Seconds of the victim's work, by itself.
    work_s: f64,
}

/// What victims take, by themselves.
#[derive(Clone, Copy, Default)]
struct Truth {
    live: u64,
    /// By a walk over the page tables at the peak.
    resident: u64,
}

/// All runs of one profiler on one victim.
#[derive(Default)]
struct Cell {
    values: Vec<u64>,
    work_s: Vec<f64>,
}

type Key = (Language, &'static str);

/// Everything measured, by victim and then by profiler.
#[derive(Default)]
struct Results {
    truths: BTreeMap<Key, Truth>,
    alone_s: BTreeMap<Key, Vec<f64>>,
    cells: BTreeMap<(Key, &'static str), Cell>,
    /// Of profilers whose victim was killed: what could still be read.
    after_kill: BTreeMap<(Language, &'static str), Result<u64, String>>,
    absent: BTreeMap<(Language, &'static str), String>,
}

/// Measures everything and prints the table; also into `target/peers-profilers/table.md`.
pub(crate) fn bench() -> anyhow::Result<()> {
    let tools = Tools::prepare()?;
    let mut results = Results::default();
    let pairs = peers::ALL
        .iter()
        .flat_map(|profiler| profiler.languages.iter().map(move |language| (profiler, *language)));
    let mut present = Vec::new();
    for (profiler, language) in pairs {
        match (profiler.absent)(&tools) {
            Some(why) => {
                results.absent.insert((language, profiler.name), why);
            }
            None => present.push((profiler, language)),
        }
    }
    for language in [Language::Native, Language::Python] {
        for victim in VICTIMS {
            if language == Language::Native || tools.python.is_ok() {
                results.truths.insert((language, victim), tools.truth(language, victim)?);
            }
        }
    }
    for round in 0..RUNS {
        for victim in VICTIMS {
            eprintln!("── round {} of {RUNS}, {victim}", round + 1);
            for language in [Language::Native, Language::Python] {
                if let Some(argv) = tools.victim(language, victim, "alone") {
                    let said = said(&tools.output(&argv)?)?;
                    let work_s = said["work_s"].as_f64().context("a victim says its seconds")?;
                    results.alone_s.entry((language, victim)).or_default().push(work_s);
                }
            }
            for (profiler, language) in &present {
                let measured = tools
                    .measure(profiler, *language, victim, profiler.mode)
                    .with_context(|| format!("{} on {victim}", profiler.name))?;
                let key = ((*language, victim), profiler.name);
                let cell = results.cells.entry(key).or_default();
                cell.values.push(measured.value);
                cell.work_s.push(measured.work_s);
            }
        }
    }
    for (profiler, language) in &present {
        let found = tools.killed(profiler, *language).map_err(|error| format!("{error:#}"));
        results.after_kill.insert((*language, profiler.name), found);
    }
    let text = table::markdown(&tools, &results);
    println!("{text}");
    Ok(fs::write(tools.folder.join("table.md"), text)?)
}

impl Tools {
    fn prepare() -> anyhow::Result<Self> {
        let build = ["build", "--release", "-p", "chunkfit-examples", "-p", "traceq-cli", "--bins"];
        run(&mut command("cargo", &build))?;
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let target = target.unwrap_or_else(|| root().join("target"));
        let folder = target.join("peers-profilers");
        fs::create_dir_all(folder.join("out"))?;
        let python = peers::environment(&folder).map_err(|error| format!("{error:#}"));
        let scripts = root().join("benches/peers/profilers");
        Ok(Self { folder, built: target.join("release"), python, scripts })
    }

    /// The command line of a victim; none where its language is not there.
    fn victim(&self, language: Language, name: &str, mode: &str) -> Option<Vec<String>> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        Some(match language {
            Language::Native => {
                // The same program with the counting allocator.
                let (program, mode) = match mode {
                    "heap" => ("exp01_profilers", "region"),
                    _ => ("victim", mode),
                };
                vec![text(&self.built.join(program)), "__plain".into(), name.into(), mode.into()]
            }
            Language::Python => {
                let python = self.python.as_ref().ok()?;
                vec![text(python), text(&self.scripts.join("victim.py")), name.into(), mode.into()]
            }
        })
    }

    fn truth(&self, language: Language, victim: &str) -> anyhow::Result<Truth> {
        let argv = self.victim(language, victim, "walk").context("the victim is there")?;
        let said = said(&self.output(&argv)?)?;
        let live = said["live"].as_u64().context("a victim says what is live")?;
        Ok(Truth { live, resident: said["walked"].as_u64().unwrap_or(0) })
    }

    /// Runs a command; its standard output.
    fn output(&self, argv: &[String]) -> anyhow::Result<String> {
        let mut command = Command::new(&argv[0]);
        let output = command.args(&argv[1..]).stdin(Stdio::null()).output()?;
        if !output.status.success() {
            bail!("{} failed: {}", argv.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn measure(
        &self,
        profiler: &Profiler,
        language: Language,
        victim: &str,
        mode: &str,
    ) -> anyhow::Result<Measured> {
        let argv = self.victim(language, victim, mode).context("the victim is there")?;
        let out = self.out();
        let argv = (profiler.command)(self, &out, argv);
        let text = self.output(&argv)?;
        let said = said(&text)?;
        let value = (profiler.read)(self, &out, &said)?;
        let work_s = said["work_s"].as_f64().context("a victim says its seconds")?;
        Ok(Measured { value, work_s })
    }

    /// What a profiler still says of the steady victim when that is killed at its peak.
    fn killed(&self, profiler: &Profiler, language: Language) -> anyhow::Result<u64> {
        if profiler.inside {
            bail!("lives in the victim");
        }
        let argv = self.victim(language, "steady", "kill").context("the victim is there")?;
        let out = self.out();
        let argv = (profiler.command)(self, &out, argv);
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        (profiler.read)(self, &out, &Value::Null)
    }

    /// Where a profiler writes; nothing is there.
    fn out(&self) -> PathBuf {
        let out = self.folder.join("out/profile");
        for suffix in ["", ".zst"] {
            let _ = fs::remove_file(format!("{}{suffix}", out.display()));
        }
        out
    }
}

/// What a victim printed, among what its profiler did.
fn said(text: &str) -> anyhow::Result<Value> {
    let line = text.lines().find_map(|line| {
        let begin = line.find("{\"work_s\"")?;
        // Others may go on in the same line.
        let mut values = serde_json::Deserializer::from_str(&line[begin..]).into_iter();
        values.next()?.ok()
    });
    line.with_context(|| format!("the victim printed no result: {text}"))
}

impl Truth {
    fn of(self, scope: Scope) -> u64 {
        match scope {
            Scope::Heap => self.live,
            Scope::Resident | Scope::Group => self.resident,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_found_among_other_lines() {
        let text = "sampling\nheaptrack: {\"work_s\": 0.5, \"live\": 7}done\n";
        assert_eq!(said(text).unwrap()["live"], 7);
        assert!(said("nothing").is_err());
    }
}

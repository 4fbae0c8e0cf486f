//! Instructions that each operator takes for a voxel, counted: what a noisy machine cannot blur.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::steps::{command, root, run};

/// Not cubic, and traces of a length that does not fill vectors.
const SHAPE: &str = "24x30x101";
const VOXELS: f64 = 24.0 * 30.0 * 101.0;
/// A count may grow by this share before it is called slower.
const SLACK: f64 = 0.05;

/// `cargo xtask bench instructions [--check]`: counts, and writes them down or holds them against what
/// is written.
pub(crate) fn bench(arguments: &[String]) -> anyhow::Result<()> {
    let check = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => bail!("cargo xtask bench instructions [--check]"),
    };
    let record = root().join("benches/instructions.csv");
    let text = fs::read_to_string(&record).unwrap_or_default();
    let rows: Vec<_> = text.lines().skip(1).filter_map(|line| line.rsplit_once(',')).collect();
    let program = program()?;
    let mut written = String::from("operator,instructions_per_voxel\n");
    let mut slower = Vec::new();
    for operator in operators(&program)? {
        let count = count(&program, &operator)?;
        let before = rows.iter().find(|(name, _)| *name == operator);
        let before: Option<f64> = before.and_then(|(_, count)| count.parse().ok());
        match before {
            Some(before) => println!("{operator:<40} {count:>9.1}  was {before:>9.1}"),
            None => println!("{operator:<40} {count:>9.1}"),
        }
        if before.is_some_and(|before| count > before * (1.0 + SLACK)) {
            slower.push(operator.clone());
        }
        written += &format!("{operator},{count:.1}\n");
    }
    match (check, slower.is_empty()) {
        (false, _) => Ok(fs::write(record, written)?),
        (true, true) => Ok(()),
        (true, false) => bail!("more instructions than recorded: {}", slower.join(", ")),
    }
}

fn program() -> anyhow::Result<PathBuf> {
    let build = ["build", "--release", "--quiet", "-p", "chunkfit-benches", "--bin", "calls"];
    run(&mut command("cargo", &build))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root().join("target"), PathBuf::from);
    Ok(target.join("release/calls"))
}

/// All operators, with their defaults.
fn operators(program: &Path) -> anyhow::Result<Vec<String>> {
    let output = command(&program.to_string_lossy(), &["--list"]).output()?;
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}

/// Instructions of one call for a voxel: two calls less one, so that start and volume do not count.
fn count(program: &Path, operator: &str) -> anyhow::Result<f64> {
    let calls = |n: &str| -> anyhow::Result<f64> {
        let mut valgrind =
            command("valgrind", &["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        let output = valgrind
            .arg(program)
            .args([operator, SHAPE, n])
            .output()
            .context("valgrind is needed to count instructions")?;
        let said = String::from_utf8_lossy(&output.stderr);
        let total = said.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, n)| n);
        total.and_then(|n| n.trim().parse().ok()).with_context(|| format!("{operator}: {said}"))
    };
    Ok((calls("2")? - calls("1")?) / VOXELS)
}

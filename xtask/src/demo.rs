//! The demo, in release, held against what it promises.

use std::fs;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::steps;

/// Runs the demo and reads its report.
fn report_of_demo(folder: &str) -> anyhow::Result<Value> {
    let demo = ["run", "--release", "--bin", "chunkfit", "--", "demo", "--out", folder];
    steps::run(&mut steps::command("cargo", &demo))?;
    let report = steps::root().join(folder).join("report.json");
    let text =
        fs::read_to_string(&report).with_context(|| format!("cannot read {}", report.display()))?;
    Ok(serde_json::from_str(&text)?)
}

/// 400×400×400 under 192 MiB in total: nobody killed, nothing tried again, no task above its bound,
/// and the bound used to at least 70 % in the middle task.
pub(crate) fn run() -> anyhow::Result<()> {
    let report = report_of_demo("target/demo")?;
    let mut broken = Vec::new();
    for (name, expected) in
        [("killed", 0), ("retries", 0), ("tasks_over_bound", 0), ("limit_bytes", 192 << 20)]
    {
        let found = &report[name];
        if found.as_u64() != Some(expected) {
            broken.push(format!("{name} is {found}, expected {expected}"));
        }
    }
    if report["verified"] != Value::Bool(true) {
        broken.push(format!("verified is {}", report["verified"]));
    }
    if report["utilisation_median"].as_f64().is_none_or(|used| used < 0.7) {
        let used = &report["utilisation_median"];
        broken.push(format!("utilisation_median is {used}, expected at least 0.7"));
    }
    if !broken.is_empty() {
        bail!("the demo does not keep its promises: {}", broken.join("; "));
    }
    eprintln!("── the demo keeps its promises");
    Ok(())
}

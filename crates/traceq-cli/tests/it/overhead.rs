//! How much slower a program runs under the profiler.

use std::process::Command;
use std::time::Instant;

use traceq::ExitWatch;

use crate::support::json;

/// Computes for about half a second, and holds a little memory.
const BUSY: [&str; 3] =
    ["sh", "-c", "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; test $i -eq 400000"];

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Alone and under the profiler in turns, so that a slow minute of the machine hits both. Takes half a
/// minute and wants a quiet machine:
/// `cargo test --release -p traceq-cli --test it -- --ignored --nocapture overhead`.
#[test]
#[ignore = "a measurement, for a quiet machine"]
fn overhead_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let every = std::env::var("TRACEQ_TEST_EVERY").unwrap_or("10ms".to_owned());
    let profiled = || {
        let line = ["run", "-q", "--every", &every, "--out", "a.prof", "--json", "-", "--"];
        let report = json(folder.path(), &[&line[..], &BUSY].concat());
        let number = |value: &serde_json::Value| value.as_f64().unwrap();
        let cost = number(&report["sampling"]["cost_p50_s"]);
        (number(&report["elapsed_s"]), number(&report["cpu_s"]), cost)
    };
    let alone = || {
        let begun = Instant::now();
        let mut child = Command::new(BUSY[0]).args(&BUSY[1..]).spawn().unwrap();
        let usage = ExitWatch::open(child.id()).unwrap().usage().unwrap();
        assert!(child.wait().unwrap().success());
        (begun.elapsed().as_secs_f64(), usage.cpu.as_secs_f64())
    };
    // The first run measures the machine's errors.
    profiled();
    let [mut elapsed, mut cpu, mut costs] = [const { Vec::new() }; 3];
    for _ in 0..9 {
        let ((elapsed_alone, cpu_alone), (elapsed_with, cpu_with, cost)) = (alone(), profiled());
        elapsed.push(elapsed_with / elapsed_alone);
        cpu.push(cpu_with / cpu_alone);
        costs.push(1e6 * cost);
    }
    println!(
        "every {every}: elapsed × {elapsed:.4?}, processor × {cpu:.4?}, µs per sample {costs:.1?}"
    );
    let (elapsed, cpu, cost) = (middle(elapsed), middle(cpu), middle(costs));
    println!("medians: elapsed × {elapsed:.4}, processor × {cpu:.4}, {cost:.1} µs per sample");
    assert!(elapsed < 1.01, "× {elapsed:.4}");
}

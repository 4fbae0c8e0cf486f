//! Both experiments run, small, and their results are complete. Facts are checked, no times.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

fn run(program: &str, arguments: &[&str], out: &Path) {
    let mut command = Command::new(program);
    command.args(arguments).arg("--out").arg(out);
    for name in [
        "EXPERIMENT_N_RUNS",
        "CPUSET_CPUS",
        "MEMORY_LIMIT_GB",
        "DATASET_FINAL_SIZE",
        "DATASET_STEP_SIZE",
    ] {
        command.env_remove(name);
    }
    let output = command.output().expect("the experiment starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
}

/// Rows as maps from column to cell.
fn rows(out: &Path, part: &str) -> Vec<BTreeMap<String, String>> {
    let path = out.join("rows").join(format!("{part}.csv"));
    let mut file = csv::Reader::from_path(&path).expect("rows were written");
    let rows: Vec<_> = file.deserialize().collect::<Result<_, _>>().expect("rows are CSV");
    assert!(!rows.is_empty(), "{part}");
    rows
}

fn values(rows: &[BTreeMap<String, String>], subject: &str, quantity: &str) -> Vec<f64> {
    let chosen = rows.iter().filter(|r| r["subject"] == subject && r["quantity"] == quantity);
    chosen.filter_map(|row| row["value"].parse().ok()).collect()
}

/// The page stands alone, and every figure is there twice.
fn report(out: &Path, anchors: &[String], figures: &[&str]) -> String {
    let html = std::fs::read_to_string(out.join("report.html")).expect("a report");
    for anchor in anchors {
        assert!(html.contains(&format!("id=\"{anchor}\"")), "no section {anchor}");
        let table = out.join("tables").join(format!("{anchor}.md"));
        assert!(std::fs::read_to_string(table).expect("a table").contains("| ---"), "{anchor}");
    }
    assert!(!html.contains("src=") && !html.contains("<link"), "the page needs other files");
    for figure in figures {
        let file = |kind: &str| out.join("figures").join(format!("{figure}.{kind}"));
        let svg = std::fs::read_to_string(file("svg")).expect("a figure");
        assert!(svg.contains("<svg") && html.contains(svg.trim()), "{figure} is not in the page");
        let png = std::fs::read(file("png")).expect("a figure");
        assert!(png.starts_with(b"\x89PNG") && png.len() > 4000, "{figure}");
    }
    html
}

#[test]
fn pitfalls() {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, out) = (env!("CARGO_BIN_EXE_exp00_pitfalls"), folder.path());
    for phase in ["generate", "profile", "analyze"] {
        run(program, &[phase, "--quick"], out);
    }
    let parts: Vec<String> = (1..=11).map(|n| format!("P{n}")).collect();
    report(out, &parts, &["P3", "P5"]);
    for part in &parts {
        for row in rows(out, part) {
            assert!(row["value"].is_empty() != row["note"].is_empty(), "{row:?}");
        }
    }
    // The schedule's truth against a walk over the page tables, and against the allocator.
    let tools = rows(out, "P1");
    let walked = values(&tools, "smaps", "error");
    assert_eq!(walked.len(), 6);
    assert!(walked.iter().all(|error| error.abs() <= 65536.0), "{walked:?}");
    let requested = values(&tools, "heap", "error");
    assert!(requested.iter().all(|error| error.abs() <= 16384.0), "{requested:?}");
    // No spike is missed by the mark, however short.
    let spikes = rows(out, "P3");
    let marked: Vec<f64> =
        ["1 ms", "10 ms"].iter().flat_map(|period| values(&spikes, period, "marked")).collect();
    assert_eq!(marked, [1.0; 100]);
    // What is written is what counts.
    let untouched: Vec<_> =
        rows(out, "P2").into_iter().filter(|row| row["case"].contains(" 0 %")).collect();
    assert!(values(&untouched, "heap", "growth").iter().all(|bytes| *bytes >= 16e6));
    assert!(values(&untouched, "status", "growth").iter().all(|bytes| *bytes < 1e6));
    // A lock that is held keeps a sampler from sampling.
    let locked = rows(out, "P11");
    let samples = |case: &str| -> f64 {
        let rows: Vec<_> = locked.iter().filter(|row| row["case"] == case).cloned().collect();
        values(&rows, "lock", "samples").iter().sum()
    };
    assert!(samples("thread, needs the lock") < samples("outside"));
}

#[test]
fn profilers() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path();
    run(
        env!("CARGO_BIN_EXE_exp01_profilers"),
        &["--quick", "--runs", "2", "--only", "pinned,free"],
        out,
    );
    let anchors: Vec<String> = ["findings", "cells", "statistics"]
        .iter()
        .flat_map(|what| ["pinned", "free"].map(|series| format!("{what}-{series}")))
        .collect();
    let html = report(out, &anchors, &["errors-pinned", "errors-free"]);
    assert!(html.contains("kernel-level sampling is the most accurate"));
    for series in ["pinned", "free"] {
        let rows = rows(out, series);
        let cells: BTreeSet<_> =
            rows.iter().map(|row| (row["case"].clone(), row["subject"].clone())).collect();
        assert_eq!(cells.len(), 8 * 11, "subjects by approaches");
        for (case, approach) in cells {
            let cell: Vec<_> = rows
                .iter()
                .filter(|row| row["case"] == case && row["subject"] == approach)
                .cloned()
                .collect();
            for quantity in ["mark", "truth", "time"] {
                assert_eq!(values(&cell, &approach, quantity).len(), 2, "{case}, {approach}");
            }
        }
        // The victims' marks are the schedule's truth, within the batches of the counter.
        let victims: Vec<_> =
            rows.iter().filter(|row| row["case"].starts_with("victim")).cloned().collect();
        let (marks, truths) = (values(&victims, "hwm", "mark"), values(&victims, "hwm", "truth"));
        for (mark, truth) in marks.iter().zip(truths) {
            let bound = 2.0 * traceq::counter_bound_bytes() as f64;
            assert!((mark - truth).abs() <= bound, "{mark} is not {truth}");
        }
    }
}

/// What a limit must leave is what the mark says; of small victims the bound is a batch of the counter.
#[test]
fn the_smallest_limit_is_the_mark() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path();
    run(env!("CARGO_BIN_EXE_exp01_profilers"), &["--quick", "--runs", "1", "--only", "limit"], out);
    let rows = rows(out, "limit");
    if rows.iter().any(|row| row["quantity"] == "absent") {
        eprintln!("skipped: there are no control groups here");
        return;
    }
    report(out, &["limit".to_owned()], &[]);
    let one = |quantity| values(&rows, "bisected", quantity);
    let (limits, marks) = (one("limit"), one("mark"));
    let (kernel, cache) = (one("kernel"), one("cache"));
    assert_eq!(limits.len(), 8);
    for i in 0..marks.len() {
        let left = limits[i] - kernel[i] - cache[i];
        let bound = (0.02 * marks[i]).max(traceq::counter_bound_bytes() as f64);
        assert!((left - marks[i]).abs() <= bound, "{left} is not {}", marks[i]);
    }
}

/// The victims for other profilers take what they say, to the page and to the byte.
#[test]
fn plain_victims_tell_the_truth() {
    let report = |program: &str, mode: &str| -> serde_json::Value {
        let output = Command::new(program).args(["__plain", "small", mode]).output();
        serde_json::from_slice(&output.expect("the victim starts").stdout).expect("a report")
    };
    let walked = report(env!("CARGO_BIN_EXE_victim"), "walk");
    let region = report(env!("CARGO_BIN_EXE_exp01_profilers"), "region");
    assert_eq!(region["live"], walked["live"]);
    assert_eq!(region["region_heap"], walked["live"]);
    let (walked, marked) = (walked["walked"].as_u64(), region["region_resident"].as_u64());
    let apart = walked.zip(marked).map(|(walked, marked)| walked.abs_diff(marked));
    let bound = traceq::counter_bound_bytes() + (64 << 10);
    assert!(apart.is_some_and(|apart| apart <= bound), "{walked:?} is not {marked:?}");
}

#[test]
fn a_phase_too_early_says_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_exp00_pitfalls"))
        .args(["analyze", "--out"])
        .arg(folder.path())
        .output()
        .expect("the experiment starts");
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("run the phase `profile` first"), "{text}");
}

/// Small, on our own operators: every task is measured, the ladder knows what lies beyond, and a search
/// that is run again finds its trials done.
#[test]
fn prediction() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path();
    let program = env!("CARGO_BIN_EXE_exp02_predict");
    run(program, &["--quick"], out);
    let operators = ["own-envelope", "own-gaussian-sigma-3", "own-gst-outputs-dip"];
    let parts = ["profile", "models", "reduction", "selection", "search"];
    let mut anchors: Vec<String> =
        operators.iter().flat_map(|o| parts.map(|part| format!("{part}-{o}"))).collect();
    anchors.push("cross".to_owned());
    let figures = [
        "peak_memory_by_volume_own_envelope",
        "memory_vs_dimensions_pairplot_own_envelope",
        "feature_correlation_own_envelope",
        "memory_usage_heatmap_by_time_own_gst_outputs_dip",
        "cross_peak_memory_by_volume",
    ];
    report(out, &anchors, &figures);
    let text = std::fs::read_to_string(out.join("report.md")).expect("a report");
    assert!(!text.contains("does not converge"), "{text}");
    let peaks = rows(out, "peaks");
    assert_eq!(peaks.len(), 3 * 27 * 2, "operators by shapes by runs");
    for row in &peaks {
        let number = |column: &str| row[column].parse::<u64>().expect("a number");
        let volume = 4 * number("inlines") * number("crosslines") * number("samples");
        // The block is resident, whatever else is, but for what the counter holds back.
        let least = volume.saturating_sub(traceq::counter_bound_bytes());
        assert!(number("peak_bytes") >= number("base_bytes") + least, "{row:?}");
    }
    assert!(!rows(out, "history").is_empty());
    // The trials are kept, and a second analysis adds none.
    let kept = out.join("search").join("own-envelope-XGBoost-one-sided.jsonl");
    let trials = std::fs::read_to_string(&kept).expect("trials");
    assert_eq!(trials.lines().count(), 1 + 12);
    let cut: Vec<&str> = trials.lines().take(5).collect();
    std::fs::write(&kept, cut.join("\n") + "\n{\"values\":[1").expect("a cut file");
    run(program, &["analyze", "--quick"], out);
    assert_eq!(std::fs::read_to_string(&kept).expect("trials"), trials);
    // Trials of other peaks are refused, and stay as they are.
    let head = trials.lines().next().expect("a line");
    let other = trials.replace(head, r#"{"peaks":"0123456789abcdef"}"#);
    std::fs::write(&kept, &other).expect("a file");
    let output = Command::new(program).args(["analyze", "--quick", "--out"]).arg(out).output();
    let output = output.expect("the experiment starts");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && errors.contains("0123456789abcdef"), "{errors}");
    assert_eq!(std::fs::read_to_string(&kept).expect("trials"), other);
}

/// Where the peaks of the thesis are at hand: its stored metrics are met by every model without chance,
/// and lie in the band of those with it.
#[test]
fn prediction_reproduces_the_thesis() {
    let dataset = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/thesis-peaks.csv");
    if !Path::new(dataset).exists() {
        eprintln!("skipped: {dataset} is not here");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path();
    run(env!("CARGO_BIN_EXE_exp02_predict"), &["--quick", "--dataset", dataset], out);
    let table = |name: &str| -> Vec<BTreeMap<String, String>> {
        let mut file = csv::Reader::from_path(out.join("tables").join(name)).expect("a table");
        file.deserialize().collect::<Result<_, _>>().expect("a table is CSV")
    };
    for operator in ["envelope", "gaussian-filter", "gst3d"] {
        let models = table(&format!("models-{operator}-2.csv"));
        assert_eq!(models.len(), 8);
        for row in &models {
            match row["stored RMSE in the band"].as_str() {
                "–" => {
                    let off: f64 = row["RMSE, %"].replace('−', "-").parse().expect("a number");
                    assert!(off.abs() <= 0.1, "{operator}: {row:?}");
                }
                inside => assert_eq!(inside, "yes", "{operator}: {row:?}"),
            }
        }
    }
    let last: Vec<_> = table("cross-1.csv")
        .iter()
        .map(|row| (row["chosen model"].clone(), row["features"].clone(), row["rows"].clone()))
        .collect();
    let stored =
        [("XGBoost", "14", "32"), ("linear regression", "1", "11"), ("XGBoost", "1", "24")];
    assert_eq!(last, stored.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
    let html = std::fs::read_to_string(out.join("report.html")).expect("a report");
    assert!(html.contains("the dataset has one mean peak per shape"));
}

/// Random tasks of every operator in worker processes: none above its bound by more than a percent, which
/// is what is claimed.
#[test]
fn validation() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path();
    run(env!("CARGO_BIN_EXE_exp02_validate"), &["--quick"], out);
    report(out, &["bounds", "predictors", "large"].map(str::to_owned), &["room"]);
    let tasks = rows(out, "tasks");
    let of = |column: &str| -> BTreeSet<String> {
        tasks.iter().map(|row| row[column].clone()).collect()
    };
    let operators = of("operator");
    assert!(operators.len() >= chunkfit_seismic::catalog().len(), "{operators:?}");
    assert_eq!(of("dtype"), ["f32", "f64"].map(str::to_owned).into());
    assert_eq!(of("drawn"), ["planned", "profiled", "random"].map(str::to_owned).into());
    let table = out.join("tables").join("bounds-1.csv");
    let mut table = csv::Reader::from_path(table).expect("a table");
    let lines: Vec<BTreeMap<String, String>> =
        table.deserialize().collect::<Result<_, _>>().expect("a table is CSV");
    let all = lines.last().expect("a line for all");
    assert_eq!((all["tasks of"].as_str(), all["tasks"].as_str()), ("all", "320"));
    let worst = all["worst above"].parse().unwrap_or(0.0_f64);
    assert!(worst <= 1.0, "a bound was exceeded by {worst} %");
    // The declared bytes of a large task are those that were live.
    let large = rows(out, "large");
    let targets = large.iter().filter(|row| row["drawn"] == "large");
    assert!(targets.clone().any(|row| row["what"] == "primes"));
    for row in targets {
        let number = |column: &str| row[column].parse::<u64>().expect("a number");
        assert!(number("live_bytes") <= number("peak_bytes"), "{row:?}");
    }
}

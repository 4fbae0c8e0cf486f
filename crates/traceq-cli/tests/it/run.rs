use std::path::Path;

use serde_json::Value;

use crate::support::{column, ends, has_groups, json, python, say, shown};

const MIB: u64 = 1 << 20;

fn peak(report: &Value, column: &str) -> Option<u64> {
    let peaks = report["peaks"].as_array()?;
    peaks.iter().find(|peak| peak["column"] == column)?["bytes"].as_u64()
}

#[test]
fn a_python_program_is_profiled() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let program = "import time; a = bytearray(48 << 20); time.sleep(0.5)";
    for more in [&[][..], &["--no-cgroup"]] {
        let mut line = vec!["run", "--json", "-", "--out", "a.prof"];
        line.extend(more);
        line.extend(["--", python, "-c", program]);
        let report = json(folder.path(), &line);
        assert_eq!((&report["verdict"], &report["exit_code"]), (&"exited".into(), &0.into()));
        let mark = peak(&report, "resource_memory_usage").unwrap();
        let seen = peak(&report, "tree_memory_usage").unwrap();
        assert!((48 * MIB..200 * MIB).contains(&mark), "{mark}");
        assert!((48 * MIB..200 * MIB).contains(&seen), "{seen}");
        let sampling = &report["sampling"];
        assert!(sampling["samples"].as_u64().unwrap() > 3 && sampling["real_period_s"].is_number());
        let shown = shown(folder.path(), "a.prof");
        let kernel = column(&shown, "kernel_memory_usage").unwrap();
        assert_eq!((&kernel["scope"], &kernel["kind"]), (&"process".into(), &"current".into()));
        assert_eq!(shown["metadata"]["verdict"], "exited");
        assert_eq!(shown["container"], "profile");
        let group = column(&shown, "cgroup_memory_usage").is_some();
        assert_eq!(group, report["mechanism"].as_str().unwrap().starts_with("cgroup"));
    }
    assert!(!folder.path().join("a.prof.journal").exists());
}

#[test]
fn children_of_a_shell_count() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    // Each waits until the other holds its memory too.
    let program = "import os, sys, time\n\
        a = bytearray(20 << 20)\n\
        open(sys.argv[1], 'w').close()\n\
        while not os.path.exists(sys.argv[2]): time.sleep(0.01)\n\
        time.sleep(0.5)";
    std::fs::write(folder.path().join("child.py"), program).unwrap();
    let script = format!("{python} child.py x y & {python} child.py y x; wait");
    let report = json(folder.path(), &["run", "--json", "-", "--", "sh", "-c", &script]);
    assert!(report["n_processes_seen"].as_u64().unwrap() >= 3, "{report:#}");
    let shell = peak(&report, "kernel_memory_usage").unwrap();
    assert!(shell < 10 * MIB && peak(&report, "tree_memory_usage").unwrap() > 40 * MIB);
    if report["mechanism"].as_str().unwrap().starts_with("cgroup") {
        assert!(peak(&report, "cgroup_memory_usage").unwrap() > 40 * MIB);
    }
    assert!(shown(folder.path(), "sh.prof")["n_rows"].as_u64().unwrap() > 3);
}

#[test]
fn a_program_that_its_limit_kills_leaves_a_profile_with_the_cause() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    if !has_groups(folder.path()) {
        eprintln!("skipped: no control groups");
        return;
    }
    let program = "a = []\nwhile True: a.append(bytearray(1 << 20))";
    let line = ["run", "--limit", "48MiB", "--every", "1ms", "--out", "k.prof", "--", python];
    let (_, table) = ends(137, folder.path(), &[&line[..], &["-c", program]].concat());
    assert!(table.contains("out of memory") && table.contains("its own limit"), "{table}");
    let shown = shown(folder.path(), "k.prof");
    assert_eq!(shown["metadata"]["verdict"], "out_of_memory");
    assert_eq!(shown["metadata"]["limit_bytes"], (48 * MIB).to_string());
    assert!(shown["n_rows"].as_u64().unwrap() > 3);
    let group = column(&shown, "cgroup_memory_usage").unwrap()["peak_bytes"].as_u64().unwrap();
    assert!((40 * MIB..=48 * MIB).contains(&group), "{group}");
}

#[test]
fn without_groups_the_limit_is_on_data() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let program = "bytearray(200 << 20)";
    let line = ["run", "--no-cgroup", "--limit", "64MiB", "--json", "r.json", "--", python, "-c"];
    let output = say(folder.path(), &[&line[..], &[program]].concat());
    assert!(!output.status.success());
    let report = std::fs::read(folder.path().join("r.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert!(report["mechanism"].as_str().unwrap().starts_with("data limit"));
    assert!(peak(&report, "cgroup_memory_usage").is_none());
    assert_eq!(report["absent"][0]["backend"], "cgroup");
}

#[test]
fn the_exit_code_and_the_streams_are_the_command_s() {
    let folder = tempfile::tempdir().unwrap();
    let ends = |code, line: &[&str]| {
        ends(code, folder.path(), &[&["run", "--out", "x.prof", "--"], line].concat())
    };
    let (out, _) = ends(7, &["sh", "-c", "echo out; exit 7"]);
    assert_eq!(out, "out\n");
    let (_, table) = ends(143, &["sh", "-c", "kill -TERM $$"]);
    assert!(table.contains("signal 15"), "{table}");
    let (_, error) = ends(127, &["/no/such/program"]);
    assert!(error.contains("/no/such/program: command not found"), "{error}");
    std::fs::write(folder.path().join("text"), "no program").unwrap();
    let (_, error) = ends(126, &["./text"]);
    assert!(error.contains("cannot be executed"), "{error}");
    assert!(!folder.path().join("x.prof.journal").exists());
}

#[test]
fn what_cannot_be_done_is_said_before_the_command_runs() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |options: &[&str]| {
        let line = [&["run"], options, &["--", "touch", "ran"]].concat();
        let (_, error) = ends(125, folder.path(), &line);
        assert!(!folder.path().join("ran").exists(), "{line:?}");
        error
    };
    assert!(refused(&["--limit", "100"]).contains("4096 bytes or more"));
    assert!(refused(&["--out", "no/such/folder/x.prof"]).contains("no/such/folder"));
    assert!(refused(&["--out", "."]).contains("not the name of a file"));
    for options in [&["--limit", "5 apples"][..], &["--every", "10"], &["--backend", "heap"]] {
        let line = [&["run"], options, &["--", "touch", "ran"]].concat();
        ends(2, folder.path(), &line);
    }
    assert!(refused(&["--no-cgroup", "--backend", "cgroup"]).contains("--backend cgroup"));
}

#[test]
fn names_are_the_command_s_and_never_taken_twice() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        ends(0, folder.path(), &["run", "-q", "--", "/bin/true", "--looks-like-an-option"]);
    }
    let exists = |name: &str| Path::new(folder.path()).join(name).exists();
    assert!(exists("true.prof") && exists("true-2.prof") && exists("true-3.prof"));
    assert!(!exists("true.prof.journal"));
}

#[test]
fn each_backend_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    for (backend, name) in [
        ("kernel", "kernel_memory_usage"),
        ("status", "status_memory_usage"),
        ("smaps", "smaps_memory_usage"),
        ("sysinfo", "psutil_memory_usage"),
        ("hwm", "hwm_memory_usage"),
        ("tree", "tree_memory_usage"),
        ("rusage", "resource_memory_usage"),
    ] {
        let line = ["run", "-q", "--backend", backend, "--out", "b.prof", "--", "sleep", "0.1"];
        ends(0, folder.path(), &line);
        let shown = shown(folder.path(), "b.prof");
        assert!(column(&shown, name).unwrap()["peak_bytes"].as_u64().unwrap() > 0, "{backend}");
        let others = shown["columns"].as_array().unwrap().len();
        assert_eq!(others, if backend == "tree" { 3 } else { 1 }, "{backend}: {shown:#}");
    }
}

//! Runs that end half-way, and what they leave behind.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::tempdir;

use crate::support::{chunkfit, done, fail, names, report, survey, text, variable, wait_until};

const SHAPE: [usize; 3] = [120, 110, 301];
/// Many chunks, so that there is a middle to be interrupted in.
const SLOWLY: [&str; 8] = [
    "--operator",
    "gst",
    "--strategy",
    "fixed=12x11x301",
    "--worker-memory",
    "96MiB",
    "--workers",
    "2",
];

fn start(folder: &Path, input: &Path) -> Child {
    chunkfit()
        .current_dir(folder)
        .args(["run", text(input), "out.zarr"])
        .args(SLOWLY)
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Living processes whose working directory is `folder`.
fn processes_in(folder: &Path) -> Vec<String> {
    let folder = folder.canonicalize().unwrap();
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let inside = entries
        .filter(|entry| fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder));
    inside.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Control groups of process `pid` of this command, anywhere below the memory controller.
fn groups_of(pid: u32) -> Vec<String> {
    fn search(folder: &Path, name: &str, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.file_name().to_string_lossy().contains(name) {
                    found.push(entry.path().display().to_string());
                }
                search(&entry.path(), name, found);
            }
        }
    }
    let mut found = Vec::new();
    search(Path::new("/sys/fs/cgroup"), &format!("chunkfit-{pid}"), &mut found);
    found
}

fn interrupt(signal: Signal) {
    let dir = tempdir().unwrap();
    let input = survey(dir.path(), SHAPE);
    let mut child = start(dir.path(), &input);
    let pid = child.id();
    wait_until("some chunks", || done(dir.path()) >= 8);
    kill_process(Pid::from_raw(pid as i32).unwrap(), signal).unwrap();
    let status = child.wait().unwrap();
    assert!(!status.success());
    if signal == Signal::INT {
        assert_eq!(status.code(), Some(130));
    }
    wait_until("orphans to end", || processes_in(dir.path()).is_empty());
    wait_until("groups to go", || groups_of(pid).is_empty());

    assert!(!dir.path().join("out.zarr").exists(), "nothing that looks whole");
    let before = done(dir.path());
    assert!(before < 100, "the run was over before it was interrupted");
    let again = ["run", text(&input), "out.zarr"];
    let refused = fail(dir.path(), &[&again[..], &SLOWLY].concat());
    assert!(refused.contains("--resume"), "{refused}");
    // Without the memory options, and from elsewhere: the run goes on as it was planned.
    let elsewhere = tempdir().unwrap();
    let output = dir.path().join("out.zarr");
    let resume = ["run", text(&input), text(&output), "--operator", "gst", "--resume"];
    let other = fail(elsewhere.path(), &[&resume[..], &["--strategy", "even"]].concat());
    assert!(other.contains("--strategy"), "{other}");
    let report = report(elsewhere.path(), &resume);
    assert_eq!(
        (&report["limit_scope"], &report["limit_bytes"]),
        (&"worker".into(), &(96 << 20).into())
    );
    assert_eq!(report["chunks_resumed"], before);
    assert_eq!(report["tasks"], 100 - before);
    assert_eq!(names(dir.path()), ["out.zarr", "survey.sgy"]);

    let calm = ["run", text(&input), "calm.zarr"];
    crate::support::report(dir.path(), &[&calm[..], &SLOWLY].concat());
    for output in ["dip", "azimuth", "planarity"] {
        let resumed = variable(&dir.path().join("out.zarr"), output);
        let calm = variable(&dir.path().join("calm.zarr"), output);
        assert!(resumed.iter().zip(&calm).all(|(a, b)| a.to_bits() == b.to_bits()), "{output}");
    }
}

#[test]
fn a_run_that_is_killed_leaves_nothing_and_resumes() {
    interrupt(Signal::KILL);
}

#[test]
fn a_run_that_is_interrupted_leaves_nothing_and_resumes() {
    interrupt(Signal::INT);
}

#[test]
fn two_runs_do_not_share_an_output() {
    let dir = tempdir().unwrap();
    let input = survey(dir.path(), SHAPE);
    let mut child = start(dir.path(), &input);
    wait_until("some chunks", || done(dir.path()) >= 1);
    let arguments = ["run", text(&input), "out.zarr"];
    let refused = fail(dir.path(), &[&arguments[..], &SLOWLY, &["--resume"]].concat());
    assert!(refused.contains("another run"), "{refused}");
    assert!(child.wait().unwrap().success());
}

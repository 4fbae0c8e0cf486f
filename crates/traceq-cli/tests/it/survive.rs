use std::path::Path;
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::support::{ends, shown, traceq, wait_for};

fn pid_of(child: &Child) -> Pid {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process number")
}

/// Starts a run of a command that would sleep for a minute, and waits until it has a number.
fn start(folder: &Path) -> (Child, Pid) {
    let script = "echo $$ > pid.new; mv pid.new pid; exec sleep 60";
    let line = ["run", "--every", "2ms", "--out", "x.prof", "--", "sh", "-c", script];
    let mut profiler = traceq(folder);
    let child = profiler.args(line).stderr(std::process::Stdio::null()).spawn();
    let child = child.expect("the command starts");
    let command = wait_for("the command", || {
        let text = std::fs::read_to_string(folder.join("pid")).ok()?;
        Pid::from_raw(text.trim().parse().ok()?)
    });
    (child, command)
}

fn rows(folder: &Path, file: &str) -> u64 {
    shown(folder, file)["n_rows"].as_u64().expect("a number of rows")
}

#[test]
fn the_journal_survives_a_profiler_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (mut profiler, command) = start(folder);
    let journal = "x.prof.journal";
    let before = wait_for("rows", || Some(rows(folder, journal)).filter(|rows| *rows > 20));
    kill_process(pid_of(&profiler), Signal::KILL).unwrap();
    profiler.wait().unwrap();

    let found = shown(folder, journal);
    assert_eq!(found["container"]["journal"]["complete"], false);
    assert_eq!(found["container"]["journal"]["lost_bytes"], 0);
    let after = found["n_rows"].as_u64().unwrap();
    assert!(after >= before, "{after} rows of {before} are left");
    assert!(found["metadata"]["command"].as_str().unwrap().contains("sleep 60"));
    assert!(!folder.join("x.prof").exists());
    wait_for("the command's end", || test_kill_process(command).err());

    // As a machine that stops in the middle of a write leaves it.
    let mut bytes = std::fs::read(folder.join(journal)).unwrap();
    bytes.truncate(bytes.len() - 3);
    std::fs::write(folder.join("torn.prof.journal"), bytes).unwrap();
    let (_, said) = ends(0, folder, &["recover", "torn.prof.journal"]);
    assert!(said.contains("torn.prof"), "{said}");
    assert_eq!(rows(folder, "torn.prof"), after - 1);
    ends(0, folder, &["recover", journal]);
    assert_eq!(rows(folder, "x.prof"), after);
    assert!(ends(1, folder, &["recover", "x.prof", "-o", "y.prof"]).1.contains("whole profile"));
}

#[test]
fn a_polite_signal_reaches_the_command_and_the_profile_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (mut profiler, _) = start(folder.path());
    kill_process(pid_of(&profiler), Signal::TERM).unwrap();
    assert_eq!(profiler.wait().unwrap().code(), Some(143));
    assert_eq!(shown(folder.path(), "x.prof")["metadata"]["verdict"], "signal");
    assert!(!folder.path().join("x.prof.journal").exists());
}

#[test]
fn a_command_that_is_killed_from_outside_was_not_out_of_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (mut profiler, command) = start(folder.path());
    kill_process(command, Signal::KILL).unwrap();
    assert_eq!(profiler.wait().unwrap().code(), Some(137));
    assert_eq!(shown(folder.path(), "x.prof")["metadata"]["verdict"], "signal");
}

//! A profile survives the process that writes it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use traceq::prof::{Journal, Limits, load, recover, save};
use traceq::profile::{KERNEL, UNSIGNED};

const ROLE: &str = "TRACEQ_TEST_JOURNAL";

/// Not a test of its own: what the killed process does.
#[test]
fn writer() {
    let Some(path) = std::env::var_os(ROLE) else { return };
    let mut journal = Journal::create(path).unwrap();
    journal.set("clock", "test").unwrap();
    for row in 0.. {
        journal.push(row * 1_000_000, UNSIGNED, [(KERNEL, Some(4096 * row))]).unwrap();
        if row == 50 {
            println!("\nready");
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[test]
fn rows_outlive_a_kill_and_become_a_prof_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.journal");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "journal::writer", "--nocapture"])
        .env(ROLE, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.map_while(Result::ok).any(|line| line == "ready");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(ready);
    let recovered = recover(&path, Limits::default()).unwrap();
    assert!(!recovered.complete);
    assert!(recovered.profile.len() >= 51, "{} rows", recovered.profile.len());
    let prof = folder.path().join("run.prof");
    save(&recovered.profile, &prof).unwrap();
    let back = load(&prof, Limits::default()).unwrap();
    assert_eq!(back.peak(KERNEL), recovered.profile.peak(KERNEL));
    assert_eq!(back.get("clock"), Some("test"));
}

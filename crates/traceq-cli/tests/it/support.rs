//! Running the command, and small profiles to run it on.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use traceq::profile::{CGROUP, KERNEL, Profile, UNSIGNED};

/// The command, in a folder.
pub(crate) fn traceq(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_traceq"));
    command.current_dir(folder);
    command
}

/// Runs the command and returns what it said.
pub(crate) fn say(folder: &Path, arguments: &[&str]) -> Output {
    traceq(folder).args(arguments).output().expect("the command starts")
}

/// Runs the command, which must end with this exit code, and returns its standard output and error.
pub(crate) fn ends(code: i32, folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = say(folder, arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, errors) = (text(&output.stdout), text(&output.stderr));
    let line = arguments.join(" ");
    assert_eq!(output.status.code(), Some(code), "traceq {line}\n{out}\n{errors}");
    assert!(!errors.contains("panicked"), "traceq {line}\n{errors}");
    (out, errors)
}

/// Runs the command, which must succeed, with its JSON on standard output.
pub(crate) fn json(folder: &Path, arguments: &[&str]) -> Value {
    let (out, _) = ends(0, folder, arguments);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

/// What `show` says about a file.
pub(crate) fn shown(folder: &Path, file: &str) -> Value {
    json(folder, &["show", file, "--json", "-"])
}

/// A column of what `show` says.
pub(crate) fn column<'a>(shown: &'a Value, name: &str) -> Option<&'a Value> {
    shown["columns"].as_array()?.iter().find(|column| column["name"] == name)
}

/// The Python to run, or `None`, said aloud.
pub(crate) fn python() -> Option<&'static str> {
    let found = Command::new("python3").arg("--version").output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some("python3");
    }
    eprintln!("skipped: python3 is not here");
    None
}

/// Whether commands get control groups of their own here; says so if not.
pub(crate) fn has_groups(folder: &Path) -> bool {
    let report = json(folder, &["run", "-q", "--out", "probe.prof", "--json", "-", "--", "true"]);
    let mechanism = report["mechanism"].as_str().expect("a mechanism");
    let grouped = mechanism.starts_with("cgroup");
    if !grouped {
        eprintln!("without control groups: {mechanism}");
    }
    grouped
}

/// The profiles of every generation that the library is tested on.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../traceq/tests-data/prof")
}

/// Writes a profile that rises to `peak` bytes.
pub(crate) fn profile(path: &Path, peak: u64) {
    let mut profile = Profile::default();
    profile.set("command", "made up");
    profile.set("limit_bytes", (2 * peak).to_string());
    for (row, part) in [1, 2, 4, 3].into_iter().enumerate() {
        let level = peak / 4 * part;
        let time = 1_700_000_000_000_000_000 + 10_000_000 * row as u64;
        let group = (row > 0).then_some(level + 4096);
        profile.push(time, UNSIGNED, [(KERNEL, Some(level)), (CGROUP, group)]);
    }
    traceq::prof::save(&profile, path).expect("the folder can be written");
}

/// Asks until the answer comes, which it must, for half a minute at most.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..3000 {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("waited in vain for {what}");
}

//! Every generation of files, and our own files in Python.

use std::path::{Path, PathBuf};
use std::process::Command;

use traceq::prof::{Limits, ProfError, load, read, save, write};
use traceq::profile::{Clock, KERNEL, PSUTIL, Profile, RESOURCE, TRACEMALLOC, UNSIGNED};

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests-data/prof")).join(name)
}

fn fixture_profile(name: &str) -> Profile {
    load(fixture(name), Limits::default()).unwrap()
}

/// Two recorded columns, one of them with a gap, and a new one.
pub(crate) fn sample() -> Profile {
    let mut profile = Profile::default();
    profile.set("entrypoint_shape", "(5, 7, 11)\nε");
    profile.set("clock", "CLOCK_MONOTONIC + 1 anchor");
    let start = 1_741_800_000_123_456_789;
    profile.push(start, UNSIGNED, [(KERNEL, Some(30 << 20)), (TRACEMALLOC, Some(0))]);
    profile.push(start + 10_000_000, "read/decode", [(KERNEL, None), (TRACEMALLOC, Some(777))]);
    profile.push(
        start + 20_000_001,
        "read",
        [(KERNEL, Some(64 << 20)), ("hwm_memory_usage", Some(65 << 20)), ("major_faults", Some(0))],
    );
    profile
}

fn packed(profile: &Profile) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(profile, "sample.prof", &mut bytes).unwrap();
    bytes
}

#[test]
fn generation_a_has_levels_in_kb_and_milliseconds() {
    let profile = fixture_profile("a.prof");
    assert_eq!((profile.len(), profile.clock()), (4, Clock::BootMillis));
    assert_eq!(profile.peak(KERNEL), Some(61_024 * 1024));
    for absent in [PSUTIL, RESOURCE, TRACEMALLOC] {
        assert!(profile.column(absent).is_none() && profile.peak(absent).is_none(), "{absent}");
    }
    assert_eq!(profile.duration().unwrap().as_millis(), 303);
    assert_eq!(profile.times_ns()[0], 5_000_123_000_000);
    assert_eq!(profile.get("entrypoint_shape"), Some("(100, 100,\n 100)"));
}

#[test]
fn generation_b_has_rows_under_experiment_and_a_recorded_zero() {
    let profile = fixture_profile("b.prof");
    let live = profile.column(TRACEMALLOC).unwrap();
    assert_eq!(live.values(), [Some(1024), Some(4096), Some(0)]);
    assert_eq!(profile.signature(0), Some("call::main:12::run"));
    assert!(profile.column(KERNEL).is_none());
}

#[test]
fn generation_c_has_a_failed_hook() {
    let profile = fixture_profile("c.prof");
    assert_eq!(profile.column(PSUTIL).unwrap().values(), [Some(30 << 20), None, Some(40 << 20)]);
}

#[test]
fn generations_d_and_e_have_integers_and_nanoseconds() {
    let profile = fixture_profile("d.prof");
    assert_eq!(profile.peak(KERNEL), Some(45_000 * 1024));
    let profile = fixture_profile("e.prof");
    assert_eq!(profile.clock(), Clock::UnixNanos);
    assert_eq!(profile.times_ns(), [1_741_800_000_123_456_789]);
    assert_eq!(profile.duration().unwrap().as_nanos(), 0);
    let empty = fixture_profile("empty.prof");
    assert!(empty.is_empty() && empty.duration().is_none() && empty.peak(KERNEL).is_none());
}

#[test]
fn what_is_read_is_written_and_read_again() {
    for name in ["a.prof", "b.prof", "c.prof", "d.prof", "e.prof", "empty.prof"] {
        let profile = fixture_profile(name);
        assert_eq!(
            read(packed(&profile).as_slice(), Limits::default()).unwrap(),
            profile,
            "{name}"
        );
    }
    let ours = sample();
    let back = read(packed(&ours).as_slice(), Limits::default()).unwrap();
    assert_eq!(back.column("major_faults").unwrap().values(), [None, None, Some(0)]);
    assert_eq!(back.get("hwm_memory_usage_unit"), Some("b"));
    assert_eq!(back.column(KERNEL), ours.column(KERNEL));
    assert_eq!(back.times_ns(), ours.times_ns());
}

#[test]
fn saving_replaces_a_file_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.prof");
    save(&fixture_profile("a.prof"), &path).unwrap();
    save(&sample(), &path).unwrap();
    assert_eq!(load(&path, Limits::default()).unwrap().len(), 3);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    let error = save(&sample(), folder.path().join("no/such.prof")).unwrap_err();
    assert!(matches!(error, ProfError::File { action: "write", .. }), "{error}");
}

#[test]
fn python_reads_ours() {
    let python = std::env::var("TRACEQ_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let known = Command::new(&python).args(["-c", "import msgpack"]).output();
    if !known.is_ok_and(|run| run.status.success()) {
        println!("skipped: {python} has no msgpack; name one that has by TRACEQ_TEST_PYTHON");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ours.prof");
    save(&sample(), &path).unwrap();
    let run = Command::new(&python).arg(fixture("make_prof.py")).arg(&path).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let seen: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(seen["fname"], "ours.prof");
    assert_eq!(seen["metadata"]["unix_timestamp_unit"], "ns");
    assert_eq!(seen["metadata"]["entrypoint_shape"], "(5, 7, 11)\nε");
    let rows = seen["data"].as_array().unwrap();
    assert_eq!(rows[0]["kernel_memory_usage"], serde_json::json!(30720.0));
    assert_eq!(rows[0]["tracemalloc_memory_usage"], serde_json::json!(0.0));
    assert_eq!(rows[1]["kernel_memory_usage"], serde_json::json!(0));
    assert_eq!(rows[1]["signature"], "read/decode");
    assert_eq!(rows[2]["hwm_memory_usage"], serde_json::json!((65 << 20) as f64));
    assert_eq!(rows[2]["unix_timestamp"], serde_json::json!(1_741_800_000_143_456_790_u64));
    assert!(rows[0].get("hwm_memory_usage").is_none());
}

//! `chunkfit plan`, `operators` and `doctor`.

use serde_json::Value;
use tempfile::tempdir;

use crate::support::{report, succeed};

#[test]
fn a_plan_needs_no_file() {
    let dir = tempdir().unwrap();
    let plan = [
        "plan",
        "--shape",
        "951x651x462",
        "--operator",
        "gst",
        "--worker-memory",
        "4GiB",
        "--workers",
        "4",
    ];
    let explained = succeed(dir.path(), &plan);
    assert!(explained.contains("951×651×462"), "{explained}");
    let json = report(dir.path(), &plan);
    assert_eq!(json["workers"], 4);
    assert!(json["usable_bytes"].as_u64() < json["limit_bytes"].as_u64(), "{json}");
    assert_eq!(json["limit_bytes"].as_u64(), Some(4 << 30));
}

#[test]
fn strategies_differ() {
    let dir = tempdir().unwrap();
    let chunk = |strategy: &str| -> Value {
        let plan = report(
            dir.path(),
            &[
                "plan",
                "--shape",
                "951x651x462",
                "--operator",
                "envelope",
                "--worker-memory",
                "4GiB",
                "--workers",
                "4",
                "--strategy",
                strategy,
            ],
        );
        plan["grid"]["chunk"].clone()
    };
    assert_eq!(chunk("dask-auto"), serde_json::json!([322, 322, 322]));
    assert_eq!(chunk("fixed=100x200x300"), serde_json::json!([100, 200, 300]));
    assert_eq!(chunk("cube"), serde_json::json!([3, 3, 3]));
}

#[test]
fn operators_and_doctor_say_what_there_is() {
    let dir = tempdir().unwrap();
    let operators = succeed(dir.path(), &["operators"]);
    for word in ["envelope", "gaussian", "sigma", "gst", "dip", "azimuth", "planarity"] {
        assert!(operators.contains(word), "{word}: {operators}");
    }
    let doctor = report(dir.path(), &["doctor"]);
    assert!(doctor["allowance_bytes"].as_u64().is_some_and(|n| n > 0), "{doctor}");
    assert!(doctor["capabilities"].as_array().is_some_and(|c| !c.is_empty()), "{doctor}");
}

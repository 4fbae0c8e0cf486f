//! `chunkfit demo`, small.

use tempfile::tempdir;

use crate::support::{names, report};

#[test]
fn the_demo_runs_checks_and_draws() {
    let dir = tempdir().unwrap();
    let shape = ["--shape", "40x37x101", "--memory", "64MiB"];
    for operator in ["gst", "envelope", "gaussian:sigma=2"] {
        let demo = ["demo", "--out", "d", "--operator", operator];
        let report = report(dir.path(), &[&demo[..], &shape].concat());
        assert_eq!(report["verified"], true, "{report}");
        assert_eq!(report["killed"], 0, "{report}");
        assert_eq!(report["retries"], 0, "{report}");
        assert_eq!(report["tasks_over_bound"], 0, "{report}");
        assert_eq!(report["limit_bytes"], 64 << 20, "{report}");
        assert_eq!(report["shape"], serde_json::json!([40, 37, 101]));
        for key in [
            "operator",
            "input",
            "output",
            "strategy",
            "workers",
            "isolation",
            "chunks",
            "tasks",
            "base_bytes",
            "peak_bytes_max",
            "upper_bound_bytes_max",
            "utilisation_median",
            "halo_factor",
            "read_factor",
            "elapsed_s",
            "voxels_per_s",
        ] {
            assert!(!report[key].is_null(), "{key} is missing: {report}");
        }
        let expected = ["report.json", "result.zarr", "section.png", "survey.sgy"];
        assert_eq!(names(&dir.path().join("d")), expected);
    }
}

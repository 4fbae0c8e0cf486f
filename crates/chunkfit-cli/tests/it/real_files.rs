//! Real surveys, compared with SciPy's numbers.

use ndarray::{Array3, Zip};
use tempfile::tempdir;

use crate::support::{report, shared, text, variable};

fn reference(name: &str) -> Option<Array3<f32>> {
    let path = shared(&format!("reference/{name}.npy"))?;
    Some(ndarray_npy::read_npy(path).unwrap())
}

/// Largest absolute difference over the largest absolute reference value.
fn relative_error(found: &Array3<f32>, expected: &Array3<f32>) -> f32 {
    let largest = expected.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
    let pairs = found.iter().zip(expected);
    pairs.fold(0.0_f32, |m, (a, b)| m.max((a - b).abs())) / largest
}

#[test]
fn info_tells_the_facts_of_f3() {
    let Some(f3) = shared("segy/f3.sgy") else { return };
    let dir = tempdir().unwrap();
    let facts = report(dir.path(), &["info", text(&f3)]);
    assert_eq!(facts["format"], "SEG-Y");
    assert_eq!(facts["byte_order"], "big");
    assert_eq!(facts["shape"], serde_json::json!([23, 18, 75]));
    assert_eq!((&facts["traces"], &facts["missing_traces"]), (&414.into(), &0.into()));
    assert_eq!(facts["inline"], serde_json::json!({"min": 111, "max": 133, "step": 1}));
    assert_eq!(facts["crossline"], serde_json::json!({"min": 875, "max": 892, "step": 1}));
    assert_eq!(facts["dt_us"].as_f64(), Some(4000.0));
    assert_eq!(facts["t0_ms"].as_f64(), Some(4.0));
    assert_eq!(facts["text_encoding"], "EBCDIC");
}

#[test]
fn the_three_operators_give_scipys_numbers_on_f3() {
    let Some(f3) = shared("segy/f3.sgy") else { return };
    let dir = tempdir().unwrap();
    for (isolation, workers) in [("processes", "2"), ("threads", "3")] {
        let run = |operator: &str, output: &str| {
            let memory = ["--worker-memory", "64MiB", "--workers", workers];
            let wanted = ["run", text(&f3), output, "--operator", operator, "--overwrite"];
            let how = ["--isolation", isolation, "--strategy", "fixed=8x10x40"];
            let report = report(dir.path(), &[&wanted[..], &memory, &how].concat());
            assert_eq!(report["killed"], 0);
            assert_eq!(report["tasks_over_bound"], 0);
            dir.path().join(output)
        };
        let envelope = variable(&run("envelope", "e.zarr"), "envelope");
        let expected = reference("f3_envelope").unwrap();
        assert!(relative_error(&envelope, &expected) <= 1e-6);

        let gaussian = variable(&run("gaussian:sigma=3", "g.zarr"), "gaussian");
        let expected = reference("f3_gaussian").unwrap();
        assert!(gaussian.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()));

        let gst = run("gst", "t.zarr");
        let (dip, planarity) = (variable(&gst, "dip"), variable(&gst, "planarity"));
        let expected = reference("f3_gst_dip").unwrap();
        let expected_planarity = reference("f3_gst_planarity").unwrap();
        Zip::from(&dip).and(&expected).and(&expected_planarity).for_each(|d, e, p| {
            assert!(*p <= 1e-3 || (d - e).abs() <= 0.03, "dip {d}, expected {e}, planarity {p}");
        });
        assert!(relative_error(&planarity, &expected_planarity) <= 1e-5);
    }
}

#[test]
fn chunks_workers_and_isolation_do_not_change_a_bit() {
    let Some(f3) = shared("segy/F3_very_small.sgy") else { return };
    let dir = tempdir().unwrap();
    for (operator, outputs) in [
        ("envelope", &["envelope"][..]),
        ("gaussian:sigma=1", &["gaussian"]),
        ("gst", &["dip", "azimuth", "planarity"]),
    ] {
        let mut first: Vec<Array3<f32>> = Vec::new();
        for (strategy, isolation, workers) in [
            ("even", "processes", "1"),
            ("memory-aware", "processes", "2"),
            ("fixed=3x5x97", "processes", "2"),
            ("fixed=3x5x97", "threads", "2"),
            ("dask-auto", "threads", "1"),
            ("fixed=4x11x50", "threads", "2"),
        ] {
            report(
                dir.path(),
                &[
                    "run",
                    text(&f3),
                    "o.zarr",
                    "--operator",
                    operator,
                    "--overwrite",
                    "--worker-memory",
                    "64MiB",
                    "--workers",
                    workers,
                    "--strategy",
                    strategy,
                    "--isolation",
                    isolation,
                ],
            );
            let store = dir.path().join("o.zarr");
            let values: Vec<_> = outputs.iter().map(|name| variable(&store, name)).collect();
            if first.is_empty() {
                first = values;
                continue;
            }
            for (a, b) in first.iter().zip(&values) {
                let same = a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same, "{operator}: {strategy}, {isolation}, {workers} workers");
            }
        }
    }
}

#[test]
fn an_output_is_an_input() {
    let Some(cube) = shared("npy/dasf_raw_100x100x100.npy") else { return };
    let dir = tempdir().unwrap();
    let limits = ["--worker-memory", "64MiB", "--workers", "1"];
    report(
        dir.path(),
        &[&["run", text(&cube), "e.zarr", "--operator", "envelope"], &limits[..]].concat(),
    );
    let from = ["run", "e.zarr", "s.zarr", "--operator", "gaussian:sigma=1"];
    report(dir.path(), &[&from, &limits[..]].concat());
    let envelope = variable(&dir.path().join("e.zarr"), "envelope");
    let smooth = variable(&dir.path().join("s.zarr"), "gaussian");
    let expected = chunkfit_seismic::gaussian(envelope.view(), [1.0; 3], 4.0).unwrap();
    assert!(smooth.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()));
}

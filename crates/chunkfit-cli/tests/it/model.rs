//! Runs and plans with a saved model, and what it learns from them.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};

use chunkfit_core::{ByteSize, Shape};
use chunkfit_predict::{Identity, Ladder, Observation, Origin, Peak, SavedModel, Scope};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::tempdir;

use crate::support::{
    chunkfit, done, fail, names, report, say, shared, succeed, survey, text, wait_until,
};

const SHAPE: [usize; 3] = [60, 50, 101];
const CUT: [&str; 6] =
    ["--strategy", "fixed=20x25x101", "--workers", "2", "--worker-memory", "96MiB"];

/// Makes `gst.json`, a model of `gst`, in `folder`.
fn fitted(folder: &Path) {
    let shapes = ["--shapes", "20x30x40,41x50x60"];
    succeed(folder, &[&["profile", "--operator", "gst", "-o", "gst.csv"], &shapes[..]].concat());
    succeed(folder, &["fit", "gst.csv", "--operator", "gst", "-o", "gst.json"]);
}

fn load(path: &Path) -> SavedModel {
    SavedModel::load(File::open(path).unwrap()).unwrap()
}

/// A model that says that every task takes `bytes`, of what `identity` says.
fn constant(path: &Path, identity: Identity, bytes: u64) {
    let Identity { dtype, scope, machine, allocator, .. } = identity.clone();
    let origin = Origin { dtype, scope, machine, allocator };
    let seen = [10, 15, 20].map(|n| {
        let one = Observation::live_heap(Shape::new([n; 3]).unwrap(), ByteSize::new(bytes));
        Observation { origin: origin.clone(), base: None, ..one }
    });
    let fitted = Ladder::new().fit(&seen).unwrap();
    SavedModel::new(&fitted, identity, &seen, 0).save(File::create(path).unwrap()).unwrap();
}

fn run(folder: &Path, output: &str, more: &[&str]) -> Value {
    let run = ["run", "survey.sgy", output, "--operator", "gst"];
    report(folder, &[&run[..], &CUT, more].concat())
}

#[test]
fn a_run_plans_with_a_model_and_teaches_it() {
    let dir = tempdir().unwrap();
    let at = dir.path();
    survey(at, SHAPE);
    fitted(at);
    let before = load(&at.join("gst.json")).evidence().len();
    let said = run(at, "a.zarr", &["--model", "gst.json"]);
    let model = &said["model"];
    assert_eq!((&model["updated"], &model["drift"]), (&true.into(), &Value::Null), "{model}");
    assert_eq!(model["readings_added"], said["tasks"], "{said}");
    assert_eq!(said["tasks_over_bound"], 0, "{said}");
    let after = load(&at.join("gst.json"));
    assert!(after.evidence().len() > before);
    assert_eq!(model["readings_kept"], after.evidence().len());
    // A second run of the same shapes adds no row: its readings are repeats.
    let again = run(at, "b.zarr", &["--model", "gst.json"]);
    assert_eq!(again["model"]["readings_kept"], model["readings_kept"]);
    assert_eq!(names(at).iter().filter(|name| name.contains("tmp")).count(), 0);

    let plan = ["plan", "survey.sgy", "--operator", "gst", "--workers", "2"];
    let memory = ["--worker-memory", "64MiB", "--model"];
    let planned = report(at, &[&plan[..], &memory, &["gst.json"]].concat());
    assert!(planned["largest_task"]["upper"].as_u64() <= planned["usable_bytes"].as_u64());
    let absent = fail(at, &[&plan[..], &memory, &["absent.json"]].concat());
    assert!(absent.contains("absent.json"), "{absent}");
}

#[test]
fn a_model_that_does_not_exist_is_begun() {
    let dir = tempdir().unwrap();
    let at = dir.path();
    survey(at, SHAPE);
    let said = run(at, "a.zarr", &["--model", "new.json"]);
    assert_eq!(said["model"]["updated"], true, "{said}");
    let model = load(&at.join("new.json"));
    assert_eq!(model.identity().operator, said["operator"].as_str().unwrap());
    // Two shapes are little to go by: the bound holds, and is not tight.
    let next = run(at, "b.zarr", &["--model", "new.json"]);
    let (peak, upper) = (&next["peak_bytes_max"], &next["upper_bound_bytes_max"]);
    assert!(peak.as_u64().unwrap() <= upper.as_u64().unwrap(), "{next}");
    assert_eq!(next["tasks_over_bound"], 0, "{next}");

    // A file that must not change does not, and the run is none the worse.
    let mut permissions = fs::metadata(at.join("new.json")).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(at.join("new.json"), permissions).unwrap();
    let bytes = fs::read(at.join("new.json")).unwrap();
    let kept = run(at, "c.zarr", &["--model", "new.json"]);
    assert_eq!(kept["model"]["why_not"], "it is read-only", "{kept}");
    assert_eq!(fs::read(at.join("new.json")).unwrap(), bytes);
}

#[test]
fn a_model_of_something_else_is_refused() {
    let dir = tempdir().unwrap();
    let at = dir.path();
    survey(at, SHAPE);
    fitted(at);
    let own = load(&at.join("gst.json")).identity().clone();
    let told = |operator: &str, more: &[&str]| {
        let run = ["run", "survey.sgy", "x.zarr", "--operator", operator, "--model", "m.json"];
        let told = fail(at, &[&run[..], more].concat());
        assert!(told.contains("m.json"), "{told}");
        assert!(!at.join("x.zarr").exists() && !at.join("x.zarr.partial").exists());
        told
    };
    let save = |identity: Identity| constant(&at.join("m.json"), identity, 20 << 20);
    save(own.clone());
    let other = told("envelope", &["--accept-stale"]);
    assert!(other.contains("gst") && other.contains("envelope"), "{other}");
    let threads = ["run", "survey.sgy", "x.zarr", "--operator", "gst", "--model", "m.json"];
    let threads = fail(at, &[&threads[..], &["--isolation", "threads"]].concat());
    assert!(threads.contains("--isolation"), "{threads}");
    save(Identity { operator: "command:op".to_owned(), ..own.clone() });
    assert!(told("gst", &[]).contains("command `op`"));
    save(Identity { scope: Scope::Cgroup, ..own.clone() });
    let scope = told("gst", &["--accept-stale"]);
    assert!(scope.contains("cgroup") && scope.contains("high-water"), "{scope}");
    fs::write(at.join("m.json"), "{}").unwrap();
    assert!(told("gst", &[]).contains("no model"));

    for (what, stale) in [
        ("0.0.0", Identity { version: "0.0.0".to_owned(), ..own.clone() }),
        ("elsewhere", Identity { machine: "elsewhere".to_owned(), ..own.clone() }),
        ("another", Identity { allocator: "another".to_owned(), ..own.clone() }),
        ("123", Identity { page_bytes: 123, ..own }),
    ] {
        save(stale);
        let refused = told("gst", &[]);
        assert!(refused.contains(what) && refused.contains("--accept-stale"), "{refused}");
    }
    // At one's own risk it is used, and left as it is.
    let bytes = fs::read(at.join("m.json")).unwrap();
    let said = run(at, "y.zarr", &["--model", "m.json", "--accept-stale"]);
    assert_eq!(said["model"]["updated"], false, "{said}");
    assert_eq!(fs::read(at.join("m.json")).unwrap(), bytes);
    let predict = ["predict", "--model", "m.json", "--shape", "9x9x9"];
    assert!(fail(at, &predict).contains("123"));
    succeed(at, &[&predict[..], &["--accept-stale"]].concat());
}

#[test]
fn peaks_that_leave_the_model_are_told() {
    let dir = tempdir().unwrap();
    let at = dir.path();
    survey(at, SHAPE);
    fitted(at);
    // Tasks take what the operator declares and a few MiB; this one knows only of the latter.
    constant(&at.join("low.json"), load(&at.join("gst.json")).identity().clone(), 3 << 20);
    let run = ["run", "survey.sgy", "a.zarr", "--operator", "gst", "--model", "low.json"];
    let output = say(at, &[&run[..], &CUT, &["--json", "a.json"]].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.contains("profile again"), "{errors}");
    let said: Value = serde_json::from_slice(&fs::read(at.join("a.json")).unwrap()).unwrap();
    assert_eq!(said["model"]["drift"], "above", "{said}");
    assert!(said["model"]["above_bound"].as_u64() >= Some(2), "{said}");
}

#[test]
fn two_runs_teach_one_model() {
    let dir = tempdir().unwrap();
    let at = dir.path();
    survey(at, SHAPE);
    let start = |chunk: &str| -> Child {
        let strategy = format!("fixed={chunk}");
        let output = format!("{chunk}.zarr");
        let arguments = ["run", "survey.sgy", &output, "--operator", "gst", "--model", "m.json"];
        let limits = ["--worker-memory", "96MiB", "--workers", "1", "--strategy", &strategy];
        let mut command = chunkfit();
        command.current_dir(at).args(arguments).args(limits).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut both = ["60x50x101", "30x50x101"].map(start);
    assert!(both.iter_mut().all(|one| one.wait().unwrap().success()));
    let blocks: Vec<[usize; 3]> =
        load(&at.join("m.json")).evidence().iter().map(|seen| seen.core.extents()).collect();
    assert!(blocks.contains(&[60, 50, 101]) && blocks.contains(&[30, 50, 101]), "{blocks:?}");
}

/// Many chunks, so that there is a middle to be interrupted in.
const SLOWLY: [&str; 6] =
    ["--strategy", "fixed=12x11x301", "--workers", "2", "--worker-memory", "96MiB"];

/// A run that begins `m.json` and ends half-way by `signal`.
fn interrupt(folder: &Path, signal: Signal) {
    survey(folder, [120, 110, 301]);
    let run = ["run", "survey.sgy", "out.zarr", "--operator", "gst", "--model", "m.json"];
    let mut command = chunkfit();
    let command = command.current_dir(folder).args(run).args(SLOWLY).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    wait_until("some chunks", || done(folder) >= 8);
    kill_process(Pid::from_raw(child.id() as i32).unwrap(), signal).unwrap();
    assert!(!child.wait().unwrap().success());
}

#[test]
fn a_run_that_is_killed_leaves_no_half_of_a_model() {
    let dir = tempdir().unwrap();
    let at = dir.path();
    interrupt(at, Signal::KILL);
    assert!(!at.join("m.json").exists());
    let resume = ["run", "survey.sgy", "out.zarr", "--operator", "gst", "--resume"];
    wait_until("the lock", || {
        let other = say(at, &[&resume[..], &["--model", "other.json"]].concat());
        let errors = String::from_utf8_lossy(&other.stderr).into_owned();
        assert!(!other.status.success());
        !errors.contains("another run") && errors.contains("other.json")
    });
    // Without the option: it goes on as it was planned, and teaches what it was to teach.
    let said = report(at, &resume);
    assert_eq!(said["model"]["updated"], true, "{said}");
    assert_eq!(said["model"]["readings_added"], said["tasks"], "{said}");
    load(&at.join("m.json"));
}

#[test]
fn a_run_that_is_interrupted_has_taught_what_it_did() {
    let dir = tempdir().unwrap();
    let at = dir.path();
    interrupt(at, Signal::INT);
    let before = load(&at.join("m.json"));
    assert!(before.evidence().iter().all(|seen| matches!(seen.peak, Peak::Measured(_))));
    let resume = ["run", "survey.sgy", "out.zarr", "--operator", "gst", "--resume"];
    let said = report(at, &[&resume[..], &["--model", "m.json"]].concat());
    assert_eq!(said["model"]["updated"], true, "{said}");
}

#[test]
fn a_profile_that_ends_half_way_leaves_what_was_there() {
    for signal in [Signal::KILL, Signal::INT] {
        let dir = tempdir().unwrap();
        let at = dir.path();
        fs::write(at.join("g.csv"), "what was there").unwrap();
        let many = ["--shapes", "64x64x64", "--repeats", "10000", "-o", "g.csv"];
        let mut command = chunkfit();
        let command = command.current_dir(at).args(["profile", "--operator", "gst"]).args(many);
        // Its folder for inputs is where it can be seen.
        let mut child = command.env("TMPDIR", at).stderr(Stdio::null()).spawn().unwrap();
        wait_until("a reading", || names(at).len() > 1);
        kill_process(Pid::from_raw(child.id() as i32).unwrap(), signal).unwrap();
        let status = child.wait().unwrap();
        assert!(!status.success());
        assert_eq!(fs::read(at.join("g.csv")).unwrap(), b"what was there");
        assert!(!at.join("g.csv.tmp").exists());
        if signal == Signal::INT {
            assert_eq!(status.code(), Some(130));
            assert_eq!(names(at), ["g.csv"], "the inputs are gone");
        }
    }
}

#[test]
fn blocks_are_cut_from_a_real_file() {
    let dir = tempdir().unwrap();
    let at = dir.path();
    let file = survey(at, SHAPE);
    let profile = ["profile", "--input", text(&file), "-o", "x.csv"];
    let shapes = ["--shapes", "20x30x101,60x50x101"];
    let rows = report(at, &[&profile[..], &shapes, &["--operator", "envelope"]].concat());
    assert_eq!(rows[0]["block"], serde_json::json!([20, 30, 101]));
    assert!(rows[0]["peak"]["measured"].as_u64() > rows[0]["base"].as_u64(), "{rows}");
    succeed(at, &["fit", "x.csv", "--operator", "envelope", "-o", "x.json"]);
    let cut = ["--shapes", "20x30x40", "--operator", "envelope"];
    let whole = fail(at, &[&profile[..], &cut].concat());
    assert!(whole.contains("101"), "{whole}");
    let long = ["--shapes", "61x30x101", "--operator", "envelope"];
    assert!(fail(at, &[&profile[..], &long].concat()).contains("60"));

    // Chosen from the file, with its sample axis whole.
    let chosen = ["--budget", "100%", "--operator", "envelope"];
    let rows = report(at, &[&profile[..], &chosen].concat());
    assert!(rows.as_array().unwrap().len() >= 2);
    assert!(rows.as_array().unwrap().iter().all(|row| row["block"][2] == 101), "{rows}");

    // A command is given the samples of the file.
    let copy = format!("cp {{input}} {}", at.join("copy.npy").display());
    fail(at, &[&profile[..], &["--shapes", "60x50x101", "--command", &copy]].concat());
    let copied: ndarray::Array3<f32> = ndarray_npy::read_npy(at.join("copy.npy")).unwrap();
    let mut samples = ndarray::Array3::zeros(SHAPE);
    let source = chunkfit_io::Input::open(&file, &chunkfit_io::InputOptions::default()).unwrap();
    let whole = chunkfit_core::Region::whole(Shape::new(SHAPE).unwrap());
    chunkfit_core::Source::read(&source, &whole, samples.view_mut()).unwrap();
    assert_eq!(copied, samples);
}

#[test]
fn f3_is_profiled_and_run() {
    let Some(file) = shared("segy/f3.sgy") else { return };
    let dir = tempdir().unwrap();
    let at = dir.path();
    let profile = ["profile", "--operator", "gst", "--input", text(&file), "-o", "f3.csv"];
    let rows = report(at, &[&profile[..], &["--shapes", "9x10x30,23x18x75"]].concat());
    assert_eq!(rows[0]["block"], serde_json::json!([9, 10, 30]));
    // Its halo is there on every side.
    assert_eq!(rows[0]["core"], serde_json::json!([5, 6, 26]));
    assert_eq!(rows[1]["core"], serde_json::json!([23, 18, 75]));
    succeed(at, &["fit", "f3.csv", "--operator", "gst", "-o", "f3.json"]);
    let run = ["run", text(&file), "dip.zarr", "--operator", "gst", "--model", "f3.json"];
    let said = report(at, &[&run[..], &["--memory", "256MiB"]].concat());
    assert_eq!((&said["tasks_over_bound"], &said["model"]["updated"]), (&0.into(), &true.into()));
}

#[test]
fn recorded_profiles_are_readings() {
    let dir = tempdir().unwrap();
    let at = dir.path();
    let sizes = [("a", "10x20x30", 20_u64), ("b", "10x20x60", 40), ("c", "10x40x60", 80)];
    for (name, _, mib) in sizes {
        let mut profile = traceq::profile::Profile::default();
        let largest = [(traceq::profile::RESOURCE, Some(mib << 20))];
        profile.push(1, traceq::profile::UNSIGNED, largest);
        traceq::prof::save(&profile, at.join(format!("{name}.prof"))).unwrap();
    }
    let from = ["profile", "--from", "a.prof,b.prof,c.prof", "-o", "op.csv"];
    let shapes = sizes.map(|(_, shape, _)| shape).join(",");
    let rows = report(at, &[&from[..], &["--shapes", &shapes]].concat());
    assert_eq!(rows[2]["peak"]["measured"], 80 << 20);
    succeed(at, &["fit", "op.csv", "-o", "op.json"]);
    let said = report(at, &["predict", "--model", "op.json", "--shape", "20x40x60"]);
    let ratio = said["peak_bytes"].as_f64().unwrap() / f64::from(160 << 20);
    assert!((0.98..1.02).contains(&ratio), "{said}");

    assert!(fail(at, &from).contains("--shapes"));
    assert!(fail(at, &[&from[..], &["--shapes", "5x7x9"]].concat()).contains('3'));
    fs::write(at.join("a.prof"), "junk").unwrap();
    let junk = fail(at, &[&from[..], &["--shapes", &shapes]].concat());
    assert!(junk.contains("a.prof"), "{junk}");
}

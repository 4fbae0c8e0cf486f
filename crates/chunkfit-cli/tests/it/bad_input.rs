//! What is refused, and in which words.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tempfile::tempdir;

use crate::support::{fail, names, report, survey, text};

const RUN: [&str; 4] = ["--worker-memory", "64MiB", "--workers", "1"];

/// `chunkfit run INPUT out.zarr --operator OPERATOR`, which must fail and leave no output.
fn refused(folder: &Path, input: &Path, operator: &str, more: &[&str]) -> String {
    let arguments = ["run", text(input), "out.zarr", "--operator", operator];
    let more = if more.is_empty() { &RUN[..] } else { more };
    let words = fail(folder, &[&arguments[..], more].concat());
    assert!(!folder.join("out.zarr").exists(), "an output was left: {words}");
    words
}

fn assert_says(words: &str, expected: &[&str]) {
    for word in expected {
        assert!(words.contains(word), "`{word}` is not in: {words}");
    }
}

/// The bytes of a small survey, changed.
fn changed(folder: &Path, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let path = survey(folder, [5, 7, 11]);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn files_that_are_no_survey() {
    let dir = tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let prose = "Bring me a shrubbery. ".repeat(400);
    for (path, expected) in [
        (file("empty.sgy", b""), "empty"),
        (file("prose.sgy", prose.as_bytes()), "format"),
        (file("prose.txt", prose.as_bytes()), "SEG-Y"),
        (file("short.sgy", &[0x40; 900]), "900"),
        (file("bad.npy", b"\x93NUMPY\x01\x00\xff\xff"), "npy"),
        (dir.path().join("nothing.sgy"), "nothing.sgy"),
        (dir.path().to_owned(), "Zarr"),
    ] {
        assert_says(&refused(dir.path(), &path, "envelope", &[]), &[expected]);
        fail(dir.path(), &["info", text(&path)]);
    }
}

#[test]
fn surveys_that_lie() {
    let dir = tempdir().unwrap();
    let truncated = changed(dir.path(), |bytes| bytes.truncate(bytes.len() - 100));
    let words = refused(dir.path(), &truncated, "envelope", &[]);
    assert_says(&words, &["--samples"]);

    let samples = changed(dir.path(), |bytes| bytes[3220..3222].copy_from_slice(&[0, 12]));
    let words = refused(dir.path(), &samples, "envelope", &[]);
    assert_says(&words, &["12", "11", "--samples"]);
    let fixed = ["info", text(&samples), "--samples", "11"];
    assert_eq!(report(dir.path(), &fixed)["shape"], serde_json::json!([5, 7, 11]));

    let format = changed(dir.path(), |bytes| bytes[3224..3226].copy_from_slice(&[0, 77]));
    assert_says(&refused(dir.path(), &format, "envelope", &[]), &["77", "--format"]);

    let order = changed(dir.path(), |_| {});
    let little = ["--byte-order", "little"];
    let words = refused(dir.path(), &order, "envelope", &[&RUN[..], &little].concat());
    assert_says(&words, &["--byte-order"]);

    let twice = changed(dir.path(), |bytes| {
        let trace = 240 + 4 * 11;
        let (first, second) = bytes[3600..].split_at_mut(trace);
        second[188..196].copy_from_slice(&first[188..196]);
    });
    assert_says(&refused(dir.path(), &twice, "envelope", &[]), &["1000", "2000"]);
}

#[test]
fn surveys_before_stack() {
    let Some(file) = crate::support::shared("segy/small-ps.sgy") else { return };
    let dir = tempdir().unwrap();
    assert_says(&refused(dir.path(), &file, "envelope", &[]), &["--offset"]);
    let one = report(dir.path(), &["info", text(&file), "--offset", "1"]);
    assert_eq!(one["shape"], serde_json::json!([4, 3, 10]));
}

#[test]
fn operators_that_do_not_exist() {
    let dir = tempdir().unwrap();
    let input = survey(dir.path(), [5, 7, 11]);
    for (operator, expected) in [
        ("envelop", &["envelop", "envelope", "gaussian", "gst"][..]),
        ("gaussian:sigmas=3", &["sigmas", "sigma"]),
        ("gaussian:sigma=-1", &["-1"]),
        ("gaussian:sigma=soft", &["soft"]),
        ("gst:kernel=4", &["4", "odd"]),
        ("gst:outputs=dip/throw", &["throw", "planarity"]),
    ] {
        assert_says(&refused(dir.path(), &input, operator, &[]), expected);
    }
}

#[test]
fn limits_that_cannot_be_kept() {
    let dir = tempdir().unwrap();
    let input = survey(dir.path(), [40, 41, 300]);
    for limit in [
        &["--worker-memory", "2MiB", "--workers", "1"][..],
        &["--worker-memory", "9MiB", "--workers", "2"],
        &["--memory", "3MiB"],
        &["--memory", "14MiB", "--workers", "2"],
        &["--memory", "14MiB", "--isolation", "threads"],
    ] {
        let words = refused(dir.path(), &input, "envelope", limit);
        assert_says(&words, &["memory", "MiB"]);
    }
    for nonsense in ["lots", "-3GiB", "0"] {
        let said = format!("--worker-memory={nonsense}");
        refused(dir.path(), &input, "envelope", &[said.as_str()]);
    }
    assert_says(
        &refused(dir.path(), &input, "envelope", &[&RUN[..], &["--strategy", "round"]].concat()),
        &["round", "memory-aware", "dask-auto", "even", "cube", "fixed"],
    );
}

#[test]
fn outputs_that_exist() {
    let dir = tempdir().unwrap();
    let input = survey(dir.path(), [5, 7, 11]);
    let output = dir.path().join("out.zarr");
    fs::write(&output, "precious").unwrap();
    let arguments = ["run", text(&input), "out.zarr", "--operator", "envelope"];
    let words = fail(dir.path(), &[&arguments[..], &RUN].concat());
    assert_says(&words, &["out.zarr exists", "--overwrite"]);
    assert_eq!(fs::read(&output).unwrap(), b"precious");
    report(dir.path(), &[&arguments[..], &RUN, &["--overwrite"]].concat());
    assert_eq!(names(dir.path()), ["out.zarr", "survey.sgy"]);
}

#[test]
fn outputs_that_would_destroy_something() {
    let dir = tempdir().unwrap();
    let input = survey(dir.path(), [5, 7, 11]);
    let before = fs::read(&input).unwrap();
    std::os::unix::fs::symlink(&input, dir.path().join("link.sgy")).unwrap();
    for output in ["survey.sgy", "link.sgy", "survey.sgy/out.zarr"] {
        let line = ["run", text(&input), output, "--operator", "envelope", "--overwrite"];
        fail(dir.path(), &[&line[..], &RUN].concat());
    }
    assert_eq!(fs::read(&input).unwrap(), before);

    let foreign = dir.path().join("out.zarr.partial");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("done"), "my list").unwrap();
    assert_says(&refused(dir.path(), &input, "envelope", &[]), &["made by no run"]);
    assert_eq!(names(&foreign), ["done"]);
    fs::remove_dir_all(&foreign).unwrap();

    assert_says(&refused(dir.path(), &input, "envelope", &["--memory", "1MiB"]), &["--memory"]);
    let many = refused(dir.path(), &input, "envelope", &["--workers", "1000000"]);
    assert_says(&many, &["4096"]);
    let report = refused(dir.path(), &input, "envelope", &["--json", "no/such.json"]);
    assert_says(&report, &["no/such.json"]);
}

#[test]
fn results_of_something_else() {
    let dir = tempdir().unwrap();
    let input = survey(dir.path(), [5, 7, 11]);
    let line = |operator| ["run", text(&input), "out.zarr", "--operator", operator];
    report(dir.path(), &[&line("envelope")[..], &RUN].concat());
    crate::support::succeed(dir.path(), &[&line("envelope")[..], &["--resume"]].concat());
    let words = fail(dir.path(), &[&line("gst")[..], &["--resume"]].concat());
    assert_says(&words, &["envelope", "gst"]);
}

#[test]
fn a_resume_of_something_else() {
    let dir = tempdir().unwrap();
    let input = survey(dir.path(), [5, 7, 11]);
    fs::create_dir(dir.path().join("out.zarr.partial")).unwrap();
    fs::write(dir.path().join("out.zarr.partial/run.json"), "{}").unwrap();
    fs::write(dir.path().join("out.zarr.partial/lock"), "a run of chunkfit\n").unwrap();
    let resume = [&RUN[..], &["--resume"]].concat();
    assert_says(&refused(dir.path(), &input, "envelope", &resume), &["run.json", "delete"]);
}

#[test]
fn a_disk_that_is_full() {
    let dir = tempdir().unwrap();
    let input = survey(dir.path(), [20, 30, 100]);
    let small = dir.path().join("small");
    fs::create_dir(&small).unwrap();
    let Some(_mount) = SmallDisk::mount(&small, "256k") else {
        eprintln!("skipped: mounting a small file system is not allowed here");
        return;
    };
    let words =
        fail(&small, &[&["run", text(&input), "out.zarr", "--operator", "gst"], &RUN[..]].concat());
    assert_says(&words, &["703 KiB", "KiB left"]);
    assert!(!small.join("out.zarr").exists());

    // Filled up while the run goes on: the chunk that finds no room is the error.
    drop(_mount);
    let Some(_mount) = SmallDisk::mount(&small, "2m") else { return };
    let hog = fs::File::create(small.join("hog")).unwrap();
    let script = format!(
        "exec {} run {} out.zarr --operator gst --worker-memory 64MiB --workers 1 --strategy fixed=2x30x100",
        env!("CARGO_BIN_EXE_chunkfit"),
        text(&input)
    );
    let child = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(&small)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let journal = small.join("out.zarr.partial/done");
    while !journal.exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let mut at = 0;
    while hog.write_all_at(&[1; 4096], at).is_ok() {
        at += 4096;
    }
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{words}");
    assert_says(&words, &["No space left"]);
    assert!(!small.join("out.zarr").exists());
}

/// A small file system in memory, as long as this lives.
struct SmallDisk<'a> {
    at: &'a Path,
}

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path, size: &str) -> Option<Self> {
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs", text(at)]);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(Self { at })
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").args(["-l", text(self.at)]).output();
    }
}

#[test]
fn a_folder_that_cannot_be_written() {
    let dir = tempdir().unwrap();
    let input = survey(dir.path(), [5, 7, 11]);
    let nowhere = ["run", text(&input), "/proc/out.zarr", "--operator", "envelope"];
    assert_says(&fail(dir.path(), &[&nowhere[..], &RUN].concat()), &["/proc/out.zarr.partial"]);
}

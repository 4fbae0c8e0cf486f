//! Running the command, and small surveys to run it on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

use chunkfit_core::{Axis, Shape, Source};
use chunkfit_io::segy::{SegyLayout, SegyWriter};
use chunkfit_io::zarr::ZarrSource;
use chunkfit_seismic::synthetic::Survey;
use ndarray::Array3;
use serde_json::Value;

/// The command.
pub(crate) fn chunkfit() -> Command {
    Command::new(env!("CARGO_BIN_EXE_chunkfit"))
}

/// Runs the command in `folder` and returns what it said.
pub(crate) fn say(folder: &Path, arguments: &[&str]) -> Output {
    chunkfit().current_dir(folder).args(arguments).output().expect("the command starts")
}

/// Runs the command, which must succeed, and returns its standard output.
pub(crate) fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = say(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "chunkfit {}\n{errors}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("output is text")
}

/// Runs the command with `--json -` and returns the report.
pub(crate) fn report(folder: &Path, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json", "-"]).collect();
    let text = succeed(folder, &arguments);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Runs the command, which must fail without a panic, and returns what it said.
pub(crate) fn fail(folder: &Path, arguments: &[&str]) -> String {
    let output = say(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = arguments.join(" ");
    assert!(!output.status.success(), "chunkfit {line} succeeded\n{errors}");
    assert!(output.status.code().is_some(), "chunkfit {line} died: {}\n{errors}", output.status);
    assert!(!errors.contains("panicked"), "chunkfit {line}\n{errors}");
    errors
}

/// A folder of test data that is not part of the repository, or `None`, said aloud.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(path);
    if path.exists() {
        return path.canonicalize().ok();
    }
    eprintln!("skipped: {} is not here", path.display());
    None
}

/// Writes a synthetic survey of `shape` to `folder/survey.sgy`.
pub(crate) fn survey(folder: &Path, shape: [usize; 3]) -> PathBuf {
    let path = folder.join("survey.sgy");
    let shape = Shape::new(shape).unwrap();
    let survey = Survey::new(shape, 3);
    let mut writer = SegyWriter::create(&path, &SegyLayout::new(shape)).unwrap();
    for inline in 0..shape[Axis::Inline] {
        writer.write_inline(inline, survey.inline(inline).view()).unwrap();
    }
    writer.finish().unwrap();
    path
}

/// A whole output variable of a store.
pub(crate) fn variable(store: &Path, name: &str) -> Array3<f32> {
    let source = ZarrSource::open(store, Some(name)).unwrap();
    let mut values = Array3::zeros(source.shape().extents());
    source.read(&chunkfit_core::Region::whole(source.shape()), values.view_mut()).unwrap();
    values
}

/// Names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> = entries.map(|e| name(e).to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("test paths are text")
}

/// Chunks that the journal of a run has as done.
pub(crate) fn done(folder: &Path) -> usize {
    let journal = fs::read(folder.join("out.zarr.partial/done")).unwrap_or_default();
    journal.iter().skip(16).filter(|&&byte| byte == b'x').count()
}

pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(60), "waited a minute for {what}");
        sleep(Duration::from_millis(5));
    }
}

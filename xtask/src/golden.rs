//! Golden files: outputs of NumPy and SciPy on small volumes, made by the scripts in `tests-data`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use crate::python;
use crate::steps::{self, command, root};

/// Packages of the environment. Changing a line makes the environment anew.
const PACKAGES: [&str; 2] = ["numpy==2.4.6", "scipy==1.17.1"];

/// NumPy has exponentials for AVX-512 that round otherwise than those of the C library, so files would
/// depend on the processor.
const PLAIN_EXPONENTIALS: (&str, &str) = ("NPY_DISABLE_CPU_FEATURES", "X86_V4");

const DATA: &str = "tests-data";

/// Makes every golden file again; with `--check` in a copy, which must not differ from the files that
/// are there.
pub(crate) fn run(options: &[String]) -> anyhow::Result<()> {
    let check = match options {
        [] => false,
        [option] if option == "--check" => true,
        _ => bail!("golden takes --check or nothing, not `{}`", options.join(" ")),
    };
    let python = python::environment("golden-venv", &PACKAGES)
        .context("golden files are made with NumPy, for which Python 3.11 or later is needed")?;
    let committed = root().join(DATA);
    let scripts = scripts(&committed)?;
    let folder = if check { root().join("target/golden") } else { committed.clone() };
    if check && folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for name in &scripts {
        let script = folder.join(name);
        if check {
            fs::copy(committed.join(name), &script)?;
        }
        let mut make = command(&python.to_string_lossy(), &[&script.to_string_lossy()]);
        let (variable, features) = PLAIN_EXPONENTIALS;
        steps::run(make.env(variable, features))?;
    }
    if check { compare(&committed, &folder) } else { Ok(()) }
}

/// Names of the scripts, in order.
fn scripts(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("make_golden") && name.ends_with(".py") {
            names.push(name);
        }
    }
    names.sort_unstable();
    if names.is_empty() {
        bail!("there is no make_golden*.py in {}", folder.display());
    }
    Ok(names)
}

/// Fails when a file is missing on either side, or differs in one byte.
fn compare(committed: &Path, made: &Path) -> anyhow::Result<()> {
    let (committed, made) = (arrays(committed)?, arrays(made)?);
    let mut wrong = Vec::new();
    for (name, bytes) in &made {
        match committed.get(name) {
            None => wrong.push(format!("{name} is not committed")),
            Some(other) if other != bytes => wrong.push(format!("{name} differs")),
            Some(_) => {}
        }
    }
    let stale = committed.keys().filter(|name| !made.contains_key(*name));
    wrong.extend(stale.map(|name| format!("{name} is made by no script")));
    if !wrong.is_empty() {
        let (n, list) = (wrong.len(), wrong.join("\n  "));
        bail!("{n} of {} golden files are not as their scripts make them:\n  {list}", made.len());
    }
    eprintln!("── {} golden files are as their scripts make them", made.len());
    Ok(())
}

/// The `.npy` files in the folders of `folder`, by name.
fn arrays(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut arrays = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let inner = entry?.path();
        if !inner.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&inner)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "npy") {
                let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
                arrays.insert(name, fs::read(&path)?);
            }
        }
    }
    Ok(arrays)
}

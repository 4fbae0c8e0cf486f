//! Private Python environments below `target`.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use crate::steps::{command, root, run};

/// What tests open our files with. Changing a line makes the environment anew.
const READERS: [&str; 3] = ["numpy==2.4.6", "xarray==2026.9.0", "zarr==3.1.6"];

/// The interpreter of the environment in which tests open what we write.
pub(crate) fn readers() -> anyhow::Result<PathBuf> {
    environment("python", &READERS)
        .context("a test opens the output with xarray, for which Python 3.11 or later is needed")
}

/// The interpreter of the environment `target/<name>` with `packages`, made when it is not there.
pub(crate) fn environment(name: &str, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let folder = root().join("target").join(name);
    let python = folder.join("bin/python");
    let stamp = folder.join("packages.txt");
    let wanted = packages.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) && python.exists() {
        return Ok(python);
    }
    let path = folder.to_string_lossy();
    run(&mut command("python3", &["-m", "venv", "--clear", &path]))?;
    let mut install = command(&python.to_string_lossy(), &["-m", "pip", "install", "--quiet"]);
    run(install.args(packages))?;
    fs::write(&stamp, wanted)?;
    Ok(python)
}

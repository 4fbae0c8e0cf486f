//! A private Python environment with xarray, in which tests open what we write.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use crate::steps::{command, root, run};

/// Packages of the environment. Changing a line makes the environment anew.
const PACKAGES: [&str; 3] = ["numpy==2.4.6", "xarray==2026.9.0", "zarr==3.1.6"];

/// The interpreter of the environment, which is made when it is not there.
pub(crate) fn environment() -> anyhow::Result<PathBuf> {
    let folder = root().join("target/python");
    let python = folder.join("bin/python");
    let stamp = folder.join("packages.txt");
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) && python.exists() {
        return Ok(python);
    }
    let path = folder.to_string_lossy();
    run(&mut command("python3", &["-m", "venv", "--clear", &path]))
        .context("a test opens the output with xarray, for which Python 3.11 or later is needed")?;
    let mut install = command(&python.to_string_lossy(), &["-m", "pip", "install", "--quiet"]);
    run(install.args(PACKAGES))?;
    fs::write(&stamp, wanted)?;
    Ok(python)
}

//! The output, opened by xarray.

use std::process::Command;

use tempfile::tempdir;

use crate::support::{report, survey, text};

const SCRIPT: &str = r#"
import sys, warnings
import numpy as np
import xarray as xr
warnings.simplefilter("ignore")
ds = xr.open_zarr(sys.argv[1], consolidated=False)
assert list(ds["dip"].dims) == ["inline", "crossline", "time"], ds
assert ds["dip"].dtype == np.float32 and ds["dip"].shape == (13, 11, 57), ds
assert "degree" in str(ds["dip"].attrs), ds["dip"].attrs
assert "ms" in str(ds["time"].attrs), ds["time"].attrs
assert float(ds["time"][1] - ds["time"][0]) == 4.0, ds["time"]
assert int(ds["inline"][1] - ds["inline"][0]) == 1, ds["inline"]
assert bool(ds["trace_mask"].all()), ds["trace_mask"]
assert {"cdp_x", "cdp_y"} <= set(ds.coords) | set(ds.data_vars), ds
values = ds["dip"].sel(inline=ds["inline"][5]).values
assert np.isfinite(values).all() and (values >= 0).all() and (values <= 90).all()
assert np.isfinite(ds["azimuth"].values).all() and np.isfinite(ds["planarity"].values).all()
print("ok")
"#;

#[test]
fn xarray_opens_the_output_with_names_coordinates_and_units() {
    let Some(python) = std::env::var_os("CHUNKFIT_PYTHON") else {
        eprintln!("skipped: CHUNKFIT_PYTHON names no Python with xarray and zarr");
        return;
    };
    let dir = tempdir().unwrap();
    let input = survey(dir.path(), [13, 11, 57]);
    let memory = ["--worker-memory", "64MiB", "--workers", "2"];
    report(
        dir.path(),
        &[&["run", text(&input), "out.zarr", "--operator", "gst"], &memory[..]].concat(),
    );
    let output = Command::new(python)
        .args(["-c", SCRIPT, "out.zarr"])
        .current_dir(dir.path())
        .output()
        .expect("python starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}

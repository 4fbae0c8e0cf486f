//! Files, real and made for the test.

#![expect(clippy::unwrap_used, reason = "a case fails by panicking")]

#[cfg(feature = "npy")]
mod npy;
#[cfg(feature = "segy")]
mod segy;
#[cfg(all(feature = "segy", feature = "npy", feature = "zarr"))]
mod segy_facts;
#[cfg(all(feature = "segy", feature = "npy", feature = "zarr"))]
mod segy_hostile;
#[cfg(feature = "zarr")]
mod zarr;

use std::error::Error;
#[cfg(feature = "npy")]
use std::path::PathBuf;

use chunkfit_core::{Region, Source};
use ndarray::Array3;

#[cfg(feature = "npy")]
/// A folder of public test data, or `None`, with a line that says so, where it is absent.
fn shared(folder: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    let path = path.join(folder);
    if !path.is_dir() {
        eprintln!("skipped: there is no test data at {}", path.display());
        return None;
    }
    Some(path)
}

/// The whole volume.
fn whole(source: &dyn Source) -> Array3<f32> {
    let mut volume = Array3::zeros(source.shape().extents());
    source.read(&Region::whole(source.shape()), volume.view_mut()).unwrap();
    volume
}

/// An error and its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

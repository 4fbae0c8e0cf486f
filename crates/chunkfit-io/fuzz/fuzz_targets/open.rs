//! Any bytes as a file: SEG-Y or npy opens or is refused, and what opens can be read.
//!
//! `cargo +nightly fuzz run open`; begin with small real files as the corpus.

#![no_main]

use std::io::Write;

use chunkfit_core::{Region, Source};
use chunkfit_io::{Input, InputOptions};
use libfuzzer_sys::fuzz_target;
use ndarray::Array3;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("there is room for a small file");
    file.write_all(bytes).expect("there is room for a small file");
    let Ok(input) = Input::open(file.path(), &InputOptions::default()) else { return };
    let shape = input.shape();
    assert!(shape.voxels() <= 10 * bytes.len(), "{shape} from {} bytes", bytes.len());
    let mut volume = Array3::zeros(shape.extents());
    input.read(&Region::whole(shape), volume.view_mut()).expect("the file is still there");
    let rows = 0..shape.extents()[0];
    let dead = input.live(rows.clone()).expect("no file is needed");
    assert_eq!(dead.iter().filter(|live| !**live).count(), input.missing_traces());
    input.coordinates(rows).expect("the file is still there");
    Input::from_descriptor(&input.descriptor()).expect("the file did not change");
});

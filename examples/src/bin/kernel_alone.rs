//! A kernel alone: a function on an array view.
//!
//! Needs `chunkfit-seismic`.

use chunkfit_seismic::{envelope, gaussian};
use ndarray::Array3;

fn main() -> anyhow::Result<()> {
    let wave = |k: usize| (k as f32 * 0.4).sin() * (-(k as f32 - 40.0).powi(2) / 200.0).exp();
    let volume = Array3::from_shape_fn((5, 7, 81), |(_, _, k)| wave(k));
    let envelope = envelope(volume.view());
    let smooth = gaussian(volume.view(), [2.0; 3], 4.0)?;
    for k in (0..81).step_by(8) {
        println!("{:8.4} {:8.4} {:8.4}", volume[[2, 3, k]], envelope[[2, 3, k]], smooth[[2, 3, k]]);
    }
    Ok(())
}

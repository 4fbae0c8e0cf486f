//! What the benchmarks share. Run them with `cargo bench -p chunkfit-benches`.

use chunkfit_core::{Shape, ShapeError};
use chunkfit_seismic::synthetic::Survey;
use ndarray::{Array3, Axis};

/// A synthetic survey of `extents` (inline, crossline, sample), in memory.
///
/// # Errors
///
/// When the extents are no shape.
pub fn survey(extents: [usize; 3]) -> Result<Array3<f32>, ShapeError> {
    let survey = Survey::new(Shape::new(extents)?, 1);
    let mut volume = Array3::zeros(extents);
    for (i, mut inline) in volume.axis_iter_mut(Axis(0)).enumerate() {
        inline.assign(&survey.inline(i));
    }
    Ok(volume)
}

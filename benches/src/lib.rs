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

/// White noise of `extents`, the same every time.
#[must_use]
pub fn noise(extents: [usize; 3]) -> Array3<f32> {
    let mut state = 20_u64;
    Array3::from_shape_simple_fn(extents, || {
        // Knuth's generator: plenty for timings.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    })
}

use chunkfit_core::Region;
use ndarray::{Array1, Array3, ArrayView3, Axis as ArrayAxis};

use super::tally::Tally;
use crate::Gaussian;

const TOLERANCE: f64 = 2.5e-7;

/// Correlates every line along `axis` with `weights`, of odd number, on a line padded by mirroring.
pub(super) fn correlate(volume: &Array3<f64>, axis: usize, weights: &[f64]) -> Array3<f64> {
    let half = weights.len() / 2;
    let mut out = volume.clone();
    for mut line in out.lanes_mut(ArrayAxis(axis)) {
        let padded = padded(&line.to_owned(), half);
        for (out, window) in line.iter_mut().zip(padded.windows(weights.len())) {
            *out = window.iter().zip(weights).map(|(value, weight)| value * weight).sum();
        }
    }
    out
}

/// The line with `half` elements before and after it: forwards, backwards, forwards, and so on.
fn padded(line: &Array1<f64>, half: usize) -> Vec<f64> {
    let mut padded: Vec<f64> =
        line.iter().chain(line.iter().rev()).cycle().take(half).copied().collect();
    padded.reverse();
    padded.extend(line);
    padded.extend(line.iter().rev().chain(line).cycle().take(half));
    padded
}

/// As `scipy.ndimage.gaussian_filter`, without rounding between the passes.
pub(super) fn compare_gaussian(
    operator: &Gaussian,
    block: ArrayView3<'_, f32>,
    core: &Region,
    output: &ArrayView3<'_, f32>,
    tally: &mut Tally,
) {
    let mut volume = block.mapv(f64::from);
    let mut largest = None;
    for axis in 0..3 {
        let weights = bell(operator.sigma()[axis], operator.truncate());
        volume = correlate(&volume, axis, &weights);
        let magnitudes = volume.iter().map(|v| v.abs()).filter(|v| v.is_finite());
        largest.get_or_insert_with(|| magnitudes.fold(0.0, f64::max));
    }
    let tolerance = TOLERANCE * largest.unwrap_or(0.0);
    for (index, &expected) in core.view(volume.view()).indexed_iter() {
        tally.near(output[index], expected, tolerance);
    }
}

fn bell(sigma: f64, truncate: f64) -> Vec<f64> {
    if sigma <= 1e-15 {
        return vec![1.0];
    }
    let half = (truncate * sigma + 0.5) as i64;
    let bell: Vec<f64> =
        (-half..=half).map(|x| (-((x as f64 / sigma).powi(2)) / 2.0).exp()).collect();
    let sum: f64 = bell.iter().sum();
    bell.into_iter().map(|weight| weight / sum).collect()
}

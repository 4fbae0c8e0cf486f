use chunkfit_core::{OperatorError, Placement};
use ndarray::{Array1, Array3, ArrayView3, Axis as ArrayAxis};

use super::{Tally, Verifiable};
use crate::{Gaussian, Precision};

/// Of the largest magnitude after the first pass, with sums in `f64`.
const TOLERANCE: f64 = 2.5e-7;
/// Of the largest magnitude of the block, with sums in `f32`.
const SINGLE_TOLERANCE: f64 = 5e-7;

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
impl Verifiable for Gaussian {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        let [first, second, third] = self.sigma().map(|sigma| bell(sigma, self.truncate()));
        let volume = block.mapv(f64::from);
        let filtered = correlate(&volume, 0, &first);
        let tolerance = match self.precision() {
            Precision::Double => TOLERANCE * largest(&filtered),
            Precision::Single => SINGLE_TOLERANCE * largest(&volume),
        };
        let volume = correlate(&correlate(&filtered, 1, &second), 2, &third);
        for (index, &expected) in at.core_in_block().view(volume.view()).indexed_iter() {
            tally.near(outputs[0][index], expected, tolerance);
        }
        Ok(())
    }
}

fn largest(volume: &Array3<f64>) -> f64 {
    volume.iter().map(|value| value.abs()).filter(|value| value.is_finite()).fold(0.0, f64::max)
}

pub(super) fn bell(sigma: f64, truncate: f64) -> Vec<f64> {
    if sigma <= 1e-15 {
        return vec![1.0];
    }
    let half = (truncate * sigma + 0.5) as i64;
    let bell: Vec<f64> =
        (-half..=half).map(|x| (-((x as f64 / sigma).powi(2)) / 2.0).exp()).collect();
    let sum: f64 = bell.iter().sum();
    bell.into_iter().map(|weight| weight / sum).collect()
}

use serde::{Deserialize, Serialize};

use super::linear::{Centred, Plane};
use super::{Regressor, require};
use crate::FitError;
use crate::linalg::{Matrix, dot};

/// Least squares with an absolute and a squared penalty, by cyclic coordinate descent.
///
/// Minimises ‖y − Xw − b‖²/(2n) + α·l1·‖w‖₁ + α·(1 − l1)·‖w‖²/2, the objective of
/// `sklearn.linear_model.ElasticNet`, and stops as it does: when the largest step is small against the
/// largest weight and the duality gap is below `tolerance`·‖y‖².
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ElasticNet {
    /// Weight of the whole penalty.
    pub alpha: f64,
    /// Share of the absolute penalty, 0 to 1.
    pub l1_ratio: f64,
    /// Sweeps over the coordinates at most.
    pub sweeps: usize,
    /// Relative duality gap to stop at.
    pub tolerance: f64,
}

impl Default for ElasticNet {
    fn default() -> Self {
        Self { alpha: 1.0, l1_ratio: 0.5, sweeps: 1000, tolerance: 1e-4 }
    }
}

impl Regressor for ElasticNet {
    const NAME: &'static str = "elastic net";
    const LEAST_ROWS: usize = 2;
    type Fitted = Plane;

    fn check(&self) -> Result<(), FitError> {
        let Self { alpha, l1_ratio, tolerance, .. } = *self;
        require(Self::NAME, "alpha", alpha, alpha > 0.0, "it must be positive")?;
        let in_range = (0.0..=1.0).contains(&l1_ratio);
        require(Self::NAME, "l1_ratio", l1_ratio, in_range, "it must be between 0 and 1")?;
        require(Self::NAME, "tolerance", tolerance, tolerance > 0.0, "it must be positive")
    }

    fn fit(&self, x: &Matrix, y: &[f64]) -> Result<Plane, FitError> {
        let centred = Centred::new(x, y);
        let columns: Vec<Vec<f64>> = (0..x.width).map(|j| centred.x.column(j).collect()).collect();
        let weights = self.descend(&columns, &centred.y);
        Ok(centred.plane(weights))
    }
}

impl ElasticNet {
    fn descend(&self, columns: &[Vec<f64>], y: &[f64]) -> Vec<f64> {
        let n = y.len() as f64;
        let (l1, l2) = (self.alpha * self.l1_ratio * n, self.alpha * (1.0 - self.l1_ratio) * n);
        let norms: Vec<f64> = columns.iter().map(|c| dot(c, c)).collect();
        let gap_at_rest = self.tolerance * dot(y, y);
        let mut weights = vec![0.0; columns.len()];
        let mut residual = y.to_vec();
        for _ in 0..self.sweeps {
            let (mut largest, mut largest_step) = (0.0_f64, 0.0_f64);
            for (j, column) in columns.iter().enumerate() {
                if norms[j] == 0.0 {
                    continue;
                }
                let old = weights[j];
                let pull = dot(column, &residual) + old * norms[j];
                weights[j] = pull.signum() * (pull.abs() - l1).max(0.0) / (norms[j] + l2);
                let step = weights[j] - old;
                if step != 0.0 {
                    residual.iter_mut().zip(column).for_each(|(r, c)| *r -= step * c);
                }
                largest_step = largest_step.max(step.abs());
                largest = largest.max(weights[j].abs());
            }
            if (largest == 0.0 || largest_step / largest < self.tolerance)
                && gap(columns, y, &weights, &residual, l1, l2) < gap_at_rest
            {
                break;
            }
        }
        weights
    }
}

/// The duality gap of the objective times n.
fn gap(
    columns: &[Vec<f64>],
    y: &[f64],
    weights: &[f64],
    residual: &[f64],
    l1: f64,
    l2: f64,
) -> f64 {
    let steepest = columns
        .iter()
        .zip(weights)
        .map(|(column, w)| (dot(column, residual) - l2 * w).abs())
        .fold(0.0, f64::max);
    let (r2, w2) = (dot(residual, residual), dot(weights, weights));
    let shrink = if steepest > l1 { l1 / steepest } else { 1.0 };
    let w1: f64 = weights.iter().map(|w| w.abs()).sum();
    0.5 * r2 * (1.0 + shrink * shrink) + l1 * w1 - shrink * dot(residual, y)
        + 0.5 * l2 * (1.0 + shrink * shrink) * w2
}

use serde::{Deserialize, Serialize};

use super::linear::{Centred, Plane};
use super::{Regressor, require};
use crate::FitError;
use crate::linalg::{Matrix, Svd, dot, variance};

/// Ridge whose noise and penalty are estimated from the rows.
///
/// Gamma priors of 1e-6 on both precisions, updated in turn until the weights move less than
/// `tolerance` in sum.
///
/// Reference: MacKay, *Bayesian interpolation*, Neural Computation 4 (1992), 415–447.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BayesianRidge {
    /// Updates at most.
    pub updates: usize,
    /// Movement of the weights to stop at.
    pub tolerance: f64,
}

impl Default for BayesianRidge {
    fn default() -> Self {
        Self { updates: 300, tolerance: 1e-3 }
    }
}

const PRIOR: f64 = 1e-6;

impl Regressor for BayesianRidge {
    const NAME: &'static str = "Bayesian ridge";
    const LEAST_ROWS: usize = 3;
    type Fitted = Plane;

    fn check(&self) -> Result<(), FitError> {
        let tolerance = self.tolerance;
        require(Self::NAME, "tolerance", tolerance, tolerance > 0.0, "it must be positive")
    }

    fn fit(&self, x: &Matrix, y: &[f64]) -> Result<Plane, FitError> {
        let centred = Centred::new(x, y);
        let svd = Svd::new(Self::NAME, &centred.x)?;
        let projected = svd.project(&centred.y);
        let total = dot(&centred.y, &centred.y);
        let n = y.len() as f64;
        let mut noise = 1.0 / (variance(y.iter().copied()) + f64::EPSILON);
        let mut penalty = 1.0;
        let mut weights = vec![0.0; x.width];
        for _ in 0..self.updates {
            let z: Vec<f64> = projected
                .iter()
                .zip(&svd.s)
                .map(|(p, s)| p * s / (s * s + penalty / noise))
                .collect();
            let next = svd.combine(&z);
            let moved: f64 = next.iter().zip(&weights).map(|(a, b)| (a - b).abs()).sum();
            weights = next;
            // Rotations keep lengths, so the residual is known without the rows.
            let fitted: f64 = svd.s.iter().zip(&z).map(|(s, z)| s * z * s * z).sum();
            let cross: f64 =
                svd.s.iter().zip(&z).zip(&projected).map(|((s, z), p)| s * z * p).sum();
            let squares = (total - 2.0 * cross + fitted).max(0.0);
            let determined: f64 =
                svd.s.iter().map(|s| noise * s * s / (penalty + noise * s * s)).sum();
            penalty = (determined + 2.0 * PRIOR) / (dot(&weights, &weights) + 2.0 * PRIOR);
            noise = (n - determined + 2.0 * PRIOR).max(PRIOR) / (squares + 2.0 * PRIOR);
            if moved < self.tolerance {
                break;
            }
        }
        Ok(centred.plane(weights))
    }
}

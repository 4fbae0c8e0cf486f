use serde::{Deserialize, Serialize};

use super::linear::{Centred, Plane};
use super::{Regressor, require};
use crate::FitError;
use crate::linalg::{Matrix, Svd};

/// Least squares with the penalty `alpha`·‖w‖²; the intercept is free.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ridge {
    /// Weight of the penalty.
    pub alpha: f64,
}

impl Default for Ridge {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl Regressor for Ridge {
    const NAME: &'static str = "ridge";
    const LEAST_ROWS: usize = 2;
    type Fitted = Plane;

    fn check(&self) -> Result<(), FitError> {
        require(Self::NAME, "alpha", self.alpha, self.alpha > 0.0, "it must be positive")
    }

    fn fit(&self, x: &Matrix, y: &[f64]) -> Result<Plane, FitError> {
        let centred = Centred::new(x, y);
        let svd = Svd::new(Self::NAME, &centred.x)?;
        let z: Vec<f64> = svd
            .project(&centred.y)
            .into_iter()
            .zip(&svd.s)
            .map(|(p, s)| p * s / (s * s + self.alpha))
            .collect();
        Ok(centred.plane(svd.combine(&z)))
    }
}

use serde::{Deserialize, Serialize};

use super::forest::Trees;
use super::tree::{Grow, Ties};
use super::{Regressor, require};
use crate::FitError;
use crate::linalg::Matrix;

/// Shallow trees, each on the residual of those before it; squared loss.
///
/// Reference: Friedman, *Greedy function approximation*, Annals of Statistics 29 (2001), 1189–1232.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GradientBoosting {
    /// Number of trees.
    pub trees: usize,
    /// Splits above a leaf at most.
    pub depth: usize,
    /// Share of each tree that is added.
    pub rate: f64,
    /// Decides between equal splits.
    pub seed: u64,
}

impl Default for GradientBoosting {
    fn default() -> Self {
        Self { trees: 100, depth: 3, rate: 0.1, seed: 0 }
    }
}

impl Regressor for GradientBoosting {
    const NAME: &'static str = "gradient boosting";
    const LEAST_ROWS: usize = 2;
    type Fitted = Trees;

    fn check(&self) -> Result<(), FitError> {
        require(Self::NAME, "rate", self.rate, self.rate > 0.0, "it must be positive")
    }

    fn fit(&self, x: &Matrix, y: &[f64]) -> Result<Trees, FitError> {
        let grow = Grow::plain(Some(self.depth));
        Ok(Trees::boost(x, y, grow, self.rate, self.trees, Ties::drawn(self.seed)))
    }
}

use serde::{Deserialize, Serialize};

use super::forest::Trees;
use super::tree::{Grow, Ties};
use super::{Regressor, require};
use crate::FitError;
use crate::linalg::Matrix;

/// Second-order boosting with regularised leaves, exact greedy splits, squared loss; starts from the mean.
///
/// Reference: Chen and Guestrin, *XGBoost: a scalable tree boosting system*, KDD 2016, algorithm 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct XgBoost {
    /// Number of trees.
    pub rounds: usize,
    /// Splits above a leaf at most.
    pub depth: usize,
    /// Share of each tree that is added.
    pub eta: f64,
    /// Shrinks leaves towards zero.
    pub lambda: f64,
    /// A split must gain more than this, in squared units of the target.
    pub least_gain: f64,
    /// Decides between equal splits; without, the first feature wins.
    pub seed: Option<u64>,
}

impl Default for XgBoost {
    fn default() -> Self {
        Self { rounds: 100, depth: 6, eta: 0.3, lambda: 1.0, least_gain: 1e-6, seed: None }
    }
}

impl Regressor for XgBoost {
    const NAME: &'static str = "XGBoost";
    const LEAST_ROWS: usize = 2;
    type Fitted = Trees;

    fn check(&self) -> Result<(), FitError> {
        let Self { eta, lambda, least_gain, .. } = *self;
        require(Self::NAME, "eta", eta, eta > 0.0, "it must be positive")?;
        require(Self::NAME, "lambda", lambda, lambda >= 0.0, "it must not be negative")?;
        require(Self::NAME, "least_gain", least_gain, least_gain >= 0.0, "it must not be negative")
    }

    fn fit(&self, x: &Matrix, y: &[f64]) -> Result<Trees, FitError> {
        let Self { depth, lambda, least_gain, .. } = *self;
        let grow = Grow { depth: Some(depth), lambda, least_gain };
        let ties = self.seed.map_or(Ties::First, Ties::drawn);
        Ok(Trees::boost(x, y, grow, self.eta, self.rounds, ties))
    }
}

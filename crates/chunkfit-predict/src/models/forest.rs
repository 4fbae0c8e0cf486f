use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use super::tree::{Grow, Ties, Tree};
use super::{Fitted, Regressor, require};
use crate::FitError;
use crate::linalg::Matrix;

/// The mean of full trees, each on as many rows drawn with replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RandomForest {
    /// Number of trees.
    pub trees: usize,
    /// Splits above a leaf at most; none is unlimited.
    pub depth: Option<usize>,
    /// Draws rows, and decides between equal splits.
    pub seed: u64,
}

impl Default for RandomForest {
    fn default() -> Self {
        Self { trees: 100, depth: None, seed: 0 }
    }
}

/// A sum of trees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trees {
    pub(super) base: f64,
    /// Each tree counts this much.
    pub(super) rate: f64,
    pub(super) trees: Vec<Tree>,
}

impl Trees {
    /// Grows `count` trees, each on what the trees before leave over.
    pub(super) fn boost(
        x: &Matrix,
        y: &[f64],
        grow: Grow,
        rate: f64,
        count: usize,
        mut ties: Ties,
    ) -> Self {
        let rows: Vec<usize> = (0..y.len()).collect();
        let base = crate::linalg::mean(y.iter().copied());
        let mut residual: Vec<f64> = y.iter().map(|y| y - base).collect();
        let mut trees = Vec::with_capacity(count);
        for _ in 0..count {
            let tree = grow.tree(x, &residual, &rows, &mut ties);
            residual.iter_mut().zip(x.rows()).for_each(|(r, row)| *r -= rate * tree.predict(row));
            trees.push(tree);
        }
        Self { base, rate, trees }
    }
}

impl Fitted for Trees {
    fn is_sound(&self, width: usize) -> bool {
        self.trees.iter().all(|tree| tree.is_sound(width))
    }

    fn predict(&self, row: &[f64]) -> f64 {
        self.base + self.rate * self.trees.iter().map(|tree| tree.predict(row)).sum::<f64>()
    }
}

impl Regressor for RandomForest {
    const NAME: &'static str = "random forest";
    const LEAST_ROWS: usize = 1;
    type Fitted = Trees;

    fn check(&self) -> Result<(), FitError> {
        require(Self::NAME, "trees", self.trees as f64, self.trees > 0, "it must be positive")
    }

    fn fit(&self, x: &Matrix, y: &[f64]) -> Result<Trees, FitError> {
        let mut rng = StdRng::seed_from_u64(self.seed);
        let mut ties = Ties::drawn(self.seed.wrapping_add(1));
        let grow = Grow::plain(self.depth);
        let trees = (0..self.trees)
            .map(|_| {
                let rows: Vec<usize> = y.iter().map(|_| rng.random_range(0..y.len())).collect();
                grow.tree(x, y, &rows, &mut ties)
            })
            .collect();
        Ok(Trees { base: 0.0, rate: 1.0 / self.trees as f64, trees })
    }
}

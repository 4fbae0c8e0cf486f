use serde::{Deserialize, Serialize};

use super::{Fitted, Regressor, require};
use crate::FitError;
use crate::linalg::{Matrix, squared_distance};

/// The mean target of the nearest rows; of equally near ones, the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearestNeighbours {
    /// Rows to average, or all when there are fewer.
    pub neighbours: usize,
}

impl Default for NearestNeighbours {
    fn default() -> Self {
        Self { neighbours: 5 }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Neighbours {
    count: usize,
    x: Matrix,
    y: Vec<f64>,
}

impl Fitted for Neighbours {
    fn is_sound(&self, width: usize) -> bool {
        self.x.width == width
            && self.x.data.len() == width * self.y.len()
            && (1..=self.y.len()).contains(&self.count)
    }

    fn predict(&self, row: &[f64]) -> f64 {
        let mut near: Vec<(f64, usize)> =
            self.x.rows().enumerate().map(|(i, r)| (squared_distance(r, row), i)).collect();
        near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        near[..self.count].iter().map(|&(_, i)| self.y[i]).sum::<f64>() / self.count as f64
    }
}

impl Regressor for NearestNeighbours {
    const NAME: &'static str = "nearest neighbours";
    const LEAST_ROWS: usize = 1;
    type Fitted = Neighbours;

    fn check(&self) -> Result<(), FitError> {
        let k = self.neighbours;
        require(Self::NAME, "neighbours", k as f64, k > 0, "it must be positive")
    }

    fn fit(&self, x: &Matrix, y: &[f64]) -> Result<Neighbours, FitError> {
        Ok(Neighbours { count: self.neighbours.min(y.len()), x: x.clone(), y: y.to_vec() })
    }
}

use serde::{Deserialize, Serialize};

use crate::linalg::{Cholesky, Matrix, dot};
use crate::models::solve_normal;

/// Sums over rows from which least squares, and its leverage, follow: rows can be added, removed and
/// forgotten.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Normal {
    gram: Matrix,
    moment: Vec<f64>,
}

impl Normal {
    pub(crate) fn new(width: usize) -> Self {
        Self { gram: Matrix::zeros(width, width), moment: vec![0.0; width] }
    }

    /// Adds `weight` times a row; a negative weight removes it.
    pub(crate) fn add(&mut self, row: &[f64], target: f64, weight: f64) {
        for (i, &x) in row.iter().enumerate() {
            self.moment[i] += weight * x * target;
            let scaled = weight * x;
            self.gram.row_mut(i).iter_mut().zip(row).for_each(|(g, y)| *g += scaled * y);
        }
    }

    /// The sums over these columns only.
    pub(crate) fn select(&self, columns: &[usize]) -> Self {
        let row = |&i: &usize| columns.iter().map(move |&j| self.gram.at(i, j));
        Self {
            gram: Matrix { width: columns.len(), data: columns.iter().flat_map(row).collect() },
            moment: columns.iter().map(|&j| self.moment[j]).collect(),
        }
    }

    /// The squared error of `coefficients` over rows whose squared targets sum to `total`.
    pub(crate) fn squared_error(&self, coefficients: &[f64], total: f64) -> f64 {
        let product = self.gram.rows().map(|row| dot(row, coefficients));
        let squares: f64 = product.zip(coefficients).map(|(g, w)| g * w).sum();
        (total - 2.0 * dot(&self.moment, coefficients) + squares).max(0.0)
    }

    /// Every row so far counts `share` of what it did.
    pub(crate) fn forget(&mut self, share: f64) {
        self.gram.data.iter_mut().chain(&mut self.moment).for_each(|sum| *sum *= share);
    }

    /// The non-negative coefficients with the least squared error.
    pub(crate) fn solve(&self) -> Vec<f64> {
        solve_normal(&self.gram, &self.moment)
    }

    pub(crate) fn is_sound(&self, width: usize) -> bool {
        self.moment.len() == width
            && self.gram.width == width
            && self.gram.data.len() == width * width
    }

    /// What computes zᵀ·gram⁻¹·z; `None` when the rows do not determine every coefficient.
    pub(crate) fn leverage(&self) -> Option<Leverage> {
        let p = self.moment.len();
        let scale: Vec<f64> = (0..p).map(|j| self.gram.at(j, j).sqrt()).collect();
        let mut unit = self.gram.clone();
        for i in 0..p {
            for j in 0..p {
                unit.set(i, j, unit.at(i, j) / (scale[i] * scale[j]));
            }
        }
        Some(Leverage { factor: Cholesky::new(&unit)?, scale })
    }
}

/// How far a row is from those of a fit, in units of their spread.
#[derive(Debug)]
pub(crate) struct Leverage {
    factor: Cholesky,
    scale: Vec<f64>,
}

impl Leverage {
    pub(crate) fn of(&self, row: &[f64]) -> f64 {
        let mut z: Vec<f64> = row.iter().zip(&self.scale).map(|(z, s)| z / s).collect();
        self.factor.forward(&mut z);
        dot(&z, &z)
    }
}

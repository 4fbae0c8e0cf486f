use serde::{Deserialize, Serialize};

use super::{Fitted, Regressor, require};
use crate::FitError;
use crate::linalg::{Cholesky, Matrix, dot, squared_distance};

/// A Gaussian process with a Gaussian kernel around the mean of the targets.
///
/// The length scale, in units of √(features), and the share of noise are those of a small grid with the
/// highest marginal likelihood; the variance follows in closed form. Features should be standardised.
///
/// Reference: Rasmussen and Williams, *Gaussian processes for machine learning*, MIT Press 2006,
/// algorithm 2.1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GaussianProcess {
    /// Length scales to try.
    pub lengths: Vec<f64>,
    /// Variances of the noise, relative to that of the process, to try.
    pub noises: Vec<f64>,
}

impl Default for GaussianProcess {
    fn default() -> Self {
        Self {
            lengths: vec![0.25, 0.5, 1.0, 2.0, 4.0, 8.0],
            noises: vec![1e-8, 1e-6, 1e-4, 1e-2, 1e-1],
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Process {
    mean: f64,
    /// Of exp(−gamma·d²).
    gamma: f64,
    x: Matrix,
    weights: Vec<f64>,
}

impl Fitted for Process {
    fn is_sound(&self, width: usize) -> bool {
        self.x.width == width && self.x.data.len() == width * self.weights.len()
    }

    fn predict(&self, row: &[f64]) -> f64 {
        let kernel = |v: &[f64]| (-self.gamma * squared_distance(v, row)).exp();
        self.mean + self.x.rows().zip(&self.weights).map(|(v, w)| w * kernel(v)).sum::<f64>()
    }
}

impl Regressor for GaussianProcess {
    const NAME: &'static str = "Gaussian process";
    const LEAST_ROWS: usize = 2;
    type Fitted = Process;

    fn check(&self) -> Result<(), FitError> {
        for (name, values) in [("lengths", &self.lengths), ("noises", &self.noises)] {
            require(Self::NAME, name, 0.0, !values.is_empty(), "give at least one to try")?;
            for &value in values {
                require(Self::NAME, name, value, value > 0.0, "each must be positive")?;
            }
        }
        Ok(())
    }

    fn fit(&self, x: &Matrix, y: &[f64]) -> Result<Process, FitError> {
        let n = y.len();
        let mean = crate::linalg::mean(y.iter().copied());
        let centred: Vec<f64> = y.iter().map(|y| y - mean).collect();
        let mut distances = Matrix::zeros(n, n);
        for i in 0..n {
            for j in 0..n {
                distances.set(i, j, squared_distance(x.row(i), x.row(j)));
            }
        }
        let mut best: Option<(f64, f64, Vec<f64>)> = None;
        for &length in &self.lengths {
            let gamma = 0.5 / (length * length * x.width as f64);
            for &noise in &self.noises {
                let mut kernel = distances.clone();
                kernel.data.iter_mut().for_each(|d| *d = (-gamma * *d).exp());
                (0..n).for_each(|i| kernel.row_mut(i)[i] += noise);
                let Some(factor) = Cholesky::new(&kernel) else { continue };
                let weights = factor.solve(&centred);
                let variance = (dot(&centred, &weights) / n as f64).max(f64::MIN_POSITIVE);
                let likelihood = -0.5 * (n as f64 * variance.ln() + factor.log_determinant());
                if best.as_ref().is_none_or(|(most, ..)| likelihood > *most) {
                    best = Some((likelihood, gamma, weights));
                }
            }
        }
        let reason = || "no kernel of the grid is positive definite; add a larger noise".to_owned();
        let (_, gamma, weights) =
            best.ok_or_else(|| FitError::Numerical { model: Self::NAME, reason: reason() })?;
        Ok(Process { mean, gamma, x: x.clone(), weights })
    }
}

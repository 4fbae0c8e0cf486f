use serde::{Deserialize, Serialize};

use super::{Fitted, Regressor};
use crate::FitError;
use crate::linalg::{Matrix, Svd, dot, mean};

/// Ordinary least squares with intercept: centred, minimum norm, by singular values.
///
/// Singular values at or below max(rows, columns)·ε·(the largest) count as zero, which decides the answer
/// when columns are nearly dependent, as `numpy.linalg.lstsq(rcond=None)` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Linear {}

/// A weighted sum and an intercept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plane {
    pub(super) weights: Vec<f64>,
    pub(super) intercept: f64,
}

impl Fitted for Plane {
    fn is_sound(&self, width: usize) -> bool {
        self.weights.len() == width
    }

    fn predict(&self, row: &[f64]) -> f64 {
        self.intercept + dot(&self.weights, row)
    }
}

/// Columns and target without their means.
pub(super) struct Centred {
    pub(super) x: Matrix,
    pub(super) y: Vec<f64>,
    x_mean: Vec<f64>,
    y_mean: f64,
}

impl Centred {
    pub(super) fn new(x: &Matrix, y: &[f64]) -> Self {
        let x_mean: Vec<f64> = (0..x.width).map(|j| mean(x.column(j))).collect();
        let y_mean = mean(y.iter().copied());
        let mut centred = x.clone();
        for i in 0..x.height() {
            centred.row_mut(i).iter_mut().zip(&x_mean).for_each(|(v, m)| *v -= m);
        }
        Self { x: centred, y: y.iter().map(|v| v - y_mean).collect(), x_mean, y_mean }
    }

    /// The plane with these weights through the means.
    pub(super) fn plane(&self, weights: Vec<f64>) -> Plane {
        let intercept = self.y_mean - dot(&weights, &self.x_mean);
        Plane { weights, intercept }
    }
}

impl Regressor for Linear {
    const NAME: &'static str = "linear regression";
    const LEAST_ROWS: usize = 2;
    type Fitted = Plane;

    fn fit(&self, x: &Matrix, y: &[f64]) -> Result<Plane, FitError> {
        least_squares(Self::NAME, x, y)
    }
}

pub(super) fn least_squares(model: &'static str, x: &Matrix, y: &[f64]) -> Result<Plane, FitError> {
    let centred = Centred::new(x, y);
    let svd = Svd::new(model, &centred.x)?;
    let cutoff = svd.cutoff();
    let z: Vec<f64> = svd
        .project(&centred.y)
        .into_iter()
        .zip(&svd.s)
        .map(|(p, &s)| if s > cutoff { p / s } else { 0.0 })
        .collect();
    Ok(centred.plane(svd.combine(&z)))
}

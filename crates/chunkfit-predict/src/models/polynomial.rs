use serde::{Deserialize, Serialize};

use super::linear::{Plane, least_squares};
use super::{Fitted, Regressor};
use crate::FitError;
use crate::linalg::Matrix;

/// Least squares on all features and all products of two, without a constant: `p` features become
/// `p·(p+3)/2` columns.
///
/// Far outside its rows it is wrong by any factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Polynomial {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Quadric(Plane);

fn expand(row: &[f64]) -> Vec<f64> {
    let mut out = row.to_vec();
    for (j, a) in row.iter().enumerate() {
        out.extend(row[j..].iter().map(|b| a * b));
    }
    out
}

impl Fitted for Quadric {
    fn is_sound(&self, width: usize) -> bool {
        self.0.is_sound(width * (width + 3) / 2)
    }

    fn predict(&self, row: &[f64]) -> f64 {
        self.0.predict(&expand(row))
    }
}

impl Regressor for Polynomial {
    const NAME: &'static str = "polynomial regression";
    const LEAST_ROWS: usize = 3;
    type Fitted = Quadric;

    fn fit(&self, x: &Matrix, y: &[f64]) -> Result<Quadric, FitError> {
        let width = x.width * (x.width + 3) / 2;
        let rows: Vec<Vec<f64>> = x.rows().map(expand).collect();
        let wide = Matrix::from_rows(width, rows.iter().map(Vec::as_slice));
        least_squares(Self::NAME, &wide, y).map(Quadric)
    }
}

use crate::FitError;
use crate::linalg::Matrix;

/// Rows to learn from: named columns, finite numbers, one target each. Valid by construction.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    names: Vec<String>,
    x: Matrix,
    y: Vec<f64>,
}

impl Rows {
    /// `features[i]` belongs to `targets[i]` and is as wide as `names`.
    ///
    /// # Errors
    ///
    /// When there is no row or no column, a width or the number of targets differs, or a number is NaN
    /// or infinite.
    pub fn new(
        names: Vec<String>,
        features: &[Vec<f64>],
        targets: &[f64],
    ) -> Result<Self, FitError> {
        if features.is_empty() || names.is_empty() {
            return Err(FitError::TooFewRows { model: "a fit", needed: 1, got: 0 });
        }
        if features.len() != targets.len() {
            return Err(FitError::TargetCount { rows: features.len(), targets: targets.len() });
        }
        for (row, (values, &target)) in features.iter().zip(targets).enumerate() {
            check_row(&names, row, values)?;
            if !target.is_finite() {
                let column = "target".to_owned();
                return Err(FitError::NotFinite { row, column, value: target.to_string() });
            }
        }
        let x = Matrix::from_rows(names.len(), features.iter().map(Vec::as_slice));
        Ok(Self { names, x, y: targets.to_vec() })
    }

    /// Names of the columns.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The targets.
    #[must_use]
    pub fn targets(&self) -> &[f64] {
        &self.y
    }

    /// The features of a row.
    #[must_use]
    pub fn row(&self, index: usize) -> &[f64] {
        self.x.row(index)
    }

    pub(crate) fn x(&self) -> &Matrix {
        &self.x
    }
}

/// Checks the width and the numbers of one row.
pub(crate) fn check_row(names: &[String], row: usize, values: &[f64]) -> Result<(), FitError> {
    if values.len() != names.len() {
        return Err(FitError::WrongWidth { row, expected: names.len(), got: values.len() });
    }
    match values.iter().zip(names).find(|(value, _)| !value.is_finite()) {
        Some((value, name)) => {
            Err(FitError::NotFinite { row, column: name.clone(), value: value.to_string() })
        }
        None => Ok(()),
    }
}

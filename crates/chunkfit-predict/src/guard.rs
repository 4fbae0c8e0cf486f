use serde::{Deserialize, Serialize};

use crate::linalg::{Matrix, mean, variance};
use crate::models::Learnt;
use crate::rows::check_row;
use crate::{FitError, Model, Rows};

/// Whether features and targets are brought to mean 0 and deviation 1 before a fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// Both, in f64; predictions are scaled back.
    #[default]
    Standard,
    /// Neither: the numbers as they are.
    Raw,
}

/// What becomes of a feature that is the same in every row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConstantColumns {
    /// An error that names it.
    #[default]
    Refuse,
    /// It stays, for models that cope with it; scaled, it is 0.
    Keep,
}

/// The one door to every regressor: what is wrong with the input is an error, never a panic.
///
/// ```
/// use chunkfit_predict::{Guard, Linear, Model, Rows};
///
/// let names = vec!["volume".to_owned()];
/// let rows = Rows::new(names, &[vec![1.0], vec![2.0], vec![4.0]], &[13.0, 23.0, 43.0])?;
/// let fitted = Guard::new(Model::Linear(Linear {})).fit(&rows)?;
/// assert!((fitted.predict(&[10.0])? - 103.0).abs() < 1e-9);
/// assert!(fitted.predict(&[10.0, 1.0]).is_err());
/// # Ok::<(), chunkfit_predict::FitError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    /// The regressor.
    pub model: Model,
    /// Scaling of features and targets.
    pub scaling: Scaling,
    /// What becomes of constant features.
    pub constants: ConstantColumns,
}

impl Guard {
    /// `model` on standardised features, without constant ones; non-negative least squares, which has no
    /// intercept and needs positive targets, on the numbers as they are.
    #[must_use]
    pub const fn new(model: Model) -> Self {
        let scaling = match model {
            Model::NonNegative(_) => Scaling::Raw,
            _ => Scaling::Standard,
        };
        Self { model, scaling, constants: ConstantColumns::Refuse }
    }

    /// `model` as the thesis uses it: constant features stay, and only the network and the Gaussian
    /// process see scaled numbers.
    #[must_use]
    pub const fn thesis(model: Model) -> Self {
        let scaling = match model {
            Model::NeuralNetwork(_) | Model::GaussianProcess(_) => Scaling::Standard,
            _ => Scaling::Raw,
        };
        Self { model, scaling, constants: ConstantColumns::Keep }
    }

    /// Learns from `rows`. The same rows give the same fit, bit for bit.
    ///
    /// # Errors
    ///
    /// When there are too few rows, a feature is constant and constants are refused, a hyper-parameter
    /// is out of range, or the numerics fail.
    pub fn fit(&self, rows: &Rows) -> Result<FittedModel, FitError> {
        let (x, y) = (rows.x(), rows.targets());
        let (needed, got) = (self.model.least_rows(), y.len());
        if got < needed {
            return Err(FitError::TooFewRows { model: self.model.name(), needed, got });
        }
        if self.constants == ConstantColumns::Refuse && got > 1 {
            for (j, name) in rows.names().iter().enumerate() {
                let value = x.at(0, j);
                if x.column(j).all(|v| v == value) {
                    return Err(FitError::Constant { column: name.clone(), value });
                }
            }
        }
        let scale = match self.scaling {
            Scaling::Standard => Scale::new(x, y),
            Scaling::Raw => Scale::none(x.width),
        };
        let mut scaled = x.clone();
        for i in 0..got {
            scale.apply(scaled.row_mut(i));
        }
        let targets: Vec<f64> = y.iter().map(|&y| scale.target.forward(y)).collect();
        let learnt = self.model.learn(&scaled, &targets)?;
        Ok(FittedModel { guard: self.clone(), names: rows.names().to_vec(), scale, learnt })
    }
}

/// A fitted regressor: own plain data, which reads back to the same predictions, bit for bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedModel {
    guard: Guard,
    names: Vec<String>,
    scale: Scale,
    learnt: Learnt,
}

impl FittedModel {
    /// The regressor and how it was fitted.
    #[must_use]
    pub const fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Names of the features, in order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The prediction for one row, in the unit of the targets.
    ///
    /// # Errors
    ///
    /// When the row has another width than those of the fit, holds NaN or infinity, or is so far outside
    /// them that the prediction overflows.
    pub fn predict(&self, row: &[f64]) -> Result<f64, FitError> {
        check_row(&self.names, 0, row)?;
        let mut scaled = row.to_vec();
        self.scale.apply(&mut scaled);
        let value = self.scale.target.backward(self.learnt.predict(&scaled));
        if value.is_finite() {
            return Ok(value);
        }
        let column = "the prediction".to_owned();
        Err(FitError::NotFinite { row: 0, column, value: value.to_string() })
    }

    /// Reads what `serde_json::to_string` wrote.
    ///
    /// # Errors
    ///
    /// When the text is no fitted model, or its parts do not belong together.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let model: Self = serde_json::from_str(text)?;
        if model.scale.features.len() == model.names.len()
            && model.learnt.is_sound(model.names.len())
        {
            return Ok(model);
        }
        Err(serde::de::Error::custom("the parts of the model have different widths"))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Centre {
    mean: f64,
    deviation: f64,
}

impl Centre {
    const NONE: Self = Self { mean: 0.0, deviation: 1.0 };

    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let deviation = variance(values.clone()).sqrt();
        Self { mean: mean(values), deviation: if deviation > 0.0 { deviation } else { 1.0 } }
    }

    fn forward(self, value: f64) -> f64 {
        (value - self.mean) / self.deviation
    }

    fn backward(self, value: f64) -> f64 {
        value * self.deviation + self.mean
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Scale {
    features: Vec<Centre>,
    target: Centre,
}

impl Scale {
    fn new(x: &Matrix, y: &[f64]) -> Self {
        let features = (0..x.width).map(|j| Centre::of(x.column(j))).collect();
        Self { features, target: Centre::of(y.iter().copied()) }
    }

    fn none(width: usize) -> Self {
        Self { features: vec![Centre::NONE; width], target: Centre::NONE }
    }

    fn apply(&self, row: &mut [f64]) {
        row.iter_mut()
            .zip(&self.features)
            .for_each(|(value, centre)| *value = centre.forward(*value));
    }
}

//! The regressors, one file each.

mod bayesian_ridge;
mod elastic_net;
mod forest;
mod gaussian_process;
mod gradient_boosting;
mod knn;
mod linear;
mod mlp;
mod nnls;
mod polynomial;
mod ridge;
mod svr;
mod tree;
mod xgboost;

use serde::{Deserialize, Serialize};

use crate::FitError;
use crate::linalg::Matrix;

pub use bayesian_ridge::BayesianRidge;
pub use elastic_net::ElasticNet;
pub use forest::RandomForest;
pub use gaussian_process::GaussianProcess;
pub use gradient_boosting::GradientBoosting;
pub use knn::NearestNeighbours;
pub use linear::Linear;
pub use mlp::NeuralNetwork;
pub use nnls::NonNegative;
pub(crate) use nnls::solve_normal;
pub use polynomial::Polynomial;
pub use ridge::Ridge;
pub use svr::SupportVectors;
pub use tree::DecisionTree;
pub(crate) use tree::{Grow, Ties};
pub use xgboost::XgBoost;

/// Learns from rows. The rows are finite, of one width, and at least [`LEAST_ROWS`](Self::LEAST_ROWS).
pub(crate) trait Regressor {
    /// The name, for messages and files.
    const NAME: &'static str;
    /// Fewer rows determine nothing.
    const LEAST_ROWS: usize;
    /// What is learnt.
    type Fitted: Fitted;

    /// The first hyper-parameter that is out of range.
    fn check(&self) -> Result<(), FitError> {
        Ok(())
    }

    fn fit(&self, x: &Matrix, y: &[f64]) -> Result<Self::Fitted, FitError>;
}

/// Answers for one row of the width of the fit.
pub(crate) trait Fitted {
    /// Whether the parts belong together and `width` is that of the fit: for what was read from a file.
    fn is_sound(&self, width: usize) -> bool;

    fn predict(&self, row: &[f64]) -> f64;
}

macro_rules! models {
    ($($(#[$doc:meta])* $kind:ident;)+) => {
        /// A regressor with its hyper-parameters.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Model {
            $($(#[$doc])* $kind($kind),)+
        }

        /// What a regressor has learnt.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum Learnt {
            $($kind(<$kind as Regressor>::Fitted),)+
        }

        impl Model {
            /// Every model with its default hyper-parameters.
            #[must_use]
            pub fn all() -> Vec<Self> {
                vec![$(Self::$kind($kind::default()),)+]
            }

            /// The name.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => $kind::NAME,)+
                }
            }

            /// Fewer rows are refused.
            #[must_use]
            pub const fn least_rows(&self) -> usize {
                match self {
                    $(Self::$kind(_) => $kind::LEAST_ROWS,)+
                }
            }

            pub(crate) fn learn(&self, x: &Matrix, y: &[f64]) -> Result<Learnt, FitError> {
                match self {
                    $(Self::$kind(model) => {
                        model.check()?;
                        model.fit(x, y).map(Learnt::$kind)
                    })+
                }
            }
        }

        impl Learnt {
            /// Whether it can be asked about rows of `width` features without a panic.
            pub(crate) fn is_sound(&self, width: usize) -> bool {
                match self {
                    $(Self::$kind(fitted) => fitted.is_sound(width),)+
                }
            }

            pub(crate) fn predict(&self, row: &[f64]) -> f64 {
                match self {
                    $(Self::$kind(fitted) => fitted.predict(row),)+
                }
            }
        }
    };
}

models! {
    /// Ordinary least squares.
    Linear;
    /// Least squares on all products of two features.
    Polynomial;
    /// Least squares with a squared penalty.
    Ridge;
    /// Least squares with an absolute and a squared penalty.
    ElasticNet;
    /// Ridge whose penalty is estimated from the rows.
    BayesianRidge;
    /// One regression tree.
    DecisionTree;
    /// The mean of trees on bootstrapped rows.
    RandomForest;
    /// Shallow trees, each on the residual of those before.
    GradientBoosting;
    /// Boosting with regularised leaves.
    XgBoost;
    /// ε-insensitive regression with a Gaussian kernel.
    SupportVectors;
    /// The mean of the nearest rows.
    NearestNeighbours;
    /// A Gaussian process.
    GaussianProcess;
    /// A network with one hidden layer.
    NeuralNetwork;
    /// Least squares with coefficients that are not negative.
    NonNegative;
}

/// `Ok` when `value` is finite and `holds`.
fn require(
    model: &'static str,
    name: &'static str,
    value: f64,
    holds: bool,
    rule: &'static str,
) -> Result<(), FitError> {
    if value.is_finite() && holds {
        Ok(())
    } else {
        Err(FitError::Parameter { model, name, value, rule })
    }
}

//! Predict the peak memory of a task from the shape of its block.
//!
//! Give it what was measured, rows of `(block, peak)`; get the peak of a larger block, a bound on it, and
//! the largest block for a budget:
//!
//! ```
//! use chunkfit_core::{ByteSize, MemoryModel, Regime, Shape};
//! use chunkfit_predict::{Ladder, Observation, Ray, invert};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Three blocks that were run: 28 live bytes per voxel, and 1000.
//! let rows = [([5, 7, 11], 11_780), ([5, 7, 22], 22_560), ([10, 14, 22], 87_240)];
//! let seen = rows.map(|(block, peak)| Shape::new(block).map(|b| Observation::live_heap(b, ByteSize::new(peak))));
//! let seen = seen.into_iter().collect::<Result<Vec<_>, _>>()?;
//! let model = Ladder::new().fit(&seen)?;
//!
//! let block = Shape::new([50, 70, 110])?;
//! let task = model.predict(block, block);
//! assert!((task.peak.as_f64() / 10_781_000.0 - 1.0).abs() < 1e-6);
//! assert!(task.upper >= task.peak && task.regime == Regime::Extrapolated);
//!
//! let largest = invert(&model, ByteSize::mib(100), &Ray::cubes(1000).unwrap(), |block| block);
//! assert_eq!(largest, Some(Shape::new([154; 3])?));
//! # Ok(())
//! # }
//! ```
//!
//! # What is here
//!
//! - [`Observation`]s, read from and written to [CSV](read_csv), [`aggregate`]d by their maximum;
//! - the [`Ladder`]: from a declared ledger over a constant and a volume to corners inside the readings,
//!   as much model as the readings pay for. A [`Fitted`] ladder is a [`MemoryModel`], never decreases when
//!   an extent grows, and states the regime and the [`Coverage`] of its bound;
//! - [`ExperimentDesign`]: which blocks to run next, and when to stop;
//! - [`Watch`]: an alarm when the tasks of a run leave the model; [`Online`]: one that follows them;
//!   [`remember`]: the readings that are worth keeping;
//! - [`SavedModel`]: one JSON document that knows when it is stale;
//! - [`search`]: a seeded, resumable search for hyper-parameters, by goals that never see the reported rows;
//! - fourteen regressors behind one [`Guard`], the [features](FeatureMap::thesis), the [split](Split) and
//!   the [metrics](Metrics) of the thesis, to reproduce its numbers.
//!
//! [`MemoryModel`]: chunkfit_core::MemoryModel
//!
//! # What is not
//!
//! Nothing is measured and no process is started here. The regressors are for comparison: a tree does not
//! extrapolate, and choosing blocks is mostly extrapolation. An operator that declares its bytes needs no
//! fit: `chunkfit_core::Ledger` is a model already.

mod drift;
mod error;
mod experiment;
mod features;
mod guard;
mod invert;
mod ladder;
mod linalg;
mod metrics;
mod models;
mod normal;
mod observation;
mod online;
mod rows;
mod saved;
pub mod search;
mod split;
mod table;

pub use drift::{Drift, Watch};
pub use error::FitError;
pub use experiment::{ExperimentDesign, Next, Reason};
pub use features::{
    Feature, FeatureMap, Term, Thesis, Unit, next_fast_length, spread_of_lateral_extents,
};
pub use guard::{ConstantColumns, FittedModel, Guard, Scaling};
pub use invert::{Ray, invert};
pub use ladder::{Coverage, Fitted, Form, Ladder, Rung, Step, Sum};
pub use metrics::{Metrics, ScoreWeights};
pub use models::{
    BayesianRidge, DecisionTree, ElasticNet, GaussianProcess, GradientBoosting, Linear, Model,
    NearestNeighbours, NeuralNetwork, NonNegative, Polynomial, RandomForest, Ridge, SupportVectors,
    XgBoost,
};
pub use observation::{Disturbance, Dtype, Observation, Origin, Peak, Scope, aggregate, remember};
pub use online::{Online, Verdict};
pub use rows::Rows;
pub use saved::{Identity, SAVED_SCHEMA, SavedError, SavedModel};
pub use split::{Split, permutation};
pub use table::{COLUMNS, TableError, read_csv, write_csv};

//! Named numbers computed from the shape of a task.

mod lengths;
mod term;
mod thesis;

use chunkfit_core::Shape;
use serde::{Deserialize, Serialize};

pub use lengths::next_fast_length;
pub use term::Term;
pub use thesis::{Thesis, spread_of_lateral_extents};

/// What a feature counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Elements along a line.
    Elements,
    /// Elements of a face: a product of two extents.
    FaceElements,
    /// Elements of a volume.
    Voxels,
    /// A product of two volumes.
    SquaredVoxels,
    /// A logarithm of a count, or a product of such.
    Logarithm,
    /// A quotient of two like counts, or the number 1.
    Ratio,
}

/// One number about a task.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// A term of a memory ledger: never decreases when an extent grows.
    Term(Term),
    /// A feature of the thesis: of the block alone, and some decrease.
    Thesis(Thesis),
}

impl Feature {
    /// The name, unique within any map of this crate.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Term(term) => term.to_string(),
            Self::Thesis(thesis) => thesis.name().to_owned(),
        }
    }

    /// What it counts.
    #[must_use]
    pub const fn unit(&self) -> Unit {
        match self {
            Self::Term(term) => term.unit(),
            Self::Thesis(thesis) => thesis.unit(),
        }
    }

    /// Its value for a task.
    #[must_use]
    pub fn eval(&self, block: Shape, core: Shape) -> f64 {
        match self {
            Self::Term(term) => term.eval(block, core),
            Self::Thesis(thesis) => thesis.eval(block),
        }
    }

    /// Whether it never decreases when an extent of the block or the core grows.
    #[must_use]
    pub const fn is_monotone(&self) -> bool {
        matches!(self, Self::Term(_))
    }
}

/// An ordered set of features: the columns of a design.
///
/// ```
/// use chunkfit_core::Shape;
/// use chunkfit_predict::FeatureMap;
///
/// let block = Shape::new([5, 7, 11])?;
/// let map = FeatureMap::thesis(&[block]);
/// assert_eq!(map.features().len(), 23);
/// assert_eq!(map.names()[3], "volume");
/// assert_eq!(map.eval(block, block)[3], 385.0);
/// # Ok::<(), chunkfit_core::ShapeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FeatureMap {
    features: Vec<Feature>,
}

impl FeatureMap {
    /// A map of `features`, in this order.
    #[must_use]
    pub const fn new(features: Vec<Feature>) -> Self {
        Self { features }
    }

    /// The 23 features of the thesis. `all` are the blocks of all operators together, from which the
    /// one feature that looks across rows is computed.
    #[must_use]
    pub fn thesis(all: &[Shape]) -> Self {
        let features = Thesis::all(spread_of_lateral_extents(all));
        Self { features: features.into_iter().map(Feature::Thesis).collect() }
    }

    /// Every term of a ledger that is known without a declared halo.
    #[must_use]
    pub fn terms() -> Self {
        Self { features: Term::free().into_iter().map(Feature::Term).collect() }
    }

    /// The features.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.features.iter().map(Feature::name).collect()
    }

    /// One row of a design.
    #[must_use]
    pub fn eval(&self, block: Shape, core: Shape) -> Vec<f64> {
        self.features.iter().map(|feature| feature.eval(block, core)).collect()
    }
}

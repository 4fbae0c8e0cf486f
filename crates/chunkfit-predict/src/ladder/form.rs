use chunkfit_core::Shape;
use serde::{Deserialize, Serialize};

use crate::Term;

/// A non-negative sum of terms, in bytes: never decreases when an extent grows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sum {
    /// Terms and the bytes per unit of each.
    terms: Vec<(Term, f64)>,
}

impl Sum {
    /// Terms without bytes are left out.
    pub(crate) fn new(terms: impl IntoIterator<Item = (Term, f64)>) -> Self {
        Self { terms: terms.into_iter().filter(|(_, bytes)| *bytes > 0.0).collect() }
    }

    /// The terms, and the bytes per unit of each.
    #[must_use]
    pub fn terms(&self) -> &[(Term, f64)] {
        &self.terms
    }

    pub(crate) fn eval(&self, block: Shape, core: Shape) -> f64 {
        self.terms.iter().map(|(term, bytes)| bytes * term.eval(block, core)).sum()
    }

    /// Without any task.
    fn at_rest(&self) -> f64 {
        self.terms.iter().filter(|(term, _)| *term == Term::One).map(|(_, bytes)| bytes).sum()
    }

    fn is_sound(&self) -> bool {
        self.terms.iter().all(|(_, bytes)| bytes.is_finite() && *bytes >= 0.0)
    }
}

/// Bytes as a function of shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Form {
    /// One sum.
    Sum(Sum),
    /// The larger of two phases.
    Larger(Sum, Sum),
    /// A sum, and memory that an allocator keeps only of buffers up to a size.
    Step(Step),
}

/// Up to `limit` voxels the allocator keeps `kept` bytes of each; above, it returns the buffer at once.
///
/// The peak would fall there. So that it never decreases, it stays at least at `plateau`, the most that
/// any block up to the limit can need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    sum: Sum,
    kept: f64,
    limit: usize,
    plateau: f64,
}

impl Step {
    /// `None` when a term of `sum` can exceed the voxels of the block, and with it any plateau.
    pub(crate) fn new(sum: Sum, kept: f64, limit: usize) -> Option<Self> {
        let most = |term: &Term| if *term == Term::One { 1.0 } else { limit as f64 };
        let bounded = sum.terms.iter().all(|(term, _)| term.is_at_most_the_block());
        let plateau: f64 = sum.terms.iter().map(|(term, bytes)| bytes * most(term)).sum();
        bounded.then_some(Self { plateau: plateau + kept * limit as f64, sum, kept, limit })
    }

    fn eval(&self, block: Shape, core: Shape) -> f64 {
        let sum = self.sum.eval(block, core);
        if block.voxels() <= self.limit {
            sum + self.kept * block.voxels() as f64
        } else {
            sum.max(self.plateau)
        }
    }
}

impl Form {
    pub(crate) fn eval(&self, block: Shape, core: Shape) -> f64 {
        match self {
            Self::Sum(sum) => sum.eval(block, core),
            Self::Larger(a, b) => a.eval(block, core).max(b.eval(block, core)),
            Self::Step(step) => step.eval(block, core),
        }
    }

    pub(crate) fn at_rest(&self) -> f64 {
        match self {
            Self::Sum(sum) => sum.at_rest(),
            Self::Larger(a, b) => a.at_rest().max(b.at_rest()),
            Self::Step(step) => step.sum.at_rest(),
        }
    }

    /// What can be reweighted as readings arrive: the terms of a sum; of any other form the whole of it,
    /// and a constant. Calls `see` with the position and the value of each.
    pub(crate) fn features(&self, block: Shape, core: Shape, mut see: impl FnMut(usize, f64)) {
        match self {
            Self::Sum(sum) => {
                let values = sum.terms.iter().map(|(term, _)| term.eval(block, core));
                values.enumerate().for_each(|(j, value)| see(j, value));
            }
            _ => {
                see(0, self.eval(block, core));
                see(1, 1.0);
            }
        }
    }

    /// The features of a process at rest.
    pub(crate) fn rest_features(&self, mut see: impl FnMut(usize, f64)) {
        match self {
            Self::Sum(sum) => {
                for (j, (term, _)) in sum.terms.iter().enumerate() {
                    see(j, f64::from(u8::from(*term == Term::One)));
                }
            }
            _ => {
                see(0, self.at_rest());
                see(1, 1.0);
            }
        }
    }

    /// The weights of [`features`](Self::features) that give the form itself.
    pub(crate) fn weights(&self) -> Vec<f64> {
        match self {
            Self::Sum(sum) => sum.terms.iter().map(|(_, bytes)| *bytes).collect(),
            _ => vec![1.0, 0.0],
        }
    }

    /// Coefficients that the form has taken from readings.
    pub(crate) fn coefficients(&self) -> usize {
        match self {
            Self::Sum(sum) => sum.terms.len(),
            Self::Larger(a, b) => a.terms.len() + b.terms.len(),
            Self::Step(step) => step.sum.terms.len() + usize::from(step.kept > 0.0),
        }
    }

    /// What was read from a file must still be monotone.
    pub(crate) fn is_sound(&self) -> bool {
        match self {
            Self::Sum(sum) => sum.is_sound(),
            Self::Larger(a, b) => a.is_sound() && b.is_sound(),
            Self::Step(Step { sum, kept, limit, plateau }) => {
                let again = Step::new(sum.clone(), *kept, *limit);
                sum.is_sound() && *kept >= 0.0 && again.is_some_and(|step| *plateau >= step.plateau)
            }
        }
    }
}

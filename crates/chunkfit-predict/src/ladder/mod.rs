//! From a declared ledger to trees: as much model as the readings pay for.

mod bound;
mod climb;
mod corners;
mod design;
mod envelope;
mod evidence;
mod fitted;
mod form;
mod recipe;

use std::fmt;

use chunkfit_core::{ByteSize, Halo, MemoryModel};
use serde::{Deserialize, Serialize};

pub(crate) use fitted::Parts;
pub use fitted::{Coverage, Fitted};
pub use form::{Form, Step, Sum};

use crate::normal::Normal;
use crate::{FitError, Observation, Scope, aggregate};
use bound::Margin;
use climb::{Candidate, climb};
use design::Design;
use evidence::residuals;

/// The rungs, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Rung {
    /// The declared ledger; nothing was read.
    Declared,
    /// The declared ledger and a measured base.
    Base,
    /// A constant and the voxels of the block.
    Line,
    /// And a volume of the declared halo, or of the core.
    Halo,
    /// A few of many terms.
    Sparse,
    /// And what an allocator keeps of small buffers.
    AllocatorStep,
    /// The larger of two phases.
    Phases,
    /// The terms from above every reading.
    Envelope,
    /// The form below, between corners at the readings that a Gaussian process has smoothed.
    GaussianProcess,
    /// The same with a tree of three splits.
    Trees,
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Declared => "declared ledger",
            Self::Base => "ledger with measured base",
            Self::Line => "constant and volume",
            Self::Halo => "volume and halo",
            Self::Sparse => "sparse terms",
            Self::AllocatorStep => "allocator step",
            Self::Phases => "two phases",
            Self::Envelope => "upper envelope",
            Self::GaussianProcess => "Gaussian process inside the readings",
            Self::Trees => "tree inside the readings",
        })
    }
}

/// Fits readings of one operator, and says how much to believe.
///
/// Starts at the lowest rung that can be fitted and climbs only when a rung is better by more than two
/// units of Akaike's corrected criterion **and** predicts readings that it has not seen better: each next
/// larger volume from the smaller ones, and each reading from the others. Fewer terms win ties. Disturbed
/// readings are not used.
///
/// **Monotone.** Every rung is a sum, or the larger, of terms that never decrease with coefficients that
/// are not negative.
#[derive(Clone, Copy)]
pub struct Ladder<'a> {
    ledger: Option<&'a (dyn MemoryModel + Sync)>,
    halo: Option<Halo>,
    alpha: f64,
    slack: Option<ByteSize>,
}

impl fmt::Debug for Ladder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ladder")
            .field("ledger", &self.ledger.is_some())
            .field("halo", &self.halo)
            .field("alpha", &self.alpha)
            .field("slack", &self.slack)
            .finish()
    }
}

impl Default for Ladder<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Ladder<'a> {
    /// For a program of which nothing is known; bounds that hold for 99 % of tasks.
    #[must_use]
    pub const fn new() -> Self {
        Self { ledger: None, halo: None, alpha: 0.01, slack: None }
    }

    /// With the heap bytes that the operator declares, base excluded.
    #[must_use]
    pub const fn with_ledger(mut self, ledger: &'a (dyn MemoryModel + Sync)) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// With the halo that the operator declares: its width along each axis becomes a term.
    #[must_use]
    pub const fn with_halo(mut self, halo: Halo) -> Self {
        self.halo = Some(halo);
        self
    }

    /// With bounds that a share `alpha` of tasks may exceed, between 1e-6 and 0.5.
    #[must_use]
    pub const fn with_alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha.clamp(1e-6, 0.5);
        self
    }

    /// With `slack` added to every bound, for what few readings do not show of what allocators keep and of
    /// how far counters are off. By default nothing for live bytes of the heap, 256 KiB for a resident
    /// high-water mark and 512 KiB for a control group.
    #[must_use]
    pub const fn with_slack(mut self, slack: ByteSize) -> Self {
        self.slack = Some(slack);
        self
    }

    /// Fits `observations`; repeats count with their maximum.
    ///
    /// # Errors
    ///
    /// When observations differ in dtype, scope, machine or allocator, or, without a ledger, fewer than
    /// two distinct volumes (the base counts as one) were measured undisturbed.
    pub fn fit(&self, observations: &[Observation]) -> Result<Fitted<'a>, FitError> {
        let design = Design::new(&aggregate(observations), self.ledger, self.halo.as_ref())?;
        let candidate = climb(&design, self.ledger.is_some())?;
        let margin = Margin::new(&design, &candidate, self.alpha);
        let default_slack = match design.scope {
            Scope::LiveHeap => ByteSize::ZERO,
            Scope::HighWater => ByteSize::kib(256),
            Scope::Cgroup => ByteSize::kib(512),
        };
        let dominated = |p: &design::Point| p.task.is_none() || p.peak <= p.declared;
        let ledger_holds = self.ledger.is_some()
            && design.scope == Scope::LiveHeap
            && design.points.iter().all(dominated)
            && design.censored.is_empty();
        let (normal, deviation) = sums(&design, &candidate);
        let parts = Parts {
            normal,
            deviation,
            rung: candidate.rung,
            on_ledger: candidate.recipe.is_on_ledger(),
            ledger_holds,
            form: candidate.form,
            corners: candidate.corners,
            margin,
            alpha: self.alpha,
            slack: self.slack.unwrap_or(default_slack),
        };
        Ok(Fitted::new(parts, self.ledger))
    }
}

/// The sums from which an update goes on, and the deviation of the residuals.
fn sums(design: &Design, candidate: &Candidate) -> (Normal, f64) {
    let width = candidate.form.weights().len();
    let mut normal = Normal::new(width);
    let mut row = vec![0.0; width];
    for point in &design.points {
        row.fill(0.0);
        match point.task {
            Some((block, core)) => {
                candidate.form.features(block, core, |j, value| row[j] = value / point.peak);
            }
            // At rest only the constant is held.
            None => candidate.form.rest_features(|j, value| row[j] = value / point.peak),
        }
        let declared = if candidate.recipe.is_on_ledger() { point.declared } else { 0.0 };
        normal.add(&row, 1.0 - declared / point.peak, 1.0);
    }
    let residuals = residuals(design, &candidate.recipe, &candidate.form);
    let squares: f64 = residuals.iter().map(|r| r * r).sum();
    (normal, (squares / residuals.len().max(1) as f64).sqrt())
}

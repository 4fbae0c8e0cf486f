use chunkfit_core::Shape;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::climb::Candidate;
use super::design::{Design, Point};
use super::evidence::{predicted_at, residuals};
use super::form::Form;
use super::recipe::{Recipe, normal};
use crate::{Scope, Term};

/// Doublings of the largest profiled volume for which leverage is tabulated; beyond, the last one holds.
const OCTAVES: usize = 16;

/// Added to every fitted prediction: what small samples do not show.
const FLOOR: f64 = 0.01;

/// The relative deviation of a reading when no reading is left to estimate it from: half a percent.
const ASSUMED_DEVIATION: f64 = 0.005;

/// What is known of resident marks before any is read: on a ledger they deviate by this many bytes, and
/// that is worth so many readings.
const KNOWN_DEVIATION: f64 = (256 * 1024) as f64;
const KNOWN_READINGS: f64 = 2.0;

/// How far above a prediction the bound lies.
///
/// `upper = peak·(1 + margin)`. The margin is 1 %, plus the worst that a left-out reading lay above its
/// prediction, plus the quantile of Student's t times the residual deviation times √(1 + leverage). The
/// leverage is tabulated over doublings of the volume, each the worst of several shapes and none below
/// the one before, so that the bound never decreases.
///
/// On a declared ledger only a constant was fitted, so its uncertainty is one of bytes and does not grow
/// with the block: the margin is the larger of 1 % and of the limit below which one more task lies, the
/// quantile times the deviation of tasks from their mean times √(1 + 1/n). Of resident marks something is
/// known beforehand, so that a second reading does not mean a quantile of 32 deviations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Margin {
    /// By doublings of the volume, the first for volumes up to `volume`.
    by_octave: Vec<f64>,
    /// At least this is added, in bytes.
    least_bytes: f64,
    /// The largest volume among the readings.
    volume: usize,
    /// The largest extents among the readings, each on its own.
    pub(super) extents: [usize; 3],
    /// Tasks that were read.
    pub(super) readings: usize,
}

impl Margin {
    /// Nothing was read: nothing is added to the ledger.
    fn none() -> Self {
        Self { by_octave: vec![0.0], least_bytes: 0.0, volume: 1, extents: [0; 3], readings: 0 }
    }

    pub(super) fn new(design: &Design, candidate: &Candidate, alpha: f64) -> Self {
        let tasks: Vec<(Shape, Shape)> = design.points.iter().filter_map(|p| p.task).collect();
        let Some(volume) = tasks.iter().map(|(block, _)| block.voxels()).max() else {
            return Self::none();
        };
        let mut extents = [0; 3];
        for (block, _) in &tasks {
            for (most, n) in extents.iter_mut().zip(block.extents()) {
                *most = n.max(*most);
            }
        }
        let readings = tasks.len();
        let killed = censored(design, candidate);
        let form = &candidate.form;
        if matches!(candidate.recipe, Recipe::Base) {
            let least_bytes = constant_bytes(design, candidate, alpha);
            return Self {
                by_octave: vec![FLOOR + killed],
                least_bytes,
                volume,
                extents,
                readings,
            };
        }
        let freedom = design.points.len().saturating_sub(form.coefficients());
        let (deviation, quantile) = if freedom == 0 {
            (ASSUMED_DEVIATION, student(1e6, alpha))
        } else {
            let residuals = residuals(design, &candidate.recipe, form);
            let squares: f64 = residuals.iter().map(|r| r * r).sum();
            ((squares / freedom as f64).sqrt(), student(freedom as f64, alpha))
        };
        let base = FLOOR + killed.max(candidate.evidence.under);
        let leverage = leverages(design, candidate, &tasks);
        let by_octave =
            leverage.iter().map(|h| base + quantile * deviation * (1.0 + h).sqrt()).collect();
        Self { by_octave, least_bytes: 0.0, volume, extents, readings }
    }

    /// Relative to a prediction of `peak` bytes for `block`.
    pub(crate) fn at(&self, block: Shape, peak: f64) -> f64 {
        let ratio = block.voxels().div_ceil(self.volume.max(1)).max(1);
        let octave = ratio.next_power_of_two().trailing_zeros() as usize;
        self.by_octave[octave.min(self.by_octave.len() - 1)].max(self.least_bytes / peak.max(1.0))
    }

    /// No axis and no volume beyond the readings.
    pub(super) fn covers(&self, block: Shape) -> bool {
        block.voxels() <= self.volume
            && block.extents().iter().zip(self.extents).all(|(n, most)| *n <= most)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.by_octave.first().is_some_and(|first| *first >= 0.0)
            && self.by_octave.windows(2).all(|pair| pair[0] <= pair[1])
            && self.by_octave.iter().all(|margin| margin.is_finite())
            && self.least_bytes.is_finite()
            && self.least_bytes >= 0.0
    }
}

fn student(freedom: f64, alpha: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::MAX, |t| t.inverse_cdf(1.0 - alpha))
}

/// What a constant on a ledger leaves open, in bytes: how far above the mean of the tasks that were read
/// one more may lie.
fn constant_bytes(design: &Design, candidate: &Candidate, alpha: f64) -> f64 {
    let tasks = design.points.iter().filter(|point| point.task.is_some());
    let above = |p: &Point| p.peak - predicted_at(p, &candidate.recipe, &candidate.form);
    let above: Vec<f64> = tasks.clone().map(above).collect();
    let n = above.len() as f64;
    let known = match design.scope {
        Scope::LiveHeap => 0.0,
        Scope::HighWater | Scope::Cgroup => KNOWN_READINGS,
    };
    let freedom = n - 1.0 + known;
    if freedom < 1.0 {
        let largest = tasks.map(|point| point.peak).fold(0.0, f64::max);
        return student(1e6, alpha) * ASSUMED_DEVIATION * largest;
    }
    let mean = above.iter().sum::<f64>() / n;
    let squares: f64 = above.iter().map(|bytes| (bytes - mean).powi(2)).sum();
    let deviation = ((squares + known * KNOWN_DEVIATION.powi(2)) / freedom).sqrt();
    // The constant is nearer to small tasks, whose relative errors are the larger.
    mean.max(0.0) + student(freedom, alpha) * deviation * (1.0 + 1.0 / n).sqrt()
}

/// What killed tasks needed beyond their prediction.
fn censored(design: &Design, candidate: &Candidate) -> f64 {
    let beyond = |killed: &Point| {
        killed.peak / predicted_at(killed, &candidate.recipe, &candidate.form).max(1.0) - 1.0
    };
    design.censored.iter().map(beyond).fold(0.0, f64::max)
}

/// The worst leverage by doublings of the volume, never decreasing.
fn leverages(design: &Design, candidate: &Candidate, tasks: &[(Shape, Shape)]) -> Vec<f64> {
    let all: Vec<usize> = (0..design.points.len()).collect();
    let of = |columns: Vec<usize>| {
        let leverage = normal(design, &columns, &all).leverage()?;
        Some((columns, leverage))
    };
    let used = |form: &Form| match form {
        Form::Sum(sum) => sum.terms().iter().filter_map(|(t, _)| design.column(*t)).collect(),
        _ => Vec::new(),
    };
    let line = || [Term::One, Term::Block].into_iter().filter_map(|t| design.column(t)).collect();
    let own = used(&candidate.form);
    let found = if own.is_empty() { of(line()) } else { of(own).or_else(|| of(line())) };
    let Some((columns, leverage)) = found else { return vec![1.0] };

    let mut row = vec![0.0; columns.len()];
    let mut at = |block: Shape, core: Shape| {
        // Terms are relative to the prediction.
        let peak = candidate.form.eval(block, core).max(1.0);
        row.iter_mut().zip(&columns).for_each(|(x, &j)| {
            *x = design.terms[j].eval(block, core) / peak;
        });
        leverage.of(&row)
    };
    let mut worst = 0.0_f64;
    tasks.iter().for_each(|&(block, core)| worst = worst.max(at(block, core)));
    let mut out = vec![worst];
    let spaced = tasks.iter().step_by(tasks.len().div_ceil(4)).chain(tasks.last());
    let probes: Vec<(Shape, Shape)> = spaced.copied().collect();
    for octave in 1..=OCTAVES {
        for &(block, core) in &probes {
            let even = (octave as f64 / 3.0).exp2();
            let along = |axis: usize| {
                let mut factors = [1.0; 3];
                factors[axis] = (octave as f64).exp2();
                factors
            };
            for factors in [[even; 3], along(0), along(1), along(2)] {
                if let (Some(b), Some(c)) = (stretch(block, factors), stretch(core, factors)) {
                    worst = worst.max(at(b, c));
                }
            }
        }
        out.push(worst);
    }
    out
}

fn stretch(shape: Shape, factors: [f64; 3]) -> Option<Shape> {
    let extents = shape.extents();
    Shape::new([0, 1, 2].map(|i| (extents[i] as f64 * factors[i]).round() as usize)).ok()
}

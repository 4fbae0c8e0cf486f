use super::Rung;
use super::corners::{Corner, Smooth, by_gaussian_process, by_tree, corners};
use super::design::Design;
use super::evidence::{
    Evidence, Scatter, aicc, gaussian_aicc, predicted, residual, residuals, unseen, unseen_between,
};
use super::form::{Form, Sum};
use super::recipe::{Recipe, normal};
use crate::{FitError, Scope, Term};

/// A form that the readings may justify.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) rung: Rung,
    pub(super) recipe: Recipe,
    pub(super) form: Form,
    pub(super) corners: Vec<Corner>,
    pub(super) evidence: Evidence,
}

/// Errors below this are not worth a rung that costs data or monotone corners.
const GOOD_ENOUGH: f64 = 0.005;

/// Resident marks of like tasks differ by this many bytes where processes are alike at rest: pages of the
/// program come in at different times, and the counters of the kernel lag behind.
const SCATTER_BYTES: f64 = (512 * 1024) as f64;

/// More units of Akaike's criterion than this are evidence.
const MARGIN: f64 = 2.0;

/// Starts at the lowest rung that can be fitted, and climbs while a rung pays.
pub(super) fn climb(design: &Design, has_ledger: bool) -> Result<Candidate, FitError> {
    let volumes = design.groups().len();
    let too_few = || FitError::NothingToFit { volumes };
    let line: Vec<usize> =
        [Term::One, Term::Block].into_iter().filter_map(|t| design.column(t)).collect();
    let start = if has_ledger {
        if design.points.is_empty() {
            return Ok(declared());
        }
        Climber::try_recipe(design, Rung::Base, Recipe::Base, f64::INFINITY)
    } else if volumes < 2 {
        return Err(too_few());
    } else {
        Climber::try_recipe(design, Rung::Line, Recipe::Columns(line.clone()), f64::INFINITY)
    };
    let start = start.ok_or_else(too_few)?;
    if has_ledger && is_within_scatter(design, &start) {
        return Ok(start);
    }
    let mut climber = Climber { design, best: start, columns: line.clone() };
    climber.consider(Rung::Line, Recipe::Columns(line.clone()));
    for extra in design.terms.iter().filter(|t| needs_declaration(t)) {
        climber.consider(Rung::Halo, Recipe::Columns(with(&line, design.column(*extra))));
    }
    climber.consider(Rung::Sparse, Recipe::Columns(climber.forward(&line)));
    climber.costly(&line);
    Ok(climber.best)
}

/// Terms that come from the operator: its halo, and a core that is not the block.
const fn needs_declaration(term: &Term) -> bool {
    matches!(term, Term::Interior(_) | Term::Haloed(_) | Term::Core)
}

fn with(columns: &[usize], extra: Option<usize>) -> Vec<usize> {
    columns.iter().copied().chain(extra).collect()
}

/// The ledger alone, which no reading has tried.
fn declared() -> Candidate {
    let evidence = Evidence { aicc: f64::INFINITY, next_larger: 0.0, left_out: 0.0, under: 0.0 };
    let form = Form::Sum(Sum::new([]));
    Candidate { rung: Rung::Declared, recipe: Recipe::Base, form, corners: Vec::new(), evidence }
}

/// Whether readings lie so near the ledger that nothing is left to explain.
fn is_within_scatter(design: &Design, candidate: &Candidate) -> bool {
    let most = match design.scope {
        Scope::LiveHeap => 0.0,
        Scope::HighWater | Scope::Cgroup => SCATTER_BYTES + design.rest_spread,
    };
    let off = |i| residual(design, &candidate.recipe, &candidate.form, i) * design.points[i].peak;
    (0..design.points.len()).all(|i| off(i).abs() <= most)
}

struct Climber<'a> {
    design: &'a Design,
    best: Candidate,
    /// The columns of the highest sum that was climbed to.
    columns: Vec<usize>,
}

impl Climber<'_> {
    /// `None` when the rows do not determine the form, or its criterion is not below `most`.
    fn try_recipe(design: &Design, rung: Rung, recipe: Recipe, most: f64) -> Option<Candidate> {
        let all: Vec<usize> = (0..design.points.len()).collect();
        let form = recipe.fit(design, &all)?;
        let criterion = criterion(design, &recipe, &form);
        if criterion >= most && most.is_finite() {
            return None;
        }
        let evidence = unseen(design, &recipe, &form, criterion);
        Some(Candidate { rung, recipe, form, corners: Vec::new(), evidence })
    }

    /// Takes the rung when it is better by more than 2 units **and** predicts unseen readings better.
    fn consider(&mut self, rung: Rung, recipe: Recipe) {
        let most = self.best.evidence.aicc - MARGIN;
        if recipe == self.best.recipe || most.is_nan() {
            return;
        }
        let Some(candidate) = Self::try_recipe(self.design, rung, recipe, most) else { return };
        self.take(candidate);
    }

    fn take(&mut self, candidate: Candidate) {
        let (new, old) = (candidate.evidence, self.best.evidence);
        if new.aicc < old.aicc - MARGIN && new.error() < 0.999 * old.error() {
            if let Recipe::Columns(columns) = &candidate.recipe {
                self.columns.clone_from(columns);
            }
            self.best = candidate;
        }
    }

    /// Adds to `start` the column that lowers the criterion most, as long as one does by 2 units.
    fn forward(&self, start: &[usize]) -> Vec<usize> {
        let n = self.design.points.len();
        let every: Vec<usize> = (0..self.design.terms.len()).collect();
        let all: Vec<usize> = (0..n).collect();
        // Summed once: a choice of columns is a part of these sums.
        let sums = normal(self.design, &every, &all);
        let value = |columns: &[usize]| {
            let chosen = sums.select(columns);
            let bytes = chosen.solve();
            let used = bytes.iter().filter(|bytes| **bytes > 0.0).count();
            gaussian_aicc(chosen.squared_error(&bytes, n as f64), n, used as f64)
        };
        let mut columns = start.to_vec();
        let mut lowest = value(&columns);
        for _ in 0..3 {
            let next = (0..self.design.terms.len())
                .filter(|j| !columns.contains(j))
                .map(|j| (value(&with(&columns, Some(j))), j))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            match next {
                Some((criterion, j)) if criterion < lowest - MARGIN => {
                    columns.push(j);
                    lowest = criterion;
                }
                _ => break,
            }
        }
        columns
    }

    /// Rungs that are worth their price only while errors remain.
    fn costly(&mut self, line: &[usize]) {
        let is_good = |climber: &Self| climber.best.evidence.error() < GOOD_ENOUGH;
        if is_good(self) {
            return;
        }
        let columns = self.columns.clone();
        self.consider(Rung::AllocatorStep, Recipe::Step(columns.clone()));
        // A step hides the border, and the border the step: together they may pay when neither does.
        for (j, term) in self.design.terms.iter().enumerate() {
            if needs_declaration(term) && !columns.contains(&j) {
                self.consider(Rung::AllocatorStep, Recipe::Step(with(&columns, Some(j))));
            }
        }
        let other = match self.design.column(Term::Core) {
            Some(core) => vec![line[0], core],
            None => line.to_vec(),
        };
        self.consider(Rung::Phases, Recipe::Phases(line.to_vec(), other));
        self.consider(Rung::Envelope, Recipe::Envelope(columns));
        if is_good(self) {
            return;
        }
        let residuals = residuals(self.design, &self.best.recipe, &self.best.form);
        if let Some(smooth) = by_gaussian_process(self.design, &residuals) {
            self.between(Rung::GaussianProcess, &residuals, &smooth);
        }
        if !is_good(self) && self.best.corners.is_empty() {
            self.between(Rung::Trees, &residuals, &by_tree(self.design, &residuals));
        }
    }

    /// The best form so far, between corners at the readings that carry its smoothed residuals.
    fn between(&mut self, rung: Rung, residuals: &[f64], smooth: &Smooth) {
        let (recipe, form) = (&self.best.recipe, &self.best.form);
        let n = residuals.len();
        let plain: Vec<f64> = (0..n).map(|i| predicted(self.design, recipe, form, i)).collect();
        // The residual r is relative to the peak: peak = prediction/(1 − r).
        let raised = |(p, r): (&f64, &f64)| p / (1.0 - r).max(0.1);
        let smoothed: Vec<f64> = plain.iter().zip(&smooth.values).map(raised).collect();
        let corners = corners(self.design, &smoothed);
        let rest: Vec<f64> =
            self.design.points.iter().zip(&smoothed).map(|(p, s)| 1.0 - s / p.peak).collect();
        let parameters = form.coefficients() as f64 + smooth.freedom;
        let criterion = aicc(&rest, parameters, Scatter::Both);
        let evidence = unseen_between(self.design, &corners, &plain, criterion);
        let (recipe, form) = (recipe.clone(), form.clone());
        self.take(Candidate { rung, recipe, form, corners, evidence });
    }
}

fn criterion(design: &Design, recipe: &Recipe, form: &Form) -> f64 {
    let scatter = match recipe {
        Recipe::Envelope(_) => Scatter::Below,
        _ => Scatter::Both,
    };
    aicc(&residuals(design, recipe, form), form.coefficients() as f64, scatter)
}

use super::corners::{Corner, bracket};
use super::design::{Design, Point};
use super::form::Form;
use super::recipe::{Recipe, normal};

/// What speaks for a form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Evidence {
    /// Akaike's criterion with the correction for few rows; infinite when there are too few.
    pub(super) aicc: f64,
    /// Worst error predicting each next larger volume from all smaller ones.
    pub(super) next_larger: f64,
    /// Worst error predicting each reading from all others.
    pub(super) left_out: f64,
    /// How far the worst reading that was left out lies above its prediction, relative to the prediction.
    pub(super) under: f64,
}

impl Evidence {
    /// Both errors together: what must fall for a rung to be climbed.
    pub(super) fn error(&self) -> f64 {
        self.next_larger + self.left_out
    }
}

/// An under-prediction kills a task, an over-prediction wastes memory: it counts a quarter.
fn one_sided(error: f64) -> f64 {
    if error > 0.0 { error } else { -0.25 * error }
}

/// Relative deviations below this are pages and rounding, not evidence.
const NOISE: f64 = 1e-6;

/// How readings scatter around a form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scatter {
    /// To both sides: Gaussian.
    Both,
    /// Only below it, as sampled peaks do: exponential.
    Below,
}

/// −2·log-likelihood of the relative residuals, plus Akaike's penalty for `parameters` and the spread.
pub(super) fn aicc(residuals: &[f64], parameters: f64, scatter: Scatter) -> f64 {
    let n = residuals.len();
    match scatter {
        Scatter::Both => gaussian_aicc(residuals.iter().map(|r| r * r).sum(), n, parameters),
        Scatter::Below => {
            let depth = residuals.iter().map(|r| r.abs()).sum::<f64>() / n as f64;
            penalised(2.0 * n as f64 * (depth.max(NOISE).ln() + 1.0), n, parameters)
        }
    }
}

/// The same for residuals to both sides, from the sum of their `squares`.
pub(super) fn gaussian_aicc(squares: f64, n: usize, parameters: f64) -> f64 {
    let variance = (squares / n as f64).max(NOISE * NOISE);
    penalised(n as f64 * ((2.0 * std::f64::consts::PI * variance).ln() + 1.0), n, parameters)
}

fn penalised(deviance: f64, n: usize, parameters: f64) -> f64 {
    let k = parameters + 1.0;
    let spare = n as f64 - k - 1.0;
    if spare <= 0.0 { f64::INFINITY } else { deviance + 2.0 * k + 2.0 * k * (k + 1.0) / spare }
}

/// (peak − prediction)/peak of row `i`.
pub(super) fn residual(design: &Design, recipe: &Recipe, form: &Form, i: usize) -> f64 {
    1.0 - predicted(design, recipe, form, i) / design.points[i].peak
}

pub(super) fn predicted(design: &Design, recipe: &Recipe, form: &Form, i: usize) -> f64 {
    predicted_at(&design.points[i], recipe, form)
}

pub(super) fn predicted_at(point: &Point, recipe: &Recipe, form: &Form) -> f64 {
    let form = match point.task {
        Some((block, core)) => form.eval(block, core),
        None => form.at_rest(),
    };
    if recipe.is_on_ledger() { point.declared + form } else { form }
}

pub(super) fn residuals(design: &Design, recipe: &Recipe, form: &Form) -> Vec<f64> {
    (0..design.points.len()).map(|i| residual(design, recipe, form, i)).collect()
}

/// Collects errors at tasks; the process at rest is never asked about.
struct Worst<'a> {
    design: &'a Design,
    error: f64,
    under: f64,
}

impl<'a> Worst<'a> {
    const fn new(design: &'a Design) -> Self {
        Self { design, error: 0.0, under: 0.0 }
    }

    fn see(&mut self, i: usize, residual: f64) {
        if self.design.points[i].task.is_some() {
            self.error = self.error.max(one_sided(residual));
            if residual > 0.0 {
                self.under = self.under.max(residual / (1.0 - residual).max(1e-3));
            }
        }
    }
}

/// The errors of a recipe on readings that it has not seen. `form` is its fit to all.
pub(super) fn unseen(design: &Design, recipe: &Recipe, form: &Form, aicc: f64) -> Evidence {
    let left_out = leave_one_out(design, recipe, form);
    let mut next_larger = Worst::new(design);
    let groups = design.groups();
    let least_groups = if recipe.is_on_ledger() { 1 } else { 2 };
    for (k, &start) in groups.iter().enumerate().skip(least_groups) {
        let smaller: Vec<usize> = (0..start).collect();
        if let Some(form) = recipe.fit(design, &smaller) {
            let end = groups.get(k + 1).copied().unwrap_or(design.points.len());
            (start..end).for_each(|i| next_larger.see(i, residual(design, recipe, &form, i)));
        }
    }
    Evidence {
        aicc,
        next_larger: next_larger.error,
        left_out: left_out.error,
        under: left_out.under,
    }
}

fn leave_one_out<'a>(design: &'a Design, recipe: &Recipe, form: &Form) -> Worst<'a> {
    let mut worst = Worst::new(design);
    let n = design.points.len();
    match recipe {
        // Taking a row out of the sums is cheaper than summing the others.
        Recipe::Columns(columns) if n > columns.len() => {
            let all: Vec<usize> = (0..n).collect();
            let sums = normal(design, columns, &all);
            let mut row = vec![0.0; columns.len()];
            for i in 0..n {
                row.iter_mut().zip(columns).for_each(|(x, &j)| *x = design.x.at(i, j));
                let mut others = sums.clone();
                others.add(&row, 1.0, -1.0);
                let fitted: f64 = others.solve().iter().zip(&row).map(|(w, x)| w * x).sum();
                worst.see(i, 1.0 - fitted);
            }
        }
        _ => {
            for i in 0..n {
                // A fit from above does not change without a row that it does not touch.
                let touched = residual(design, recipe, form, i).abs() < 1e-9;
                if matches!(recipe, Recipe::Envelope(_)) && !touched {
                    worst.see(i, residual(design, recipe, form, i));
                    continue;
                }
                let others: Vec<usize> = (0..n).filter(|&j| j != i).collect();
                if let Some(form) = recipe.fit(design, &others) {
                    worst.see(i, residual(design, recipe, &form, i));
                }
            }
        }
    }
    worst
}

/// The errors of a form between corners: each reading from the other corners, and from the smaller ones.
/// Form and smoothing are those of all readings, so this flatters a little; the criterion counts their
/// degrees of freedom.
pub(super) fn unseen_between(
    design: &Design,
    corners: &[Corner],
    predicted: &[f64],
    aicc: f64,
) -> Evidence {
    let (mut left_out, mut next_larger) = (Worst::new(design), Worst::new(design));
    let groups = design.groups();
    for (i, point) in design.points.iter().enumerate() {
        let Some((block, core)) = point.task else { continue };
        let is_it = |corner: &&Corner| corner.block == block && corner.core == core;
        let others = corners.iter().filter(|corner| !is_it(corner));
        let bytes = bracket(others, block, core, predicted[i]);
        left_out.see(i, 1.0 - bytes / point.peak);
        let smaller = corners.iter().filter(|corner| corner.block.voxels() < point.volume);
        if groups.get(2).is_some_and(|&third| i >= third) {
            let bytes = bracket(smaller, block, core, predicted[i]);
            next_larger.see(i, 1.0 - bytes / point.peak);
        }
    }
    Evidence {
        aicc,
        next_larger: next_larger.error,
        left_out: left_out.error,
        under: left_out.under,
    }
}

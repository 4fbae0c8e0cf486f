use serde::{Deserialize, Serialize};

use super::Regressor;
use super::linear::Plane;
use crate::FitError;
use crate::linalg::{Cholesky, Matrix, dot};

/// Least squares without intercept whose coefficients are not negative: bytes that only add up.
///
/// Reference: Lawson and Hanson, *Solving least squares problems*, 1974, chapter 23.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonNegative {
    /// Divide every row by its target, so that relative errors count.
    pub relative: bool,
}

impl Default for NonNegative {
    fn default() -> Self {
        Self { relative: true }
    }
}

impl Regressor for NonNegative {
    const NAME: &'static str = "non-negative least squares";
    const LEAST_ROWS: usize = 1;
    type Fitted = Plane;

    fn fit(&self, x: &Matrix, y: &[f64]) -> Result<Plane, FitError> {
        if let Some(row) = y.iter().position(|&y| self.relative && y <= 0.0) {
            let reason = format!("the target of row {row} is {}; relative errors need > 0", y[row]);
            return Err(FitError::Numerical { model: Self::NAME, reason });
        }
        let p = x.width;
        let (mut gram, mut moment) = (Matrix::zeros(p, p), vec![0.0; p]);
        for (row, y) in x.rows().zip(y) {
            let weight = if self.relative { 1.0 / (y * y) } else { 1.0 };
            for i in 0..p {
                moment[i] += weight * row[i] * y;
                for j in 0..p {
                    gram.row_mut(i)[j] += weight * row[i] * row[j];
                }
            }
        }
        Ok(Plane { weights: solve_normal(&gram, &moment), intercept: 0.0 })
    }
}

/// The non-negative w that minimises wᵀ·gram·w/2 − moment·w, by active sets. Columns that depend on
/// those already in use stay at zero.
pub(crate) fn solve_normal(gram: &Matrix, moment: &[f64]) -> Vec<f64> {
    let p = moment.len();
    // Unit diagonal: columns differ by ten orders of magnitude.
    let scale: Vec<f64> = (0..p).map(|j| gram.at(j, j).sqrt()).collect();
    let usable = |j: usize| scale[j] > 0.0 && scale[j].is_finite();
    let mut unit = Matrix::zeros(p, p);
    for i in (0..p).filter(|&i| usable(i)) {
        for j in (0..p).filter(|&j| usable(j)) {
            unit.set(i, j, gram.at(i, j) / (scale[i] * scale[j]));
        }
    }
    let target: Vec<f64> =
        (0..p).map(|j| if usable(j) { moment[j] / scale[j] } else { 0.0 }).collect();
    let threshold = 1e-11 * target.iter().fold(0.0_f64, |most, t| most.max(t.abs()));

    let mut w = vec![0.0; p];
    let mut active: Vec<usize> = Vec::with_capacity(p);
    let mut refused = vec![false; p];
    // Each column enters about once; the bound only guards against cycling by rounding.
    for _ in 0..3 * p {
        let push = |j: usize| target[j] - dot(unit.row(j), &w);
        let entering = (0..p)
            .filter(|j| usable(*j) && !refused[*j] && !active.contains(j))
            .map(|j| (push(j), j))
            .filter(|(push, _)| *push > threshold)
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        let Some((_, entering)) = entering else { break };
        active.push(entering);
        let Some(mut solution) = solve_active(&unit, &target, &active) else {
            active.pop();
            refused[entering] = true;
            continue;
        };
        if solution.last().is_some_and(|&last| last <= 0.0) {
            active.pop();
            refused[entering] = true;
            continue;
        }
        while solution.iter().any(|&s| s <= 0.0) {
            // Walk towards the solution until the first coefficient reaches zero.
            let reach = active
                .iter()
                .zip(&solution)
                .filter(|(_, s)| **s <= 0.0)
                .map(|(&j, s)| w[j] / (w[j] - s))
                .fold(1.0, f64::min);
            for (&j, s) in active.iter().zip(&solution) {
                w[j] += reach * (s - w[j]);
            }
            let gone = |j: &usize, s: &f64| *s <= 0.0 && w[*j] <= 1e-14;
            let leaving: Vec<usize> =
                active.iter().zip(&solution).filter(|(j, s)| gone(j, s)).map(|(j, _)| *j).collect();
            if leaving.is_empty() {
                break;
            }
            leaving.iter().for_each(|&j| w[j] = 0.0);
            active.retain(|j| !leaving.contains(j));
            solution = solve_active(&unit, &target, &active).unwrap_or_default();
        }
        for (&j, s) in active.iter().zip(&solution) {
            w[j] = s.max(0.0);
        }
    }
    w.iter()
        .zip(&scale)
        .enumerate()
        .map(|(j, (w, s))| if usable(j) { w / s } else { 0.0 })
        .collect()
}

/// The least squares solution in the active columns, refined once; `None` when they are dependent.
fn solve_active(unit: &Matrix, target: &[f64], active: &[usize]) -> Option<Vec<f64>> {
    let k = active.len();
    let mut sub = Matrix::zeros(k, k);
    for (a, &i) in active.iter().enumerate() {
        for (b, &j) in active.iter().enumerate() {
            sub.set(a, b, unit.at(i, j));
        }
    }
    let wanted: Vec<f64> = active.iter().map(|&j| target[j]).collect();
    let factor = Cholesky::new(&sub)?;
    let mut solution = factor.solve(&wanted);
    let left: Vec<f64> =
        sub.rows().zip(&wanted).map(|(row, wanted)| wanted - dot(row, &solution)).collect();
    solution.iter_mut().zip(factor.solve(&left)).for_each(|(s, d)| *s += d);
    Some(solution)
}

#[cfg(test)]
mod tests {
    use chunkfit_core::testing::Dice;

    use super::*;

    fn normal(rows: &[Vec<f64>], y: &[f64]) -> (Matrix, Vec<f64>) {
        let p = rows[0].len();
        let (mut gram, mut moment) = (Matrix::zeros(p, p), vec![0.0; p]);
        for (row, y) in rows.iter().zip(y) {
            for i in 0..p {
                moment[i] += row[i] * y;
                for j in 0..p {
                    gram.row_mut(i)[j] += row[i] * row[j];
                }
            }
        }
        (gram, moment)
    }

    /// Every non-negative least squares problem satisfies these, and only its solution does.
    #[test]
    fn satisfies_the_optimality_conditions() {
        for seed in 0..500 {
            let mut dice = Dice::new(seed);
            let (n, p) = (dice.between(1, 14), dice.between(1, 9));
            let mut draw =
                |n: usize| -> Vec<f64> { (0..n).map(|_| f64::from(dice.amplitude())).collect() };
            let rows: Vec<Vec<f64>> = (0..n).map(|_| draw(p)).collect();
            let y = draw(n);
            let (gram, moment) = normal(&rows, &y);
            let w = solve_normal(&gram, &moment);
            let size = gram.data.iter().chain(&moment).fold(1.0_f64, |m, v| m.max(v.abs()));
            for j in 0..p {
                let slope = dot(gram.row(j), &w) - moment[j];
                assert!(w[j] >= 0.0, "{seed}: {w:?}");
                assert!(slope > -1e-7 * size, "{seed}: {j} should grow, {slope}");
                assert!(w[j] == 0.0 || slope.abs() < 1e-7 * size, "{seed}: {j} is off, {slope}");
            }
        }
    }

    #[test]
    fn recovers_a_ledger_from_scales_that_differ() {
        let rows: Vec<Vec<f64>> = [1e5, 3e6, 2e7, 8e7].map(|v| vec![1.0, v, v * v * 1e-9]).into();
        let y: Vec<f64> = rows.iter().map(|r| 1e8 + 28.0 * r[1]).collect();
        let x = Matrix::from_rows(3, rows.iter().map(Vec::as_slice));
        let plane = NonNegative::default().fit(&x, &y).unwrap();
        assert!((plane.weights[0] / 1e8 - 1.0).abs() < 1e-9, "{plane:?}");
        assert!((plane.weights[1] / 28.0 - 1.0).abs() < 1e-9, "{plane:?}");
        assert!(plane.weights[2] < 1e-6, "{plane:?}");
    }
}

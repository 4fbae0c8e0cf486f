use serde::{Deserialize, Serialize};

use super::{Fitted, Regressor, require};
use crate::FitError;
use crate::linalg::{Matrix, squared_distance, variance};

/// ε-insensitive support vector regression with a Gaussian kernel, by sequential minimal optimisation
/// with second-order choice of the pair.
///
/// Errors below `epsilon` cost nothing, so targets must be on a scale on which `epsilon` is small.
///
/// Reference: Fan, Chen and Lin, *Working set selection using second order information for training
/// support vector machines*, JMLR 6 (2005), 1889–1918.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SupportVectors {
    /// Cost of one unit of error.
    pub cost: f64,
    /// Width of the tube without cost.
    pub epsilon: f64,
    /// Of exp(−gamma·d²); none is 1/(features · variance of all features together).
    pub gamma: Option<f64>,
    /// Violation of optimality to stop at.
    pub tolerance: f64,
}

impl Default for SupportVectors {
    fn default() -> Self {
        Self { cost: 1.0, epsilon: 0.1, gamma: None, tolerance: 1e-3 }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kernels {
    gamma: f64,
    intercept: f64,
    vectors: Matrix,
    weights: Vec<f64>,
}

impl Fitted for Kernels {
    fn is_sound(&self, width: usize) -> bool {
        self.vectors.width == width && self.vectors.data.len() == width * self.weights.len()
    }

    fn predict(&self, row: &[f64]) -> f64 {
        let kernel = |v: &[f64]| (-self.gamma * squared_distance(v, row)).exp();
        let sum: f64 = self.vectors.rows().zip(&self.weights).map(|(v, w)| w * kernel(v)).sum();
        sum + self.intercept
    }
}

impl Regressor for SupportVectors {
    const NAME: &'static str = "support vector regression";
    const LEAST_ROWS: usize = 2;
    type Fitted = Kernels;

    fn check(&self) -> Result<(), FitError> {
        let Self { cost, epsilon, gamma, tolerance } = *self;
        require(Self::NAME, "cost", cost, cost > 0.0, "it must be positive")?;
        require(Self::NAME, "epsilon", epsilon, epsilon >= 0.0, "it must not be negative")?;
        require(Self::NAME, "tolerance", tolerance, tolerance > 0.0, "it must be positive")?;
        let gamma = gamma.unwrap_or(1.0);
        require(Self::NAME, "gamma", gamma, gamma > 0.0, "it must be positive")
    }

    fn fit(&self, x: &Matrix, y: &[f64]) -> Result<Kernels, FitError> {
        let gamma = self.gamma.unwrap_or_else(|| {
            let spread = variance(x.data.iter().copied());
            if spread > 0.0 { 1.0 / (x.width as f64 * spread) } else { 1.0 }
        });
        let n = y.len();
        let mut kernel = Matrix::zeros(n, n);
        for i in 0..n {
            for j in 0..n {
                kernel.set(i, j, (-gamma * squared_distance(x.row(i), x.row(j))).exp());
            }
        }
        let mut dual = Dual::new(&kernel, y, self.cost, self.epsilon);
        // A bound for safety: the method converges, in far fewer steps.
        for _ in 0..(200 * n).max(1_000_000) {
            match dual.pair(self.tolerance) {
                Some((i, j)) => dual.step(i, j),
                None => break,
            }
        }
        let weights: Vec<f64> = (0..n).map(|i| dual.alpha[i] - dual.alpha[i + n]).collect();
        let support: Vec<usize> = (0..n).filter(|&i| weights[i] != 0.0).collect();
        Ok(Kernels {
            gamma,
            intercept: dual.intercept(),
            vectors: Matrix::from_rows(x.width, support.iter().map(|&i| x.row(i))),
            weights: support.iter().map(|&i| weights[i]).collect(),
        })
    }
}

/// The dual: 2n multipliers between 0 and `cost`, those of the upper side of the tube first.
struct Dual<'a> {
    kernel: &'a Matrix,
    cost: f64,
    alpha: Vec<f64>,
    gradient: Vec<f64>,
}

/// What stands for a curvature that is not positive.
const LEAST_CURVATURE: f64 = 1e-12;

impl<'a> Dual<'a> {
    fn new(kernel: &'a Matrix, y: &[f64], cost: f64, epsilon: f64) -> Self {
        let above = y.iter().map(|y| epsilon - y);
        let gradient = above.chain(y.iter().map(|y| epsilon + y)).collect();
        Self { kernel, cost, alpha: vec![0.0; 2 * y.len()], gradient }
    }

    fn sign(&self, i: usize) -> f64 {
        if i < self.kernel.width { 1.0 } else { -1.0 }
    }

    fn k(&self, i: usize, j: usize) -> f64 {
        self.kernel.at(i % self.kernel.width, j % self.kernel.width)
    }

    /// Whether the multiplier may move in the direction of `sign`·`way`.
    fn may(&self, i: usize, way: f64) -> bool {
        if self.sign(i) * way > 0.0 { self.alpha[i] < self.cost } else { self.alpha[i] > 0.0 }
    }

    fn ascent(&self, i: usize) -> f64 {
        -self.sign(i) * self.gradient[i]
    }

    fn curvature(&self, i: usize, j: usize) -> f64 {
        (self.k(i, i) + self.k(j, j) - 2.0 * self.k(i, j)).max(LEAST_CURVATURE)
    }

    /// The most violating multiplier and its best partner; none at the optimum.
    fn pair(&self, tolerance: f64) -> Option<(usize, usize)> {
        let all = 0..self.alpha.len();
        let mut first: Option<usize> = None;
        for t in all.clone().filter(|&t| self.may(t, 1.0)) {
            if first.is_none_or(|i| self.ascent(t) >= self.ascent(i)) {
                first = Some(t);
            }
        }
        let i = first?;
        let (mut lowest, mut most, mut partner) = (f64::INFINITY, 0.0, None);
        for t in all.filter(|&t| self.may(t, -1.0)) {
            lowest = lowest.min(self.ascent(t));
            let violation = self.ascent(i) - self.ascent(t);
            if violation > 0.0 {
                let gain = violation * violation / self.curvature(i, t);
                if gain >= most {
                    (most, partner) = (gain, Some(t));
                }
            }
        }
        if self.ascent(i) - lowest < tolerance { None } else { partner.map(|j| (i, j)) }
    }

    /// Moves a pair as far as its box allows, keeping the signed sum.
    fn step(&mut self, i: usize, j: usize) {
        let room = |a: f64, up: bool| if up { self.cost - a } else { a };
        let wanted = (self.ascent(i) - self.ascent(j)) / self.curvature(i, j);
        let (si, sj) = (self.sign(i), self.sign(j));
        let (room_i, room_j) = (room(self.alpha[i], si > 0.0), room(self.alpha[j], sj < 0.0));
        let step = wanted.min(room_i).min(room_j);
        // A multiplier at its bound is exactly there, or it would count as free.
        let end = |a: f64, sign: f64, hits: bool| match (hits, sign > 0.0) {
            (false, _) => a + sign * step,
            (true, true) => self.cost,
            (true, false) => 0.0,
        };
        let next_i = end(self.alpha[i], si, step == room_i);
        let next_j = end(self.alpha[j], -sj, step == room_j);
        (self.alpha[i], self.alpha[j]) = (next_i, next_j);
        for t in 0..self.alpha.len() {
            let slope = self.sign(t) * step * (self.k(t, i) - self.k(t, j));
            self.gradient[t] += slope;
        }
    }

    /// From the multipliers inside their box; without any, halfway between the bounds.
    fn intercept(&self) -> f64 {
        let all = 0..self.alpha.len();
        let free: Vec<f64> = all
            .clone()
            .filter(|&t| self.may(t, 1.0) && self.may(t, -1.0))
            .map(|t| self.ascent(t))
            .collect();
        if !free.is_empty() {
            return free.iter().sum::<f64>() / free.len() as f64;
        }
        let up = all.clone().filter(|&t| self.may(t, 1.0)).map(|t| self.ascent(t));
        let down = all.filter(|&t| self.may(t, -1.0)).map(|t| self.ascent(t));
        f64::midpoint(up.fold(f64::NEG_INFINITY, f64::max), down.fold(f64::INFINITY, f64::min))
    }
}

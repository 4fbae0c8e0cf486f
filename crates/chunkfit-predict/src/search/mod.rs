//! Search for hyper-parameters by a tree-structured Parzen estimator.

mod goal;
mod parzen;
mod space;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

pub use goal::{Goal, nested_loss};
pub use space::{Parameter, Range};

use parzen::Parzen;

/// One setting that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// A value of each parameter, in the order of the space; of a choice, its index.
    pub values: Vec<f64>,
    /// What it lost, less is better; `None` where it failed.
    pub loss: Option<f64>,
}

/// Looks for the setting of least loss.
///
/// The first trials are drawn evenly. Later ones are drawn from where good trials are dense, and of
/// several draws the one is tried at which the density of good trials is highest against that of the
/// others. Each suggestion follows from the seed and the trials before it alone, so a search that goes on
/// from kept trials is the search that was never interrupted.
///
/// ```
/// use chunkfit_predict::search::{Parameter, Range, Search};
///
/// let search = Search::new(vec![Parameter::new("x", Range::Uniform { low: -4.0, high: 4.0 })], 7);
/// let trials = search.run(Vec::new(), 40, |x| Some((x[0] - 1.0).powi(2)), |_| {});
/// let best = Search::best(&trials).unwrap();
/// assert!((best.values[0] - 1.0).abs() < 0.2);
/// ```
///
/// **Reference.** Bergstra, Bardenet, Bengio and Kégl, *Algorithms for hyper-parameter optimization*,
/// NeurIPS 2011, section 4.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    space: Vec<Parameter>,
    seed: u64,
    /// Trials that are drawn evenly before the densities are used.
    pub startup: usize,
    /// Share of trials that count as good.
    pub good: f64,
    /// Draws of which one is tried.
    pub draws: usize,
}

impl Search {
    /// A search over `space`: 10 even trials, then the best 15 % are good and 24 draws are compared.
    #[must_use]
    pub const fn new(space: Vec<Parameter>, seed: u64) -> Self {
        Self { space, seed, startup: 10, good: 0.15, draws: 24 }
    }

    /// What is searched.
    #[must_use]
    pub fn space(&self) -> &[Parameter] {
        &self.space
    }

    /// The setting to try after `trials`.
    #[must_use]
    pub fn suggest(&self, trials: &[Trial]) -> Vec<f64> {
        let mut rng = StdRng::seed_from_u64(self.seed ^ (trials.len() as u64).wrapping_mul(SPREAD));
        let mut ranked: Vec<(f64, &Trial)> =
            trials.iter().filter_map(|trial| Some((trial.loss?, trial))).collect();
        if ranked.len() < self.startup.max(2) {
            return self.space.iter().map(|p| p.range.at(rng.random())).collect();
        }
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        let n_good = (self.good * ranked.len() as f64).ceil() as usize;
        let (good, others) = ranked.split_at(n_good.clamp(1, ranked.len() - 1));
        let column = |of: &[(f64, &Trial)], j: usize, range: &Range| {
            Parzen::new(range, of.iter().map(|(_, trial)| range.place(trial.values[j])).collect())
        };
        // The parameters are independent in this model, and each takes its own best draw.
        let pick = |(j, parameter): (usize, &Parameter)| {
            let range = &parameter.range;
            let (good, others) = (column(good, j, range), column(others, j, range));
            let mut best = (f64::NEG_INFINITY, 0.5);
            for _ in 0..self.draws.max(1) {
                let place = good.draw(&mut rng);
                let gain = good.density(place).ln() - others.density(place).ln();
                if gain > best.0 {
                    best = (gain, place);
                }
            }
            range.at(best.1)
        };
        self.space.iter().enumerate().map(pick).collect()
    }

    /// Goes on from `trials` until there are `total`. After each, `progress` sees all of them, and may
    /// keep them; an objective of `None` or NaN is a failed trial.
    pub fn run(
        &self,
        mut trials: Vec<Trial>,
        total: usize,
        mut objective: impl FnMut(&[f64]) -> Option<f64>,
        mut progress: impl FnMut(&[Trial]),
    ) -> Vec<Trial> {
        while trials.len() < total {
            let values = self.suggest(&trials);
            let loss = objective(&values).filter(|loss| loss.is_finite());
            trials.push(Trial { values, loss });
            progress(&trials);
        }
        trials
    }

    /// The trial of least loss, the first of equals.
    #[must_use]
    pub fn best(trials: &[Trial]) -> Option<&Trial> {
        let scored = trials.iter().filter_map(|trial| Some((trial.loss?, trial)));
        scored.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, trial)| trial)
    }
}

/// Odd and far from regular, so that near numbers of trials give unlike seeds.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

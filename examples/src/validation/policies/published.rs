//! Published predictors, written from their papers.

use super::{Policy, Task};
use crate::stats;

/// Always the most that any task needs, known beforehand: the user who plays safe.
pub(in crate::validation) struct Most(pub(in crate::validation) f64);

impl Policy for Most {
    fn first(&self, _: &Task) -> f64 {
        self.0
    }

    fn again(&self, _: &Task, given: f64) -> f64 {
        2.0 * given
    }

    fn learn(&mut self, _: &Task) {}
}

/// A percentile of the peaks of the operator so far; doubled after a failure.
pub(in crate::validation) struct Percentile {
    pub(in crate::validation) share: f64,
    pub(in crate::validation) peaks: Vec<f64>,
}

impl Policy for Percentile {
    fn first(&self, _: &Task) -> f64 {
        stats::quantile(&self.peaks, self.share).unwrap_or(0.0)
    }

    fn again(&self, _: &Task, given: f64) -> f64 {
        2.0 * given
    }

    fn learn(&mut self, task: &Task) {
        self.peaks.push(task.peak);
    }
}

/// A straight line over the bytes of the block, and the standard deviation of its residuals on top;
/// doubled after a failure.
///
/// After Witt, Wagner and Leser, *Feedback-based resource allocation for batch scheduling of scientific
/// workflows*, HPCS 2019.
pub(in crate::validation) struct Line {
    pub(in crate::validation) seen: Vec<(f64, f64)>,
}

impl Line {
    fn fit(&self) -> (f64, f64, f64) {
        let (start, slope) = stats::line(&self.seen).unwrap_or_else(|| {
            let peaks: Vec<f64> = self.seen.iter().map(|seen| seen.1).collect();
            (stats::mean(&peaks).unwrap_or(0.0), 0.0)
        });
        let squares: f64 =
            self.seen.iter().map(|seen| (seen.1 - start - slope * seen.0).powi(2)).sum();
        (start, slope, (squares / self.seen.len() as f64).sqrt())
    }
}

impl Policy for Line {
    fn first(&self, task: &Task) -> f64 {
        let (start, slope, deviation) = self.fit();
        let least = self.seen.iter().map(|seen| seen.1).fold(f64::INFINITY, f64::min);
        (start + slope * task.input + deviation).max(least)
    }

    fn again(&self, _: &Task, given: f64) -> f64 {
        2.0 * given
    }

    fn learn(&mut self, task: &Task) {
        self.seen.push((task.input, task.peak));
    }
}

/// The first allocation of least expected waste over the peaks so far, then the most there is.
///
/// After Tovar, da Silva, Juve, Deelman, Allcock, Thain and Livny, *A job sizing strategy for
/// high-throughput scientific workflows*, IEEE TPDS 29(2), 2018.
pub(in crate::validation) struct FirstAllocation {
    pub(in crate::validation) seen: Vec<(f64, f64)>,
    pub(in crate::validation) most: f64,
}

impl Policy for FirstAllocation {
    fn first(&self, _: &Task) -> f64 {
        let cost = |given: f64| -> f64 {
            let of = |&(peak, seconds): &(f64, f64)| {
                let again = if peak > given { self.most } else { 0.0 };
                (given + again) * seconds
            };
            self.seen.iter().map(of).sum()
        };
        let candidates = self.seen.iter().map(|seen| seen.0).chain([self.most]);
        candidates.min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or(self.most)
    }

    fn again(&self, _: &Task, _: f64) -> f64 {
        self.most
    }

    fn learn(&mut self, task: &Task) {
        self.seen.push((task.peak, task.seconds));
    }
}

use serde::{Deserialize, Serialize};

/// How far predictions are from readings, in the unit of the readings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// 1 − squared error over squared deviation from the mean.
    pub r2: f64,
    /// The accuracy of the thesis: share of predictions within 5 % of the reading **or above it**, so an
    /// infinite prediction is accurate. For reproduction only.
    pub accuracy: f64,
    /// Share of predictions below the reading.
    pub under: f64,
    /// Largest (reading − prediction)/reading; negative when every prediction is above.
    pub worst_under: f64,
    /// Largest |prediction − reading|/reading.
    pub worst_relative: f64,
    /// Median of (prediction − reading)/reading over all rows.
    pub median_over: f64,
}

impl Metrics {
    /// Of `predicted` against `measured`, pair by pair; `None` when there is no pair, or a reading is
    /// not positive.
    #[must_use]
    pub fn new(measured: &[f64], predicted: &[f64]) -> Option<Self> {
        if measured.is_empty()
            || measured.len() != predicted.len()
            || measured.iter().any(|&y| y.is_nan() || y <= 0.0)
        {
            return None;
        }
        let n = measured.len() as f64;
        let pairs = || measured.iter().copied().zip(predicted.iter().copied());
        let centre = measured.iter().sum::<f64>() / n;
        let squares: f64 = pairs().map(|(y, p)| (y - p) * (y - p)).sum();
        let spread: f64 = pairs().map(|(y, _)| (y - centre) * (y - centre)).sum();
        let mut over: Vec<f64> = pairs().map(|(y, p)| (p - y) / y).collect();
        over.sort_by(f64::total_cmp);
        let share =
            |holds: fn(f64, f64) -> bool| pairs().filter(|&(y, p)| holds(y, p)).count() as f64 / n;
        let middle = over.len() / 2;
        Some(Self {
            rmse: (squares / n).sqrt(),
            mae: pairs().map(|(y, p)| (y - p).abs()).sum::<f64>() / n,
            r2: 1.0 - squares / spread,
            accuracy: share(|y, p| (p - y).abs() / y <= 0.05 || p >= y),
            under: share(|y, p| p < y),
            worst_under: -over[0],
            worst_relative: over.iter().fold(0.0, |worst, o| worst.max(o.abs())),
            median_over: f64::midpoint(over[middle], over[(over.len() - 1) / 2]),
        })
    }

    /// The composite score of the thesis.
    #[must_use]
    pub fn score(&self, weights: &ScoreWeights) -> f64 {
        weights.accuracy * self.accuracy - weights.rmse * self.rmse - weights.mae * self.mae
            + weights.r2 * self.r2
    }
}

/// Weights of the composite score of the thesis.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "one per metric")]
pub struct ScoreWeights {
    pub accuracy: f64,
    pub rmse: f64,
    pub mae: f64,
    pub r2: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let m = Metrics::new(&[1.0, 2.0, 4.0, 5.0], &[1.04, 1.0, 8.0, 5.0]).unwrap();
        assert!((m.rmse - (17.0016_f64 / 4.0).sqrt()).abs() < 1e-12);
        assert!((m.mae - 5.04 / 4.0).abs() < 1e-12);
        assert!((m.r2 - (1.0 - 17.0016 / 10.0)).abs() < 1e-12);
        assert_eq!((m.accuracy, m.under, m.worst_under), (0.75, 0.25, 0.5));
        assert_eq!(m.worst_relative, 1.0);
        assert!((m.median_over - 0.02).abs() < 1e-12);
        assert!(Metrics::new(&[0.0], &[1.0]).is_none() && Metrics::new(&[], &[]).is_none());
    }
}

use serde::{Deserialize, Serialize};

use crate::{Guard, Metrics, Rows, ScoreWeights, Split};

/// What a search makes small.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// The composite score of the thesis, negated, on a random fifth of the rows.
    Composite(ScoreWeights),
    /// On the largest quarter of the rows, learnt from the others: the mean relative error, each
    /// prediction that is too low counted so many times. Too low kills a task; too high wastes.
    OneSided {
        /// Cost of a byte too few against a byte too many.
        under: f64,
    },
}

impl Goal {
    /// What `predicted` loses against `measured`; `None` when there is nothing to compare.
    #[must_use]
    pub fn loss(&self, measured: &[f64], predicted: &[f64]) -> Option<f64> {
        let metrics = Metrics::new(measured, predicted)?;
        match self {
            Self::Composite(weights) => Some(-metrics.score(weights)),
            Self::OneSided { under } => {
                let one =
                    |(&y, &p): (&f64, &f64)| (p - y).max(0.0) / y + under * (y - p).max(0.0) / y;
                let sum: f64 = measured.iter().zip(predicted).map(one).sum();
                Some(sum / measured.len() as f64)
            }
        }
    }
}

/// What a regressor loses inside `rows`, of which row `i` has `sizes[i]` voxels: a part of them is
/// learnt, the others are predicted. Rows that a result is reported on must not be among them; then a
/// search over this loss has never seen those. `None` where the regressor cannot be fitted.
#[must_use]
pub fn nested_loss(guard: &Guard, rows: &Rows, sizes: &[usize], goal: &Goal) -> Option<f64> {
    let split = match goal {
        Goal::Composite(_) => Split::random(sizes.len(), 0.2, 42),
        Goal::OneSided { .. } => Split::largest_out(sizes, 0.25),
    };
    let features: Vec<Vec<f64>> = split.train.iter().map(|&i| rows.row(i).to_vec()).collect();
    let targets = |of: &[usize]| of.iter().map(|&i| rows.targets()[i]).collect::<Vec<_>>();
    let train = Rows::new(rows.names().to_vec(), &features, &targets(&split.train)).ok()?;
    let fitted = guard.fit(&train).ok()?;
    let predicted: Result<Vec<f64>, _> =
        split.test.iter().map(|&i| fitted.predict(rows.row(i))).collect();
    goal.loss(&targets(&split.test), &predicted.ok()?)
}

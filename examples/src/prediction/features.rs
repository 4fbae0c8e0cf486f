//! The features of the thesis, its split, and what a model makes of them.

use anyhow::Context;
use chunkfit_predict::{FeatureMap, Guard, Metrics, Model, Rows, Split};

use super::data::Dataset;

/// The design of the thesis.
pub(super) struct Features {
    pub(super) names: Vec<String>,
    pub(super) rows: Vec<Vec<f64>>,
    pub(super) y: Vec<f64>,
    pub(super) split: Split,
}

impl Features {
    pub(super) fn new(data: &Dataset, map: &FeatureMap) -> Self {
        Self {
            names: map.names(),
            rows: data.readings.iter().map(|r| map.eval(r.shape, r.shape)).collect(),
            y: data.readings.iter().map(|r| r.gib).collect(),
            split: Split::random(data.readings.len(), 0.2, 42),
        }
    }

    pub(super) fn targets(&self, of: &[usize]) -> Vec<f64> {
        of.iter().map(|&i| self.y[i]).collect()
    }

    /// The rows `of` with the features `kept`.
    pub(super) fn design(&self, of: &[usize], kept: &[usize]) -> anyhow::Result<Rows> {
        let row = |&i: &usize| kept.iter().map(|&j| self.rows[i][j]).collect();
        let rows: Vec<Vec<f64>> = of.iter().map(row).collect();
        let names = kept.iter().map(|&j| self.names[j].clone()).collect();
        Ok(Rows::new(names, &rows, &self.targets(of))?)
    }

    /// Predictions for the test rows of `split`.
    pub(super) fn predict(
        &self,
        model: &Model,
        split: &Split,
        kept: &[usize],
    ) -> anyhow::Result<Vec<f64>> {
        let fitted = Guard::thesis(model.clone()).fit(&self.design(&split.train, kept)?)?;
        let test = self.design(&split.test, kept)?;
        (0..split.test.len()).map(|i| Ok(fitted.predict(test.row(i))?)).collect()
    }

    pub(super) fn metrics(&self, split: &Split, predicted: &[f64]) -> anyhow::Result<Metrics> {
        Metrics::new(&self.targets(&split.test), predicted).context("a peak is not positive")
    }

    fn column(&self, j: usize) -> Vec<f64> {
        self.rows.iter().map(|row| row[j]).collect()
    }

    /// How strongly a feature goes with the target, as F of a line; a constant goes with nothing.
    pub(super) fn strength(&self, j: usize) -> f64 {
        sums(&self.column(j), &self.y).map_or(-1.0, |[xx, yy, xy]| {
            let r2 = xy * xy / (xx * yy);
            r2 / (1.0 - r2) * (self.y.len() as f64 - 2.0)
        })
    }

    /// Pearson's, of all features and at last the peak; NaN with a constant.
    pub(super) fn correlations(&self) -> Vec<Vec<f64>> {
        let mut columns: Vec<Vec<f64>> = (0..self.names.len()).map(|j| self.column(j)).collect();
        columns.push(self.y.clone());
        let one = |a: &[f64], b: &[f64]| {
            sums(a, b).map_or(f64::NAN, |[xx, yy, xy]| xy / (xx.sqrt() * yy.sqrt()))
        };
        columns.iter().map(|a| columns.iter().map(|b| one(a, b)).collect()).collect()
    }
}

/// The sums of squares and products about the means; none where one is constant.
fn sums(x: &[f64], y: &[f64]) -> Option<[f64; 3]> {
    let n = x.len() as f64;
    let (a, b) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let xx: f64 = x.iter().map(|v| (v - a) * (v - a)).sum();
    let yy: f64 = y.iter().map(|t| (t - b) * (t - b)).sum();
    let xy: f64 = x.iter().zip(y).map(|(v, t)| (v - a) * (t - b)).sum();
    (xx > 1e-20 * n * a * a && yy > 1e-20 * n * b * b).then_some([xx, yy, xy])
}

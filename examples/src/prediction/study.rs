//! The pipeline of the thesis on one operator, and the ladder on the same rows.

use anyhow::Context;
use chunkfit_core::MemoryModel;
use chunkfit_predict::{
    DecisionTree, ElasticNet, FeatureMap, GradientBoosting, Guard, Ladder, Linear, Metrics, Model,
    Polynomial, RandomForest, Rows, ScoreWeights, Split, SupportVectors, XgBoost, permutation,
};

use super::data::{self, Dataset, GIB};

/// Seeds of a band.
const SEEDS: u64 = 20;

/// A model on the test rows.
#[derive(Clone, Debug)]
pub(super) struct Result {
    pub(super) model: &'static str,
    pub(super) metrics: Metrics,
    pub(super) measured: Vec<f64>,
    pub(super) predicted: Vec<f64>,
    /// Lowest and highest RMSE of the seeds, where chance plays a part.
    pub(super) band: Option<(f64, f64)>,
    /// Learnt from the smaller shapes, tested on the largest quarter.
    pub(super) largest: Metrics,
}

/// One step of the data reduction or the feature selection.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Rows, or the number that the thesis prints for features.
    pub(super) n: usize,
    pub(super) metrics: Metrics,
    pub(super) residuals: Vec<f64>,
    /// The ladder on the same rows.
    pub(super) ladder: Option<Metrics>,
    /// The feature that goes after this step.
    pub(super) removed: Option<String>,
}

/// Everything that is known of one operator.
pub(super) struct Study {
    pub(super) data: Dataset,
    pub(super) weights: ScoreWeights,
    pub(super) results: Vec<Result>,
    /// Which of the models without chance has the highest score.
    pub(super) chosen: usize,
    pub(super) reduction: Vec<Step>,
    pub(super) selection: Vec<Step>,
    pub(super) features: Features,
    /// What could not be fitted, and why.
    pub(super) failures: Vec<(String, String)>,
}

/// The design of the thesis.
pub(super) struct Features {
    pub(super) names: Vec<String>,
    pub(super) rows: Vec<Vec<f64>>,
    pub(super) y: Vec<f64>,
    pub(super) split: Split,
}

pub(super) const SHAPES_ALONE: &str = "ladder, shapes alone";
pub(super) const LEDGER: &str = "ladder, declared ledger";

/// Weights of the score that the thesis stored; elsewhere the corner at which its search ends.
fn weights(operator: &str) -> ScoreWeights {
    let [accuracy, rmse, mae, r2] = match operator {
        "envelope" => [
            1.994_154_502_032_630_6,
            0.575_093_532_523_116_6,
            0.919_113_068_356_612,
            0.998_203_385_720_364_8,
        ],
        "gaussian-filter" => [
            1.975_241_655_307_920_2,
            1.233_826_151_367_669_6,
            0.995_685_057_956_818,
            0.998_976_162_421_195_4,
        ],
        "gst3d" => [
            1.994_871_168_973_050_5,
            1.076_464_080_975_848_3,
            1.467_312_687_613_499_2,
            0.981_373_193_741_322_3,
        ],
        _ => [2.0, 0.5, 0.5, 1.0],
    };
    ScoreWeights { accuracy, rmse, mae, r2 }
}

/// The eight models with their defaults; of those with chance, this seed.
fn models(seed: u64) -> [(Model, bool); 8] {
    [
        (Model::Linear(Linear {}), false),
        (Model::Polynomial(Polynomial::default()), false),
        (Model::DecisionTree(DecisionTree { seed, ..DecisionTree::default() }), true),
        (Model::RandomForest(RandomForest { seed, ..RandomForest::default() }), true),
        (Model::GradientBoosting(GradientBoosting { seed, ..GradientBoosting::default() }), true),
        (Model::XgBoost(XgBoost::default()), false),
        (Model::SupportVectors(SupportVectors::default()), false),
        (Model::ElasticNet(ElasticNet::default()), false),
    ]
}

impl Features {
    fn new(data: &Dataset, map: &FeatureMap) -> Self {
        Self {
            names: map.names(),
            rows: data.readings.iter().map(|r| map.eval(r.shape, r.shape)).collect(),
            y: data.readings.iter().map(|r| r.gib).collect(),
            split: Split::random(data.readings.len(), 0.2, 42),
        }
    }

    fn targets(&self, of: &[usize]) -> Vec<f64> {
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
    fn predict(&self, model: &Model, split: &Split, kept: &[usize]) -> anyhow::Result<Vec<f64>> {
        let fitted = Guard::thesis(model.clone()).fit(&self.design(&split.train, kept)?)?;
        let test = self.design(&split.test, kept)?;
        (0..split.test.len()).map(|i| Ok(fitted.predict(test.row(i))?)).collect()
    }

    fn metrics(&self, split: &Split, predicted: &[f64]) -> anyhow::Result<Metrics> {
        Metrics::new(&self.targets(&split.test), predicted).context("a peak is not positive")
    }

    fn column(&self, j: usize) -> Vec<f64> {
        self.rows.iter().map(|row| row[j]).collect()
    }

    /// How strongly a feature goes with the target, as F of a line; a constant goes with nothing.
    fn strength(&self, j: usize) -> f64 {
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

impl Study {
    pub(super) fn new(data: Dataset, map: &FeatureMap) -> anyhow::Result<Self> {
        let features = Features::new(&data, map);
        let weights = weights(&data.operator);
        let sizes: Vec<usize> = data.readings.iter().map(|r| r.shape.voxels()).collect();
        let largest = Split::largest_out(&sizes, 0.25);
        let all: Vec<usize> = (0..features.names.len()).collect();
        let mut results = Vec::new();
        let mut failures = Vec::new();
        for (model, by_chance) in models(0) {
            let both = features
                .predict(&model, &features.split, &all)
                .and_then(|p| Ok((p, features.predict(&model, &largest, &all)?)));
            let (predicted, beyond) = match both {
                Ok(both) => both,
                Err(why) => {
                    failures.push((model.name().to_owned(), why.to_string()));
                    continue;
                }
            };
            let metrics = features.metrics(&features.split, &predicted)?;
            let mut band = None;
            if by_chance {
                let (mut low, mut high) = (metrics.rmse, metrics.rmse);
                for seed in 1..SEEDS {
                    let other = models(seed).into_iter().find(|m| m.0.name() == model.name());
                    let other = other.map_or_else(|| model.clone(), |other| other.0);
                    let p = features.predict(&other, &features.split, &all)?;
                    let rmse = features.metrics(&features.split, &p)?.rmse;
                    (low, high) = (low.min(rmse), high.max(rmse));
                }
                band = Some((low, high));
            }
            results.push(Result {
                model: model.name(),
                metrics,
                measured: features.targets(&features.split.test),
                predicted,
                band,
                largest: features.metrics(&largest, &beyond)?,
            });
        }
        // The first of equals, as the thesis chose; without chance, of which its scores depended.
        let chosen = (1..results.len()).fold(0, |best, i| {
            let score = |i: usize| results[i].metrics.score(&weights);
            if results[i].band.is_none() && score(i) > score(best) { i } else { best }
        });
        let name = results.get(chosen).context("no model could be fitted")?.model;
        let model = models(0).into_iter().map(|m| m.0).find(|model| model.name() == name);
        let model = model.context("no model could be fitted")?;
        let ledger = data::ledger(&data.operator);
        let ways = [(SHAPES_ALONE, None), (LEDGER, ledger.as_deref())];
        for (name, ledger) in ways.into_iter().filter(|(name, l)| *name != LEDGER || l.is_some()) {
            let predicted = climb(&data, ledger, &features.split)?;
            let beyond = climb(&data, ledger, &largest)?;
            results.push(Result {
                model: name,
                metrics: features.metrics(&features.split, &predicted)?,
                measured: features.targets(&features.split.test),
                predicted,
                band: None,
                largest: features.metrics(&largest, &beyond)?,
            });
        }
        let reduction = reduction(&features, &data, &model, &mut failures);
        let selection = selection(&features, &model, &mut failures);
        Ok(Self { data, weights, results, chosen, reduction, selection, features, failures })
    }

    /// The fewest features, and independently the fewest rows, within 5 % of the highest score.
    pub(super) fn last(&self) -> (usize, usize) {
        let fewest = |steps: &[Step]| {
            let score = |step: &Step| step.metrics.score(&self.weights);
            let most = steps.iter().map(score).fold(f64::MIN, f64::max);
            let near = steps.iter().filter(|step| score(step) >= 0.95 * most);
            near.map(|step| step.n).min().unwrap_or(0)
        };
        (fewest(&self.selection), fewest(&self.reduction))
    }
}

/// Predictions of the ladder for the test rows, in GiB.
fn climb(
    data: &Dataset,
    ledger: Option<&(dyn MemoryModel + Sync)>,
    split: &Split,
) -> anyhow::Result<Vec<f64>> {
    let seen: Vec<_> = split.train.iter().map(|&i| data.readings[i].observation()).collect();
    let ladder = match ledger {
        Some(ledger) => Ladder::new().with_ledger(ledger),
        None => Ladder::new(),
    };
    let fitted = ladder.fit(&seen)?;
    let one = |&i: &usize| {
        let shape = data.readings[i].shape;
        fitted.predict(shape, shape).peak.as_f64() / GIB
    };
    Ok(split.test.iter().map(one).collect())
}

/// Ever fewer rows, each time split anew inside what is left.
fn reduction(
    features: &Features,
    data: &Dataset,
    model: &Model,
    failures: &mut Vec<(String, String)>,
) -> Vec<Step> {
    let all: Vec<usize> = (0..features.names.len()).collect();
    let mut left: Vec<usize> = (0..features.y.len()).collect();
    let mut steps = Vec::new();
    while left.len() >= 10 {
        let n = left.len();
        let inner = Split::random(n, 0.2, 42);
        let outer = |of: &[usize]| of.iter().map(|&i| left[i]).collect();
        let split = Split { train: outer(&inner.train), test: outer(&inner.test) };
        let ladder = climb(data, None, &split).and_then(|p| features.metrics(&split, &p)).ok();
        match step(features, model, &split, &all, n, ladder) {
            Ok(step) => steps.push(step),
            Err(why) => failures.push((format!("{n} rows"), why.to_string())),
        }
        left = permutation(n, 42)[..n * 9 / 10].iter().map(|&i| left[i]).collect();
    }
    steps
}

/// Ever fewer features; the thesis begins to count two too high, so its first steps remove nothing.
fn selection(
    features: &Features,
    model: &Model,
    failures: &mut Vec<(String, String)>,
) -> Vec<Step> {
    let mut kept: Vec<usize> = (0..features.names.len()).collect();
    let mut steps = Vec::new();
    for k in (1..=kept.len() + 2).rev() {
        let step = step(features, model, &features.split, &kept, k, None);
        let mut removed = None;
        if k > 1 && kept.len() > k - 1 {
            let strength: Vec<f64> = kept.iter().map(|&j| features.strength(j)).collect();
            let weakest = (0..kept.len()).min_by(|&a, &b| strength[a].total_cmp(&strength[b]));
            removed = weakest.map(|at| features.names[kept.remove(at)].clone());
        }
        match step {
            Ok(step) => steps.push(Step { removed, ..step }),
            Err(why) => failures.push((format!("{k} features"), why.to_string())),
        }
    }
    steps
}

fn step(
    features: &Features,
    model: &Model,
    split: &Split,
    kept: &[usize],
    n: usize,
    ladder: Option<Metrics>,
) -> anyhow::Result<Step> {
    let predicted = features.predict(model, split, kept)?;
    let measured = features.targets(&split.test);
    let residuals = measured.iter().zip(&predicted).map(|(y, p)| y - p).collect();
    let metrics = features.metrics(split, &predicted)?;
    Ok(Step { n, metrics, residuals, ladder, removed: None })
}

//! The pipeline of the thesis on one operator, and the ladder on the same rows.

use anyhow::Context;
use chunkfit_core::MemoryModel;
use chunkfit_predict::{
    DecisionTree, ElasticNet, FeatureMap, GradientBoosting, Ladder, Linear, Metrics, Model,
    Polynomial, RandomForest, ScoreWeights, Split, SupportVectors, XgBoost,
};

use super::data::{self, Dataset, GIB};
use super::features::Features;
use super::steps::{self, Step};

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
        let reduction = steps::reduction(&features, &data, &model, &mut failures);
        let selection = steps::selection(&features, &data, &model, &mut failures);
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
pub(super) fn climb(
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

//! What becomes of the chosen model with ever fewer rows, and with ever fewer features.

use chunkfit_predict::{Metrics, Model, Split, permutation};

use super::data::Dataset;
use super::features::Features;
use super::study::climb;

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

/// Ever fewer rows, each time split anew inside what is left.
pub(super) fn reduction(
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
pub(super) fn selection(
    features: &Features,
    data: &Dataset,
    model: &Model,
    failures: &mut Vec<(String, String)>,
) -> Vec<Step> {
    let mut kept: Vec<usize> = (0..features.names.len()).collect();
    // The ladder sees shapes, so that its error is the same with any number of features.
    let ladder = climb(data, None, &features.split);
    let ladder = ladder.and_then(|p| features.metrics(&features.split, &p)).ok();
    let mut steps = Vec::new();
    for k in (1..=kept.len() + 2).rev() {
        let step = step(features, model, &features.split, &kept, k, ladder);
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

//! The search for hyper-parameters, which sees the training rows alone.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, ensure};
use chunkfit_predict::search::{Goal, Parameter, Range, Search, Trial, nested_loss};
use chunkfit_predict::{
    ElasticNet, GradientBoosting, Guard, Metrics, Model, ScoreWeights, SupportVectors, XgBoost,
};

use serde::{Deserialize, Serialize};

use super::study::Study;
use crate::options::Settings;
use crate::progress::Progress;
use crate::report::Section;
use crate::tables::{Table, fixed};

/// Cost of a byte too few against one too many, in the honest goal.
const UNDER: f64 = 10.0;
const SEED: u64 = 2;

/// A model that is tuned: its space, and the model at a point of it.
type Tuned = (&'static str, Vec<Parameter>, fn(&[f64]) -> Model);

fn tuned() -> Vec<Tuned> {
    let p = Parameter::new;
    let boosting = || {
        vec![
            p("trees", Range::Integer { low: 20, high: 200 }),
            p("depth", Range::Integer { low: 1, high: 8 }),
            p("rate", Range::LogUniform { low: 0.01, high: 0.5 }),
        ]
    };
    vec![
        ("gradient boosting", boosting(), |at| {
            let (trees, depth, rate) = (at[0] as usize, at[1] as usize, at[2]);
            Model::GradientBoosting(GradientBoosting { trees, depth, rate, seed: 0 })
        }),
        ("XGBoost", boosting(), |at| {
            let (rounds, depth, eta) = (at[0] as usize, at[1] as usize, at[2]);
            Model::XgBoost(XgBoost { rounds, depth, eta, ..XgBoost::default() })
        }),
        (
            "support vector regression",
            vec![
                p("cost", Range::LogUniform { low: 0.1, high: 1e3 }),
                p("epsilon", Range::LogUniform { low: 1e-5, high: 0.1 }),
            ],
            |at| {
                let (cost, epsilon) = (at[0], at[1]);
                Model::SupportVectors(SupportVectors { cost, epsilon, ..SupportVectors::default() })
            },
        ),
        (
            "elastic net",
            vec![
                p("alpha", Range::LogUniform { low: 1e-6, high: 10.0 }),
                p("l1_ratio", Range::Uniform { low: 0.0, high: 1.0 }),
            ],
            |at| {
                Model::ElasticNet(ElasticNet {
                    alpha: at[0],
                    l1_ratio: at[1],
                    ..ElasticNet::default()
                })
            },
        ),
    ]
}

pub(super) fn section(study: &Study, settings: &Settings) -> anyhow::Result<Section> {
    let folder = settings.out.join("search");
    std::fs::create_dir_all(&folder)?;
    let total = settings.pick(50, 12);
    let slug = study.data.operator.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let (features, peaks) = (&study.features, study.data.fingerprint());
    let all: Vec<usize> = (0..features.names.len()).collect();
    let train = features.design(&features.split.train, &all)?;
    let test = features.design(&features.split.test, &all)?;
    let voxels = |&i: &usize| study.data.readings[i].shape.voxels();
    let sizes: Vec<usize> = features.split.train.iter().map(voxels).collect();
    let mut table = Table::new(
        &format!("Settings of least loss after {total} trials, {}", study.data.operator),
        &["model", "goal", "setting", "loss", "test: RMSE, GiB", "test: too low, %"],
    );
    let goals = [
        ("composite", Goal::Composite(study.weights)),
        ("one-sided", Goal::OneSided { under: UNDER }),
    ];
    let mut progress = Progress::new((goals.len() * tuned().len()) as u64);
    for (model, space, at) in tuned() {
        for (goal_name, goal) in &goals {
            progress.begin(&format!("{}: {model}, {goal_name}", study.data.operator));
            let search = Search::new(space.clone(), SEED);
            let name = format!("{slug}-{}-{goal_name}.jsonl", model.replace(' ', "-"));
            let loss = |v: &[f64]| nested_loss(&Guard::thesis(at(v)), &train, &sizes, goal);
            let trials = kept(&folder.join(name), &peaks, &search, total, loss)?;
            let best = Search::best(&trials).context("no setting could be fitted")?;
            let fitted = Guard::thesis(at(&best.values)).fit(&train)?;
            let predicted: Vec<f64> = (0..test.targets().len())
                .map(|i| fitted.predict(test.row(i)))
                .collect::<Result<_, _>>()?;
            let m = Metrics::new(test.targets(), &predicted).context("a peak is not positive")?;
            let setting = search.space().iter().zip(&best.values);
            let setting: Vec<String> =
                setting.map(|(p, value)| format!("{} = {value:.3e}", p.name)).collect();
            table.row([
                model.to_owned(),
                (*goal_name).to_owned(),
                setting.join(", "),
                fixed(best.loss, 5),
                format!("{:.3e}", m.rmse),
                fixed(Some(100.0 * m.under), 0),
            ]);
        }
    }
    Ok(Section {
        name: format!("search-{slug}"),
        title: format!("{}: search", study.data.operator),
        about: "A tree-structured Parzen estimator over the hyper-parameters. Each trial learns a part of \
                the training rows and is judged on the others: a random fifth by the composite score, or \
                the largest quarter by the relative error, a byte too few counted ten times. The test rows \
                are seen once, by the winner."
            .to_owned(),
        answer: format!("{total} trials for each model and goal; they are kept in search/."),
        tables: vec![table, weights(study, &folder.join(format!("{slug}-weights.jsonl")), total)?],
        figures: Vec::new(),
        absent: Vec::new(),
    })
}

/// The weights of the score as the thesis searches them: the sum of all models' scores on the *test* rows
/// is made large. It is linear, so its optimum is a corner. Shown, and used for nothing.
fn weights(study: &Study, path: &Path, total: usize) -> anyhow::Result<Table> {
    let range = |name, low, high| Parameter::new(name, Range::Uniform { low, high });
    let space = vec![
        range("accuracy", 1.0, 2.0),
        range("rmse", 0.5, 1.5),
        range("mae", 0.5, 1.5),
        range("r2", 0.2, 1.0),
    ];
    let sum = |w: &ScoreWeights| -> f64 {
        let models = study.results.iter().filter(|r| !r.model.starts_with("ladder"));
        models.map(|r| r.metrics.score(w)).sum()
    };
    let at = |v: &[f64]| ScoreWeights { accuracy: v[0], rmse: v[1], mae: v[2], r2: v[3] };
    let trials = kept(path, &study.data.fingerprint(), &Search::new(space, SEED), total, |v| {
        Some(-sum(&at(v)))
    })?;
    let best = at(&Search::best(&trials).context("no weights were tried")?.values);
    let header = ["weights", "accuracy", "RMSE", "MAE", "R²", "sum of scores"];
    let title =
        format!("Weights after {total} trials, as the thesis searches; {}", study.data.operator);
    let mut table = Table::new(&title, &header);
    for (name, w) in [("found here", best), ("used for the scores", study.weights)] {
        let numbers = [w.accuracy, w.rmse, w.mae, w.r2, sum(&w)].map(|v| fixed(Some(v), 4));
        table.row([name.to_owned()].into_iter().chain(numbers));
    }
    Ok(table)
}

/// The first line of a file of trials.
#[derive(Debug, Deserialize, Serialize)]
struct Head {
    /// Of the peaks that losses are of.
    peaks: String,
}

/// Goes on with the trials in a file: a line that says of which peaks they are, and then one for each,
/// added as soon as it is done.
fn kept(
    path: &Path,
    peaks: &str,
    search: &Search,
    total: usize,
    loss: impl FnMut(&[f64]) -> Option<f64>,
) -> anyhow::Result<Vec<Trial>> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut lines = text.lines();
    if let Some(first) = lines.next() {
        let found =
            serde_json::from_str(first).map_or("unknown".to_owned(), |head: Head| head.peaks);
        ensure!(
            found == peaks,
            "the trials in {} are of other peaks (fingerprint {found}, here {peaks}); remove the file, or \
             choose another --out",
            path.display()
        );
    }
    // A last line that was cut off is tried again.
    let done: Vec<Trial> = lines.map_while(|l| serde_json::from_str(l).ok()).collect();
    let whole: Vec<String> = done.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    let mut file = std::fs::File::create(path)?;
    writeln!(file, "{}", serde_json::to_string(&Head { peaks: peaks.to_owned() })?)?;
    whole.iter().try_for_each(|line| writeln!(file, "{line}"))?;
    let mut failure = Ok(());
    let trials = search.run(done, total, loss, |trials| {
        if let Some(last) = trials.last().filter(|_| failure.is_ok()) {
            let line = serde_json::to_string(last).unwrap_or_default();
            failure = writeln!(file, "{line}");
        }
    });
    failure.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(trials)
}

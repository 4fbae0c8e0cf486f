//! The search finds what is known, repeats itself, and goes on where it stopped.

use chunkfit_predict::search::{Goal, Parameter, Range, Search, Trial, nested_loss};
use chunkfit_predict::{DecisionTree, Guard, Linear, Model, Rows};

fn space() -> Vec<Parameter> {
    vec![
        Parameter::new("x", Range::Uniform { low: -5.0, high: 5.0 }),
        Parameter::new("rate", Range::LogUniform { low: 1e-4, high: 1e2 }),
        Parameter::new("depth", Range::Integer { low: 1, high: 30 }),
        Parameter::new("kind", Range::Choice { n: 5 }),
    ]
}

/// Least, 0, at (2, 0.1, 7, kind 3).
fn bowl(at: &[f64]) -> Option<f64> {
    let kind = if at[3] == 3.0 { 0.0 } else { 1.0 };
    let depth = (at[2] - 7.0) / 10.0;
    Some((at[0] - 2.0).powi(2) + (at[1].log10() + 1.0).powi(2) + depth * depth + kind)
}

fn least(trials: &[Trial]) -> f64 {
    Search::best(trials).unwrap().loss.unwrap()
}

/// Of 20 seeds, with 60 trials each. Drawing evenly is the same search that never leaves its start.
#[test]
fn better_than_chance() {
    let mut wins = 0;
    let (mut ours, mut chance) = (Vec::new(), Vec::new());
    for seed in 0..20 {
        let search = Search::new(space(), seed);
        let mut even = Search::new(space(), 1000 + seed);
        even.startup = 60;
        ours.push(least(&search.run(Vec::new(), 60, bowl, |_| {})));
        chance.push(least(&even.run(Vec::new(), 60, bowl, |_| {})));
        wins += usize::from(ours.last() < chance.last());
    }
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    println!("{wins} of 20; mean {:.4} against {:.4}", mean(&ours), mean(&chance));
    assert!(wins >= 15, "{wins} of 20");
    assert!(mean(&ours) < 0.5 * mean(&chance), "{} against {}", mean(&ours), mean(&chance));
}

#[test]
fn the_same_seed_gives_the_same_trials_and_another_seed_others() {
    let run = |seed| Search::new(space(), seed).run(Vec::new(), 30, bowl, |_| {});
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}

#[test]
fn a_search_goes_on_where_it_stopped() {
    let search = Search::new(space(), 5);
    let whole = search.run(Vec::new(), 40, bowl, |_| {});
    for k in [0, 1, 9, 10, 23, 40] {
        // Through a file, as a program would keep them.
        let lines: Vec<String> =
            whole[..k].iter().map(|trial| serde_json::to_string(trial).unwrap()).collect();
        let kept = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut seen = Vec::new();
        assert_eq!(search.run(kept, 40, bowl, |trials| seen.push(trials.len())), whole);
        assert_eq!(seen, (k + 1..=40).collect::<Vec<_>>());
    }
}

#[test]
fn failures_are_kept_and_never_the_best() {
    let half = |at: &[f64]| if at[0] < 0.0 { Some(f64::NAN) } else { bowl(at) };
    let trials = Search::new(space(), 1).run(Vec::new(), 50, half, |_| {});
    assert_eq!(trials.len(), 50);
    assert!(trials.iter().any(|trial| trial.loss.is_none()));
    assert!(Search::best(&trials).unwrap().values[0] >= 0.0);
    let none = Search::new(space(), 1).run(Vec::new(), 20, |_| None, |_| {});
    assert_eq!(Search::best(&none), None);
}

/// A line extrapolates, a tree does not: the honest goal tells them apart.
#[test]
fn the_honest_goal_prefers_what_extrapolates() {
    let sizes: Vec<usize> = (1..=20).collect();
    let x: Vec<Vec<f64>> = sizes.iter().map(|&n| vec![n as f64]).collect();
    let y: Vec<f64> = sizes.iter().map(|&n| 10.0 + 3.0 * n as f64).collect();
    let rows = Rows::new(vec!["voxels".to_owned()], &x, &y).unwrap();
    let goal = Goal::OneSided { under: 10.0 };
    let loss = |model| nested_loss(&Guard::new(model), &rows, &sizes, &goal).unwrap();
    assert!(loss(Model::Linear(Linear {})) < 1e-9);
    assert!(loss(Model::DecisionTree(DecisionTree::default())) > 0.5);
    // One too low by a tenth costs as much as ten too high by a tenth.
    assert!(
        (goal.loss(&[1.0], &[0.9]).unwrap() - 10.0 * goal.loss(&[1.0], &[1.1]).unwrap()).abs()
            < 1e-9
    );
}

//! Regressors against other libraries: numbers from scikit-learn 1.9.1, SciPy and XGBoost 3.2.0 on the
//! same forty rows, and smartcore side by side.

use chunkfit_predict::{
    BayesianRidge, ConstantColumns, DecisionTree, ElasticNet, GradientBoosting, Guard, Linear,
    Model, NearestNeighbours, NonNegative, Polynomial, RandomForest, Ridge, Rows, Scaling,
    SupportVectors, XgBoost,
};
use smartcore::ensemble::random_forest_regressor::{
    RandomForestRegressor, RandomForestRegressorParameters,
};
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::neighbors::knn_regressor::{KNNRegressor, KNNRegressorParameters};
use smartcore::tree::decision_tree_regressor::{
    DecisionTreeRegressor, DecisionTreeRegressorParameters,
};

const ASKED: [[f64; 3]; 2] = [[2.2, 3.1, 6.0], [4.9, 0.7, 9.5]];

fn data() -> (Vec<Vec<f64>>, Vec<f64>) {
    let row = |i: usize| {
        let (a, b) = ((i as f64 * 0.7).sin() * 2.0 + 3.0, (i % 7) as f64 + 0.5);
        vec![a, b, a * b]
    };
    let x: Vec<Vec<f64>> = (0..40).map(row).collect();
    let target = |r: &Vec<f64>| 1.0 + 2.0 * r[0] + 0.5 * r[1] + 0.25 * r[2] + (3.0 * r[0]).sin();
    let y = x.iter().map(target).collect();
    (x, y)
}

fn predictions(model: Model) -> [f64; 2] {
    let (x, y) = data();
    let rows = Rows::new(vec!["a".into(), "b".into(), "ab".into()], &x, &y).unwrap();
    let guard = Guard { model, scaling: Scaling::Raw, constants: ConstantColumns::Refuse };
    let fitted = guard.fit(&rows).unwrap();
    ASKED.map(|row| fitted.predict(&row).unwrap())
}

#[test]
fn agree_with_the_usual_libraries() {
    let net = ElasticNet { alpha: 0.1, tolerance: 1e-12, sweeps: 100_000, ..ElasticNet::default() };
    let vectors = SupportVectors { gamma: Some(0.2), tolerance: 1e-9, ..SupportVectors::default() };
    let bayes = BayesianRidge { updates: 1000, tolerance: 1e-10 };
    let tree = DecisionTree { depth: Some(3), seed: 0 };
    let cases: [(Model, [f64; 2], f64); 10] = [
        (Model::DecisionTree(tree), [8.37365908, 12.43629707], 1e-8),
        (Model::Linear(Linear::default()), [8.31638397, 14.1598023], 1e-8),
        (Model::Polynomial(Polynomial::default()), [8.21245183, 13.8564539], 1e-8),
        (Model::Ridge(Ridge::default()), [8.33082085, 14.1397206], 1e-8),
        (Model::ElasticNet(net), [8.35529681, 14.1330005], 1e-7),
        (Model::BayesianRidge(bayes), [8.31875343, 14.156677], 1e-7),
        (Model::SupportVectors(vectors), [8.55745126, 12.5446387], 1e-7),
        (Model::NearestNeighbours(NearestNeighbours::default()), [8.22795674, 13.3755584], 1e-8),
        (Model::NonNegative(NonNegative::default()), [8.31947842, 14.0168225], 1e-8),
        // XGBoost computes in single precision.
        (Model::XgBoost(XgBoost::default()), [8.28811073, 14.1678581], 1e-4),
    ];
    for (model, expected, tolerance) in cases {
        let name = model.name();
        let got = predictions(model);
        for (got, expected) in got.into_iter().zip(expected) {
            assert!((got / expected - 1.0).abs() < tolerance, "{name}: {got} {expected}");
        }
    }
}

/// Splits that are equally good are drawn, so a boosted ensemble agrees only about.
#[test]
fn boosting_agrees_within_its_ties() {
    let got = predictions(Model::GradientBoosting(GradientBoosting::default()));
    for (got, expected) in got.into_iter().zip([8.45169947, 14.2370193]) {
        assert!((got / expected - 1.0).abs() < 0.03, "{got} {expected}");
    }
}

#[test]
fn trees_and_neighbours_agree_with_smartcore() {
    let (x, y) = data();
    let matrix = DenseMatrix::from_2d_vec(&x).unwrap();
    let asked = DenseMatrix::from_2d_vec(&ASKED.map(|row| row.to_vec()).to_vec()).unwrap();

    // Its depth counts the leaves too.
    let tree = DecisionTreeRegressor::fit(
        &matrix,
        &y,
        DecisionTreeRegressorParameters::default().with_max_depth(3),
    )
    .unwrap()
    .predict(&asked)
    .unwrap();
    let ours = predictions(Model::DecisionTree(DecisionTree { depth: Some(2), seed: 0 }));
    let parameters = RandomForestRegressorParameters { m: Some(3), ..Default::default() };
    let parameters = RandomForestRegressorParameters { n_trees: 300, ..parameters };
    let forest =
        RandomForestRegressor::fit(&matrix, &y, parameters).unwrap().predict(&asked).unwrap();
    let trees = RandomForest { trees: 300, ..RandomForest::default() };
    let our_forest = predictions(Model::RandomForest(trees));
    let near = KNNRegressor::fit(&matrix, &y, KNNRegressorParameters::default().with_k(5))
        .unwrap()
        .predict(&asked)
        .unwrap();
    let k = predictions(Model::NearestNeighbours(NearestNeighbours { neighbours: 5 }));
    for i in 0..2 {
        assert!((tree[i] - ours[i]).abs() < 1e-9, "tree: {tree:?} {ours:?}");
        assert!(
            (forest[i] - our_forest[i]).abs() < 0.05 * our_forest[i],
            "{forest:?} {our_forest:?}"
        );
        assert!((near[i] - k[i]).abs() < 1e-9, "neighbours: {near:?} {k:?}");
    }
}

//! The guard in front of every regressor.

use chunkfit_predict::{FitError, FittedModel, Guard, Model, Ridge, Rows, Scaling, XgBoost};
use proptest::prelude::*;

fn names(width: usize) -> Vec<String> {
    (0..width).map(|j| format!("x{j}")).collect()
}

/// Rows on a curved surface, well conditioned, positive.
pub(crate) fn surface(n: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
    let row = |i: usize| {
        let (a, b) = ((i as f64 * 0.7).sin() * 2.0 + 3.0, (i % 7) as f64 + 0.5);
        vec![a, b, a * b]
    };
    let rows: Vec<Vec<f64>> = (0..n).map(row).collect();
    let y = rows.iter().map(|r| 1.0 + 2.0 * r[0] + 0.5 * r[1] + 0.25 * r[2]).collect();
    (rows, y)
}

#[test]
fn every_model_learns_repeats_and_reloads() {
    let (x, y) = surface(40);
    let rows = Rows::new(names(3), &x, &y).unwrap();
    for model in Model::all() {
        for scaling in [Scaling::Standard, Scaling::Raw] {
            // Relative least squares needs positive targets, which standardised ones are not.
            if matches!(model, Model::NonNegative(_)) && scaling == Scaling::Standard {
                continue;
            }
            let guard = Guard { scaling, ..Guard::new(model.clone()) };
            let fitted = guard.fit(&rows).unwrap();
            let json = serde_json::to_string(&fitted).unwrap();
            assert_eq!(json, serde_json::to_string(&guard.fit(&rows).unwrap()).unwrap());
            let reloaded = FittedModel::from_json(&json).unwrap();
            assert_eq!(reloaded, fitted);
            let mean = y.iter().sum::<f64>() / y.len() as f64;
            let (mut squares, mut spread) = (0.0, 0.0);
            for (row, y) in x.iter().zip(&y) {
                let p = fitted.predict(row).unwrap();
                assert_eq!(reloaded.predict(row).unwrap().to_bits(), p.to_bits());
                squares += (p - y) * (p - y);
                spread += (mean - y) * (mean - y);
            }
            // The elastic net's default penalty leaves nothing but the mean of standardised rows.
            let most = if matches!(model, Model::ElasticNet(_)) { 1.0 + 1e-9 } else { 0.5 };
            assert!(squares <= most * spread, "{} {scaling:?}: {squares} {spread}", model.name());
        }
    }
}

#[test]
fn wrong_input_is_an_error_for_every_model() {
    let (x, y) = surface(40);
    for model in Model::all() {
        let guard = Guard { scaling: Scaling::Raw, ..Guard::new(model.clone()) };
        let fitted = guard.fit(&Rows::new(names(3), &x, &y).unwrap()).unwrap();
        let wide = fitted.predict(&[1.0; 4]).unwrap_err();
        assert_eq!(wide, FitError::WrongWidth { row: 0, expected: 3, got: 4 });
        assert!(matches!(fitted.predict(&[1.0; 2]), Err(FitError::WrongWidth { .. })));
        for bad in [f64::NAN, f64::INFINITY] {
            let error = fitted.predict(&[1.0, bad, 1.0]).unwrap_err();
            assert!(error.to_string().starts_with("x1 of row 0 is"), "{error}");
        }
        let mut constant = x.clone();
        constant.iter_mut().for_each(|row| row[1] = 7.0);
        let error = guard.fit(&Rows::new(names(3), &constant, &y).unwrap()).unwrap_err();
        assert_eq!(error, FitError::Constant { column: "x1".to_owned(), value: 7.0 });
        for n in 1..4 {
            let few = Rows::new(names(3), &x[..n], &y[..n]).unwrap();
            match guard.fit(&few) {
                Ok(fitted) => assert!(fitted.predict(&x[5]).is_ok()),
                Err(error) => {
                    assert!(
                        matches!(error, FitError::TooFewRows { got, .. } if got == n),
                        "{error}"
                    );
                }
            }
        }
    }
}

#[test]
fn rows_are_valid_by_construction() {
    let error = |x: &[Vec<f64>], y: &[f64]| Rows::new(names(2), x, y).unwrap_err().to_string();
    assert!(error(&[vec![1.0, 2.0], vec![1.0]], &[1.0, 2.0]).starts_with("row 1 has 1 features"));
    assert!(error(&[vec![1.0, f64::NAN]], &[1.0]).starts_with("x1 of row 0 is NaN"));
    assert!(error(&[vec![1.0, 2.0]], &[f64::INFINITY]).starts_with("target of row 0 is inf"));
    assert!(error(&[vec![1.0, 2.0]], &[]).starts_with("1 rows have 0 targets"));
    assert!(error(&[], &[]).contains("got 0"));
}

#[test]
fn parameters_out_of_range_are_named() {
    let (x, y) = surface(9);
    let rows = Rows::new(names(3), &x, &y).unwrap();
    let error = Guard::new(Model::Ridge(Ridge { alpha: f64::NAN })).fit(&rows).unwrap_err();
    assert_eq!(error.to_string(), "alpha of ridge is NaN; it must be positive");
    let boost = XgBoost { eta: -0.1, ..XgBoost::default() };
    let error = Guard::new(Model::XgBoost(boost)).fit(&rows).unwrap_err();
    assert_eq!(error.to_string(), "eta of XGBoost is -0.1; it must be positive");
}

#[test]
fn a_broken_file_is_refused() {
    let (x, y) = surface(9);
    let rows = Rows::new(names(3), &x, &y).unwrap();
    for model in Model::all() {
        let fitted = Guard { scaling: Scaling::Raw, ..Guard::new(model) }.fit(&rows).unwrap();
        let mut value = serde_json::to_value(&fitted).unwrap();
        value["names"].as_array_mut().unwrap().pop();
        assert!(FittedModel::from_json(&value.to_string()).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    /// Sizes, scales and repeats that nobody chose: a value or an error, never a panic.
    #[test]
    fn nothing_panics(
        cells in proptest::collection::vec(proptest::array::uniform3(-5_i32..5), 1..12),
        exponent in -200_i32..200,
        which in 0..14_usize,
        keep in any::<bool>(),
    ) {
        let scale = 10_f64.powi(exponent);
        let x: Vec<Vec<f64>> =
            cells.iter().map(|c| c.iter().map(|&v| f64::from(v) * scale).collect()).collect();
        let y: Vec<f64> = cells.iter().map(|c| f64::from(c[0] + c[1]).abs()).collect();
        let rows = Rows::new(names(3), &x, &y).unwrap();
        let mut guard = Guard::new(Model::all().swap_remove(which));
        if keep {
            guard = Guard::thesis(guard.model);
        }
        if let Ok(fitted) = guard.fit(&rows) {
            let _either = fitted.predict(&[scale, 0.0, -scale]);
        }
    }
}

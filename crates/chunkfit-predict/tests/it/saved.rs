//! Models in files.

use chunkfit_core::testing::Dice;
use chunkfit_core::{ByteSize, MemoryModel, Prediction, Regime, Shape};
use chunkfit_predict::{
    Dtype, Fitted, Identity, Ladder, Observation, SavedError, SavedModel, Scope,
};

fn identity() -> Identity {
    Identity {
        operator: "gst:rho=1".to_owned(),
        version: "0.1.0".to_owned(),
        dtype: Dtype::F32,
        scope: Scope::HighWater,
        threads: 1,
        allocator: "glibc 2.39".to_owned(),
        page_bytes: 4096,
        machine: "here".to_owned(),
    }
}

fn rows() -> Vec<Observation> {
    let mut dice = Dice::new(5);
    (0..30)
        .map(|_| {
            let shape = dice.shape([90, 80, 70]);
            let noise = 1.0 + 0.02 * f64::from(dice.amplitude());
            let bytes = 3e7 + 28.3 * shape.voxels() as f64 * noise;
            let mut seen = Observation::live_heap(shape, ByteSize::new(bytes as u64));
            (seen.origin.scope, seen.base) = (Scope::HighWater, None);
            seen
        })
        .collect()
}

fn text(fitted: &Fitted<'_>) -> String {
    let mut file = Vec::new();
    SavedModel::new(fitted, identity(), &rows(), 1_700_000_000).save(&mut file).unwrap();
    String::from_utf8(file).unwrap()
}

#[test]
fn predicts_as_it_did() {
    let fitted = Ladder::new().fit(&rows()).unwrap();
    let saved = SavedModel::load(text(&fitted).as_bytes()).unwrap();
    assert_eq!(saved.evidence(), rows());
    assert_eq!(saved.created_unix_s(), 1_700_000_000);
    let again = saved.fitted(&identity(), None).unwrap();
    let mut dice = Dice::new(6);
    for _ in 0..300 {
        let shape = dice.shape([300, 200, 100]);
        assert_eq!(again.predict(shape, shape), fitted.predict(shape, shape), "{shape}");
    }
}

#[test]
fn another_operator_dtype_or_allocator_is_stale() {
    type Change = (&'static str, fn(&mut Identity));
    let fitted = Ladder::new().fit(&rows()).unwrap();
    let saved = SavedModel::load(text(&fitted).as_bytes()).unwrap();
    let changes: [Change; 8] = [
        ("operator", |now| now.operator.push('2')),
        ("operator version", |now| now.version = "0.2.0".to_owned()),
        ("dtype", |now| now.dtype = Dtype::F64),
        ("scope", |now| now.scope = Scope::Cgroup),
        ("number of threads", |now| now.threads = 2),
        ("allocator", |now| now.allocator = "musl".to_owned()),
        ("page size", |now| now.page_bytes = 16384),
        ("machine", |now| now.machine = "there".to_owned()),
    ];
    for (field, change) in changes {
        let mut now = identity();
        change(&mut now);
        match saved.fitted(&now, None) {
            Err(SavedError::Stale { what, .. }) => assert_eq!(what, field),
            other => panic!("{field}: {other:?}"),
        }
    }
}

#[test]
fn damage_is_noticed() {
    let fitted = Ladder::new().fit(&rows()).unwrap();
    let good = text(&fitted);
    let error = |text: String| SavedModel::load(text.as_bytes()).unwrap_err().to_string();
    let other =
        good.replacen("\"created_unix_s\": 1700000000", "\"created_unix_s\": 1700000001", 1);
    assert!(error(other).contains("has checksum"));
    let other = good.replacen("\"schema\": 2", "\"schema\": 7", 1);
    assert_eq!(error(other), "the model has schema 7, this version reads 2; fit it again");
    assert!(error("{}".to_owned()).starts_with("the model cannot be read"));
    let compact: String = good.lines().map(str::trim).collect();
    assert!(SavedModel::load(compact.as_bytes()).is_ok(), "the layout of the text is free");
}

#[test]
fn a_ledger_is_code_and_must_be_passed() {
    let ledger = |block: Shape, _: Shape| {
        let peak = block.bytes::<f32>() * 7;
        Prediction { peak, upper: peak, regime: Regime::Declared }
    };
    let fitted = Ladder::new().with_ledger(&ledger).fit(&rows()[..2]).unwrap();
    let saved = SavedModel::load(text(&fitted).as_bytes()).unwrap();
    assert!(matches!(saved.fitted(&identity(), None), Err(SavedError::NoLedger { .. })));
    let shape = Shape::new([5, 7, 11]).unwrap();
    let again = saved.fitted(&identity(), Some(&ledger)).unwrap();
    assert_eq!(again.predict(shape, shape), fitted.predict(shape, shape));
}

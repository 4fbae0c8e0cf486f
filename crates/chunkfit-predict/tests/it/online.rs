//! Learning from every task.

use chunkfit_core::testing::Dice;
use chunkfit_core::{ByteSize, MemoryModel, Prediction, Regime, Shape};
use chunkfit_predict::{Ladder, Observation, Online, Peak, Verdict};

fn block(n: usize) -> Shape {
    Shape::new([5, 7, n]).unwrap()
}

fn measured(bytes: f64) -> Peak {
    Peak::Measured(ByteSize::new(bytes as u64))
}

/// 28 bytes per voxel and 40 kB.
fn needs(shape: Shape) -> f64 {
    28.0 * shape.voxels() as f64 + 40_000.0
}

fn start() -> Online<'static> {
    let rows: Vec<Observation> = [11, 30, 60, 90]
        .map(|n| Observation::live_heap(block(n), ByteSize::new(needs(block(n)) as u64)))
        .into();
    Online::new(&Ladder::new().fit(&rows).unwrap())
}

#[test]
fn the_bound_holds_as_often_as_it_says() {
    let mut online = start();
    let mut dice = Dice::new(7);
    let (mut above, tasks) = (0, 4000);
    for _ in 0..tasks {
        let shape = block(dice.between(11, 400));
        // Noise larger than the floor of the bound, to both sides.
        let peak = needs(shape) * (1.0 + 0.05 * f64::from(dice.amplitude()));
        let upper = online.predict(shape, shape).upper;
        above += usize::from(peak > upper.as_f64());
        online.update(shape, shape, measured(peak));
    }
    // Uniform noise of ±5 % and a floor of 1 %: the bound is above nearly all.
    println!("{above} of {tasks} above");
    assert!(above <= tasks / 100, "{above}");
    let at = online.predict(block(200), block(200));
    assert!((at.peak.as_f64() / needs(block(200)) - 1.0).abs() < 0.02, "{at:?}");
    assert!(at.upper.as_f64() < 1.08 * needs(block(200)), "{at:?}");
}

#[test]
fn coefficients_follow_a_slow_change() {
    let mut online = start();
    let mut slope = 1.0;
    for i in 0..600 {
        slope += 0.0005;
        let shape = block(20 + (i * 37) % 200);
        online.update(shape, shape, measured(needs(shape) * slope));
    }
    let at = online.predict(block(150), block(150)).peak.as_f64();
    assert!((at / (needs(block(150)) * slope) - 1.0).abs() < 0.03, "{at}");
}

#[test]
fn a_jump_is_drift_and_the_ledger_takes_over() {
    let ledger = |b: Shape, _: Shape| {
        let peak = ByteSize::new(60 * b.voxels() as u64 + 100_000);
        Prediction { peak, upper: peak, regime: Regime::Declared }
    };
    let rows: Vec<Observation> = [11, 30, 60, 90, 120, 150]
        .map(|n| Observation::live_heap(block(n), ByteSize::new(needs(block(n)) as u64)))
        .into();
    let fitted = Ladder::new().with_ledger(&ledger).fit(&rows).unwrap();
    let mut online = Online::new(&fitted);
    let shape = block(70);
    assert_eq!(online.update(shape, shape, measured(needs(shape))), Verdict::Within);
    // Above the fit and below the ledger, whose bound holds.
    let mut once = online.clone();
    assert_eq!(once.update(shape, shape, measured(1.5 * needs(shape))), Verdict::Within);
    assert_eq!(once.predict(shape, shape).regime, Regime::Declared);
    let jump = 4.0 * needs(shape);
    assert_eq!(online.update(shape, shape, measured(jump)), Verdict::Above);
    assert_eq!(online.predict(shape, shape).regime, Regime::Extrapolated);
    assert_eq!(online.update(shape, shape, measured(3.0 * jump)), Verdict::Drift);
    assert!(online.has_drifted());
    assert!(online.predict(shape, shape).upper >= ledger(shape, shape).upper);
}

#[test]
fn clean_readings_raise_no_alarm() {
    let mut online = start();
    let mut dice = Dice::new(3);
    for _ in 0..2000 {
        let shape = block(dice.between(11, 300));
        let peak = needs(shape) * (1.0 + 0.002 * f64::from(dice.amplitude()));
        assert_eq!(online.update(shape, shape, measured(peak)), Verdict::Within);
    }
    assert!(!online.has_drifted());
    assert_eq!(online.predict(block(200), block(200)).regime, Regime::Calibrated);
}

#[test]
fn a_kill_raises_the_bound_but_is_no_value() {
    let mut online = start();
    let shape = block(70);
    let before = online.predict(shape, shape);
    let had = ByteSize::new(2 * before.upper.as_u64());
    let Verdict::Killed { retry } = online.update(shape, shape, Peak::AtLeast(had)) else {
        panic!("a kill is a kill");
    };
    assert_eq!(retry, had.scale(1.25));
    let after = online.predict(shape, shape);
    assert_eq!(after.peak, before.peak);
    assert!(after.upper >= had);
}

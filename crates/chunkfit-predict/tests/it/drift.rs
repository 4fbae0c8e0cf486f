//! Telling when tasks have left their model.

use chunkfit_core::testing::Dice;
use chunkfit_core::{ByteSize, Shape};
use chunkfit_predict::{Drift, Ladder, Observation, Peak, Watch};

fn block(n: usize) -> Shape {
    Shape::new([5, 7, n]).unwrap()
}

/// 28 bytes per voxel and 40 kB.
fn needs(shape: Shape, factor: f64) -> ByteSize {
    ByteSize::new((factor * (28.0 * shape.voxels() as f64 + 40_000.0)) as u64)
}

fn watch() -> Watch<'static> {
    let rows = [11, 30, 60, 90].map(|n| Observation::live_heap(block(n), needs(block(n), 1.0)));
    Watch::new(Ladder::new().fit(&rows).unwrap())
}

/// What is told after tasks that need `factors` of what was fitted.
fn after(factors: &[f64]) -> Option<Drift> {
    let mut watch = watch();
    for (i, &factor) in factors.iter().enumerate() {
        let shape = block(20 + 7 * i);
        watch.see(shape, shape, Peak::Measured(needs(shape, factor)));
    }
    watch.drift()
}

#[test]
fn once_is_chance_and_again_is_drift() {
    assert_eq!(after(&[1.3]), None);
    assert_eq!(after(&[1.3, 1.3]), Some(Drift::Above));
    assert_eq!(after(&[1.3, 1.0, 1.0, 1.0, 1.0, 1.3, 1.0]), None);
    assert_eq!(after(&[1.3, 1.0, 1.3, 1.3]), Some(Drift::Above));
    assert_eq!(after(&[1.3, 1.0, 1.0, 1.3, 1.0, 1.0, 1.3]), Some(Drift::Above));
    assert_eq!(after(&[0.5, 0.5]), None);
    assert_eq!(after(&[0.5, 0.5, 0.5]), Some(Drift::Below));
    assert_eq!(after(&[0.7; 7]), Some(Drift::Below));
    assert_eq!(after(&[0.5, 0.5, 0.5, 1.3, 1.3]), Some(Drift::Above));
}

#[test]
fn clean_readings_raise_no_alarm() {
    let mut dice = Dice::new(3);
    let factors: Vec<f64> = (0..2000).map(|_| 1.0 + 0.004 * f64::from(dice.amplitude())).collect();
    assert_eq!(after(&factors), None);
    assert_eq!(after(&[0.9; 200]), None, "a tenth is nothing to act on");
}

#[test]
fn a_kill_counts_when_it_is_above_the_bound() {
    let mut watch = watch();
    for n in [20, 30, 40] {
        watch.see(block(n), block(n), Peak::AtLeast(needs(block(n), 0.5)));
    }
    assert_eq!(watch.drift(), None);
    for n in [20, 30] {
        watch.see(block(n), block(n), Peak::AtLeast(needs(block(n), 1.5)));
    }
    assert_eq!(watch.drift(), Some(Drift::Above));
}

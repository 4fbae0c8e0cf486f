//! The independent computation agrees with the kernels, and notices what is wrong.

use crate::names::NAMES;
use chunkfit_core::testing::{Dice, apply_at};
use chunkfit_core::{Placement, Region, Shape};
use chunkfit_seismic::synthetic::Survey;
use chunkfit_seismic::{parse, reference};
use ndarray::{Array3, Axis};

fn check(
    name: &str,
    volume: &Array3<f32>,
    at: &Placement,
    outputs: &[Array3<f32>],
) -> reference::Check {
    let views: Vec<_> = outputs.iter().map(|output| output.view()).collect();
    reference::verify(name, at.block().view(volume.view()), at, &views).expect("a sound request")
}

fn survey(extents: [usize; 3]) -> Array3<f32> {
    let survey = Survey::new(Shape::new(extents).expect("not empty"), 20);
    let sections: Vec<_> = (0..extents[0]).map(|i| survey.inline(i)).collect();
    let views: Vec<_> = sections.iter().map(|section| section.view()).collect();
    ndarray::stack(Axis(0), &views).expect("sections of one shape")
}

const MORE: &[&str] = &[
    "envelope+gaussian:sigma=1x0x0.5",
    "gaussian:sigma=0x3x0.8,truncate=2.5",
    "gst:kernel=5,outputs=azimuth",
    "gst:kernel=1x3x9,outputs=dip/planarity",
    "gst:kernel=15,outputs=dip",
    "quadrature",
    "cosine-phase",
    "complex-trace:outputs=envelope/relative-amplitude-change/bandwidth,definition=literature",
    "frequency-change",
];

fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().chain(MORE).copied()
}

#[test]
fn agrees_with_the_kernels() {
    for name in names() {
        let operator = parse(name).unwrap();
        for seed in 0..15 {
            let mut dice = Dice::new(seed);
            let volume = match seed % 3 {
                0 => survey(dice.shape([12, 13, 61]).extents()),
                1 => dice.volume(Shape::new([7, 8, 31]).unwrap()),
                _ => Array3::from_shape_simple_fn([6, 7, 8], || dice.between(0, 1) as f32),
            };
            let shape = Shape::new(volume.dim().into()).unwrap();
            let core = dice.region(shape);
            let at = Placement::new(shape, core, &operator.halo());
            let outputs = apply_at(operator.as_ref(), volume.view(), &at);
            let check = check(name, &volume, &at, &outputs);
            assert!(check.passed, "{name}, {core} of {shape}, seed {seed}: {check:?}");
            assert_eq!(check.voxels, core.shape().voxels() * outputs.len());
        }
    }
}

/// Single-precision transforms of awkward lengths keep to the tolerance.
#[test]
fn envelopes_of_every_length_agree() {
    let operator = parse("envelope").unwrap();
    for n in (1..200).chain([251, 499, 1009, 1500, 1501, 2003, 4001]) {
        let shape = Shape::new([1, 2, n]).unwrap();
        let volume = Dice::new(n as u64).volume(shape);
        let at = Placement::whole(shape);
        let outputs = apply_at(operator.as_ref(), volume.view(), &at);
        let check = check("envelope", &volume, &at, &outputs);
        assert!(check.passed, "{n} samples: {check:?}");
    }
}

#[test]
fn notices_a_wrong_voxel() {
    let volume = survey([8, 9, 40]);
    let shape = Shape::new([8, 9, 40]).unwrap();
    let core = Region::new([1, 2, 5], Shape::new([4, 5, 20]).unwrap());
    for name in names() {
        let operator = parse(name).unwrap();
        let at = Placement::new(shape, core, &operator.halo());
        let right = apply_at(operator.as_ref(), volume.view(), &at);
        for (number, spec) in operator.outputs().iter().enumerate() {
            let changes: [fn(f32) -> f32; 3] =
                [|v| v + v.abs() * 1e-3 + 1e-2, |_| f32::NAN, |_| -999.0];
            for change in changes {
                let mut wrong = right.clone();
                let voxel = &mut wrong[number][[2, 3, 10]];
                *voxel = change(*voxel);
                let check = check(name, &volume, &at, &wrong);
                assert!(!check.passed && check.worst > 1.0, "{name}, {}: {check:?}", spec.name);
            }
        }
    }
}

/// The seam between two chunks is where a wrong halo shows.
#[test]
fn notices_a_reflection_at_a_cut() {
    let volume = survey([12, 13, 40]);
    let shape = Shape::new([12, 13, 40]).unwrap();
    for name in ["gaussian:sigma=1", "gst"] {
        let operator = parse(name).unwrap();
        let core = Region::new([0, 0, 10], Shape::new([12, 13, 20]).unwrap());
        let alone = core.view(volume.view()).to_owned();
        let outputs = apply_at(operator.as_ref(), alone.view(), &Placement::whole(core.shape()));
        let at = Placement::new(shape, core, &operator.halo());
        assert!(!check(name, &volume, &at, &outputs).passed, "{name}");
    }
}

#[test]
fn not_a_number_must_be_where_it_belongs() {
    let shape = Shape::new([7, 8, 21]).unwrap();
    let mut volume = Dice::new(3).volume(shape);
    volume[[3, 4, 10]] = f32::NAN;
    volume[[0, 0, 0]] = f32::INFINITY;
    let at = Placement::whole(shape);
    for name in names() {
        let operator = parse(name).unwrap();
        let mut outputs = apply_at(operator.as_ref(), volume.view(), &at);
        assert!(check(name, &volume, &at, &outputs).passed, "{name}");
        outputs[0][[3, 4, 10]] = 1.0;
        assert!(!check(name, &volume, &at, &outputs).passed, "{name}");
    }
}

#[test]
fn requests_that_make_no_sense_are_errors() {
    let shape = Shape::new([3, 4, 5]).unwrap();
    let at = Placement::whole(shape);
    let volume = Array3::zeros([3, 4, 5]);
    let small = Array3::zeros([3, 4, 4]);
    let verify = |name, block: &Array3<f32>, outputs: &[_]| {
        reference::verify(name, block.view(), &at, outputs).map(|_| ()).unwrap_err().to_string()
    };
    assert!(verify("gauss", &volume, &[volume.view()]).contains("no operator"));
    assert!(verify("envelope", &small, &[volume.view()]).contains("the block is [3, 4, 4]"));
    assert!(verify("envelope", &volume, &[small.view()]).contains("an output is"));
    assert!(verify("gst", &volume, &[volume.view()]).contains("3 outputs"));
}

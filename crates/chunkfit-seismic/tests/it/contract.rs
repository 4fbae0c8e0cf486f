//! The promises of `Operator`: chunked equals whole, monotone memory, local NaN, checked arrays.

use crate::names::NAMES;
use chunkfit_core::testing::{Dice, apply_at, check_model_is_monotone, check_operator};
use chunkfit_core::{Halo, Ledger, OperatorError, Placement, Reach, Region, Shape};
use chunkfit_seismic::parse;
use ndarray::{Array3, s};

/// More operators whose kernels are smaller and larger than the axes of the test volumes.
const MORE: &[&str] = &[
    "envelope+gaussian:sigma=1x0x0.5+gst:outputs=dip",
    "gaussian",
    "gaussian:sigma=0.7x2.2x0,truncate=3",
    "gaussian:sigma=0",
    "gst:kernel=5,outputs=planarity",
    "gst:kernel=1,outputs=dip",
    "gst:kernel=3x1x9",
    "gst:kernel=21",
    "cosine-phase+gaussian:sigma=0.6",
    "bandwidth:definition=literature",
    "complex-trace:outputs=quadrature/relative-amplitude-change/dominant-frequency",
    "complex-trace:outputs=envelope/phase/sweetness/frequency-change/quality-factor,definition=literature",
];

fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().chain(MORE).copied()
}

fn shape(extents: [usize; 3]) -> Shape {
    Shape::new(extents).expect("not empty")
}

#[test]
fn chunked_equals_whole() {
    for name in names() {
        let operator = parse(name).unwrap();
        check_operator(operator.as_ref(), [9, 10, 23], 20);
        check_operator(operator.as_ref(), [1, 14, 31], 4);
        check_operator(operator.as_ref(), [14, 1, 31], 4);
        check_operator(operator.as_ref(), [12, 14, 1], 4);
    }
}

#[test]
fn long_traces_in_thin_chunks() {
    for name in names() {
        check_operator(parse(name).unwrap().as_ref(), [2, 3, 260], 4);
    }
}

/// Short traces of many inlines, cut into chunks of many and of few.
#[test]
fn short_traces() {
    for name in names() {
        let operator = parse(name).unwrap();
        check_operator(operator.as_ref(), [300, 3, 4], 6);
        check_operator(operator.as_ref(), [150, 4, 50], 2);
    }
}

#[test]
fn memory_is_monotone() {
    for name in names() {
        let operator = parse(name).unwrap();
        for largest in [[40, 50, 300], [120, 5, 60], [150, 14, 14]] {
            check_model_is_monotone(&Ledger::new(operator.as_ref()), largest, 200);
        }
    }
}

#[test]
fn halos() {
    let halo = |name| parse(name).unwrap().halo();
    assert_eq!(halo("envelope").reach(chunkfit_core::Axis::Sample), Reach::Whole);
    assert_eq!(halo("gaussian"), Halo::uniform(12));
    assert_eq!(halo("gaussian:sigma=1x0x0.5"), Halo::symmetric([4, 0, 2]));
    assert_eq!(halo("gst"), Halo::uniform(2));
    assert_eq!(halo("gst:kernel=1x5x9"), Halo::symmetric([1, 3, 5]));
}

/// One NaN reaches the voxels whose halo holds it, and no others; all of them for the tensor and for
/// the Gaussian.
#[test]
fn a_nan_stays_within_the_halo() {
    let extents = [11, 13, 17];
    let bad = [5, 6, 8];
    let mut volume = Dice::new(1).volume(shape(extents));
    volume[bad] = f32::NAN;
    let at = Placement::whole(shape(extents));
    for name in ["envelope", "gaussian:sigma=0.6x1x0.5", "gst", "gst:kernel=1x3x5"] {
        let operator = parse(name).unwrap();
        for output in apply_at(operator.as_ref(), volume.view(), &at) {
            for (index, value) in output.indexed_iter() {
                let core = Region::new(index.into(), shape([1, 1, 1]));
                let block = core.expand(&operator.halo(), shape(extents));
                let reached = block.contains(&Region::new(bad, shape([1, 1, 1])));
                assert_eq!(value.is_nan(), reached, "{name} at {index:?}");
            }
        }
    }
}

/// Volumes in another memory order, as NumPy may hand them over.
#[test]
fn any_strides_give_the_same_bits() {
    let extents = [6, 7, 19];
    let volume = Dice::new(2).volume(shape(extents));
    let mut strange = Array3::zeros([19 * 2, 6, 7]);
    strange.slice_mut(s![..;-2, .., ..]).assign(&volume.view().permuted_axes([2, 0, 1]));
    let view = strange.slice(s![..;-2, .., ..]).permuted_axes([1, 2, 0]);
    assert_eq!(view, volume);
    let at = Placement::whole(shape(extents));
    for name in names() {
        let operator = parse(name).unwrap();
        let expected = apply_at(operator.as_ref(), volume.view(), &at);
        assert_eq!(apply_at(operator.as_ref(), view, &at), expected, "{name}");
    }
}

#[test]
fn arrays_that_do_not_fit_are_errors() {
    let volume = Array3::<f32>::zeros([6, 7, 8]);
    let core = Region::new([2, 2, 2], shape([2, 2, 3]));
    for name in ["envelope", "gaussian:sigma=0.5", "gst:outputs=dip"] {
        let operator = parse(name).unwrap();
        let at = Placement::new(shape([6, 7, 8]), core, &operator.halo());
        let block = at.block().view(volume.view());
        let mut out = Array3::zeros([2, 2, 3]);
        let apply = |block, at: &Placement, out: &mut Array3<f32>| {
            operator.apply(block, at, &mut [out.view_mut()])
        };
        assert!(apply(block, &at, &mut out).is_ok());
        assert!(matches!(
            apply(block, &at, &mut Array3::zeros([2, 2, 4])),
            Err(OperatorError::WrongShape { what: "an output", .. })
        ));
        assert!(apply(volume.view(), &at, &mut out).is_err());
        assert!(matches!(
            operator.apply(block, &at, &mut []),
            Err(OperatorError::WrongOutputCount { got: 0, expected: 1 })
        ));
        let thin = Placement::new(shape([6, 7, 8]), core, &Halo::none());
        let error = apply(core.view(volume.view()), &thin, &mut out).unwrap_err();
        assert!(error.to_string().contains("halo of this operator"), "{error}");
    }
}

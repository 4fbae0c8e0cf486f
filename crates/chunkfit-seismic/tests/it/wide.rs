//! Volumes of `f64`: the operators that take them.

use chunkfit_core::testing::{Dice, apply_at, check_model_is_monotone, check_operator};
use chunkfit_core::{Axis, Operator, Placement, Prediction, Regime, Region, Shape};
use chunkfit_seismic::{
    Derivative, Gaussian, GradientMagnitude, Mean, Precision, ReflectionIntensity, Rms, Semblance,
    filter, whole,
};
use ndarray::{Array3, ArrayView3, s};

type Wide = Box<dyn Operator<f64>>;

fn gaussian(sigma: [f64; 3], truncate: f64) -> Gaussian {
    Gaussian::new(sigma, truncate).unwrap()
}

fn gradient_magnitude(sigma: [f64; 3], truncate: f64) -> GradientMagnitude {
    GradientMagnitude::new(sigma, truncate).unwrap()
}

fn mean(window: [usize; 3]) -> Mean {
    Mean::new(window).unwrap()
}

fn rms(window: [usize; 3]) -> Rms {
    Rms::new(window).unwrap()
}

fn operators() -> Vec<Wide> {
    let mut all: Vec<Wide> = vec![
        Box::new(gaussian([3.0; 3], 4.0)),
        Box::new(gaussian([1.0, 0.0, 2.5], 3.0)),
        Box::new(gaussian([1.0; 3], 4.0).with_precision(Precision::Single)),
        Box::new(gradient_magnitude([1.0; 3], 4.0)),
        Box::new(gradient_magnitude([0.7, 2.0, 1.3], 3.0)),
        Box::new(mean([3; 3])),
        Box::new(mean([1, 5, 15])),
        Box::new(mean([1; 3])),
        Box::new(rms([3, 1, 5])),
        Box::new(rms([1, 1, 9])),
        Box::new(Semblance::new([3, 3, 5]).unwrap()),
        Box::new(ReflectionIntensity::new(9).unwrap()),
    ];
    for axis in Axis::ALL {
        all.push(Box::new(Derivative::first(axis)));
        all.push(Box::new(Derivative::second(axis)));
    }
    all
}

fn shape(extents: [usize; 3]) -> Shape {
    Shape::new(extents).unwrap()
}

/// Numbers that `f32` does not have.
fn volume(extents: [usize; 3]) -> Array3<f64> {
    Dice::new(6).volume(shape(extents)).mapv(|v| f64::from(v) * 1.000_000_01 + 1e-9)
}

fn apply(operator: &dyn Operator<f64>, volume: ArrayView3<'_, f64>) -> Array3<f64> {
    whole(operator, volume).unwrap().remove(0)
}

#[test]
fn chunked_equals_whole() {
    for operator in operators() {
        for largest in [[9, 10, 23], [1, 14, 31], [14, 1, 31], [12, 14, 1], [2, 3, 260], [70, 3, 3]]
        {
            check_operator(operator.as_ref(), largest, 6);
        }
    }
}

#[test]
fn the_bits_of_the_filters() {
    for extents in [[11, 17, 45], [70, 3, 2], [3, 2, 150], [1, 7, 1]] {
        let volume = volume(extents);
        let view = volume.view();
        for axis in Axis::ALL {
            let expected = filter::derivative(view, axis.index()).unwrap();
            assert_eq!(apply(&Derivative::first(axis), view), expected);
            let expected = filter::second_derivative(view, axis.index()).unwrap();
            assert_eq!(apply(&Derivative::second(axis), view), expected);
        }
        for (sigma, truncate) in [([3.0; 3], 4.0), ([1.0, 0.5, 2.5], 3.0)] {
            let got = apply(&gradient_magnitude(sigma, truncate), view);
            let expected = filter::gaussian_gradient_magnitude(view, &sigma, truncate);
            assert_eq!(got, expected.unwrap());
            let smooth = gaussian(sigma, truncate);
            let got = apply(&smooth, view);
            assert_eq!(got, filter::gaussian(view, &sigma, truncate).unwrap());
            // There is nothing faster that is good enough.
            assert_eq!(got, apply(&smooth.with_precision(Precision::Single), view));
        }
        for window in [[3; 3], [1, 5, 15], [7, 1, 3]] {
            let expected = filter::uniform(view, &window).unwrap();
            assert_eq!(apply(&mean(window), view), expected);
        }
    }
}

/// What sums over the window at once, against a pass along each axis.
#[test]
fn close_to_the_filters() {
    for extents in [[11, 17, 45], [70, 3, 2], [3, 2, 150]] {
        let volume = volume(extents);
        let view = volume.view();
        let check = |name: &str, got: Array3<f64>, expected: Array3<f64>| {
            for (got, expected) in got.iter().zip(&expected) {
                assert!((got - expected).abs() < 1e-13 * expected.abs().max(1.0), "{name}");
            }
        };
        for window in [[3; 3], [1, 5, 15], [7, 1, 3]] {
            let mean_of =
                |volume: &Array3<f64>, size| filter::uniform(volume.view(), size).unwrap();
            let squares = volume.mapv(|v| v * v);
            let expected = mean_of(&squares, &window).mapv(f64::sqrt);
            check("rms", apply(&rms(window), view), expected);
            let traces = [window[0], window[1], 1];
            let stacks = mean_of(&volume, &traces).mapv(|v| v * v);
            let samples = [1, 1, window[2]];
            let expected = mean_of(&stacks, &samples) / mean_of(&squares, &window);
            check("semblance", apply(&Semblance::new(window).unwrap(), view), expected);
        }
        let trapezoids = filter::correlate1d(view, &[0.5, 1.0, 1.0, 1.0, 0.5], 2).unwrap();
        let got = apply(&ReflectionIntensity::new(5).unwrap(), view);
        check("reflection-intensity", got, trapezoids);
    }
}

/// The names say nothing of the type, nor do outputs and halo.
#[test]
fn described_as_on_single_volumes() {
    fn same<O: Operator<f32> + Operator<f64>>(operator: &O) {
        let (single, double): (&dyn Operator<f32>, &dyn Operator<f64>) = (operator, operator);
        assert_eq!(single.name(), double.name());
        assert_eq!(single.outputs(), double.outputs());
        assert_eq!(single.halo(), double.halo());
    }
    same(&gaussian([1.0, 2.0, 0.0], 3.0));
    same(&gradient_magnitude([1.0, 2.0, 0.5], 3.0));
    same(&mean([1, 5, 15]));
    same(&rms([1, 5, 15]));
    same(&Semblance::new([3, 1, 9]).unwrap());
    same(&ReflectionIntensity::new(5).unwrap());
    same(&Derivative::first(Axis::Crossline));
    same(&Derivative::second(Axis::Sample));
}

#[test]
fn any_strides_give_the_same_bits() {
    let extents = [6, 7, 19];
    let volume = volume(extents);
    let mut strange = Array3::zeros([19 * 2, 6, 7]);
    strange.slice_mut(s![..;-2, .., ..]).assign(&volume.view().permuted_axes([2, 0, 1]));
    let view = strange.slice(s![..;-2, .., ..]).permuted_axes([1, 2, 0]);
    for operator in operators() {
        let expected = apply(operator.as_ref(), volume.view());
        assert_eq!(apply(operator.as_ref(), view), expected, "{}", operator.name());
        let mut turned = Array3::zeros([19, 7, 6]);
        let at = Placement::whole(shape(extents));
        let mut outputs = [turned.view_mut().reversed_axes()];
        operator.apply(volume.view(), &at, &mut outputs).unwrap();
        assert_eq!(turned.reversed_axes(), expected, "{}", operator.name());
    }
}

/// One NaN reaches voxels whose halo holds it, and no others.
#[test]
fn a_nan_stays_within_the_halo() {
    let (extents, bad) = ([11, 13, 17], [5, 6, 8]);
    let mut volume = volume(extents);
    volume[bad] = f64::NAN;
    let one = |at| Region::new(at, shape([1, 1, 1]));
    for operator in operators() {
        for (index, value) in apply(operator.as_ref(), volume.view()).indexed_iter() {
            let block = one(index.into()).expand(&operator.halo(), shape(extents));
            let reached = block.contains(&one(bad));
            assert_eq!(value.is_nan(), reached, "{} at {index:?}", operator.name());
        }
    }
}

#[test]
fn memory_is_monotone() {
    for operator in operators() {
        let ledger = |block: Shape, core: Shape| {
            let arrays = block.bytes::<f64>() + core.bytes::<f64>();
            let peak = arrays + operator.workspace(block, core);
            Prediction { peak, upper: peak, regime: Regime::Declared }
        };
        check_model_is_monotone(&ledger, [40, 50, 300], 100);
        check_model_is_monotone(&ledger, [300, 9, 9], 100);
    }
}

#[test]
fn blocks_that_do_not_fit_are_errors() {
    let volume = volume([6, 7, 8]);
    let core = Region::new([2, 2, 2], shape([2, 2, 3]));
    let at = Placement::new(shape([6, 7, 8]), core, &chunkfit_core::Halo::none());
    let mut out = Array3::zeros([2, 2, 3]);
    for operator in operators().iter().filter(|o| o.halo() != chunkfit_core::Halo::none()) {
        let block = core.view(volume.view());
        let error = operator.apply(block, &at, &mut [out.view_mut()]).unwrap_err();
        assert!(error.to_string().contains("halo of this operator"), "{error}");
        let whole = Placement::whole(shape([6, 7, 8]));
        assert!(operator.apply(volume.view(), &whole, &mut [out.view_mut()]).is_err());
        assert_eq!(apply_at(operator.as_ref(), volume.view(), &whole).len(), 1);
    }
}

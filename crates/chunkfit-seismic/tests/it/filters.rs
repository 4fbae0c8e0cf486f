//! Filters on arrays of one to four axes, and the Gaussian that is made of them.

use std::path::Path;

use chunkfit_core::testing::{Dice, apply_at, check_operator};
use chunkfit_core::{Placement, Shape};
use chunkfit_seismic::filter::{self, Sample};
use chunkfit_seismic::{Gaussian, Precision, gaussian};
use ndarray::{
    Array, Array3, ArrayD, ArrayView, Axis, Dimension, Ix1, Ix2, Ix3, Ix4, RemoveAxis, s,
};
use ndarray_npy::ReadableElement;
use proptest::prelude::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests-data/filters");

const EVEN: [f64; 7] = [0.1, -0.25, 0.5, 1.0, 0.5, -0.25, 0.1];
const ODD: [f64; 5] = [-0.3, -0.9, 0.0, 0.9, 0.3];
const ANY: [f64; 4] = [0.7, -0.2, 0.35, 0.11];

fn bits<T: Sample>(value: T) -> u64 {
    let number: f64 = value.into();
    number.to_bits()
}

fn check_golden<T: Sample + ReadableElement, D: RemoveAxis>(kind: &str) {
    let n_axes = D::NDIM.unwrap();
    let read = |what: &str| -> Array<T, D> {
        let path = Path::new(FOLDER).join(format!("{n_axes}d_{kind}_{what}.npy"));
        ndarray_npy::read_npy(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let input = read("input");
    let (view, axis) = (input.view(), n_axes / 2);
    let sigma = &[1.3, 0.7, 2.1, 3.0][..n_axes];
    let size = &[3, 4, 1, 5][..n_axes];
    for (what, got) in [
        ("gaussian", filter::gaussian(view.clone(), sigma, 4.0)),
        ("uniform", filter::uniform(view.clone(), size)),
        ("even", filter::correlate1d(view.clone(), &EVEN, axis)),
        ("odd", filter::correlate1d(view.clone(), &ODD, axis)),
        ("any", filter::correlate1d(view.clone(), &ANY, axis)),
        ("derivative", filter::derivative(view.clone(), axis)),
        ("second_derivative", filter::second_derivative(view.clone(), axis)),
        ("gradient_magnitude", filter::gaussian_gradient_magnitude(view.clone(), sigma, 4.0)),
    ] {
        let (got, expected) = (got.unwrap(), read(what));
        assert_eq!(got.shape(), expected.shape());
        let differ = got.iter().zip(&expected).filter(|(a, b)| bits(**a) != bits(**b)).count();
        assert_eq!(differ, 0, "{n_axes} axes of {kind}: {differ} elements of {what} differ");
    }
}

#[test]
fn same_bits_as_scipy() {
    check_golden::<f32, Ix1>("float32");
    check_golden::<f32, Ix2>("float32");
    check_golden::<f32, Ix3>("float32");
    check_golden::<f32, Ix4>("float32");
    check_golden::<f64, Ix1>("float64");
    check_golden::<f64, Ix2>("float64");
    check_golden::<f64, Ix3>("float64");
    check_golden::<f64, Ix4>("float64");
}

/// The element at any position of a line that is mirrored at both ends.
fn mirrored(line: &[f64], mut at: isize) -> f64 {
    let n = line.len() as isize;
    loop {
        match at {
            _ if at < 0 => at = -at - 1,
            _ if at >= n => at = 2 * n - 1 - at,
            _ => return line[at as usize],
        }
    }
}

/// Every line along an axis, one output after the other.
fn naive<D: Dimension>(
    array: ArrayView<'_, f64, D>,
    axis: usize,
    weights: &[f64],
) -> Array<f64, D> {
    let mut out = array.to_owned();
    for mut lane in out.lanes_mut(Axis(axis)) {
        let line = lane.to_vec();
        for (i, out) in lane.iter_mut().enumerate() {
            let first = i as isize - (weights.len() / 2) as isize;
            let tap = |(k, weight): (usize, &f64)| weight * mirrored(&line, first + k as isize);
            *out = weights.iter().enumerate().map(tap).sum();
        }
    }
    out
}

fn bell(sigma: f64, truncate: f64) -> Vec<f64> {
    let radius = (truncate * sigma + 0.5) as i32;
    let bell = (-radius..=radius).map(|x| (-0.5 * (f64::from(x) / sigma).powi(2)).exp());
    let bell: Vec<f64> = bell.collect();
    let sum: f64 = bell.iter().sum();
    bell.iter().map(|weight| weight / sum).collect()
}

fn close(got: &ArrayD<f64>, expected: &ArrayD<f64>) -> Result<(), TestCaseError> {
    prop_assert_eq!(got.shape(), expected.shape());
    for (a, b) in got.iter().zip(expected) {
        prop_assert!((a - b).abs() < 1e-12, "{} instead of {}", a, b);
    }
    Ok(())
}

fn noise(shape: &[usize], seed: u64) -> ArrayD<f64> {
    let mut dice = Dice::new(seed);
    ArrayD::from_shape_simple_fn(shape, || f64::from(dice.amplitude()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_weights_along_any_axis(
        shape in prop::collection::vec(1_usize..9, 1..5),
        weights in prop::collection::vec(-1.0_f64..1.0, 1..24),
        axis in 0_usize..4,
        seed: u64,
    ) {
        let axis = axis % shape.len();
        let array = noise(&shape, seed);
        let got = filter::correlate1d(array.view(), &weights, axis).unwrap();
        close(&got, &naive(array.view(), axis, &weights))?;
        let half: Vec<f64> = weights.iter().rev().skip(1).map(|weight| -weight).collect();
        let odd: Vec<f64> = weights.iter().copied().chain(half).collect();
        let got = filter::correlate1d(array.view(), &odd, axis).unwrap();
        close(&got, &naive(array.view(), axis, &odd))?;
    }

    #[test]
    fn means_and_bells(
        shape in prop::collection::vec(1_usize..9, 1..5),
        size in prop::collection::vec(1_usize..8, 4),
        sigma in prop::collection::vec(0.2_f64..4.0, 4),
        truncate in 1.0_f64..5.0,
        seed: u64,
    ) {
        let array = noise(&shape, seed);
        let (size, sigma) = (&size[..shape.len()], &sigma[..shape.len()]);
        let (mut mean, mut smooth) = (array.clone(), array.clone());
        for axis in 0..shape.len() {
            mean = naive(mean.view(), axis, &vec![1.0 / size[axis] as f64; size[axis]]);
            smooth = naive(smooth.view(), axis, &bell(sigma[axis], truncate));
        }
        close(&filter::uniform(array.view(), size).unwrap(), &mean)?;
        close(&filter::gaussian(array.view(), sigma, truncate).unwrap(), &smooth)?;
    }

    #[test]
    fn lengths_of_gradients(
        shape in prop::collection::vec(1_usize..9, 1..5),
        sigma in prop::collection::vec(0.6_f64..3.0, 4),
        truncate in 1.0_f64..5.0,
        seed: u64,
    ) {
        let array = noise(&shape, seed);
        let sigma = &sigma[..shape.len()];
        let mut squares = ArrayD::zeros(shape);
        for along in 0..sigma.len() {
            let mut component = array.clone();
            for (axis, &sigma) in sigma.iter().enumerate() {
                let mut weights = bell(sigma, truncate);
                if axis == along {
                    let first = -((weights.len() / 2) as f64);
                    for (weight, x) in weights.iter_mut().zip(0..) {
                        *weight *= (first + f64::from(x)) / (sigma * sigma);
                    }
                }
                component = naive(component.view(), axis, &weights);
            }
            squares += &component.mapv(|value| value * value);
        }
        let got = filter::gaussian_gradient_magnitude(array.view(), sigma, truncate).unwrap();
        close(&got.mapv(|length| length * length), &squares)?;
    }

    #[test]
    fn derivatives_are_correlations_one_after_the_other(
        shape in prop::collection::vec(1_usize..9, 1..5),
        axis in 0_usize..4,
        seed: u64,
    ) {
        let axis = axis % shape.len();
        let array = noise(&shape, seed);
        let turned = array.view().reversed_axes();
        let single = turned.mapv(|value| value as f32);
        let one_by_one = |along: &[f64], across: &[f64]| {
            let first = filter::correlate1d(turned.view(), along, axis);
            (0..shape.len()).filter(|other| *other != axis).fold(first, |passed, other| {
                filter::correlate1d(passed?.view(), across, other)
            })
        };
        let slope = one_by_one(&[-0.5, 0.0, 0.5], &[0.178_947, 0.642_105, 0.178_947]);
        prop_assert_eq!(filter::derivative(turned.view(), axis), slope);
        let along = [0.232_905, 0.002_668, -0.471_147, 0.002_668, 0.232_905];
        let curvature = one_by_one(&along, &[0.030_32, 0.249_724, 0.439_911, 0.249_724, 0.030_32]);
        prop_assert_eq!(filter::second_derivative(turned.view(), axis), curvature);
        let copy = single.as_standard_layout();
        prop_assert_eq!(
            filter::derivative(single.view(), axis),
            filter::derivative(copy.view(), axis)
        );
    }
}

#[test]
fn strided_and_reversed_views() {
    let array = noise(&[6, 8, 10], 3).mapv(|v| v as f32).into_dimensionality::<Ix3>().unwrap();
    let view = array.slice(s![..;-2, 1.., ..;3]);
    let view = view.permuted_axes([2, 0, 1]);
    let copy = view.as_standard_layout().to_owned();
    assert_eq!(filter::derivative(view, 1), filter::derivative(copy.view(), 1));
    assert_eq!(filter::uniform(view, &[3, 1, 2]), filter::uniform(copy.view(), &[3, 1, 2]));
    let (four, four_copy) = (view.insert_axis(Axis(1)), copy.view().insert_axis(Axis(1)));
    assert_eq!(filter::uniform(four, &[3, 4, 1, 2]), filter::uniform(four_copy, &[3, 4, 1, 2]));
    assert_eq!(gaussian(view, [1.0; 3], 4.0), gaussian(copy.view(), [1.0; 3], 4.0));
}

/// A NaN, an infinity and a huge value reach their own windows and no others.
#[test]
fn a_window_forgets_what_has_left_it() {
    for bad in [f32::NAN, f32::INFINITY, 1e30] {
        let mut line = ndarray::Array1::<f32>::zeros(40);
        line[9] = bad;
        let mean = filter::uniform(line.view(), &[5]).unwrap();
        for (i, value) in mean.iter().enumerate() {
            assert_eq!(*value == 0.0, !(7..=11).contains(&i), "{bad} at {i}: {value}");
        }
    }
}

/// One pass of a Gaussian, by the rule of SciPy, one output after the other.
fn alone(volume: &Array3<f32>, axis: usize, sigma: f64) -> Array3<f32> {
    let weights = if sigma == 0.0 { vec![1.0] } else { bell(sigma, 4.0) };
    let reach = (weights.len() / 2) as isize;
    let mut out = volume.clone();
    for mut lane in out.lanes_mut(Axis(axis)) {
        let line: Vec<f64> = lane.iter().map(|v| f64::from(*v)).collect();
        for (i, out) in lane.iter_mut().enumerate() {
            let tap = |by: isize| mirrored(&line, i as isize + by);
            let mut sum = tap(0) * weights[reach as usize];
            for (by, weight) in (1..=reach).rev().zip(&weights) {
                sum += (tap(-by) + tap(by)) * weight;
            }
            *out = sum as f32;
        }
    }
    out
}

/// Runs of samples, groups of planes and lines, and registers all end somewhere inside these.
#[test]
fn blocks_of_every_size_give_the_bits_of_plain_passes() {
    let mut dice = Dice::new(11);
    for shape in [[37, 5, 19], [3, 41, 7], [2, 3, 1100], [70, 3, 3], [1, 1, 515], [18, 18, 130]] {
        let volume = dice.volume(Shape::new(shape).unwrap());
        for sigma in [[3.0, 3.0, 3.0], [0.5, 2.0, 0.0], [0.0, 1.2, 5.0]] {
            let whole = gaussian(volume.view(), sigma, 4.0).unwrap();
            let mut passed = volume.clone();
            for (axis, sigma) in sigma.into_iter().enumerate() {
                passed = alone(&passed, axis, sigma);
            }
            assert_eq!(whole, passed, "{shape:?} {sigma:?}");
        }
    }
}

#[test]
fn single_precision_is_close_and_does_not_depend_on_chunks() {
    let filter = |sigma| Gaussian::new(sigma, 4.0).unwrap();
    let shape = Shape::new([21, 17, 45]).unwrap();
    let volume = Dice::new(5).volume(shape);
    for sigma in [[3.0; 3], [1.0, 0.0, 2.5]] {
        let fast = filter(sigma).with_precision(Precision::Single);
        check_operator::<f32>(&fast, [9, 10, 23], 10);
        let at = Placement::whole(shape);
        let got = apply_at(&fast, volume.view(), &at).remove(0);
        let exact = apply_at(&filter(sigma), volume.view(), &at).remove(0);
        let worst = got.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst > 0.0 && worst < 5e-7, "{sigma:?}: {worst}");
    }
}

#[test]
fn numbers_at_the_edge_of_the_type() {
    let tiny = Array3::from_elem([3, 4, 9], f32::from_bits(3));
    assert_eq!(gaussian(tiny.view(), [1.0; 3], 4.0).unwrap(), tiny);
    let large = Array3::from_elem([3, 4, 9], 1e30_f32);
    assert_eq!(gaussian(large.view(), [1.0; 3], 4.0).unwrap(), large);
    let endless = Array3::from_elem([3, 4, 9], f32::NEG_INFINITY);
    assert_eq!(gaussian(endless.view(), [1.0; 3], 4.0).unwrap(), endless);
}

//! Filters over boxes of voxels: outputs of NumPy 2.4.6 and SciPy 1.17.1, and volumes of odd values.

use std::path::Path;

use chunkfit_core::testing::{Dice, apply_at};
use chunkfit_core::{Placement, Shape};
use chunkfit_seismic::{parse, reference};
use ndarray::{Array3, ArrayView3};
use proptest::prelude::*;

const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests-data/windows");
const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/npy");

fn read(path: &Path) -> Array3<f32> {
    ndarray_npy::read_npy(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn apply(name: &str, volume: ArrayView3<'_, f32>) -> Vec<Array3<f32>> {
    let at = Placement::whole(Shape::new(volume.dim().into()).expect("a sound request"));
    apply_at(parse(name).expect("a sound request").as_ref(), volume, &at)
}

fn same_bits(name: &str, got: &Array3<f32>, expected: &Array3<f32>) {
    assert_eq!(got.shape(), expected.shape(), "{name}");
    let differing = got.iter().zip(expected).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
    assert_eq!(differing, 0, "{name}: {differing} voxels differ");
}

/// Largest difference, `relative` of the value and `absolute`.
fn near(name: &str, got: &Array3<f32>, expected: &Array3<f32>, relative: f32, absolute: f32) {
    assert_eq!(got.shape(), expected.shape(), "{name}");
    for (index, (got, expected)) in got.iter().zip(expected).enumerate() {
        let near =
            got == expected || (got - expected).abs() <= relative * expected.abs() + absolute;
        assert!(near, "{name}, voxel {index}: {got}, expected {expected}");
    }
}

#[test]
fn own_files() {
    for (shape, window, sigma) in [
        ("7x9x33", "3x3x9", "1"),
        ("6x5x14", "5x1x3", "0.7x1.3x2.9"),
        ("2x3x4", "3x5x7", "2"),
        ("1x4x11", "3", "1x0.5x1"),
        ("4x3x1", "1x3x5", "1"),
    ] {
        let file = |what: &str| read(&Path::new(OWN).join(format!("{shape}_{what}.npy")));
        let input = file("input");
        let samples = window.rsplit('x').next().unwrap();
        let mut bit_equal = vec![
            (format!("mean:window={window}"), "mean".to_owned()),
            (format!("median:window={window}"), "median".to_owned()),
            (format!("gradient-magnitude:sigma={sigma}"), "gradient_magnitude".to_owned()),
            ("rescale:min=-500,max=700".to_owned(), "rescale".to_owned()),
        ];
        for (number, axis) in ["inline", "crossline", "sample"].into_iter().enumerate() {
            bit_equal.push((format!("first-derivative:axis={axis}"), format!("first_{number}")));
            bit_equal.push((format!("second-derivative:axis={axis}"), format!("second_{number}")));
        }
        for (name, what) in &bit_equal {
            same_bits(&format!("{shape} {name}"), &apply(name, input.view())[0], &file(what));
        }
        for (name, what, absolute) in [
            (format!("rms:window={window}"), "rms", 0.0),
            (format!("semblance:window={window}"), "semblance", 0.0),
            (format!("reflection-intensity:samples={samples}"), "reflection_intensity", 1e-9),
            ("time-gain".to_owned(), "time_gain", 0.0),
        ] {
            let got = &apply(&name, input.view())[0];
            near(&format!("{shape} {name}"), got, &file(what), 1.2e-7, absolute);
        }
        if shape.contains('1') && shape != "6x5x14" {
            continue;
        }
        let name = format!("eigen-attributes:window={window}");
        let whats = ["chaos", "eigen_planarity", "line", "fault"];
        for (got, what) in apply(&name, input.view()).iter().zip(whats) {
            near(&format!("{shape} {name}: {what}"), got, &file(what), 1.2e-7, 1e-9);
        }
        let name = format!("gst-slopes:kernel={window}");
        for (got, what) in
            apply(&name, input.view()).iter().zip(["inline_slope", "crossline_slope"])
        {
            near(&format!("{shape} {name}: {what}"), got, &file(what), 1e-6, 1e-9);
        }
        let name = format!("gradient-dips:window={window}");
        for (got, what) in apply(&name, input.view()).iter().zip(["inline_dip", "crossline_dip"]) {
            near(&format!("{shape} {name}: {what}"), got, &file(what), 1.2e-7, 1e-9);
        }
    }
}

/// A volume of 100×100×100 real amplitudes, or `None` with a line that says so.
fn real_cube() -> Option<Array3<f32>> {
    let path = Path::new(SHARED).join("dasf_raw_100x100x100.npy");
    if !path.is_file() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(read(&path))
}

/// Hashes of what SciPy makes of the real cube, printed by `make_golden_windows.py CUBE`.
#[test]
fn the_bits_of_scipy_on_a_real_cube() {
    let Some(cube) = real_cube() else { return };
    for (name, expected) in [
        ("gaussian:sigma=1", 0xed8b_ae84_6af1_992d),
        ("first-derivative:axis=inline", 0x9fb7_9c15_f986_df29),
        ("second-derivative:axis=inline", 0x0a62_cb2b_2357_9bdd),
        ("first-derivative:axis=crossline", 0x7229_b526_3ae8_f76a),
        ("second-derivative:axis=crossline", 0xeeb6_8e57_7ec5_502b),
        ("first-derivative:axis=sample", 0x1936_9b12_91f5_56ff),
        ("second-derivative:axis=sample", 0x6d7d_3104_1d4e_9fd6),
        ("median", 0xc1f4_6d08_8f4d_6000),
        ("mean", 0x34a0_0b99_7c47_1417),
        ("gradient-magnitude", 0xd170_9760_d64a_7930_u64),
    ] {
        let output = apply(name, cube.view()).remove(0);
        let hash = output.iter().zip(0..).fold(0_u64, |sum, (value, n)| {
            sum.wrapping_add(u64::from(value.to_bits()).wrapping_mul(2 * n + 1))
        });
        assert_eq!(hash, expected, "{name}: {hash:#018x}");
    }
}

/// Every operator against its independent computation.
#[test]
fn a_real_cube() {
    let Some(cube) = real_cube() else { return };
    let part = cube.slice(ndarray::s![20..50, 31..60, 10..95]).to_owned();
    for &name in NAMES {
        verified(name, &part);
    }
}

const NAMES: &[&str] = &[
    "first-derivative",
    "second-derivative:axis=crossline",
    "rms",
    "mean",
    "median",
    "gradient-magnitude",
    "gst-slopes",
    "semblance",
    "eigen-attributes",
    "reflection-intensity",
    "gradient-dips",
    "time-gain",
    "rescale:min=-2,max=3",
];

fn verified(name: &str, volume: &Array3<f32>) {
    let outputs = apply(name, volume.view());
    let views: Vec<_> = outputs.iter().map(|output| output.view()).collect();
    let at = Placement::whole(Shape::new(volume.dim().into()).expect("a sound request"));
    let check = reference::verify(name, volume.view(), &at, &views).expect("a sound request");
    assert!(check.passed, "{name} on {:?}: {check:?}", volume.dim());
}

#[test]
fn flat_data() {
    for value in [0.0, -0.0, -7.0, 1e-40, 1e30, 3e38] {
        for extents in [[4, 5, 12], [1, 1, 1], [1, 3, 2]] {
            let volume = Array3::from_elem(extents, value);
            for &name in NAMES {
                verified(name, &volume);
            }
            for name in ["first-derivative", "gst-slopes", "eigen-attributes", "gradient-dips"] {
                for output in apply(name, volume.view()) {
                    assert!(output.iter().all(|v| *v == 0.0), "{name} of {value}");
                }
            }
            for name in ["mean", "median", "rescale"] {
                assert!(apply(name, volume.view())[0].iter().all(|v| *v == value), "{name}");
            }
        }
    }
}

#[test]
fn the_semblance_of_equal_traces_is_one() {
    let volume = Array3::from_shape_fn([4, 5, 17], |(_, _, k)| (k as f32 * 0.7).sin());
    assert!(apply("semblance", volume.view())[0].iter().all(|v| *v == 1.0));
}

/// Layers k = p·i + q·x have slopes p and q.
#[test]
fn slopes_of_plane_layers() {
    let (p, q) = (0.5, -0.25);
    let volume = Array3::from_shape_fn([9, 10, 41], |(i, x, k)| {
        (0.15 * (k as f32 - p * i as f32 - q * x as f32)).sin()
    });
    let at = [4, 5, 20];
    let slopes = apply("gst-slopes", volume.view());
    assert!((slopes[0][at] - p).abs() < 0.01 && (slopes[1][at] - q).abs() < 0.01);
    let dips = apply("gradient-dips", volume.view());
    assert!((dips[0][at] - 10.0 * p).abs() < 0.1 && (dips[1][at] - 10.0 * q).abs() < 0.1);
}

#[test]
fn the_gain_counts_the_samples_of_the_volume() {
    let volume = Array3::from_elem([1, 2, 6], 1.0);
    let gained = &apply("time-gain:exponent=2", volume.view())[0];
    assert_eq!(gained.as_slice().unwrap()[..6], [4.0, 9.0, 16.0, 25.0, 36.0, 49.0]);
}

#[test]
fn parameters_out_of_range() {
    for (text, part) in [
        ("rms:window=4", "window is 4 along the inline axis; give an odd number from 1 to 16383"),
        ("median:window=13", "the window holds 2197 voxels, more than the 1331"),
        ("gradient-magnitude:sigma=0.1", "sigma is 0.1 along the inline axis; give at least 0.125"),
        ("gradient-magnitude:sigma=-1", "sigma is -1"),
        ("first-derivative:axis=time", "give inline, crossline or sample"),
        ("eigen-attributes:outputs=dip", "give one of chaos, planarity, line, fault"),
        ("eigen-attributes:outputs=line/line", "line is asked for twice"),
        ("eigen-attributes:chaos=dasf", "give ratio or randen"),
        ("gst-slopes:scale=inf", "scale is inf; give a finite number"),
        ("time-gain:exponent=NaN", "exponent is NaN; give a finite number"),
        ("rescale:min=3,max=2", "max is 2; give a number that is not below min"),
        ("rescale:min=NaN", "min is NaN"),
    ] {
        let message = parse(text).err().unwrap().to_string();
        assert!(message.contains(part), "{text}: {message}");
    }
}

/// Amplitudes as they are, and what files with mistakes hold.
fn amplitude() -> impl Strategy<Value = f32> {
    prop_oneof![
        40 => -1e4_f32..1e4,
        3 => Just(0.0),
        1 => Just(-0.0),
        1 => prop::sample::select(vec![1e30, -1e30, 1e-40, -1e-45, f32::MIN_POSITIVE]),
    ]
}

fn wrong() -> impl Strategy<Value = f32> {
    prop::sample::select(vec![f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY])
}

fn volume() -> impl Strategy<Value = Array3<f32>> {
    (1..6_usize, 1..6_usize, 1..40_usize).prop_flat_map(|(i, x, k)| {
        let n = i * x * k;
        let bad = prop::collection::vec((0..n, wrong()), 0..3);
        (prop::collection::vec(amplitude(), n), bad).prop_map(move |(mut values, bad)| {
            bad.into_iter().for_each(|(at, value)| values[at] = value);
            Array3::from_shape_vec([i, x, k], values).expect("it has as many values")
        })
    })
}

proptest! {
    #[test]
    fn any_volume(volume in volume(), name in prop::sample::select(NAMES)) {
        verified(name, &volume);
    }

    #[test]
    fn names_parse_to_the_same_operator(
        half in [0..3_usize, 0..3, 0..3],
        scale in 0.1..20.0,
        name in prop::sample::select(vec![
            "rms:window=", "mean:window=", "median:window=", "semblance:window=",
            "gst-slopes:kernel=", "gradient-dips:window=", "eigen-attributes:window=",
        ]),
    ) {
        let [a, b, c] = half.map(|half| 2 * half + 1);
        let scale = if name.starts_with('g') { format!(",scale={scale}") } else { String::new() };
        let operator = parse(&format!("{name}{a}x{b}x{c}{scale}")).unwrap();
        let again = parse(&operator.name()).unwrap();
        prop_assert_eq!(again.name(), operator.name());
        prop_assert_eq!(again.halo(), operator.halo());
        let shape = Shape::new([20, 30, 40]).unwrap();
        prop_assert_eq!(again.workspace(shape, shape), operator.workspace(shape, shape));
    }
}

/// Ranks of long windows, in which networks are large.
#[test]
fn medians_of_large_windows() {
    let volume = Dice::new(4).volume(Shape::new([12, 13, 14]).unwrap());
    for name in ["median:window=11", "median:window=7x3x9", "median:window=1x1x31"] {
        verified(name, &volume);
    }
}

//! Outputs of NumPy 2.4.6 and SciPy 1.17.1, read from files.

use std::path::{Path, PathBuf};

use chunkfit_seismic::{envelope, gaussian, gst};
use ndarray::{Array3, Zip};

const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests-data/seismic");
const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");

fn read(path: &Path) -> Array3<f32> {
    ndarray_npy::read_npy(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The folder of larger files, or `None` with a line that says so.
fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(SHARED).join(folder);
    if !path.is_dir() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn largest(array: &Array3<f32>) -> f32 {
    array.iter().fold(0.0, |largest, v| v.abs().max(largest))
}

/// Largest difference over the largest reference value.
fn relative(got: &Array3<f32>, expected: &Array3<f32>) -> f32 {
    assert_eq!(got.shape(), expected.shape());
    largest(&(got - expected)) / largest(expected)
}

fn differing_bits(got: &Array3<f32>, expected: &Array3<f32>) -> usize {
    assert_eq!(got.shape(), expected.shape());
    got.iter().zip(expected).filter(|(a, b)| a.to_bits() != b.to_bits()).count()
}

/// Largest and 99.9 % difference of angles that may be told apart by `period` only, where `mask`
/// holds.
fn angles(
    got: &Array3<f32>,
    expected: &Array3<f32>,
    mask: &Array3<bool>,
    period: f32,
) -> (f32, f32) {
    assert_eq!(got.shape(), expected.shape());
    let mut differences = Vec::new();
    Zip::from(got).and(expected).and(mask).for_each(|a, b, &counts| {
        if counts {
            let turn = (a - b).rem_euclid(period);
            differences.push(turn.min(period - turn));
        }
    });
    differences.sort_unstable_by(f32::total_cmp);
    let last = differences.len() - 1;
    (differences[last], differences[last * 999 / 1000])
}

#[test]
fn own_files() {
    for (shape, sigma, truncate, kernel) in [
        ("7x9x13", [1.0, 1.0, 1.0], 4.0, [3, 3, 3]),
        ("5x6x17", [0.7, 1.3, 2.9], 3.1, [3, 5, 7]),
        ("3x2x5", [3.0, 3.0, 3.0], 4.0, [5, 5, 5]),
        ("4x1x16", [0.0, 2.0, 0.5], 4.0, [3, 3, 1]),
    ] {
        let file = |what: &str| read(&Path::new(OWN).join(format!("{shape}_{what}.npy")));
        let input = file("input");
        let difference = relative(&envelope(input.view()), &file("envelope"));
        assert!(difference < 1e-6, "{shape}: envelope differs by {difference}");
        let smooth = gaussian(input.view(), sigma, truncate).unwrap();
        assert_eq!(differing_bits(&smooth, &file("gaussian")), 0, "{shape}: gaussian");

        let orientation = gst(input.view(), kernel).unwrap();
        let (dip, planarity) = (file("dip"), file("planarity"));
        assert!(relative(&orientation.planarity, &planarity) < 1e-6, "{shape}: planarity");
        let planar = planarity.mapv(|p| p > 1e-3);
        let (worst, _) = angles(&orientation.dip, &dip, &planar, 180.0);
        assert!(worst < 1e-4, "{shape}: dip differs by {worst}");
        let turned = Zip::from(&planar).and(&dip).map_collect(|p, d| *p && (0.1..89.9).contains(d));
        let (worst, _) = angles(&orientation.azimuth, &file("azimuth"), &turned, 360.0);
        assert!(worst < 1e-3, "{shape}: azimuth differs by {worst}");
    }
}

#[test]
fn reference_files() {
    let Some(folder) = shared("reference") else { return };
    for prefix in ["f3", "random64x48x80"] {
        let file = |what: &str| read(&folder.join(format!("{prefix}_{what}.npy")));
        let input = file("input");
        let difference = relative(&envelope(input.view()), &file("envelope"));
        assert!(difference < 1e-6, "{prefix}: envelope differs by {difference}");
        let smooth = gaussian(input.view(), [3.0; 3], 4.0).unwrap();
        assert_eq!(differing_bits(&smooth, &file("gaussian")), 0, "{prefix}: gaussian");

        let orientation = gst(input.view(), [3; 3]).unwrap();
        let planar = orientation.planarity.mapv(|p| p > 1e-3);
        let (worst, most) = angles(&orientation.dip, &file("gst_dip"), &planar, 180.0);
        assert!(worst < 0.03 && most < 1e-3, "{prefix}: dip differs by {worst}, {most} at 99.9 %");
    }
    let input = read(&folder.join("f3_input.npy"));
    let orientation = gst(input.view(), [3; 3]).unwrap();
    let difference = relative(&orientation.planarity, &read(&folder.join("f3_gst_planarity.npy")));
    assert!(difference < 1e-6, "planarity differs by {difference}");
}

/// The older NumPy code cuts a border and lets LAPACK choose the sign.
#[test]
fn older_structure_tensor_inside_its_border() {
    let Some(folder) = shared("reference") else { return };
    for prefix in ["f3", "random64x48x80"] {
        let input = read(&folder.join(format!("{prefix}_input.npy")));
        let thesis = read(&folder.join(format!("{prefix}_gst_thesis.npy")));
        let orientation = gst(input.view(), [3; 3]).unwrap();
        let inner = |array: &Array3<f32>, border: isize| {
            array.slice(ndarray::s![border..-border, border..-border, border..-border]).to_owned()
        };
        let planar = inner(&orientation.planarity, 2).mapv(|p| p > 1e-3);
        let (worst, most) =
            angles(&inner(&orientation.dip, 2), &folded(inner(&thesis, 1)), &planar, 180.0);
        assert!(worst < 0.03 && most < 1e-3, "{prefix}: dip differs by {worst}, {most} at 99.9 %");
    }
}

fn folded(dip: Array3<f32>) -> Array3<f32> {
    dip.mapv_into(|d| d.min(180.0 - d))
}

/// Zones without any signal: no direction, no NaN.
#[test]
fn dead_zones_of_real_data_have_no_direction() {
    let Some(folder) = shared("reference") else { return };
    let input = read(&folder.join("f3_input.npy"));
    let planarity = read(&folder.join("f3_gst_planarity.npy"));
    let orientation = gst(input.view(), [3; 3]).unwrap();
    let dead = planarity.iter().filter(|p| **p == 0.0).count();
    assert!(dead > 4000, "{dead} dead voxels");
    for output in [&orientation.dip, &orientation.azimuth, &orientation.planarity] {
        assert!(
            output.iter().zip(&planarity).all(|(v, p)| v.is_finite() && (*p > 0.0 || *v == 0.0))
        );
    }
}

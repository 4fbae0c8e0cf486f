//! `ndarray-ndimage`, where it agrees to work: it panics when a kernel is larger than an axis.

use chunkfit_core::Shape;
use chunkfit_core::testing::Dice;
use chunkfit_seismic::gaussian;
use ndarray_ndimage::{BorderMode, gaussian_filter};

#[test]
fn gaussian_agrees() {
    for (extents, sigma, truncate) in
        [([14, 15, 29], 3.0, 4), ([9, 11, 13], 1.0, 4), ([8, 10, 12], 1.4, 3)]
    {
        let volume = Dice::new(5).volume(Shape::new(extents).unwrap());
        let other =
            gaussian_filter(&volume.mapv(f64::from), sigma, 0, BorderMode::Reflect, truncate);
        let own = gaussian(volume.view(), [sigma; 3], truncate as f64).unwrap();
        for (a, b) in own.iter().zip(&other) {
            assert!((f64::from(*a) - b).abs() < 2.5e-7, "sigma {sigma}: {a} and {b}");
        }
    }
}

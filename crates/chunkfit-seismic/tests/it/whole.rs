//! A whole volume at once, on one thread and on several.

use chunkfit_core::testing::{Dice, apply_at};
use chunkfit_core::{Placement, Shape};
use chunkfit_seismic::{parse, whole};

const NAMES: [&str; 4] = ["envelope", "gaussian:sigma=1", "gst", "gaussian:sigma=0.5+envelope"];

#[test]
fn is_the_operator_on_one_block() {
    let shape = Shape::new([5, 9, 20]).unwrap();
    let volume = Dice::new(4).volume(shape);
    for name in NAMES {
        let operator = parse(name).unwrap();
        let expected = apply_at(operator.as_ref(), volume.view(), &Placement::whole(shape));
        assert_eq!(whole(operator.as_ref(), volume.view()).unwrap(), expected, "{name}");
    }
}

#[test]
#[cfg(feature = "rayon")]
fn threads_change_no_bit() {
    for extents in [[23, 4, 20], [3, 31, 20], [1, 1, 7]] {
        let volume = Dice::new(5).volume(Shape::new(extents).unwrap());
        for name in NAMES {
            let operator = parse(name).unwrap();
            let expected = whole(operator.as_ref(), volume.view()).unwrap();
            for threads in [1, 2, 7] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let parallel =
                    || chunkfit_seismic::whole_parallel(operator.as_ref(), volume.view());
                assert_eq!(
                    pool.install(parallel).unwrap(),
                    expected,
                    "{name} on {threads} threads"
                );
            }
        }
    }
}

#[test]
fn nothing_stays_nothing() {
    let empty = ndarray::Array3::zeros([3, 0, 4]);
    let outputs = whole(parse("gst").unwrap().as_ref(), empty.view()).unwrap();
    assert_eq!(outputs.iter().map(|output| output.dim()).collect::<Vec<_>>(), [(3, 0, 4); 3]);
}

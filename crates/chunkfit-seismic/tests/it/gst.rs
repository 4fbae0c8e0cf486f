//! Shapes for which the structure tensor takes ways of its own, and arrays that are not contiguous.

use chunkfit_core::testing::{Dice, apply_at, check_operator};
use chunkfit_core::{ChunkGrid, Placement, Shape};
use chunkfit_seismic::parse;
use ndarray::{Array3, Axis, s};

/// Where traces are short, several stretches of the inlines are worked on side by side.
#[test]
fn short_traces_in_any_chunks() {
    for name in ["gst", "gst:kernel=1,outputs=dip", "gst:kernel=3x5x1", "gst:kernel=5x3x9"] {
        let operator = parse(name).unwrap();
        check_operator(operator.as_ref(), [260, 4, 5], 8);
        let shape = Shape::new([211, 3, 3]).unwrap();
        let volume = Dice::new(3).volume(shape);
        let whole = apply_at(operator.as_ref(), volume.view(), &Placement::whole(shape));
        // Thin enough that each chunk is worked on inline by inline.
        for core in ChunkGrid::new(shape, Shape::new([5, 2, 3]).unwrap()).iter() {
            let at = Placement::new(shape, core, &operator.halo());
            for (part, whole) in apply_at(operator.as_ref(), volume.view(), &at).iter().zip(&whole)
            {
                assert_eq!(part, core.view(whole.view()), "{name} {core}");
            }
        }
    }
}

/// Tiles along crosslines and samples leave no seam.
#[test]
fn several_tiles() {
    for name in ["gst:outputs=dip", "gst:kernel=3x3x9"] {
        let operator = parse(name).unwrap();
        let shape = Shape::new([4, 53, 530]).unwrap();
        let volume = Dice::new(4).volume(shape);
        let whole = apply_at(operator.as_ref(), volume.view(), &Placement::whole(shape));
        for core in ChunkGrid::new(shape, Shape::new([4, 19, 201]).unwrap()).iter() {
            let at = Placement::new(shape, core, &operator.halo());
            for (part, whole) in apply_at(operator.as_ref(), volume.view(), &at).iter().zip(&whole)
            {
                assert_eq!(part, core.view(whole.view()), "{name} {core}");
            }
        }
    }
}

/// What is computed does not depend on what else is asked for.
#[test]
fn any_subset_of_outputs() {
    let volume = Dice::new(5).volume(Shape::new([6, 7, 19]).unwrap());
    let at = Placement::whole(Shape::new([6, 7, 19]).unwrap());
    let all = apply_at(parse("gst").unwrap().as_ref(), volume.view(), &at);
    for (subset, kept) in [
        ("dip", vec![0]),
        ("azimuth", vec![1]),
        ("planarity", vec![2]),
        ("dip/azimuth", vec![0, 1]),
        ("dip/planarity", vec![0, 2]),
        ("azimuth/planarity", vec![1, 2]),
    ] {
        let operator = parse(&format!("gst:outputs={subset}")).unwrap();
        let outputs = apply_at(operator.as_ref(), volume.view(), &at);
        assert_eq!(outputs.len(), kept.len());
        for (output, kept) in outputs.iter().zip(kept) {
            assert_eq!(output, all[kept], "{subset}");
        }
    }
}

#[test]
fn strided_and_reversed_views() {
    let operator = parse("gst").unwrap();
    let shape = Shape::new([5, 6, 21]).unwrap();
    let big = Dice::new(6).volume(Shape::new([10, 18, 42]).unwrap());
    let mut fortran = Array3::zeros((21, 6, 5)).reversed_axes();
    fortran.assign(&big.slice(s![..5, ..6, ..21]));
    for view in [
        big.slice(s![..;2, ..;3, ..;2]),
        big.slice(s![..5;-1, ..6;-1, ..21;-1]),
        big.slice(s![2..7, 3..9, 4..25]),
        fortran.view(),
    ] {
        let contiguous = view.to_owned();
        let at = Placement::whole(shape);
        let expected = apply_at(operator.as_ref(), contiguous.view(), &at);
        assert_eq!(apply_at(operator.as_ref(), view, &at), expected);
        let mut outputs = vec![Array3::<f32>::zeros((21, 5, 6)); 3];
        let mut views: Vec<_> = outputs
            .iter_mut()
            .map(|output| {
                let mut view = output.view_mut().permuted_axes([1, 2, 0]);
                view.invert_axis(Axis(1));
                view
            })
            .collect();
        operator.apply(view, &at, &mut views).unwrap();
        for (view, expected) in views.iter().zip(&expected) {
            assert_eq!(view, expected);
        }
    }
}

//! Cutting a task in two.

use chunkfit_core::testing::Dice;
use chunkfit_core::{Axis, Halo, MemoryModel, Placement, Reach, Region};
use chunkfit_plan::split;

use crate::cases::{Case, shape};

#[test]
fn halves_are_the_core_on_storage_chunks_and_need_less() {
    let (mut cut, mut whole) = (0, 0);
    for seed in 0..2000 {
        let mut dice = Dice::new(seed);
        let case = Case::random(&mut dice, 24);
        let Ok(plan) = case.plan("fixed=12x9x15") else { continue };
        let core = plan.grid.get(dice.between(0, plan.tasks - 1)).unwrap();
        let at = Placement::new(case.volume, core, &case.halo);
        let bound =
            |at: &Placement| case.model.predict(at.block().shape(), at.core().shape()).upper;
        let Some(halves) = split(&at, &case.halo, plan.output_chunk, &case.model) else {
            whole += 1;
            continue;
        };
        cut += 1;
        let mut voxels = 0;
        for half in &halves {
            assert!(bound(half) < bound(&at), "seed {seed}");
            assert!(core.contains(&half.core()), "seed {seed}");
            assert_eq!(half.block(), half.core().expand(&case.halo, case.volume));
            voxels += half.core().shape().voxels();
            for axis in Axis::ALL {
                let (chunk, range) = (plan.output_chunk[axis], half.core().range(axis));
                assert!(range.start.is_multiple_of(chunk), "seed {seed}");
                assert!(range.end.is_multiple_of(chunk) || range.end == core.range(axis).end);
            }
        }
        assert_eq!(voxels, core.shape().voxels());
        assert_eq!(halves[0].core().intersection(&halves[1].core()), None);
        // No other cut on storage chunks does better.
        let largest = bound(&halves[0]).max(bound(&halves[1]));
        for axis in Axis::ALL {
            let chunk = plan.output_chunk[axis];
            for middle in core.range(axis).skip(1).filter(|m| m.is_multiple_of(chunk)) {
                let (mut end, mut start) = (core.end(), core.start());
                (end[axis.index()], start[axis.index()]) = (middle, middle);
                let worst = [(core.start(), end), (start, core.end())]
                    .map(|(start, end)| Region::between(start, end).unwrap())
                    .map(|core| bound(&Placement::new(case.volume, core, &case.halo)))
                    .into_iter()
                    .max();
                assert!(worst >= Some(largest), "seed {seed}: {axis} at {middle}");
            }
        }
    }
    assert!(cut > 300 && whole > 50, "{cut} cut, {whole} not");
}

#[test]
fn one_storage_chunk_is_not_cut() {
    let model = Case::survey().model;
    let at = Placement::whole(shape([5, 7, 11]));
    assert_eq!(split(&at, &Halo::none(), shape([5, 7, 11]), &model), None);
    assert_eq!(split(&at, &Halo::none(), shape([64; 3]), &model), None);
    assert!(split(&at, &Halo::none(), shape([4, 7, 11]), &model).is_some());
}

#[test]
fn an_axis_that_must_stay_whole_is_cut_last() {
    let model = Case::survey().model;
    let halo = Halo::none().with(Axis::Sample, Reach::Whole);
    let at = Placement::whole(shape([5, 7, 1100]));
    let halves = split(&at, &halo, shape([1; 3]), &model).unwrap();
    assert_eq!(halves[0].core().shape(), shape([5, 3, 1100]));
}

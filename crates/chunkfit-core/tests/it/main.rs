//! Properties of regions, halos and grids.

use chunkfit_core::{ChunkGrid, Halo, Placement, Region, Shape};
use proptest::prelude::*;

fn shape(largest: usize) -> impl Strategy<Value = Shape> {
    [1..=largest, 1..=largest, 1..=largest]
        .prop_map(|e| Shape::new(e).expect("extents are at least 1"))
}

proptest! {
    #[test]
    fn a_grid_covers_the_volume_once(volume in shape(9), chunk in shape(11)) {
        let grid = ChunkGrid::new(volume, chunk);
        let mut hits = ndarray::Array3::<u32>::zeros(volume.extents());
        for region in grid.iter() {
            prop_assert!(Region::whole(volume).contains(&region));
            region.view_mut(hits.view_mut()).mapv_inplace(|n| n + 1);
        }
        prop_assert_eq!(grid.iter().count(), grid.len());
        prop_assert!(hits.iter().all(|&n| n == 1));
        prop_assert!(grid.get(grid.len()).is_none());
    }

    #[test]
    fn a_block_is_its_core_and_the_halo_that_exists(
        volume in shape(9), chunk in shape(9), width in [0..12_usize, 0..12_usize, 0..12_usize],
    ) {
        for core in ChunkGrid::new(volume, chunk).iter() {
            let at = Placement::new(volume, core, &Halo::symmetric(width));
            prop_assert!(at.block().contains(&core));
            for a in [0, 1, 2] {
                let (block, inner) = (at.block(), at.core_in_block());
                prop_assert_eq!(inner.start()[a], width[a].min(core.start()[a]));
                let after = block.end()[a] - core.end()[a];
                prop_assert_eq!(after, width[a].min(volume.extents()[a] - core.end()[a]));
            }
        }
    }

    #[test]
    fn an_intersection_is_what_both_contain(volume in shape(7), a in shape(7), b in shape(7)) {
        let first = ChunkGrid::new(volume, a).get(0).unwrap();
        for other in ChunkGrid::new(volume, b).iter() {
            match first.intersection(&other) {
                Some(both) => prop_assert!(first.contains(&both) && other.contains(&both)),
                None => prop_assert!((0..3).any(|a| first.end()[a] <= other.start()[a])),
            }
        }
    }
}

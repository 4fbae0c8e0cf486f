//! Where the blocks of a profile come from.

use std::path::Path;

use anyhow::{Context, bail};
use chunkfit_core::{Axis, Halo, Placement, Reach, Region, Shape, Source};
use chunkfit_io::Input;

use crate::npy::{write_noise, write_region};

/// What the blocks are of.
pub(super) enum Blocks {
    /// Noise: every block is a volume of its own.
    Noise,
    /// Pieces of a file.
    Of(Box<Input>),
}

impl Blocks {
    /// The file, if there is one.
    pub(super) fn input(&self) -> Option<&Input> {
        match self {
            Self::Noise => None,
            Self::Of(input) => Some(input),
        }
    }

    /// An error that says which axis of `block` is longer than that of the file.
    pub(super) fn check(&self, block: Shape) -> anyhow::Result<()> {
        let Some(input) = self.input() else { return Ok(()) };
        let volume = input.shape();
        match Axis::ALL.into_iter().find(|&axis| block[axis] > volume[axis]) {
            Some(axis) => bail!(
                "a block of {block} has {} along the {axis} axis, the file {}; name smaller ones with \
                 --shapes",
                block[axis],
                volume[axis]
            ),
            None => Ok(()),
        }
    }

    /// Writes `block`, of noise or from the middle of the file, as .npy.
    pub(super) fn write(&self, path: &Path, block: Shape) -> anyhow::Result<()> {
        match self {
            Self::Noise => write_noise(path, block),
            Self::Of(input) => {
                let volume = input.shape();
                let start = Axis::ALL.map(|axis| (volume[axis] - block[axis]) / 2);
                write_region(path, input.as_ref(), &Region::new(start, block))
            }
        }
    }
}

/// The task that reads `block` of `volume`, as a run cuts it: the core is a chunk of a grid, in the middle
/// where the volume is large enough, else at its first corner.
pub(super) fn task_in(volume: Shape, block: Shape, halo: &Halo) -> anyhow::Result<Placement> {
    let (mut start, mut core) = ([0; 3], [0; 3]);
    for axis in Axis::ALL {
        let (n, most) = (block[axis], volume[axis]);
        let reach = halo.reach(axis);
        let piece = piece(n, most, reach).with_context(|| match reach {
            Reach::Whole => format!(
                "the operator needs the {axis} axis whole: a block of {block} of this file has {most} \
                 along it"
            ),
            Reach::Width { before, after } => format!(
                "a block of {block} has nothing beside its halo along the {axis} axis; give it more than {}",
                before.max(after)
            ),
        })?;
        (start[axis.index()], core[axis.index()]) = piece;
    }
    Ok(Placement::new(volume, Region::new(start, Shape::new(core)?), halo))
}

/// Where the core of a block of `n` voxels of `most` begins, and how long it is.
fn piece(n: usize, most: usize, reach: Reach) -> Option<(usize, usize)> {
    let Reach::Width { before, after } = reach else { return (n == most).then_some((0, n)) };
    if n == most {
        return Some((0, n));
    }
    let inner = n.saturating_sub(before + after);
    if let Some(middle) = (most / 2).checked_div(inner) {
        let fits = |&k: &usize| k * inner >= before && (k + 1) * inner + after <= most;
        if let Some(k) = (0..=middle).rev().find(fits) {
            return Some((k * inner, inner));
        }
    }
    (n > after).then(|| (0, n - after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_reads_the_block_that_was_asked_for() {
        let volume = Shape::new([23, 18, 75]).unwrap();
        let halo = Halo::symmetric([2, 1, 0]).with(Axis::Sample, Reach::Whole);
        for extents in [[3, 2, 75], [5, 3, 75], [9, 7, 75], [22, 17, 75], [23, 18, 75]] {
            let block = Shape::new(extents).unwrap();
            let at = task_in(volume, block, &halo).unwrap();
            assert_eq!(at.block().shape(), block);
            let (start, core) = (at.core().start(), at.core().shape().extents());
            assert!((0..3).all(|a| start[a].is_multiple_of(core[a])), "{at:?}");
        }
        let middle = task_in(volume, Shape::new([9, 7, 75]).unwrap(), &halo).unwrap();
        assert_eq!(middle.core().shape().extents(), [5, 5, 75], "all of the halo is there");
        let told = |extents| {
            let refused = task_in(volume, Shape::new(extents).unwrap(), &halo).unwrap_err();
            refused.to_string()
        };
        assert!(told([2, 7, 75]).contains("inline"), "{}", told([2, 7, 75]));
        assert!(told([9, 7, 40]).contains("75 along it"), "{}", told([9, 7, 40]));
    }
}

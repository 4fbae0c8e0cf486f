use chunkfit_core::{ChunkGrid, Shape};
use serde::{Deserialize, Serialize};

/// The storage chunks of the output. Cores are cut on multiples of them, so that no two tasks write
/// to the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputChunk {
    /// A new store: its chunks follow from the core ([`output_chunk`]) and are at most this large.
    AtMost(Shape),
    /// An existing store with chunks of this shape.
    Exactly(Shape),
}

/// The storage chunk of an output that is cut into cores of `core`: along each axis the core is the
/// smallest number of equal pieces of at most `most`.
///
/// The pieces cover the core exactly when the core was planned by `memory-aware` or `even`; where the
/// core is the whole axis, the last piece may stick out of the volume.
///
/// ```
/// use chunkfit_core::Shape;
///
/// let most = Shape::new([64; 3])?;
/// let chunk = chunkfit_plan::output_chunk(Shape::new([50, 130, 462])?, most);
/// assert_eq!(chunk, Shape::new([50, 44, 58])?);
/// # Ok::<(), chunkfit_core::ShapeError>(())
/// ```
#[must_use]
pub fn output_chunk(core: Shape, most: Shape) -> Shape {
    shape_of([0, 1, 2].map(|a| piece(core.extents()[a], most.extents()[a])), core)
}

/// `extent` in the smallest number of equal pieces of at most `most`: the extent of one.
fn piece(extent: usize, most: usize) -> usize {
    extent.div_ceil(extent.div_ceil(most))
}

/// A shape of extents that are at least 1 and make a volume no larger than one that exists.
fn shape_of(extents: [usize; 3], otherwise: Shape) -> Shape {
    Shape::new(extents).unwrap_or(otherwise)
}

impl OutputChunk {
    /// The cores, largest first, that an axis of `n` voxels can be cut into: for every number of
    /// parts the smallest core that is made of whole storage chunks. Each with its storage chunk.
    pub(crate) fn cores(&self, n: usize, axis: usize) -> Vec<(usize, usize)> {
        let mut cores: Vec<(usize, usize)> =
            distinct_parts(self.units(n, axis)).map(|part| self.aligned(part, n, axis)).collect();
        cores.dedup();
        cores
    }

    /// The core that is the whole axis.
    pub(crate) fn whole(&self, n: usize, axis: usize) -> (usize, usize) {
        self.aligned(self.units(n, axis), n, axis)
    }

    /// The number of units of which a core is made: storage chunks of a store that exists, voxels of
    /// one that does not.
    fn units(&self, n: usize, axis: usize) -> usize {
        match self {
            Self::AtMost(_) => n,
            Self::Exactly(chunk) => n.div_ceil(chunk.extents()[axis]),
        }
    }

    /// The core of at least `units`, made of whole storage chunks; and the storage chunk.
    fn aligned(&self, units: usize, n: usize, axis: usize) -> (usize, usize) {
        match self {
            Self::Exactly(chunk) => {
                let chunk = chunk.extents()[axis];
                ((units * chunk).min(n), chunk)
            }
            Self::AtMost(most) => {
                let most = most.extents()[axis];
                let pieces = units.div_ceil(most);
                let core = pieces * units.div_ceil(pieces);
                if core >= n { (n, piece(n, most)) } else { (core, core / pieces) }
            }
        }
    }

    /// `volume` cut into chunks of at least `core`, rounded up to whole storage chunks.
    pub(crate) fn rounded(&self, volume: Shape, core: Shape) -> (ChunkGrid, Shape) {
        self.each_axis(volume, |n, axis| {
            let core = core.extents()[axis].min(n);
            let units = match self {
                Self::AtMost(_) => core,
                Self::Exactly(chunk) => core.div_ceil(chunk.extents()[axis]),
            };
            self.aligned(units, n, axis)
        })
    }

    /// `volume` cut into chunks of exactly `core`, where the store allows it: the chunks of a new store
    /// divide `core`, and may be longer than the wish where no good divisor is shorter. The chunks of
    /// an existing store cannot change, so the core is rounded up.
    pub(crate) fn exact(&self, volume: Shape, core: Shape) -> (ChunkGrid, Shape) {
        let Self::AtMost(most) = self else { return self.rounded(volume, core) };
        self.each_axis(volume, |n, axis| {
            let (core, most) = (core.extents()[axis].min(n), most.extents()[axis]);
            if core == n { (n, piece(n, most)) } else { (core, divisor(core, most)) }
        })
    }

    fn each_axis(
        &self,
        volume: Shape,
        cut: impl Fn(usize, usize) -> (usize, usize),
    ) -> (ChunkGrid, Shape) {
        let cuts = [0, 1, 2].map(|axis| cut(volume.extents()[axis], axis));
        let grid = ChunkGrid::new(volume, shape_of(cuts.map(|(core, _)| core), volume));
        (grid, shape_of(cuts.map(|(_, chunk)| chunk), volume))
    }
}

/// Storage chunks shorter than this part of the wish are slivers.
const SLIVER: usize = 4;

/// The largest divisor of `core` up to `most`, or the next one above where that is a sliver.
fn divisor(core: usize, most: usize) -> usize {
    let divides = |d: &usize| core.is_multiple_of(*d);
    (most.div_ceil(SLIVER)..=most)
        .rev()
        .find(divides)
        .or_else(|| (core <= most).then_some(core))
        .or_else(|| (most + 1..=core).find(divides))
        .unwrap_or(core)
}

/// The distinct values of ⌈n/k⌉ for k = 1..=n, largest first: about 2√n of them.
fn distinct_parts(n: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(n), move |&part| {
        // The inner quotient is the fewest parts that are all shorter than `part`.
        (part > 1).then(|| n.div_ceil(n.div_ceil(part - 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_parts_are_all_there_is() {
        for n in 1..300_usize {
            let mut expected: Vec<usize> = (1..=n).map(|k| n.div_ceil(k)).collect();
            expected.dedup();
            assert_eq!(distinct_parts(n).collect::<Vec<_>>(), expected, "{n}");
        }
    }

    #[test]
    fn cores_are_whole_storage_chunks_and_the_public_rule_agrees() {
        for n in 1..200_usize {
            for most in [1, 2, 7, 16, 64] {
                let new = OutputChunk::AtMost(Shape::new([most; 3]).unwrap());
                for (core, chunk) in new.cores(n, 0) {
                    assert!(core == n || core.is_multiple_of(chunk), "{n} {most}: {core} {chunk}");
                    assert!(chunk <= most && (core <= most || 2 * chunk > most), "{core} {chunk}");
                    assert_eq!(piece(core, most), chunk, "{n} {most} {core}");
                }
                let old = OutputChunk::Exactly(Shape::new([most; 3]).unwrap());
                for (core, chunk) in old.cores(n, 1) {
                    assert!(core == n || core.is_multiple_of(chunk), "{n} {most}: {core} {chunk}");
                    assert_eq!(chunk, most);
                }
                assert_eq!(old.cores(n, 1).last().unwrap().0, most.min(n));
                assert_eq!(new.cores(n, 2).last().unwrap().0, 1);
            }
        }
    }

    #[test]
    fn a_chunk_that_must_not_change_gets_a_storage_chunk_that_divides_it() {
        for (core, chunk) in [(322, 46), (134, 67), (331, 331), (320, 64), (17, 17), (8198, 4099)] {
            assert_eq!(divisor(core, 64), chunk, "{core}");
        }
    }
}

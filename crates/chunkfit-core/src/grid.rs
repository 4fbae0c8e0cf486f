use serde::{Deserialize, Serialize};

use crate::{Region, Shape};

/// A volume cut into equal chunks; the last chunk along an axis may be shorter.
///
/// Three different things: the *volume* is in voxels, [`counts`](Self::counts) is in chunks, and
/// [`chunk`](Self::chunk) is the extents of one full chunk in voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkGrid {
    volume: Shape,
    chunk: Shape,
}

impl ChunkGrid {
    /// Cuts `volume` into chunks of `chunk`; extents beyond the volume are clipped to it.
    #[must_use]
    pub fn new(volume: Shape, chunk: Shape) -> Self {
        let (v, c) = (volume.extents(), chunk.extents());
        let clipped = [0, 1, 2].map(|a| c[a].min(v[a]));
        Self { volume, chunk: Shape::new(clipped).unwrap_or(volume) }
    }

    /// The volume.
    #[must_use]
    pub const fn volume(&self) -> Shape {
        self.volume
    }

    /// A full chunk.
    #[must_use]
    pub const fn chunk(&self) -> Shape {
        self.chunk
    }

    /// Chunks along each axis.
    #[must_use]
    pub fn counts(&self) -> [usize; 3] {
        let (v, c) = (self.volume.extents(), self.chunk.extents());
        [0, 1, 2].map(|a| v[a].div_ceil(c[a]))
    }

    /// The number of chunks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts().iter().product()
    }

    /// Never: a volume has at least one chunk.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// The region of the chunk at grid position `position`, or `None` outside the grid.
    #[must_use]
    pub fn at(&self, position: [usize; 3]) -> Option<Region> {
        let (v, c, n) = (self.volume.extents(), self.chunk.extents(), self.counts());
        if (0..3).any(|a| position[a] >= n[a]) {
            return None;
        }
        let start = [0, 1, 2].map(|a| position[a] * c[a]);
        let end = [0, 1, 2].map(|a| (start[a] + c[a]).min(v[a]));
        Region::between(start, end).ok()
    }

    /// The region of chunk number `index`, counted with the sample axis fastest, or `None` when
    /// there are not that many.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Region> {
        let n = self.counts();
        self.at([index / (n[1] * n[2]), index / n[2] % n[1], index % n[2]])
    }

    /// All chunks, the sample axis fastest.
    pub fn iter(&self) -> impl Iterator<Item = Region> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

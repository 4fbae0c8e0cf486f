use std::fmt;
use std::ops::Range;

use ndarray::{ArrayView3, ArrayViewMut3, s};
use serde::{Deserialize, Serialize};

use crate::{Axis, Halo, Reach, Shape, ShapeError};

/// A non-empty box inside a volume, in voxels: where it starts and how large it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Region {
    start: [usize; 3],
    shape: Shape,
}

impl Region {
    /// The box of `shape` whose first voxel is `start`.
    #[must_use]
    pub const fn new(start: [usize; 3], shape: Shape) -> Self {
        Self { start, shape }
    }

    /// The whole of a volume of `shape`.
    #[must_use]
    pub const fn whole(shape: Shape) -> Self {
        Self { start: [0; 3], shape }
    }

    /// The box from `start` up to, but not including, `end`.
    ///
    /// # Errors
    ///
    /// When the box is empty along an axis.
    pub fn between(start: [usize; 3], end: [usize; 3]) -> Result<Self, ShapeError> {
        let extents = [0, 1, 2].map(|a| end[a].saturating_sub(start[a]));
        Ok(Self { start, shape: Shape::new(extents)? })
    }

    /// The first voxel.
    #[must_use]
    pub const fn start(&self) -> [usize; 3] {
        self.start
    }

    /// One past the last voxel.
    #[must_use]
    pub fn end(&self) -> [usize; 3] {
        let extents = self.shape.extents();
        [0, 1, 2].map(|a| self.start[a] + extents[a])
    }

    /// The extents.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The voxels along one axis.
    #[must_use]
    pub fn range(&self, axis: Axis) -> Range<usize> {
        let a = axis.index();
        self.start[a]..self.start[a] + self.shape.extents()[a]
    }

    /// Whether every voxel of `other` lies in this region.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        let (end, other_end) = (self.end(), other.end());
        (0..3).all(|a| self.start[a] <= other.start[a] && other_end[a] <= end[a])
    }

    /// The voxels that both regions share, if there are any.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (end, other_end) = (self.end(), other.end());
        Self::between(
            [0, 1, 2].map(|a| self.start[a].max(other.start[a])),
            [0, 1, 2].map(|a| end[a].min(other_end[a])),
        )
        .ok()
    }

    /// This region with its halo, clipped to a volume of `volume`.
    #[must_use]
    pub fn expand(&self, halo: &Halo, volume: Shape) -> Self {
        let mut start = self.start;
        let mut extents = self.shape.extents();
        for axis in Axis::ALL {
            let a = axis.index();
            let (low, high) = match halo.reach(axis) {
                Reach::Whole => (0, volume[axis]),
                Reach::Width { before, after } => (
                    self.start[a].saturating_sub(before),
                    (self.start[a] + extents[a]).saturating_add(after).min(volume[axis]),
                ),
            };
            start[a] = low;
            extents[a] = high - low;
        }
        Self { start, shape: Shape::new(extents).unwrap_or(self.shape) }
    }

    /// This region in the coordinates of `frame`, a region that contains it.
    ///
    /// # Panics
    ///
    /// When `frame` does not contain this region.
    #[must_use]
    pub fn within(&self, frame: &Self) -> Self {
        assert!(frame.contains(self), "{self} does not lie in {frame}");
        Self { start: [0, 1, 2].map(|a| self.start[a] - frame.start[a]), shape: self.shape }
    }

    /// The part of `array` that this region covers.
    ///
    /// # Panics
    ///
    /// When the region sticks out of `array`.
    #[must_use]
    pub fn view<'a, T>(&self, array: ArrayView3<'a, T>) -> ArrayView3<'a, T> {
        let [i, x, k] = Axis::ALL.map(|axis| self.range(axis));
        array.slice_move(s![i, x, k])
    }

    /// The part of `array` that this region covers, to write to.
    ///
    /// # Panics
    ///
    /// When the region sticks out of `array`.
    #[must_use]
    pub fn view_mut<'a, T>(&self, array: ArrayViewMut3<'a, T>) -> ArrayViewMut3<'a, T> {
        let [i, x, k] = Axis::ALL.map(|axis| self.range(axis));
        array.slice_move(s![i, x, k])
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (self.start, self.end());
        write!(f, "[{}..{}, {}..{}, {}..{}]", start[0], end[0], start[1], end[1], start[2], end[2])
    }
}

use std::fmt;
use std::ops::Index;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ByteSize;

/// One axis of a volume, in storage order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// The slowest axis.
    Inline,
    /// The middle axis.
    Crossline,
    /// The contiguous axis: time or depth.
    Sample,
}

impl Axis {
    /// The three axes in storage order.
    pub const ALL: [Self; 3] = [Self::Inline, Self::Crossline, Self::Sample];

    /// Position in storage order: 0, 1 or 2.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(["inline", "crossline", "sample"][self.index()])
    }
}

/// Extents of a volume or block in elements: `(inline, crossline, sample)`.
///
/// Every extent is at least 1 and the number of voxels fits an `isize`, so indexing arithmetic on a
/// shape cannot overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "[usize; 3]", into = "[usize; 3]")]
pub struct Shape([usize; 3]);

/// Why three numbers are not the shape of a volume.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// An extent is zero.
    #[error("the {axis} axis has no elements; every extent must be at least 1")]
    Empty {
        /// The axis without elements.
        axis: Axis,
    },
    /// The number of voxels does not fit the address space.
    #[error("{}×{}×{} voxels are more than this machine can address", extents[0], extents[1], extents[2])]
    TooLarge {
        /// The extents asked for.
        extents: [usize; 3],
    },
    /// Text that is not a shape.
    #[error("`{text}` is not a shape; write inlines, crosslines and samples as 400x400x400")]
    Parse {
        /// The text.
        text: String,
    },
}

impl Shape {
    /// A shape of `extents` elements along inline, crossline and sample.
    ///
    /// # Errors
    ///
    /// When an extent is zero, or the number of voxels does not fit an `isize`.
    pub fn new(extents: [usize; 3]) -> Result<Self, ShapeError> {
        if let Some(axis) = Axis::ALL.into_iter().find(|a| extents[a.index()] == 0) {
            return Err(ShapeError::Empty { axis });
        }
        extents
            .iter()
            .try_fold(1_usize, |n, &extent| n.checked_mul(extent))
            .filter(|&n| isize::try_from(n).is_ok())
            .map(|_| Self(extents))
            .ok_or(ShapeError::TooLarge { extents })
    }

    /// `(inline, crossline, sample)` extents.
    #[must_use]
    pub const fn extents(self) -> [usize; 3] {
        self.0
    }

    /// The number of voxels.
    #[must_use]
    pub const fn voxels(self) -> usize {
        self.0[0] * self.0[1] * self.0[2]
    }

    /// The bytes of a dense array of `T` with this shape.
    #[must_use]
    pub const fn bytes<T>(self) -> ByteSize {
        ByteSize::of::<T>(self.voxels())
    }
}

impl Index<Axis> for Shape {
    type Output = usize;
    fn index(&self, axis: Axis) -> &usize {
        &self.0[axis.index()]
    }
}

impl TryFrom<[usize; 3]> for Shape {
    type Error = ShapeError;
    fn try_from(extents: [usize; 3]) -> Result<Self, ShapeError> {
        Self::new(extents)
    }
}

impl From<Shape> for [usize; 3] {
    fn from(shape: Shape) -> Self {
        shape.0
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [i, x, s] = self.0;
        f.pad(&format!("{i}×{x}×{s}"))
    }
}

impl FromStr for Shape {
    type Err = ShapeError;

    fn from_str(text: &str) -> Result<Self, ShapeError> {
        let error = || ShapeError::Parse { text: text.to_owned() };
        let extents: Vec<usize> = text
            .split(['x', 'X', '×', ','])
            .map(|part| part.trim().parse().map_err(|_| error()))
            .collect::<Result<_, _>>()?;
        Self::new(extents.try_into().map_err(|_| error())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_cannot_be_indexed() {
        assert_eq!(Shape::new([5, 0, 7]), Err(ShapeError::Empty { axis: Axis::Crossline }));
        assert!(matches!(Shape::new([usize::MAX, 2, 1]), Err(ShapeError::TooLarge { .. })));
        assert!(matches!(Shape::new([1 << 40, 1 << 23, 1]), Err(ShapeError::TooLarge { .. })));
    }

    #[test]
    fn text_round_trips() {
        let shape = Shape::new([5, 7, 11]).unwrap();
        assert_eq!("5x7x11".parse(), Ok(shape));
        assert_eq!(shape.to_string().parse(), Ok(shape));
        for bad in ["", "5x7", "5x7x11x13", "ax7x11", "5x-7x11"] {
            assert!(bad.parse::<Shape>().is_err(), "{bad}");
        }
    }

    #[test]
    fn deserialising_validates() {
        assert!(serde_json::from_str::<Shape>("[5,7,11]").is_ok());
        assert!(serde_json::from_str::<Shape>("[5,0,11]").is_err());
    }
}

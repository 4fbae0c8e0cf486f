use std::ops::Add;

use serde::{Deserialize, Serialize};

use crate::Axis;

/// How far an operator looks along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// This many voxels towards smaller and towards larger indices.
    Width {
        /// Voxels before the core.
        before: usize,
        /// Voxels after the core.
        after: usize,
    },
    /// The whole axis: it must not be split on the input side.
    Whole,
}

/// What a block needs around its core, axis by axis.
///
/// Halos add when operators run one after the other.
///
/// ```
/// use chunkfit_core::{Axis, Halo, Reach};
///
/// let trace = Halo::none().with(Axis::Sample, Reach::Whole);
/// let both = Halo::uniform(2) + trace;
/// assert_eq!(both.reach(Axis::Inline), Reach::Width { before: 2, after: 2 });
/// assert_eq!(both.reach(Axis::Sample), Reach::Whole);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Halo([Reach; 3]);

impl Halo {
    /// Nothing around the core.
    #[must_use]
    pub const fn none() -> Self {
        Self::uniform(0)
    }

    /// `width` voxels on every side.
    #[must_use]
    pub const fn uniform(width: usize) -> Self {
        Self::symmetric([width; 3])
    }

    /// The same number of voxels before and after the core, axis by axis.
    #[must_use]
    pub const fn symmetric([i, x, s]: [usize; 3]) -> Self {
        Self([
            Reach::Width { before: i, after: i },
            Reach::Width { before: x, after: x },
            Reach::Width { before: s, after: s },
        ])
    }

    /// This halo with another reach along `axis`.
    #[must_use]
    pub const fn with(mut self, axis: Axis, reach: Reach) -> Self {
        self.0[axis.index()] = reach;
        self
    }

    /// The reach along `axis`.
    #[must_use]
    pub const fn reach(&self, axis: Axis) -> Reach {
        self.0[axis.index()]
    }
}

impl Add for Reach {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        match (self, other) {
            (Self::Width { before, after }, Self::Width { before: b, after: a }) => {
                Self::Width { before: before.saturating_add(b), after: after.saturating_add(a) }
            }
            _ => Self::Whole,
        }
    }
}

impl Add for Halo {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self([0, 1, 2].map(|a| self.0[a] + other.0[a]))
    }
}

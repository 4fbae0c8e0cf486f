use std::fmt;

use chunkfit_core::{Axis, Shape};
use serde::{Deserialize, Serialize};

use super::{Unit, next_fast_length};

/// A count that bytes may be proportional to.
///
/// No term decreases when an extent of the block or the core grows, so neither does a sum of terms with
/// non-negative coefficients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Term {
    /// 1: bytes that every task holds.
    One,
    /// Elements of the block along an axis.
    Extent(Axis),
    /// Elements of a face of the block: the product of the two extents other than the axis.
    Face(Axis),
    /// Voxels of the block.
    Block,
    /// Voxels of the core.
    Core,
    /// Voxels of the block without a border of this many voxels in all, axis by axis; zero when nothing
    /// is left. What a filter keeps that trims its stencil.
    Interior([usize; 3]),
    /// Voxels of the core with a border of this many voxels in all, axis by axis: the halo, not clipped
    /// at the edge of the volume.
    Haloed([usize; 3]),
    /// Voxels of the block with one axis padded to the [next fast length](next_fast_length) of a
    /// transform.
    FastAlong(Axis),
    /// Voxels of the block with every axis padded to its next fast length.
    FastVolume,
    /// Elements of one padded line: the scratch of one transform.
    FastLine(Axis),
}

impl Term {
    /// Every term that needs no declared border, the most frequent first.
    #[must_use]
    pub fn free() -> Vec<Self> {
        let mut terms = vec![Self::One, Self::Block, Self::Core];
        terms.extend(Axis::ALL.map(Self::Face));
        terms.extend(Axis::ALL.map(Self::Extent));
        terms.extend(Axis::ALL.map(Self::FastAlong));
        terms.push(Self::FastVolume);
        terms.extend(Axis::ALL.map(Self::FastLine));
        terms
    }

    /// What it counts.
    #[must_use]
    pub const fn unit(&self) -> Unit {
        match self {
            Self::One => Unit::Ratio,
            Self::Extent(_) | Self::FastLine(_) => Unit::Elements,
            Self::Face(_) => Unit::FaceElements,
            _ => Unit::Voxels,
        }
    }

    /// Its value for a task.
    #[must_use]
    pub fn eval(&self, block: Shape, core: Shape) -> f64 {
        let volume = |extents: [usize; 3]| extents.map(|n| n as f64).into_iter().product();
        match *self {
            Self::One => 1.0,
            Self::Extent(axis) => block[axis] as f64,
            Self::Face(axis) => {
                let mut extents = block.extents();
                extents[axis.index()] = 1;
                volume(extents)
            }
            Self::Block => block.voxels() as f64,
            Self::Core => core.voxels() as f64,
            Self::Interior(border) => volume(zip(block.extents(), border, usize::saturating_sub)),
            Self::Haloed(border) => volume(zip(core.extents(), border, usize::saturating_add)),
            Self::FastAlong(axis) => {
                let mut extents = block.extents();
                extents[axis.index()] = next_fast_length(extents[axis.index()]);
                volume(extents)
            }
            Self::FastVolume => volume(block.extents().map(next_fast_length)),
            Self::FastLine(axis) => next_fast_length(block[axis]) as f64,
        }
    }

    /// Whether no task with `v` voxels in its block can have more of it than `v`.
    pub(crate) const fn is_at_most_the_block(&self) -> bool {
        matches!(
            self,
            Self::One
                | Self::Extent(_)
                | Self::Face(_)
                | Self::Block
                | Self::Core
                | Self::Interior(_)
        )
    }
}

fn zip(a: [usize; 3], b: [usize; 3], f: fn(usize, usize) -> usize) -> [usize; 3] {
    [0, 1, 2].map(|i| f(a[i], b[i]))
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One => f.write_str("one"),
            Self::Extent(axis) => write!(f, "extent({axis})"),
            Self::Face(axis) => write!(f, "face(without {axis})"),
            Self::Block => f.write_str("block"),
            Self::Core => f.write_str("core"),
            Self::Interior([a, b, c]) => write!(f, "interior({a},{b},{c})"),
            Self::Haloed([a, b, c]) => write!(f, "haloed({a},{b},{c})"),
            Self::FastAlong(axis) => write!(f, "fast({axis})"),
            Self::FastVolume => f.write_str("fast(volume)"),
            Self::FastLine(axis) => write!(f, "fast_line({axis})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use chunkfit_core::testing::Dice;

    use super::*;

    fn every_term() -> Vec<Term> {
        let mut terms = Term::free();
        terms.extend([Term::Interior([2, 0, 5]), Term::Haloed([2, 0, 5])]);
        terms
    }

    #[test]
    fn counts_what_it_says() {
        let (block, core) = (Shape::new([5, 7, 11]).unwrap(), Shape::new([3, 7, 9]).unwrap());
        for (term, value) in [
            (Term::Face(Axis::Inline), 77.0),
            (Term::Core, 189.0),
            (Term::Interior([2, 0, 2]), 189.0),
            (Term::Interior([5, 0, 0]), 0.0),
            (Term::Haloed([2, 0, 2]), 385.0),
            (Term::FastAlong(Axis::Sample), 5.0 * 7.0 * 12.0),
            (Term::FastVolume, 5.0 * 8.0 * 12.0),
            (Term::FastLine(Axis::Crossline), 8.0),
        ] {
            assert_eq!(term.eval(block, core), value, "{term}");
        }
    }

    #[test]
    fn no_term_decreases_and_names_differ() {
        let terms = every_term();
        let mut names: Vec<String> = terms.iter().map(Term::to_string).collect();
        for seed in 0..300 {
            let mut dice = Dice::new(seed);
            let (a, b) = (dice.shape([40, 50, 60]), dice.shape([9, 9, 9]));
            let grown = |s: Shape| {
                let d = b.extents();
                Shape::new(zip(s.extents(), d, |n, d| n + d - 1)).unwrap()
            };
            for term in &terms {
                assert!(term.eval(a, a) <= term.eval(grown(a), a), "{term} {a} {b}");
                assert!(term.eval(a, a) <= term.eval(grown(a), grown(a)), "{term} {a} {b}");
                if term.is_at_most_the_block() {
                    assert!(term.eval(a, a) <= a.voxels() as f64, "{term}");
                }
            }
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), terms.len());
    }
}

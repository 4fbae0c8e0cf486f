use std::ops::Range;

use super::latest::Latest;
use super::stretch::{LENGTH, Stretches};

/// One axis of a block, as it lies in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// Voxels from one position to the next.
    stride: usize,
    /// Positions.
    extent: usize,
}

impl Line {
    /// Those along inlines, crosslines and samples.
    pub(super) const fn of([n_inlines, n_crosslines, n_samples]: [usize; 3]) -> [Self; 3] {
        [
            Self { stride: n_crosslines * n_samples, extent: n_inlines },
            Self { stride: n_samples, extent: n_crosslines },
            Self { stride: 1, extent: n_samples },
        ]
    }

    /// Stretches on either side that hold the neighbours of all voxels of one.
    pub(super) const fn reach(self) -> usize {
        if self.extent == 1 { 0 } else { self.stride.div_ceil(LENGTH) }
    }

    /// Where voxels at `position` begin, from the first of which one is among `voxels` on.
    fn face(self, position: usize, voxels: &Range<usize>) -> impl Iterator<Item = usize> + use<> {
        let period = self.stride * self.extent;
        let face = voxels.start / period * period + position * self.stride;
        let passed = face + self.stride <= voxels.start;
        (if passed { face + period } else { face }..voxels.end).step_by(period)
    }
}

/// Room for the neighbours of a stretch, before and after, where they do not lie in one piece.
pub(super) type Sides = [Vec<f32>; 2];

/// The latest of a quantity, to be seen with its neighbours along one axis.
pub(super) struct Neighbours {
    line: Line,
    latest: Latest,
}

impl Neighbours {
    pub(super) fn new(line: Line, stretches: Stretches) -> Self {
        Self { line, latest: Latest::new(stretches, Self::kept(line)) }
    }

    /// Stretches that are kept.
    pub(super) const fn kept(line: Line) -> usize {
        2 * line.reach() + 1
    }

    /// Stretches that must follow one.
    pub(super) const fn reach(&self) -> usize {
        self.line.reach()
    }

    /// A stretch, to be filled.
    pub(super) fn stretch_mut(&mut self, number: usize) -> &mut [f32] {
        self.latest.stretch_mut(number)
    }

    /// The voxels before those of a stretch, they themselves, and the voxels after them, reflecting at the
    /// faces of the block.
    pub(super) fn around<'a>(&'a self, number: usize, sides: &'a mut Sides) -> [&'a [f32]; 3] {
        let Line { stride, extent } = self.line;
        let here = self.latest.stretch(number);
        if extent == 1 {
            return [here; 3];
        }
        let Range { start, end } = self.latest.stretches().voxels(number);
        let n_voxels = self.latest.stretches().n_voxels();
        let before = start.saturating_sub(stride)..end.saturating_sub(stride);
        let after = (start + stride).min(n_voxels)..(end + stride).min(n_voxels);
        let skip = here.len() - before.len();
        let [first, last] = sides;
        [
            self.moved(number, before, skip, 0, first),
            here,
            self.moved(number, after, 0, extent - 1, last),
        ]
    }

    /// Voxels `from` elsewhere beside those of a stretch: where they lie, if nothing stands against it;
    /// else after `skip` elements of `row`, with the voxels at position `face` as they are here.
    fn moved<'a>(
        &'a self,
        number: usize,
        from: Range<usize>,
        skip: usize,
        face: usize,
        row: &'a mut [f32],
    ) -> &'a [f32] {
        let here = self.latest.stretch(number);
        let voxels = self.latest.stretches().voxels(number);
        let mut faces = self.line.face(face, &voxels).peekable();
        let [first, second] = self.latest.pieces(from);
        if first.len() == here.len() && faces.peek().is_none() {
            return first;
        }
        let row = &mut row[..here.len()];
        row[skip..][..first.len()].copy_from_slice(first);
        row[skip + first.len()..][..second.len()].copy_from_slice(second);
        let Range { start, end } = voxels;
        if self.line.stride == 1 {
            // So many that pieces of one voxel would take too long.
            faces.for_each(|at| row[at - start] = here[at - start]);
        } else {
            for at in faces {
                let piece = at.max(start) - start..end.min(at + self.line.stride) - start;
                row[piece.clone()].copy_from_slice(&here[piece]);
            }
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use chunkfit_core::Shape;

    use super::*;
    use crate::edge::reflect;

    #[test]
    fn reflects_at_all_faces() {
        for extents in [
            [1, 1, 1],
            [2, 1, 3],
            [1, 5, 2],
            [700, 3, 1],
            [401, 3, 3],
            [5, 7, 131],
            [2, 3, 1021],
            [3, 2, 2000],
            [3, 1201, 2],
        ] {
            let shape = Shape::new(extents).unwrap();
            let stretches = Stretches::new(extents.iter().product());
            for (axis, line) in Line::of(extents).into_iter().enumerate() {
                let mut neighbours = Neighbours::new(line, stretches);
                let mut sides: Sides = [0; 2].map(|_| vec![f32::NAN; stretches.longest()]);
                for seen in 0..stretches.count() + line.reach() {
                    if seen < stretches.count() {
                        let voxels = stretches.voxels(seen).map(|voxel| voxel as f32);
                        let row = neighbours.stretch_mut(seen);
                        row.iter_mut().zip(voxels).for_each(|(to, voxel)| *to = voxel);
                    }
                    let Some(number) = stretches.before(seen, line.reach()) else { continue };
                    let around = neighbours.around(number, &mut sides);
                    for (k, voxel) in stretches.voxels(number).enumerate() {
                        let place = voxel / line.stride % line.extent;
                        for (by, got) in [-1, 0, 1].into_iter().zip(around) {
                            let other = reflect(place as isize + by, line.extent);
                            let expected = voxel + other * line.stride - place * line.stride;
                            assert_eq!(
                                got[k], expected as f32,
                                "{shape}, axis {axis}, {voxel} {by}"
                            );
                        }
                    }
                }
            }
        }
    }
}

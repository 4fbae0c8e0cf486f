use std::ops::Range;

use chunkfit_core::{Axis, Region};
use ndarray::ArrayViewMut3;

use crate::trace;

/// Where results go: the core of a block.
pub(super) struct Output<'a, 'b> {
    frame: Frame,
    arrays: &'a mut [ArrayViewMut3<'b, f32>],
    /// A stretch of which only a part is wanted, or which does not go to one piece of memory.
    row: Vec<f32>,
}

impl<'a, 'b> Output<'a, 'b> {
    /// For stretches of no more than `longest` voxels of a block of `[n_inlines, n_crosslines, n_samples]`.
    pub(super) fn new(
        [_, n_crosslines, n_samples]: [usize; 3],
        longest: usize,
        core: Region,
        arrays: &'a mut [ArrayViewMut3<'b, f32>],
    ) -> Self {
        let frame = Frame { n_crosslines, n_samples, core };
        Self { frame, arrays, row: vec![0.0; longest] }
    }

    /// Lets `fill` write `voxels` of the block to output `number`, unless the core has none of them.
    pub(super) fn write(
        &mut self,
        number: usize,
        voxels: Range<usize>,
        fill: impl FnOnce(&mut [f32]),
    ) {
        let Self { frame, arrays, row } = self;
        let array = &mut arrays[number];
        if let Some(piece) = frame.piece(&voxels)
            && let Some(array) = array.as_slice_mut()
        {
            return fill(&mut array[piece]);
        }
        let mut parts = frame.parts(&voxels).peekable();
        if parts.peek().is_some() {
            fill(&mut row[..voxels.len()]);
        }
        for Part { at, samples, place } in parts {
            trace::write(array, at, samples, &row[place]);
        }
    }
}

/// A core in its block.
#[derive(Clone, Copy)]
struct Frame {
    n_crosslines: usize,
    n_samples: usize,
    core: Region,
}

/// A part of one trace.
struct Part {
    /// Inline and crossline in the core.
    at: [usize; 2],
    /// Samples in the core.
    samples: Range<usize>,
    /// Place among the voxels that it is a part of.
    place: Range<usize>,
}

impl Frame {
    /// Where `voxels` of the block are in the core, if they follow each other there too.
    fn piece(&self, voxels: &Range<usize>) -> Option<Range<usize>> {
        let [inlines, crosslines, samples] = Axis::ALL.map(|axis| self.core.range(axis));
        let inline = self.n_crosslines * self.n_samples;
        let [start, end] = [inlines.start * inline, inlines.end * inline];
        let whole = crosslines.len() * samples.len() == inline;
        let inside = start <= voxels.start && voxels.end <= end;
        (whole && inside).then(|| voxels.start - start..voxels.end - start)
    }

    /// The parts of `voxels` that are in the core.
    fn parts(self, voxels: &Range<usize>) -> impl Iterator<Item = Part> + use<> {
        let [inlines, crosslines, samples] = Axis::ALL.map(|axis| self.core.range(axis));
        let Range { start, end } = *voxels;
        let traces = start / self.n_samples..end.div_ceil(self.n_samples);
        traces.filter_map(move |trace| {
            let [inline, crossline] = [trace / self.n_crosslines, trace % self.n_crosslines];
            let zero = trace * self.n_samples + samples.start;
            let first = zero.max(start);
            let past = (zero + samples.len()).min(end);
            let inside =
                inlines.contains(&inline) && crosslines.contains(&crossline) && first < past;
            inside.then(|| Part {
                at: [inline - inlines.start, crossline - crosslines.start],
                samples: first - zero..past - zero,
                place: first - start..past - start,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use chunkfit_core::Shape;
    use ndarray::Array3;

    use super::*;

    /// Voxels of a block go to their places in the core, wherever the block is cut.
    #[test]
    fn writes_the_core() {
        let [n_inlines, n_crosslines, n_samples] = [5, 4, 7];
        let block = [n_inlines, n_crosslines, n_samples];
        let n_voxels = n_inlines * n_crosslines * n_samples;
        for (start, extents) in [
            ([0; 3], block),
            ([1, 0, 0], [3, 4, 7]),
            ([1, 1, 0], [2, 3, 7]),
            ([2, 0, 3], [3, 4, 3]),
        ] {
            let core = Region::new(start, Shape::new(extents).unwrap());
            let expected = Array3::from_shape_fn(extents, |(i, x, k)| {
                let [i, x, k] = [i + start[0], x + start[1], k + start[2]];
                ((i * n_crosslines + x) * n_samples + k) as f32
            });
            for longest in [1, 5, 28, 33, n_voxels] {
                let mut plain = Array3::zeros(extents);
                let mut turned = Array3::zeros([extents[2], extents[1], extents[0]]);
                let mut views = [plain.view_mut(), turned.view_mut().reversed_axes()];
                let mut output = Output::new(block, longest, core, &mut views);
                for first in (0..n_voxels).step_by(longest) {
                    let voxels = first..n_voxels.min(first + longest);
                    for number in 0..2 {
                        output.write(number, voxels.clone(), |out| {
                            let voxels = voxels.clone().map(|voxel| voxel as f32);
                            out.iter_mut().zip(voxels).for_each(|(to, voxel)| *to = voxel);
                        });
                    }
                }
                assert_eq!(plain, expected);
                assert_eq!(turned.reversed_axes(), expected);
            }
        }
    }

    #[test]
    fn what_nobody_wants_is_not_computed() {
        let core = Region::new([1, 1, 0], Shape::new([1, 1, 3]).unwrap());
        let mut array = Array3::zeros([1, 1, 3]);
        let mut views = [array.view_mut()];
        let mut output = Output::new([3, 3, 3], 12, core, &mut views);
        output.write(0, 0..12, |_| panic!("no voxel of these is in the core"));
        output.write(0, 15..27, |_| panic!("no voxel of these is in the core"));
    }
}

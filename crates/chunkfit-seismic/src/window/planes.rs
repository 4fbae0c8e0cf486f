use std::ops::Range;

use ndarray::{ArrayView3, s};

use super::Traces;
use super::sweep::Source;
use super::taps::Layout;

/// Planes along the inlines.
pub(super) enum Planes<'a, T> {
    /// In one piece of memory, by slot, input, crossline and sample: all of an axis of `extent`, or the
    /// last few in turn, plane `position` in slot `position % slots`.
    Joined { elements: &'a [T], shape: [usize; 4], extent: usize },
    /// All of a block that is in pieces.
    Apart(ArrayView3<'a, T>),
}

impl<'a, T> Planes<'a, T> {
    /// All planes of a block, of one input.
    pub(super) fn all(block: ArrayView3<'a, T>) -> Self {
        let (extent, n_crosslines, n_samples) = block.dim();
        let shape = [extent, 1, n_crosslines, n_samples];
        match block.to_slice() {
            Some(elements) => Self::Joined { elements, shape, extent },
            None => Self::Apart(block),
        }
    }
}

/// One inline after the other.
pub(super) struct OfPlanes<'a, T> {
    pub(super) planes: Planes<'a, T>,
    pub(super) inline: usize,
    pub(super) samples: Range<usize>,
}

impl<T> Source<T> for OfPlanes<'_, T> {
    fn traces(&mut self, crossline: usize) -> Traces<'_, T> {
        let (inline, samples) = (self.inline, self.samples.clone());
        let layout = match self.planes {
            Planes::Joined {
                elements,
                shape: [n_slots, n_inputs, n_crosslines, n_samples],
                extent,
            } => {
                let [input, n] = [n_crosslines * n_samples, samples.len()];
                let elements = &elements[crossline * n_samples + samples.start..];
                Layout::Joined {
                    elements,
                    n,
                    input,
                    plane: n_inputs * input,
                    n_slots,
                    extent,
                    inline,
                }
            }
            Planes::Apart(ref block) => {
                Layout::Apart { traces: block.slice(s![.., crossline, samples]), inline }
            }
        };
        Traces { layout, input: 0 }
    }
}

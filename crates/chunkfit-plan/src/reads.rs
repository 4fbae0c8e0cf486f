use std::ops::Range;

use chunkfit_core::{Shape, StorageLayout, TraceOrder};

use crate::cut::{Class, Cut};

/// A system reads at least this many bytes ahead where it can, so a part of a trace costs as much.
const READ_AHEAD: usize = 128 << 10;

const SAMPLE: usize = 2;

/// What a block costs to read: runs and bytes, from what it covers along each axis.
///
/// Everything is a product over the axes of something that depends on one axis alone, but for traces in
/// order, where an axis that is covered whole joins runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reads {
    volume: [usize; 3],
    pattern: Pattern,
}

#[derive(Debug, Clone, Copy)]
enum Pattern {
    /// Records of a header and samples, without a useful order.
    Records { record: usize, sample: usize },
    /// Records whose order is that of the axes `slow` and `fast`.
    Ordered { slow: usize, fast: usize, record: usize, sample: usize },
    /// Stored chunks, each read as a whole.
    Chunks { chunk: [usize; 3], element: usize },
}

/// Along one axis: factors of the runs and the bytes of a block.
pub(crate) struct Along {
    pub(crate) runs: f64,
    pub(crate) bytes: f64,
}

impl Reads {
    pub(crate) fn new(layout: &StorageLayout, volume: Shape, element_bytes: usize) -> Self {
        let volume = volume.extents();
        let ordered = |slow, fast, header: usize, sample: usize| Pattern::Ordered {
            slow,
            fast,
            record: header + volume[SAMPLE] * sample,
            sample,
        };
        let pattern = match *layout {
            StorageLayout::Contiguous { element_bytes } => ordered(0, 1, 0, element_bytes),
            StorageLayout::Chunked { chunk, element_bytes } => {
                Pattern::Chunks { chunk: chunk.extents(), element: element_bytes }
            }
            StorageLayout::Traces { order, header_bytes, sample_bytes } => match order {
                TraceOrder::Inline => ordered(0, 1, header_bytes, sample_bytes),
                TraceOrder::Crossline => ordered(1, 0, header_bytes, sample_bytes),
                TraceOrder::Scattered => Pattern::Records {
                    record: header_bytes + volume[SAMPLE] * sample_bytes,
                    sample: sample_bytes,
                },
            },
            // A layout that this crate does not know yet is read as a dense array.
            _ => ordered(0, 1, 0, element_bytes),
        };
        Self { volume, pattern }
    }

    /// Bytes of the volume as it is stored, headers left out.
    pub(crate) fn stored_bytes(&self) -> f64 {
        let element = match self.pattern {
            Pattern::Records { sample, .. } | Pattern::Ordered { sample, .. } => sample,
            Pattern::Chunks { element, .. } => element,
        };
        self.volume.iter().product::<usize>() as f64 * element as f64
    }

    /// What a block that covers `range` of `axis` costs along it.
    pub(crate) fn along(&self, axis: usize, range: &Range<usize>) -> Along {
        let n = range.len();
        match self.pattern {
            Pattern::Records { record, sample } | Pattern::Ordered { record, sample, .. } => {
                if axis == SAMPLE {
                    let whole = n == self.volume[SAMPLE];
                    let bytes = if whole { record } else { record.min(READ_AHEAD.max(n * sample)) };
                    Along { runs: 1.0, bytes: bytes as f64 }
                } else {
                    Along { runs: n as f64, bytes: n as f64 }
                }
            }
            Pattern::Chunks { chunk, element } => {
                let chunk = chunk[axis];
                let (first, last) = (range.start / chunk, (range.end - 1) / chunk);
                let voxels = ((last + 1) * chunk).min(self.volume[axis]) - first * chunk;
                let unit = if axis == SAMPLE { element } else { 1 };
                Along { runs: (last - first + 1) as f64, bytes: (voxels * unit) as f64 }
            }
        }
    }

    /// Contiguous runs of one block.
    pub(crate) fn runs(&self, block: [&Class; 3]) -> f64 {
        match self.pattern {
            Pattern::Ordered { slow, fast, .. } => match (block[SAMPLE].whole, block[fast].whole) {
                (true, true) => 1.0,
                (true, false) => block[slow].runs,
                (false, _) => block[slow].runs * block[fast].runs,
            },
            Pattern::Records { .. } | Pattern::Chunks { .. } => {
                block.iter().map(|class| class.runs).product()
            }
        }
    }

    /// Contiguous runs of all blocks of a grid, without visiting them.
    pub(crate) fn total_runs(&self, cuts: [&Cut; 3]) -> f64 {
        let [i, x, s] = cuts.map(|cut| &cut.sums);
        match self.pattern {
            Pattern::Ordered { slow, fast, .. } => {
                let (slow, fast) = (&cuts[slow].sums, &cuts[fast].sums);
                let joined = fast.whole * slow.n + (fast.n - fast.whole) * slow.runs;
                s.whole * joined + (s.n - s.whole) * slow.runs * fast.runs
            }
            Pattern::Records { .. } | Pattern::Chunks { .. } => i.runs * x.runs * s.runs,
        }
    }
}

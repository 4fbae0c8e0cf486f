//! A volume that is only a shape.

use chunkfit_core::{
    Axis, AxisLabel, ByteSize, Region, Shape, Source, StorageError, StorageLayout, TraceOrder,
};
use ndarray::ArrayViewMut3;

/// Before every trace.
const HEADER_BYTES: usize = 240;

/// Traces of an inline are read so many bytes at a time.
const MOST_AT_ONCE: ByteSize = ByteSize::kib(512);

/// A SEG-Y file in inline order that nobody has: it has a layout and nothing to read.
pub(crate) struct Imagined {
    shape: Shape,
    sample_bytes: usize,
    axes: [AxisLabel; 3],
}

impl Imagined {
    /// Of `shape`, with samples of `sample_bytes`.
    pub(crate) fn new(shape: Shape, sample_bytes: usize) -> Self {
        let [inlines, crosslines, samples] = shape.extents();
        let axes = [("inline", inlines), ("crossline", crosslines), ("sample", samples)]
            .map(|(name, n)| AxisLabel::indices(name, n));
        Self { shape, sample_bytes, axes }
    }
}

impl Source for Imagined {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn layout(&self) -> StorageLayout {
        let sample_bytes = self.sample_bytes;
        StorageLayout::Traces {
            order: TraceOrder::Inline,
            header_bytes: HEADER_BYTES,
            sample_bytes,
        }
    }

    fn axes(&self) -> &[AxisLabel; 3] {
        &self.axes
    }

    fn read_scratch(&self, block: Shape) -> ByteSize {
        let trace = HEADER_BYTES + block[Axis::Sample] * self.sample_bytes;
        ByteSize::of::<u8>(block[Axis::Crossline].saturating_mul(trace)).min(MOST_AT_ONCE)
    }

    fn read(&self, _: &Region, _: ArrayViewMut3<'_, f32>) -> Result<ByteSize, StorageError> {
        Err(StorageError::new("reading a volume that is only a shape", "there is no file"))
    }
}

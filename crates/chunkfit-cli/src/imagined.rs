//! A volume that is only a shape.

use chunkfit_core::{
    AxisLabel, ByteSize, Region, Shape, Source, StorageError, StorageLayout, TraceOrder,
};
use ndarray::ArrayViewMut3;

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
        StorageLayout::Traces { order: TraceOrder::Inline, header_bytes: 240, sample_bytes }
    }

    fn axes(&self) -> &[AxisLabel; 3] {
        &self.axes
    }

    fn read_scratch(&self, _: Shape) -> ByteSize {
        ByteSize::mib(1)
    }

    fn read(&self, _: &Region, _: ArrayViewMut3<'_, f32>) -> Result<ByteSize, StorageError> {
        Err(StorageError::new("reading a volume that is only a shape", "there is no file"))
    }
}

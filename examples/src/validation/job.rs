//! Tasks without files: what an operator needs, and nothing that a format adds.

use std::error::Error;

use chunkfit_core::{
    AxisLabel, ByteSize, Region, Shape, Sink, Source, StorageError, StorageLayout,
};
use chunkfit_run::Job;
use ndarray::{ArrayView3, ArrayViewMut3};
use serde::{Deserialize, Serialize};

use super::subject::Subject;

/// What a worker is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Spec {
    pub(super) subject: Subject,
    /// In the `f32` that the worker stores.
    pub(super) volume: [usize; 3],
}

/// Builds the job in a worker.
pub(super) fn open(spec: &str) -> Result<Job, Box<dyn Error + Send + Sync>> {
    Ok(build(&serde_json::from_str(spec)?)?)
}

pub(super) fn build(spec: &Spec) -> anyhow::Result<Job> {
    let volume = Shape::new(spec.volume)?;
    let operator = spec.subject.open()?;
    let sinks = operator.outputs().iter().map(|_| Box::new(Nowhere(volume)) as Box<dyn Sink>);
    let sinks = sinks.collect();
    Ok(Job::new(Box::new(Noise::new(volume)), operator, sinks)?)
}

/// A volume that is computed when it is read.
pub(super) struct Noise {
    shape: Shape,
    axes: [AxisLabel; 3],
}

impl Noise {
    pub(super) fn new(shape: Shape) -> Self {
        let [i, x, k] = shape.extents();
        let axes = [("inline", i), ("crossline", x), ("sample", k)];
        Self { shape, axes: axes.map(|(name, n)| AxisLabel::indices(name, n)) }
    }
}

impl Source for Noise {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn layout(&self) -> StorageLayout {
        StorageLayout::Contiguous { element_bytes: size_of::<f32>() }
    }

    fn axes(&self) -> &[AxisLabel; 3] {
        &self.axes
    }

    fn read_scratch(&self, _: Shape) -> ByteSize {
        ByteSize::ZERO
    }

    fn read(&self, _: &Region, out: ArrayViewMut3<'_, f32>) -> Result<ByteSize, StorageError> {
        let mut state = 1_u32;
        for value in out {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *value = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
        }
        Ok(ByteSize::ZERO)
    }
}

/// Takes results and keeps none.
struct Nowhere(Shape);

impl Sink for Nowhere {
    fn shape(&self) -> Shape {
        self.0
    }

    fn alignment(&self) -> Shape {
        self.0
    }

    fn write_scratch(&self, _: Shape) -> ByteSize {
        ByteSize::ZERO
    }

    fn write(&self, _: &Region, _: ArrayView3<'_, f32>) -> Result<(), StorageError> {
        Ok(())
    }

    fn finish(&self) -> Result<(), StorageError> {
        Ok(())
    }
}

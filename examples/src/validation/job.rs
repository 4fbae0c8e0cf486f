//! Tasks without files: what an operator needs, and nothing that a format adds.

use std::error::Error;

use chunkfit_core::{
    AxisLabel, ByteSize, MemoryModel, Operator, Prediction, Regime, Region, Shape, Sink, Source,
    StorageError, StorageLayout,
};
use chunkfit_run::{Job, TaskLedger};
use ndarray::{ArrayView3, ArrayViewMut3};
use serde::{Deserialize, Serialize};

/// What a worker is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Spec {
    pub(super) operator: String,
    pub(super) volume: [usize; 3],
}

/// Builds the job in a worker.
pub(super) fn open(spec: &str) -> Result<Job, Box<dyn Error + Send + Sync>> {
    let spec: Spec = serde_json::from_str(spec)?;
    let volume = Shape::new(spec.volume)?;
    let operator = chunkfit_seismic::parse(&spec.operator)?;
    let sinks = operator.outputs().iter().map(|_| Box::new(Nowhere(volume)) as Box<dyn Sink>);
    let sinks = sinks.collect();
    Ok(Job::new(Box::new(Noise::new(volume)), operator, sinks)?)
}

/// A volume that is computed when it is read.
struct Noise {
    shape: Shape,
    axes: [AxisLabel; 3],
}

impl Noise {
    fn new(shape: Shape) -> Self {
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

/// The heap bytes that such a task of an operator declares.
pub(super) struct Declared {
    pub(super) operator: Box<dyn Operator>,
    source: Noise,
}

impl Declared {
    pub(super) fn new(operator: &str) -> anyhow::Result<Self> {
        let source = Noise::new(Shape::new([1; 3])?);
        Ok(Self { operator: chunkfit_seismic::parse(operator)?, source })
    }
}

impl MemoryModel for Declared {
    fn predict(&self, block: Shape, core: Shape) -> Prediction {
        let nothing = |_| ByteSize::ZERO;
        let ledger = TaskLedger::before_sinks(self.operator.as_ref(), &self.source, &nothing);
        let peak = ledger.bytes(block, core);
        Prediction { peak, upper: peak, regime: Regime::Declared }
    }
}

use chunkfit_core::{ByteSize, Operator, Placement, Shape, Sink, Source};
use ndarray::{Array3, ArrayViewMut3};

use crate::{RunError, TaskError, TaskLedger};

/// What to do with every chunk: read from a source, apply an operator, write to its sinks.
pub struct Job {
    source: Box<dyn Source>,
    operator: Box<dyn Operator>,
    sinks: Vec<Box<dyn Sink>>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("operator", &self.operator.name())
            .field("shape", &self.source.shape())
            .field("sinks", &self.sinks.len())
            .finish_non_exhaustive()
    }
}

impl Job {
    /// A job that writes output number `i` of `operator` to `sinks[i]`.
    ///
    /// # Errors
    ///
    /// When the number of sinks differs from the number of outputs, or a sink has another shape than
    /// the source.
    pub fn new(
        source: Box<dyn Source>,
        operator: Box<dyn Operator>,
        sinks: Vec<Box<dyn Sink>>,
    ) -> Result<Self, RunError> {
        let outputs = operator.outputs().len();
        if sinks.len() != outputs {
            return Err(RunError::SinkCount { outputs, sinks: sinks.len() });
        }
        let volume = source.shape();
        match sinks.iter().find(|sink| sink.shape() != volume) {
            Some(sink) => Err(RunError::SinkShape { volume, sink: sink.shape() }),
            None => Ok(Self { source, operator, sinks }),
        }
    }

    /// The source.
    #[must_use]
    pub fn source(&self) -> &dyn Source {
        self.source.as_ref()
    }

    /// The operator.
    #[must_use]
    pub fn operator(&self) -> &dyn Operator {
        self.operator.as_ref()
    }

    /// The bytes that a task of this job holds.
    #[must_use]
    pub fn ledger(&self) -> TaskLedger<'_> {
        TaskLedger::new(self.operator(), self.source(), self)
    }

    /// Reads the block, fills the core and writes it; returns the bytes fetched from storage.
    ///
    /// **Memory.** In turn: the block and the source's scratch; the block, one core per output and the
    /// operator's workspace; the cores and the scratch of one sink.
    ///
    /// # Errors
    ///
    /// When memory for the block or an output is refused, or the source, the operator or a sink fails.
    pub fn perform(&self, at: &Placement) -> Result<ByteSize, TaskError> {
        let mut block = zeros(at.block().shape())?;
        let fetched = self.source.read(&at.block(), block.view_mut())?;
        let outputs = {
            let core = at.core().shape();
            let mut outputs =
                self.sinks.iter().map(|_| zeros(core)).collect::<Result<Vec<_>, _>>()?;
            let mut views: Vec<ArrayViewMut3<'_, f32>> =
                outputs.iter_mut().map(|output| output.view_mut()).collect();
            self.operator.apply(block.view(), at, &mut views)?;
            outputs
        };
        drop(block);
        for (sink, output) in self.sinks.iter().zip(&outputs) {
            sink.write(&at.core(), output.view())?;
        }
        Ok(fetched)
    }
}

/// The largest scratch among the sinks, which write one after the other.
impl crate::ledger::WriteScratch for Job {
    fn write_scratch(&self, core: Shape) -> ByteSize {
        self.sinks.iter().map(|sink| sink.write_scratch(core)).max().unwrap_or(ByteSize::ZERO)
    }
}

/// A volume of zeros, or an error where an ordinary allocation would abort the process.
fn zeros(shape: Shape) -> Result<Array3<f32>, TaskError> {
    let refused = |_| TaskError::OutOfMemory { asked: shape.bytes::<f32>(), shape };
    let mut values = Vec::new();
    values.try_reserve_exact(shape.voxels()).map_err(refused)?;
    values.resize(shape.voxels(), 0.0_f32);
    Ok(Array3::from_shape_vec(shape.extents(), values)?)
}

use chunkfit_core::{ByteSize, MemoryModel, Operator, Prediction, Regime, Shape, Source};

/// The heap bytes that writing a core holds, beyond the core itself.
pub(crate) trait WriteScratch: Sync {
    fn write_scratch(&self, core: Shape) -> ByteSize;
}

/// A sink that does not exist yet, known by the scratch it will need.
impl<F: Fn(Shape) -> ByteSize + Sync> WriteScratch for F {
    fn write_scratch(&self, core: Shape) -> ByteSize {
        self(core)
    }
}

/// The heap bytes of one task with its I/O: what `Job::perform` allocates, counted.
#[derive(Clone, Copy)]
pub struct TaskLedger<'a> {
    operator: &'a dyn Operator,
    source: &'a dyn Source,
    sink: &'a dyn WriteScratch,
}

impl std::fmt::Debug for TaskLedger<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskLedger")
            .field("operator", &self.operator.name())
            .finish_non_exhaustive()
    }
}

impl<'a> TaskLedger<'a> {
    pub(crate) fn new(
        operator: &'a dyn Operator,
        source: &'a dyn Source,
        sink: &'a dyn WriteScratch,
    ) -> Self {
        Self { operator, source, sink }
    }

    /// The ledger of a job whose sinks do not exist yet, as when planning; `write_scratch` gives the
    /// bytes that writing a core of a shape will hold.
    pub fn before_sinks<F: Fn(Shape) -> ByteSize + Sync>(
        operator: &'a dyn Operator,
        source: &'a dyn Source,
        write_scratch: &'a F,
    ) -> Self {
        Self { operator, source, sink: write_scratch }
    }

    /// The most that a task holds at once: the largest of reading, applying and writing.
    #[must_use]
    pub fn bytes(&self, block: Shape, core: Shape) -> ByteSize {
        let input = block.bytes::<f32>();
        let outputs = core.bytes::<f32>() * self.operator.outputs().len() as u64;
        let reading = input + self.source.read_scratch(block);
        let applying = input + outputs + self.operator.workspace(block, core);
        let writing = outputs + self.sink.write_scratch(core);
        reading.max(applying).max(writing)
    }
}

impl MemoryModel for TaskLedger<'_> {
    fn predict(&self, block: Shape, core: Shape) -> Prediction {
        let peak = self.bytes(block, core);
        Prediction { peak, upper: peak, regime: Regime::Declared }
    }
}

/// The resident set of a worker during a task: a measured base plus what `tasks` says, by default the
/// declared ledger.
///
/// `upper = base + upper of the task + margin`. The margin covers what a ledger of heap bytes cannot
/// count: rounding to pages, small buffers that the allocator keeps, and the kernel's batched resident
/// counters.
#[derive(Debug, Clone, Copy)]
pub struct TaskModel<M> {
    tasks: M,
    base: ByteSize,
    margin: ByteSize,
}

impl<M> TaskModel<M> {
    /// A model from one of `tasks`, the resident set `base` that it does not count, and `margin`.
    #[must_use]
    pub const fn new(tasks: M, base: ByteSize, margin: ByteSize) -> Self {
        Self { tasks, base, margin }
    }
}

impl TaskModel<TaskLedger<'_>> {
    /// The margin on a ledger for this machine: 512 KiB for the allocator plus the bound of the kernel's
    /// resident counters.
    #[must_use]
    pub fn default_margin() -> ByteSize {
        ByteSize::kib(512) + ByteSize::new(memcage::resident::counter_slack_bytes())
    }
}

impl<M: MemoryModel> MemoryModel for TaskModel<M> {
    fn predict(&self, block: Shape, core: Shape) -> Prediction {
        let task = self.tasks.predict(block, core);
        let regime = match task.regime {
            // The base and the margin are measured.
            Regime::Declared => Regime::Calibrated,
            fitted => fitted,
        };
        let upper = self.base + task.upper + self.margin;
        Prediction { peak: self.base + task.peak, upper, regime }
    }
}

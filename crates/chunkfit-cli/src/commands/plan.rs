use std::io::Write;

use chunkfit_core::{
    AxisLabel, ByteSize, Region, Shape, Source, StorageError, StorageLayout, TraceOrder,
};
use chunkfit_io::Input;
use chunkfit_run::TaskModel;
use ndarray::ArrayViewMut3;

use crate::args::PlanArgs;
use crate::budget::{Allowed, TYPICAL_BASE};
use crate::engine::make_plan;
use crate::operator::operator_for;
use crate::report::write_json;

/// `chunkfit plan`.
pub(crate) fn plan(args: &PlanArgs) -> anyhow::Result<()> {
    let source: Box<dyn Source> = match (&args.input, args.shape) {
        (Some(path), _) => Box::new(Input::open(path, &args.reading.options()?)?),
        (None, Some(shape)) => Box::new(Imagined::new(shape, args.dtype.bytes())),
        (None, None) => anyhow::bail!("give an input, or --shape AxBxC"),
    };
    let operator = operator_for(&args.operator, source.as_ref())?;
    let budget = Allowed::PerWorker(args.worker_memory).budget(Some(args.workers), ByteSize::ZERO);
    let plan = make_plan(
        &args.strategy,
        source.as_ref(),
        operator.as_ref(),
        budget,
        TYPICAL_BASE,
        TaskModel::default_margin(),
    )?;
    if let Some(path) = &args.json {
        write_json(path, &plan)?;
    }
    if args.json.as_deref().is_none_or(|path| path.as_os_str() != "-") {
        writeln!(std::io::stdout().lock(), "{}", plan.explain())?;
    }
    Ok(())
}

/// A SEG-Y file in inline order that nobody has: it has a layout and nothing to read.
struct Imagined {
    shape: Shape,
    sample_bytes: usize,
    axes: [AxisLabel; 3],
}

impl Imagined {
    fn new(shape: Shape, sample_bytes: usize) -> Self {
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

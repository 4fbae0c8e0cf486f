use std::io::Write;

use chunkfit_core::{ByteSize, Source};
use chunkfit_io::Input;

use crate::args::PlanArgs;
use crate::budget::Allowed;
use crate::engine::make_plan;
use crate::imagined::Imagined;
use crate::model::{Calibration, load_for};
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
    let model = args.model.file.as_deref();
    let load = |file| load_for(file, operator.as_ref(), args.model.accept_stale);
    let saved = model.map(load).transpose()?.map(|(saved, _)| saved);
    let plan = make_plan(
        &args.strategy,
        source.as_ref(),
        operator.as_ref(),
        budget,
        &Calibration::before_measuring(saved),
    )?;
    if let Some(path) = &args.json {
        write_json(path, &plan)?;
    }
    if args.json.as_deref().is_none_or(|path| path.as_os_str() != "-") {
        writeln!(std::io::stdout().lock(), "{}", plan.explain())?;
    }
    Ok(())
}

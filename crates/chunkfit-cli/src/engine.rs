//! One run from input to output: budget, base, plan, workers, result.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, bail};
use chunkfit_core::{Axis, ByteSize, ChunkGrid, Operator, Placement, Shape, Source, StorageLayout};
use chunkfit_io::zarr::{self, StoreSpec};
use chunkfit_io::{Input, InputOptions};
use chunkfit_plan::{CostModel, OutputChunk, Plan, Problem};
use chunkfit_run::{Event, Journal, Pool, PoolOptions, Summary, TaskLedger, TaskModel};
use memcage::{Cage, resident};

use crate::args::Isolation;
use crate::budget::{Allowed, cage_for, parent_share};
use crate::operator::operator_for;
use crate::partial::{Existing, Found, Partial, RunRecord, lacks_space};
use crate::progress::Progress;
use crate::report::{IsolationUsed, Report, count};
use crate::spec::{self, JobSpec};

/// The storage chunk of an output is at most this long along each axis: small enough to buffer, large
/// enough to read.
pub(crate) const STORAGE_CHUNK: usize = 64;

/// What threads that have not started yet will add to the base: stacks, and what the allocator keeps
/// for each.
const THREAD_STACKS: ByteSize = ByteSize::mib(2);

/// A run that somebody asked for.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) input: PathBuf,
    pub(crate) output: PathBuf,
    pub(crate) operator: String,
    pub(crate) reading: InputOptions,
    pub(crate) allowed: Allowed,
    /// Whether the user said something about memory or workers, rather than taking the defaults.
    pub(crate) allowed_was_said: bool,
    pub(crate) workers: Option<usize>,
    /// Where tasks run, if that was said.
    pub(crate) isolation: Option<Isolation>,
    /// How to choose chunks, if that was said.
    pub(crate) strategy: Option<String>,
    pub(crate) existing: Existing,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The output is complete.
    Finished(Box<Report>),
    /// It was complete before.
    WasComplete,
}

/// Runs `request`, or stops when `stop` is set.
pub(crate) fn execute(request: &Request, stop: &Arc<AtomicBool>) -> anyhow::Result<Outcome> {
    // A typing error is told before anything is opened.
    chunkfit_seismic::parse(&request.operator)?;
    let (run, cage) = match Partial::open(&request.output, request.existing)? {
        Found::Complete => {
            let input = Input::open(&request.input, &request.reading)?;
            check_result(&request.output, operator_for(&request.operator, &input)?.as_ref())?;
            return Ok(Outcome::WasComplete);
        }
        Found::Interrupted(partial, record) => {
            check_same(request, &record, partial.folder())?;
            // The folder may have been moved, or we.
            let job = JobSpec { store: partial.store(), ..record.job };
            let record = RunRecord { job, ..*record };
            let input = Input::from_descriptor(&record.job.input)?;
            check_operator(request, &input, &record, partial.folder())?;
            let journal = partial.resume(&record)?;
            let cage = cage_for(record.allowed, input.shape())?;
            (Run { request, partial, record, input, journal }, cage)
        }
        Found::Nothing(partial) => match start(request, &partial) {
            Ok((record, input, journal, cage)) => {
                (Run { request, partial, record, input, journal }, cage)
            }
            Err(error) => {
                partial.discard();
                return Err(error);
            }
        },
    };
    let operator = chunkfit_seismic::parse(&run.record.job.operator)?;
    closing(cage, |cage| run.finish(operator.as_ref(), cage, stop))
}

/// Closes `cage` after `work`, whatever came of it.
fn closing<T>(cage: Cage, work: impl FnOnce(&Cage) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let outcome = work(&cage);
    let closed = cage.close();
    let outcome = outcome?;
    closed?;
    Ok(outcome)
}

/// A run that was prepared, now or earlier.
struct Run<'a> {
    request: &'a Request,
    partial: Partial,
    record: RunRecord,
    input: Input,
    journal: Journal,
}

impl Run<'_> {
    /// Does what is left of it.
    fn finish(
        self,
        operator: &dyn Operator,
        cage: &Cage,
        stop: &Arc<AtomicBool>,
    ) -> anyhow::Result<Outcome> {
        let Self { request, partial, record, input, journal } = self;
        let plan = &record.plan;
        let scratch = |core| zarr::write_scratch(plan.output_chunk, core);
        let ledger = TaskLedger::before_sinks(operator, &input, &scratch);
        let started = Instant::now();
        let done_before: u64 = done_voxels(plan, &journal)?;
        let mut progress =
            Progress::new(&operator.name(), plan.grid.volume().voxels() as u64, done_before);
        let mut observer = |event: &Event| progress.event(event);
        let outcome = match record.isolation {
            IsolationUsed::Processes => {
                let model = TaskModel::new(ledger, record.base_bytes, record.margin_bytes);
                let pool =
                    Pool::new(cage, pool_options(&record.job, partial.folder(), Some(plan))?);
                pool.run(plan, &model, &journal, stop, &mut observer)
            }
            IsolationUsed::Threads => {
                let model = TaskModel::new(ledger, ByteSize::ZERO, record.margin_bytes);
                let job = record.job.open()?;
                let budget = plan.usable_bytes * plan.workers as u64;
                chunkfit_run::threads(
                    &job,
                    plan,
                    &model,
                    record.base_bytes,
                    budget,
                    &journal,
                    stop,
                    &mut observer,
                )
            }
        };
        progress.finish();
        let summary = outcome?;
        for sink in spec::sinks(operator, &partial.store())? {
            sink.finish()?;
        }
        let report = report(request, &record, &summary, cage, &input, started)?;
        partial.commit()?;
        Ok(Outcome::Finished(Box::new(report)))
    }
}

/// Opens the input, prepares the run, and makes it one that can be resumed.
///
/// The input is opened outside the cage: what that takes for a moment does not count, what stays does.
fn start(
    request: &Request,
    partial: &Partial,
) -> anyhow::Result<(RunRecord, Input, Journal, Cage)> {
    let input = Input::open(&request.input, &request.reading)?;
    let operator = operator_for(&request.operator, &input)?;
    check_paths(&request.input, &request.output)?;
    let cage = cage_for(request.allowed, input.shape())?;
    let prepared = prepare(request, &cage, partial, &input, operator.as_ref())
        .and_then(|record| Ok((partial.begin(&record)?, record)));
    match prepared {
        Ok((journal, record)) => Ok((record, input, journal, cage)),
        Err(error) => closing(cage, |_| Err(error)),
    }
}

/// An output in the place of its input, or inside, would destroy it.
fn check_paths(input: &Path, output: &Path) -> anyhow::Result<()> {
    for path in [input, output] {
        if path.to_str().is_none() {
            bail!("{} is not text in UTF-8, and a record of it is kept; rename it", path.display());
        }
    }
    let (Ok(input), Ok(output)) = (input.canonicalize(), std::path::absolute(output)) else {
        return Ok(());
    };
    let output = output.canonicalize().unwrap_or(output);
    if output.starts_with(&input) || input.starts_with(&output) {
        bail!("the output {} would overwrite the input; name another", output.display());
    }
    Ok(())
}

/// Refuses to call an output complete that is the result of something else.
fn check_result(output: &Path, operator: &dyn Operator) -> anyhow::Result<()> {
    let text = std::fs::read(output.join("zarr.json")).unwrap_or_default();
    let metadata: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    match metadata["attributes"]["chunkfit"]["operator"].as_str() {
        Some(found) if found == operator.name() => Ok(()),
        Some(found) => bail!(
            "{} is the complete result of {found}, not of {}; name another output",
            output.display(),
            operator.name()
        ),
        None => bail!("{} exists and is no result of a run; name another output", output.display()),
    }
}

/// Measures the base, plans, and sets the store up.
fn prepare(
    request: &Request,
    cage: &Cage,
    partial: &Partial,
    input: &Input,
    operator: &dyn Operator,
) -> anyhow::Result<RunRecord> {
    let volume = input.shape();
    let needed = volume.bytes::<f32>() * operator.outputs().len() as u64;
    if let Some(free) = lacks_space(partial.folder(), needed) {
        bail!(
            "the output needs {needed}, and the file system of {} has {free} left; make room or \
             choose an output elsewhere",
            partial.folder().display()
        );
    }
    let job =
        JobSpec { input: input.descriptor(), operator: operator.name(), store: partial.store() };
    let isolation = IsolationUsed::from(request.isolation.unwrap_or(Isolation::Processes));
    let margin = TaskModel::default_margin();
    let base = measure_base(cage, partial, &job, input, operator, isolation)?;
    let (shared, task_base) = match isolation {
        IsolationUsed::Processes => (parent_share(volume)?, base),
        IsolationUsed::Threads => (base, ByteSize::ZERO),
    };
    let budget = request.allowed.budget(request.workers, shared);
    let plan = make_plan(
        request.strategy.as_deref().unwrap_or("memory-aware"),
        input,
        operator,
        budget,
        task_base,
        margin,
    )?;
    let store = result_spec(input, operator, &plan)?;
    create_store(&partial.store(), &store, input)?;
    Ok(RunRecord {
        job,
        plan,
        allowed: request.allowed,
        isolation,
        base_bytes: base,
        margin_bytes: margin,
    })
}

/// The chunks for `source`, by the strategy of that name.
pub(crate) fn make_plan(
    strategy: &str,
    source: &dyn Source,
    operator: &dyn Operator,
    budget: chunkfit_plan::Budget,
    base: ByteSize,
    margin: ByteSize,
) -> anyhow::Result<Plan> {
    let most = Shape::new([STORAGE_CHUNK; 3])?;
    let scratch = |core: Shape| write_scratch(core, most);
    let ledger = TaskLedger::before_sinks(operator, source, &scratch);
    let model = TaskModel::new(ledger, base, margin);
    let problem = Problem {
        volume: source.shape(),
        element_bytes: size_of::<f32>(),
        halo: operator.halo(),
        layout: source.layout(),
        storage: OutputChunk::AtMost(most),
        budget,
        cost: CostModel::default(),
        model: &model,
    };
    Ok(chunkfit_plan::strategy(strategy)?.plan(&problem)?)
}

/// What writing a core holds, in storage chunks of at most `most`.
pub(crate) fn write_scratch(core: Shape, most: Shape) -> ByteSize {
    zarr::write_scratch(chunkfit_plan::output_chunk(core, most), core)
}

/// A task so small that what it needs is almost all base: at most 16 voxels along each axis.
fn small_task(volume: Shape, operator: &dyn Operator) -> anyhow::Result<Placement> {
    let small = Shape::new(volume.extents().map(|n| n.min(16)))?;
    let core = ChunkGrid::new(volume, small).get(0).context("a volume has a first chunk")?;
    Ok(Placement::new(volume, core, &operator.halo()))
}

/// The resident set of a worker (or of this process, with threads) beyond what a task's ledger says,
/// measured on a small task that goes all the way from the input to a store.
fn measure_base(
    cage: &Cage,
    partial: &Partial,
    job: &JobSpec,
    input: &Input,
    operator: &dyn Operator,
    isolation: IsolationUsed,
) -> anyhow::Result<ByteSize> {
    let at = small_task(input.shape(), operator)?;
    let (core, block) = (at.core().shape(), at.block().shape());
    let store = zarr_spec(input, operator, core, "probe");
    zarr::create(&partial.probe_store(), &store)?;
    let probe = JobSpec { store: partial.probe_store(), ..job.clone() };
    let (idle, peak) = match isolation {
        IsolationUsed::Processes => {
            let pool = Pool::new(cage, pool_options(&probe, partial.folder(), None)?);
            // The first time pages in code and sets allocators up; the second shows what stays.
            let measured = pool.measure(&[at, at])?;
            let peak = measured.costs.iter().filter_map(|done| done.peak).max().context(
                "this kernel does not let a process reset its peak, so the base is unknown",
            )?;
            (measured.resident, peak)
        }
        IsolationUsed::Threads => {
            resident::steady_allocator();
            let job = probe.open()?;
            resident::reset_peak()?;
            job.perform(&at)?;
            let peak = ByteSize::new(resident::peak_bytes()?) + THREAD_STACKS;
            (ByteSize::new(resident::current_bytes()?) + THREAD_STACKS, peak)
        }
    };
    std::fs::remove_dir_all(partial.probe_store())?;
    let scratch = |core| zarr::write_scratch(core, core);
    let counted = TaskLedger::before_sinks(operator, input, &scratch).bytes(block, core);
    // A ledger may count more than a small task takes, as for stored chunks that are larger than it.
    Ok(idle.max(peak - counted))
}

fn pool_options(job: &JobSpec, logs: &Path, plan: Option<&Plan>) -> anyhow::Result<PoolOptions> {
    Ok(PoolOptions {
        spec: serde_json::to_string(job)?,
        limit: plan.map(|plan| plan.limit_bytes),
        logs: logs.to_owned(),
    })
}

fn again(folder: &Path) -> String {
    format!("or delete {} to start again", folder.display())
}

fn check_operator(
    request: &Request,
    input: &Input,
    record: &RunRecord,
    folder: &Path,
) -> anyhow::Result<()> {
    let (before, now) = (&record.job.operator, operator_for(&request.operator, input)?.name());
    if *before != now {
        bail!(
            "the interrupted run is {before}, this command says {now}; use the same operator, {}",
            again(folder)
        );
    }
    Ok(())
}

fn check_same(request: &Request, record: &RunRecord, folder: &Path) -> anyhow::Result<()> {
    let again = again(folder);
    let before = record.job.input.path();
    let same = match (before.canonicalize(), request.input.canonicalize()) {
        (Ok(before), Ok(now)) => before == now,
        _ => before == request.input,
    };
    if !same {
        bail!(
            "the interrupted run reads {}, this command says {}; use the same input, {again}",
            before.display(),
            request.input.display()
        );
    }
    let (isolation, strategy) = (request.isolation.map(IsolationUsed::from), &request.strategy);
    if isolation.is_some_and(|said| said != record.isolation)
        || strategy.as_ref().is_some_and(|said| *said != record.plan.strategy)
        || request.workers.is_some_and(|said| said < record.plan.workers)
    {
        bail!(
            "the interrupted run was planned by strategy {} for {} of isolation {}, this command says \
             otherwise; leave --strategy, --workers and --isolation out to continue it, {again}",
            record.plan.strategy,
            count(record.plan.workers, "worker"),
            record.isolation
        );
    }
    if request.allowed_was_said && record.allowed != request.allowed {
        bail!(
            "the interrupted run was planned for {}, this command says {}; leave the memory options \
             out to continue it, {again}",
            record.allowed.limit(),
            request.allowed.limit()
        );
    }
    Ok(())
}

fn done_voxels(plan: &Plan, journal: &Journal) -> anyhow::Result<u64> {
    if journal.count_done()? == 0 {
        return Ok(0);
    }
    let mut voxels = 0;
    for (index, core) in plan.grid.iter().enumerate() {
        if journal.is_done(index as u64)? {
            voxels += core.shape().voxels() as u64;
        }
    }
    Ok(voxels)
}

fn report(
    request: &Request,
    record: &RunRecord,
    summary: &Summary,
    cage: &Cage,
    input: &Input,
    started: Instant,
) -> anyhow::Result<Report> {
    let plan = &record.plan;
    let volume = plan.grid.volume();
    let elapsed_s = started.elapsed().as_secs_f64();
    let stored = ByteSize::new(volume.voxels() as u64 * sample_bytes(input) as u64);
    let share = summary.voxels as f64 / volume.voxels() as f64;
    Ok(Report {
        chunkfit: env!("CARGO_PKG_VERSION"),
        operator: record.job.operator.clone(),
        input: request.input.clone(),
        output: request.output.clone(),
        shape: volume,
        missing_traces: input.missing_traces(),
        strategy: plan.strategy.clone(),
        chunk: plan.grid.chunk(),
        storage_chunk: plan.output_chunk,
        workers: plan.workers,
        isolation: record.isolation,
        mechanism: match record.isolation {
            IsolationUsed::Processes => cage.mechanism().to_string(),
            IsolationUsed::Threads => format!("admission by prediction; {}", cage.mechanism()),
        },
        limit_scope: if record.allowed.total().is_some() { "total" } else { "worker" },
        limit_bytes: record.allowed.limit(),
        worker_limit_bytes: plan.limit_bytes,
        chunks: plan.tasks,
        chunks_resumed: summary.resumed,
        tasks: summary.tasks,
        retries: summary.retries,
        splits: summary.splits,
        killed: summary.killed,
        tasks_over_bound: summary.tasks_over_bound,
        base_bytes: record.base_bytes,
        peak_bytes_max: summary.peak,
        parent_peak_bytes: ByteSize::new(resident::peak_bytes()?),
        upper_bound_bytes_max: summary.upper_bound,
        utilisation_median: summary.utilisation_median,
        halo_factor: plan.halo_factor,
        read_factor: if share > 0.0 {
            summary.fetched.as_f64() / (stored.as_f64() * share)
        } else {
            0.0
        },
        elapsed_s,
        voxels_per_s: summary.voxels as f64 / elapsed_s,
        verified: None,
        verification: None,
    })
}

/// Bytes of one stored sample.
fn sample_bytes(input: &Input) -> usize {
    match input.layout() {
        StorageLayout::Contiguous { element_bytes }
        | StorageLayout::Chunked { element_bytes, .. } => element_bytes,
        StorageLayout::Traces { sample_bytes, .. } => sample_bytes,
        _ => size_of::<f32>(),
    }
}

/// A store for the outputs of `operator`, in storage chunks of `chunk`.
pub(crate) fn zarr_spec<'a>(
    input: &'a Input,
    operator: &'a dyn Operator,
    chunk: Shape,
    name: &'a str,
) -> StoreSpec<'a> {
    StoreSpec {
        volume: input.shape(),
        chunk,
        outputs: operator.outputs(),
        axes: input.axes(),
        name,
        attributes: serde_json::Map::new(),
        coordinates: false,
    }
}

/// The store of a result, which says where it comes from.
fn result_spec<'a>(
    input: &'a Input,
    operator: &'a dyn Operator,
    plan: &Plan,
) -> anyhow::Result<StoreSpec<'a>> {
    let [_, _, samples] = input.axes();
    let name = if samples.name == "depth" { "PostStack3DDepth" } else { "PostStack3DTime" };
    let provenance = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "operator": operator.name(),
        "input": input.path().file_name().map(|name| name.to_string_lossy().into_owned()),
        "missing_traces": input.missing_traces(),
    });
    Ok(StoreSpec {
        attributes: serde_json::Map::from_iter([("chunkfit".to_owned(), provenance)]),
        coordinates: input.coordinates(0..1)?.is_some(),
        ..zarr_spec(input, operator, plan.output_chunk, name)
    })
}

/// Makes the store and copies what belongs to the traces: which are there, and where they lie. A few
/// inlines at a time, so that memory does not grow with the survey.
fn create_store(path: &Path, store: &StoreSpec<'_>, input: &Input) -> anyhow::Result<()> {
    zarr::create(path, store)?;
    let inlines = store.volume[Axis::Inline];
    let step = zarr::TRACE_ROWS;
    for first in (0..inlines).step_by(step) {
        let rows = first..(first + step).min(inlines);
        zarr::write_mask(path, first, input.live(rows.clone())?.view())?;
        if store.coordinates
            && let Some((x, y)) = input.coordinates(rows)?
        {
            zarr::write_coordinates(path, first, x.view(), y.view())?;
        }
    }
    Ok(())
}

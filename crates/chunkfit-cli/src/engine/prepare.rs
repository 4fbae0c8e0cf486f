//! From a request to a plan: the base of a worker, measured, and chunks that fit.

use std::path::Path;

use anyhow::{Context, bail};
use chunkfit_core::{ByteSize, ChunkGrid, Operator, Placement, Shape, Source};
use chunkfit_io::{Input, zarr};
use chunkfit_plan::{CostModel, OutputChunk, Plan, Problem};
use chunkfit_predict::SavedModel;
use chunkfit_run::{Pool, PoolOptions, TaskLedger};
use memcage::{Cage, resident};

use super::Request;
use super::store::{STORAGE_CHUNK, create_store, result_spec, write_scratch, zarr_spec};
use crate::args::Isolation;
use crate::budget::parent_share;
use crate::model::{Calibration, Learning};
use crate::partial::{Partial, RunRecord, lacks_space};
use crate::report::IsolationUsed;
use crate::spec::JobSpec;

/// What threads that have not started yet will add to the base: stacks, and what the allocator keeps
/// for each.
const THREAD_STACKS: ByteSize = ByteSize::mib(2);

/// Measures the base, plans, and sets the store up.
pub(super) fn prepare(
    request: &Request,
    cage: &Cage,
    partial: &Partial,
    input: &Input,
    operator: &dyn Operator,
    model: Option<(Option<SavedModel>, Learning)>,
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
    let at = small_task(volume, operator)?;
    let base = measure_base(cage, partial, &job, input, operator, isolation, at)?;
    let (saved, learning) = model.unzip();
    let learning = learning.map(|learning| Learning { idle_bytes: base.idle, ..learning });
    let (shared, calibration) = match isolation {
        IsolationUsed::Processes => {
            let scratch = |core| zarr::write_scratch(core, core);
            let ledger = TaskLedger::before_sinks(operator, input, &scratch);
            let calibration = Calibration::measured(saved.flatten(), base.bytes, ledger, &at)?;
            (parent_share(volume)?, calibration)
        }
        IsolationUsed::Threads => (base.bytes, Calibration::ledger(ByteSize::ZERO)),
    };
    let budget = request.allowed.budget(request.workers, shared);
    let strategy = request.strategy.as_deref().unwrap_or("memory-aware");
    let plan = make_plan(strategy, input, operator, budget, &calibration)?;
    let store = result_spec(input, operator, &plan)?;
    create_store(&partial.store(), &store, input)?;
    Ok(RunRecord {
        job,
        plan,
        allowed: request.allowed,
        isolation,
        base_bytes: base.bytes,
        calibration,
        learning,
    })
}

/// The chunks for `source`, by the strategy of that name.
pub(crate) fn make_plan(
    strategy: &str,
    source: &dyn Source,
    operator: &dyn Operator,
    budget: chunkfit_plan::Budget,
    calibration: &Calibration,
) -> anyhow::Result<Plan> {
    let most = Shape::new([STORAGE_CHUNK; 3])?;
    let scratch = |core: Shape| write_scratch(core, most);
    let ledger = TaskLedger::before_sinks(operator, source, &scratch);
    let model = calibration.model(&ledger)?;
    let problem = Problem {
        volume: source.shape(),
        element_bytes: size_of::<f32>(),
        halo: operator.halo(),
        layout: source.layout(),
        storage: OutputChunk::AtMost(most),
        budget,
        cost: CostModel::default(),
        model: &*model,
    };
    Ok(chunkfit_plan::strategy(strategy)?.plan(&problem)?)
}

/// A task so small that what it needs is almost all base: at most 16 voxels along each axis.
fn small_task(volume: Shape, operator: &dyn Operator) -> anyhow::Result<Placement> {
    let small = Shape::new(volume.extents().map(|n| n.min(16)))?;
    let core = ChunkGrid::new(volume, small).get(0).context("a volume has a first chunk")?;
    Ok(Placement::new(volume, core, &operator.halo()))
}

/// What a worker holds, measured; or this process, with threads.
struct Base {
    /// Its resident set before a task.
    idle: ByteSize,
    /// Its resident set beyond what a task's ledger says.
    bytes: ByteSize,
}

/// Measures the base on the small task `at`, which goes all the way from the input to a store.
fn measure_base(
    cage: &Cage,
    partial: &Partial,
    job: &JobSpec,
    input: &Input,
    operator: &dyn Operator,
    isolation: IsolationUsed,
    at: Placement,
) -> anyhow::Result<Base> {
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
    Ok(Base { idle, bytes: idle.max(peak - counted) })
}

pub(super) fn pool_options(
    job: &JobSpec,
    logs: &Path,
    plan: Option<&Plan>,
) -> anyhow::Result<PoolOptions> {
    Ok(PoolOptions {
        spec: serde_json::to_string(job)?,
        limit: plan.map(|plan| plan.limit_bytes),
        logs: logs.to_owned(),
    })
}

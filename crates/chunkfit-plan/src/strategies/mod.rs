mod cube;
mod dask_auto;
mod even;
mod fixed;
mod memory_aware;

use std::fmt;

use chunkfit_core::{ChunkGrid, Shape};

pub use cube::Cube;
pub use dask_auto::DaskAuto;
pub use even::Even;
pub use fixed::Fixed;
pub use memory_aware::MemoryAware;

use crate::cut::Tables;
use crate::schedule::makespan;
use crate::search::largest_task;
use crate::{Plan, PlanError, Problem, Rationale, SCHEMA_VERSION, Share};

/// A rule that chooses chunks: a pure function of the problem.
pub trait ChunkStrategy: fmt::Debug + Send + Sync {
    /// The name, as [`strategy`] reads it.
    fn name(&self) -> String;

    /// The chunks for `problem`.
    ///
    /// # Errors
    ///
    /// When there are no workers; `memory-aware` also when nothing fits. The other strategies do not
    /// adapt to memory: [`Plan::fits`] says whether their plan fits.
    fn plan(&self, problem: &Problem<'_>) -> Result<Plan, PlanError>;
}

/// The strategy called `name`: `memory-aware`, `dask-auto`, `even`, `cube` or `fixed=AxBxC`.
///
/// # Errors
///
/// When there is no such strategy, or the shape of `fixed` is none.
pub fn strategy(name: &str) -> Result<Box<dyn ChunkStrategy>, PlanError> {
    Ok(match name {
        "memory-aware" => Box::new(MemoryAware),
        "dask-auto" => Box::new(DaskAuto::default()),
        "even" => Box::new(Even),
        "cube" => Box::new(Cube),
        _ => match name.strip_prefix("fixed=") {
            Some(text) => Box::new(Fixed(text.parse().map_err(|error| {
                PlanError::BadFixedShape { text: text.to_owned(), reason: format!("{error}") }
            })?)),
            None => return Err(PlanError::UnknownStrategy { name: name.to_owned() }),
        },
    })
}

/// The plan that a rule makes with chunks that do not depend on memory.
fn plan_of_grid(
    problem: &Problem<'_>,
    strategy: String,
    (grid, output_chunk): (ChunkGrid, Shape),
    share: Share,
) -> Plan {
    let tables = Tables::of_grid(problem, grid.chunk(), output_chunk);
    plan_of(problem, strategy, &tables, [0; 3], share, None)
}

/// The plan that cuts the volume as `tables` says at `index`.
fn plan_of(
    problem: &Problem<'_>,
    strategy: String,
    tables: &Tables,
    index: [usize; 3],
    share: Share,
    rationale: Option<Rationale>,
) -> Plan {
    let cuts = tables.at(index);
    let grid = ChunkGrid::new(problem.volume, tables.core(index));
    let makespan_s = makespan(&tables.times(cuts, &problem.cost), share.workers);
    let work_s = tables.total_s(cuts, &problem.cost);
    let efficiency =
        if makespan_s > 0.0 { work_s / (share.workers as f64 * makespan_s) } else { 1.0 };
    Plan {
        schema_version: SCHEMA_VERSION,
        strategy,
        grid,
        output_chunk: tables.output_chunk(index),
        halo: problem.halo,
        workers: share.workers,
        tasks: grid.len(),
        limit_bytes: share.limit,
        usable_bytes: share.usable,
        largest_task: largest_task(cuts, problem.model),
        halo_factor: tables.halo_factor(cuts),
        read_factor: tables.read_factor(cuts),
        makespan_s,
        efficiency,
        waves: grid.len().div_ceil(share.workers),
        rationale,
    }
}

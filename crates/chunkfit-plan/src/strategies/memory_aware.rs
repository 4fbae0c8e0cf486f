use chunkfit_core::{Axis, ByteSize, Halo, Reach, Shape};

use crate::cut::Tables;
use crate::error::{Blame, DoesNotFit};
use crate::rationale::why;
use crate::search::{Search, largest_task};
use crate::strategies::plan_of;
use crate::{ChunkStrategy, Memory, OutputChunk, Plan, PlanError, Problem, Share};

/// `memory-aware`: the fastest chunks that fit, by exact search.
///
/// All cores are tried that result from cutting each axis into any number of parts, rounded up to
/// whole storage chunks; an axis with [`Reach::Whole`] is not cut. Chunks fit when the bound of the
/// largest task stays within what is usable of a worker's limit. The makespan is that of handing out
/// the longest task first, by the cost model. Makespans within 1 % are equal: then fewer workers
/// win, a lower peak, fewer chunks.
///
/// Exact for its models up to 8 million combinations of cuts (a volume of 20000 × 20000 × 4000 voxels
/// that may be cut along all axes); beyond, some cuts of the longest axes are left out.
#[derive(Debug, Clone, Copy)]
pub struct MemoryAware;

impl ChunkStrategy for MemoryAware {
    fn name(&self) -> String {
        "memory-aware".to_owned()
    }

    fn plan(&self, problem: &Problem<'_>) -> Result<Plan, PlanError> {
        let shares = problem.budget.shares()?;
        let tables = Tables::of(problem);
        let search = Search { tables: &tables, cost: &problem.cost, model: problem.model };
        // The fewest workers have the largest shares: what does not fit there fits nowhere.
        let Some(found) = search.best(&shares) else {
            return Err(does_not_fit(problem, &tables, shares[0]));
        };
        let rationale = why(problem, &tables, &found)?;
        let index = found.chosen.index;
        Ok(plan_of(problem, self.name(), &tables, index, found.share, Some(rationale)))
    }
}

/// The error that says how much the smallest chunk needs, and why.
fn does_not_fit(problem: &Problem<'_>, tables: &Tables, share: Share) -> PlanError {
    let smallest = tables.cuts.each_ref().map(|cuts| cuts.len() - 1);
    let need = largest_task(tables.at(smallest), problem.model).upper;
    let reserve = problem.budget.reserve;
    let memory = problem.budget.memory;
    let enough = legible(match memory {
        Memory::Total { shared, .. } => reserve.limit_for(need) * share.workers as u64 + shared,
        Memory::PerWorker(_) => reserve.limit_for(need),
    });
    let chunk = tables.core(smallest);
    let blame = blame(problem, need, share.usable);
    PlanError::DoesNotFit(Box::new(DoesNotFit { chunk, need, memory, share, blame, enough }))
}

/// `size` or a little more, such that its three printed digits are enough.
fn legible(size: ByteSize) -> ByteSize {
    let printed = |size: ByteSize| size.to_string().parse().unwrap_or(size);
    let as_it_is = printed(size);
    if as_it_is >= size { as_it_is } else { printed(size.scale(1.005)).max(size) }
}

/// The term of the smallest chunk's need that takes most, unless one voxel is too much already.
fn blame(problem: &Problem<'_>, need: ByteSize, usable: ByteSize) -> Blame {
    let one = Shape::new([1; 3]).map(|one| problem.model.predict(one, one).upper);
    let one = one.unwrap_or(ByteSize::ZERO);
    if one > usable {
        return Blame::Base(one);
    }
    let saved = |relaxed: &Problem<'_>| {
        let tables = Tables::of(relaxed);
        let smallest = tables.cuts.each_ref().map(|cuts| cuts.len() - 1);
        need - largest_task(tables.at(smallest), problem.model).upper
    };
    let mut terms = Vec::new();
    let free = Reach::Width { before: 0, after: 0 };
    let mut no_widths: Halo = problem.halo;
    for axis in Axis::ALL {
        if problem.halo.reach(axis) == Reach::Whole {
            let bytes = saved(&Problem { halo: problem.halo.with(axis, free), ..*problem });
            terms.push((bytes, Blame::WholeAxis(axis, bytes)));
        } else {
            no_widths = no_widths.with(axis, free);
        }
    }
    let bytes = saved(&Problem { halo: no_widths, ..*problem });
    terms.push((bytes, Blame::Halo(bytes)));
    if let OutputChunk::Exactly(chunk) = problem.storage {
        let bytes = saved(&Problem { storage: OutputChunk::AtMost(chunk), ..*problem });
        terms.push((bytes, Blame::StorageChunk(chunk, bytes)));
    }
    terms.push((one, Blame::Base(one)));
    // The first of equals, in the order of the list.
    terms.reverse();
    terms.into_iter().max_by_key(|&(bytes, _)| bytes).map_or(Blame::Base(one), |(_, blame)| blame)
}

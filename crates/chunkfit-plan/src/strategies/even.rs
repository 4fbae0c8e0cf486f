use chunkfit_core::{Axis, Reach, Shape};

use crate::strategies::plan_of_grid;
use crate::{ChunkStrategy, Plan, PlanError, Problem};

/// `even`: one slab per worker along the longest axis that may be cut.
///
/// Slabs are rounded up to whole storage chunks. All workers that are allowed are used, and memory is
/// not looked at. Where no axis may be cut there is one chunk.
#[derive(Debug, Clone, Copy)]
pub struct Even;

impl ChunkStrategy for Even {
    fn name(&self) -> String {
        "even".to_owned()
    }

    fn plan(&self, problem: &Problem<'_>) -> Result<Plan, PlanError> {
        let share = problem.budget.all_workers()?;
        let mut slab = problem.volume.extents();
        let cuttable = |axis: &Axis| problem.halo.reach(*axis) != Reach::Whole;
        // The first of equally long axes is the slowest one, whose slabs are contiguous.
        let longest =
            Axis::ALL.into_iter().rev().filter(cuttable).max_by_key(|a| problem.volume[*a]);
        if let Some(axis) = longest {
            slab[axis.index()] = problem.volume[axis].div_ceil(share.workers);
        }
        let slab = Shape::new(slab).unwrap_or(problem.volume);
        let grid = problem.storage.rounded(problem.volume, slab);
        Ok(plan_of_grid(problem, self.name(), grid, share))
    }
}

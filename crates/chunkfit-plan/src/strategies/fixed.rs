use chunkfit_core::Shape;

use crate::search::TIE;
use crate::strategies::plan_of_grid;
use crate::{ChunkStrategy, Plan, PlanError, Problem};

/// `fixed=AxBxC`: chunks of this shape, clipped to the volume.
///
/// The number of workers still follows from the budget: of those with which the chunks fit, the
/// fewest within 1 % of the smallest makespan; the fewest of all when they never fit. The chunks of an
/// existing store are not cut: extents are rounded up to them.
#[derive(Debug, Clone, Copy)]
pub struct Fixed(pub Shape);

impl ChunkStrategy for Fixed {
    fn name(&self) -> String {
        let [i, x, s] = self.0.extents();
        format!("fixed={i}x{x}x{s}")
    }

    fn plan(&self, problem: &Problem<'_>) -> Result<Plan, PlanError> {
        let grid = problem.storage.exact(problem.volume, self.0);
        let plan = |share| plan_of_grid(problem, self.name(), grid, share);
        let shares = problem.budget.shares()?;
        let least = *shares.first().ok_or(PlanError::NoWorkers)?;
        let plans: Vec<Plan> = shares.into_iter().map(plan).filter(Plan::fits).collect();
        let fastest_s = plans.iter().map(|plan| plan.makespan_s).fold(f64::INFINITY, f64::min);
        let best = plans.into_iter().find(|plan| plan.makespan_s <= TIE * fastest_s);
        Ok(best.unwrap_or_else(|| plan(least)))
    }
}

use chunkfit_core::Shape;

use crate::strategies::plan_of_grid;
use crate::{ChunkStrategy, Plan, PlanError, Problem};

/// `cube`: the largest cube that divides all three axes and, by voxel count, takes at most 80 % of a
/// worker's limit.
///
/// The predicted peak of the whole volume, divided by its voxels, is the cost of a voxel; the side is
/// ⌊(0.8·limit ÷ cost)^⅓⌋, and goes down until it divides every extent. Halo, fixed costs, whole axes
/// and the number of tasks are not looked at, so it may not fit, and may be very small: 951 × 651 × 462
/// share no divisor above 3.
#[derive(Debug, Clone, Copy)]
pub struct Cube;

/// The part of a worker's limit that a cube may take.
const SHARE: f64 = 0.8;

impl ChunkStrategy for Cube {
    fn name(&self) -> String {
        "cube".to_owned()
    }

    fn plan(&self, problem: &Problem<'_>) -> Result<Plan, PlanError> {
        let volume = problem.volume;
        let share = problem.budget.all_workers()?;
        let peak = problem.model.predict(volume, volume).peak;
        let voxels = SHARE * share.limit.as_f64() * volume.voxels() as f64 / peak.as_f64();
        let shortest = volume.extents().into_iter().min().unwrap_or(1);
        // A conversion to an integer saturates, and a cube of no voxels is none.
        let largest = (voxels.cbrt().floor() as usize).clamp(1, shortest);
        let divides = |side: &usize| volume.extents().iter().all(|n| n.is_multiple_of(*side));
        let side = (1..=largest).rev().find(divides).unwrap_or(1);
        let cube = Shape::new([side; 3]).unwrap_or(volume);
        let grid = problem.storage.exact(volume, cube);
        Ok(plan_of_grid(problem, self.name(), grid, share))
    }
}

use serde::{Deserialize, Serialize};

/// Seconds that a task takes: a model that ranks plans, not a clock.
///
/// ```text
/// t = per_task + per_voxel · (voxels of the block) + per_run · runs + bytes / bandwidth
/// ```
///
/// *Runs* are the contiguous pieces that reading the block takes, plus the storage chunks that
/// writing the core takes; *bytes* are those read and written (one output). All times may be scaled
/// together without changing a plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CostModel {
    /// Seconds of a task that does nothing: a pipe round trip, opening files, page faults.
    pub per_task_s: f64,
    /// Seconds of the operator per voxel of the block.
    pub per_voxel_s: f64,
    /// Seconds per contiguous run read or storage chunk written.
    pub per_run_s: f64,
    /// Bytes per second of storage.
    pub bytes_per_s: f64,
}

impl Default for CostModel {
    /// Plain numbers of the right size for worker processes that stay alive, a local disk and an
    /// operator of medium weight: 2 ms per task, 60 ns per voxel, 0.1 ms per run, 1 GB/s.
    fn default() -> Self {
        Self { per_task_s: 2e-3, per_voxel_s: 60e-9, per_run_s: 1e-4, bytes_per_s: 1e9 }
    }
}

impl CostModel {
    pub(crate) fn seconds(&self, tasks: f64, voxels: f64, runs: f64, bytes: f64) -> f64 {
        self.per_task_s * tasks
            + self.per_voxel_s * voxels
            + self.per_run_s * runs
            + bytes / self.bytes_per_s
    }
}

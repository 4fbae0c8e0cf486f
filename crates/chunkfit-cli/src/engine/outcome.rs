//! What a run came to.

use std::time::Instant;

use chunkfit_core::{ByteSize, Source, StorageLayout};
use chunkfit_io::Input;
use chunkfit_plan::Plan;
use chunkfit_run::{Journal, Summary};
use memcage::{Cage, resident};

use super::Request;
use crate::model::ModelReport;
use crate::partial::RunRecord;
use crate::report::{IsolationUsed, Report};

pub(super) fn done_voxels(plan: &Plan, journal: &Journal) -> anyhow::Result<u64> {
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

pub(super) fn report(
    request: &Request,
    record: &RunRecord,
    summary: &Summary,
    model: Option<ModelReport>,
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
        model,
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

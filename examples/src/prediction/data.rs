//! Measured shapes, of the thesis or of our own.

use std::path::Path;

use chunkfit_core::{ByteSize, MemoryModel, Prediction, Regime, Shape};
use chunkfit_predict::{Observation, Scope};
use serde::{Deserialize, Serialize};

use crate::protocol;

pub(super) const GIB: f64 = 1_073_741_824.0;

/// One shape and its peaks.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) shape: Shape,
    /// Mean over the runs, as the thesis takes it.
    pub(super) gib: f64,
    /// Of each run; empty where only the mean is known.
    pub(super) runs: Vec<PeakRow>,
    /// Of a run with a sampler: seconds from its first sample, and GiB.
    pub(super) history: Vec<(f64, f64)>,
}

/// All shapes of one operator, in file order.
#[derive(Clone, Debug)]
pub(super) struct Dataset {
    pub(super) operator: String,
    pub(super) readings: Vec<Reading>,
}

#[derive(Deserialize)]
struct Stored {
    operator: String,
    inlines: usize,
    xlines: usize,
    samples: usize,
    peak_gib: f64,
}

/// One run of one task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PeakRow {
    pub(super) operator: String,
    pub(super) inlines: usize,
    pub(super) crosslines: usize,
    pub(super) samples: usize,
    pub(super) run: u32,
    /// Resident before the task.
    pub(super) base_bytes: u64,
    /// The high-water mark of the process.
    pub(super) peak_bytes: u64,
    pub(super) time_s: f64,
}

/// The resident size at one moment of a run that only this was read from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct HistoryRow {
    pub(super) operator: String,
    pub(super) inlines: usize,
    pub(super) crosslines: usize,
    pub(super) samples: usize,
    pub(super) time_s: f64,
    pub(super) resident_bytes: u64,
}

impl Dataset {
    /// Of the shapes and their peaks, in their order (FNV-1a, 64 bits).
    pub(super) fn fingerprint(&self) -> String {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        add(self.operator.as_bytes());
        for reading in &self.readings {
            reading.shape.extents().iter().for_each(|n| add(&(*n as u64).to_le_bytes()));
            add(&reading.gib.to_le_bytes());
        }
        format!("{hash:016x}")
    }
}

/// The reading of a shape, made if it is new.
fn entry<'a>(all: &'a mut Vec<Dataset>, operator: &str, shape: Shape) -> &'a mut Reading {
    let at = all.iter().position(|data| data.operator == operator).unwrap_or_else(|| {
        all.push(Dataset { operator: operator.to_owned(), readings: Vec::new() });
        all.len() - 1
    });
    let readings = &mut all[at].readings;
    let at = readings.iter().position(|r| r.shape == shape).unwrap_or_else(|| {
        readings.push(Reading { shape, gib: 0.0, runs: Vec::new(), history: Vec::new() });
        readings.len() - 1
    });
    &mut readings[at]
}

/// The table of the thesis: one mean of runs per shape.
pub(super) fn of_thesis(path: &Path) -> anyhow::Result<Vec<Dataset>> {
    let mut all = Vec::new();
    for row in protocol::read::<Stored>(path)? {
        let shape = Shape::new([row.inlines, row.xlines, row.samples])?;
        entry(&mut all, &row.operator, shape).gib = row.peak_gib;
    }
    Ok(all)
}

/// What this program has measured.
pub(super) fn of_rows(peaks: &Path, histories: &Path) -> anyhow::Result<Vec<Dataset>> {
    let mut all = Vec::new();
    for row in protocol::read::<PeakRow>(peaks)? {
        let shape = Shape::new([row.inlines, row.crosslines, row.samples])?;
        entry(&mut all, &row.operator.clone(), shape).runs.push(row);
    }
    for row in protocol::read::<HistoryRow>(histories)? {
        let shape = Shape::new([row.inlines, row.crosslines, row.samples])?;
        let point = (row.time_s, row.resident_bytes as f64 / GIB);
        entry(&mut all, &row.operator, shape).history.push(point);
    }
    for reading in all.iter_mut().flat_map(|data| &mut data.readings) {
        let sum: f64 = reading.runs.iter().map(|row| row.peak_bytes as f64).sum();
        reading.gib = sum / reading.runs.len().max(1) as f64 / GIB;
    }
    Ok(all)
}

impl Reading {
    pub(super) fn voxels(&self) -> f64 {
        self.shape.voxels() as f64
    }

    /// Mean time of a run.
    pub(super) fn seconds(&self) -> Option<f64> {
        crate::stats::mean(&self.runs.iter().map(|row| row.time_s).collect::<Vec<_>>())
    }

    /// For the ladder: the highest run, and the base where it is known.
    pub(super) fn observation(&self) -> Observation {
        let highest = self.runs.iter().map(|row| row.peak_bytes).max();
        let peak = highest.unwrap_or((self.gib * GIB).round() as u64);
        let mut seen = Observation::live_heap(self.shape, ByteSize::new(peak));
        seen.origin.scope = Scope::HighWater;
        seen.base = self.runs.iter().map(|row| ByteSize::new(row.base_bytes)).max();
        seen
    }
}

/// The bytes that an operator declares: those of our own as they are, of the thesis as its arrays say.
pub(super) fn ledger(operator: &str) -> Option<Box<dyn MemoryModel + Sync>> {
    let exactly = |bytes: u64| {
        let peak = ByteSize::new(bytes);
        Prediction { peak, upper: peak, regime: Regime::Declared }
    };
    match operator {
        "envelope" => None,
        "gaussian-filter" => {
            Some(Box::new(move |block: Shape, _: Shape| exactly(8 * block.voxels() as u64)))
        }
        "gst3d" => Some(Box::new(move |block: Shape, _: Shape| {
            let voxels = block.voxels() as u64;
            let inner = block.extents().map(|n| n.saturating_sub(2) as u64);
            // The allocator keeps buffers up to its threshold.
            let kept = if 4 * voxels <= 32 << 20 { 4 * voxels } else { 0 };
            exactly(16 * voxels + 228 * inner.into_iter().product::<u64>() + kept)
        })),
        own => {
            let own = own.strip_prefix("own ")?;
            let operator = chunkfit_seismic::parse(own).ok()?;
            Some(Box::new(move |block: Shape, core: Shape| {
                chunkfit_core::Ledger::new(operator.as_ref()).predict(block, core)
            }))
        }
    }
}

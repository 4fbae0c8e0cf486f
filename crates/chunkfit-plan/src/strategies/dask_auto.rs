use chunkfit_core::{ByteSize, Shape, StorageLayout};

use crate::strategies::plan_of_grid;
use crate::{ChunkStrategy, Plan, PlanError, Problem};

/// `dask-auto`: the chunks of `dask.array.from_array(…, chunks="auto")`, Dask 2026.8.0.
///
/// As near to a cube as the volume allows, of at most 128 MiB; where the input has stored chunks, a
/// shape that is proportional to them and made of whole ones. Neither the operator, its halo, the
/// workers nor their memory matter.
///
/// In one case Dask makes a last chunk that is longer than the others, by gluing a short stored chunk
/// to it. A grid has no longer last chunk, so the short one stays by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaskAuto {
    /// The setting `array.chunk-size`.
    pub chunk_size: ByteSize,
}

impl Default for DaskAuto {
    /// The default of Dask, 128 MiB.
    fn default() -> Self {
        Self { chunk_size: ByteSize::mib(128) }
    }
}

impl ChunkStrategy for DaskAuto {
    fn name(&self) -> String {
        "dask-auto".to_owned()
    }

    fn plan(&self, problem: &Problem<'_>) -> Result<Plan, PlanError> {
        let stored = match problem.layout {
            StorageLayout::Chunked { chunk, .. } => Some(chunk),
            _ => None,
        };
        let chunk = self.chunk(problem.volume, problem.element_bytes, stored);
        let grid = problem.storage.exact(problem.volume, chunk);
        Ok(plan_of_grid(problem, self.name(), grid, problem.budget.all_workers()?))
    }
}

impl DaskAuto {
    /// The chunk for an array of `volume` with elements of `element_bytes`, from a store with chunks of
    /// `stored` if it has chunks.
    #[must_use]
    pub fn chunk(&self, volume: Shape, element_bytes: usize, stored: Option<Shape>) -> Shape {
        let elements = self.chunk_size.as_f64().max(1.0) / element_bytes.max(1) as f64;
        let chunk = match stored {
            None => near_cube(volume.extents(), elements),
            Some(stored) => near_stored(volume.extents(), stored.extents(), elements),
        };
        Shape::new(chunk).unwrap_or(volume)
    }
}

/// Axes shorter than the edge of a cube stay whole, and leave their share to the others.
fn near_cube(volume: [usize; 3], elements: f64) -> [usize; 3] {
    let mut chunk = volume;
    let mut open = vec![0, 1, 2];
    while !open.is_empty() {
        let whole: usize = (0..3).filter(|a| !open.contains(a)).map(|a| volume[a]).product();
        let edge = (elements / whole as f64).powf(1.0 / open.len() as f64);
        let before = open.len();
        open.retain(|&a| volume[a] as f64 >= edge);
        if open.len() == before {
            for a in open.drain(..) {
                chunk[a] = (edge as usize).max(1);
            }
        }
    }
    chunk
}

/// What Dask knows of an axis while it looks for a multiple of the stored chunks.
struct AxisState {
    n: usize,
    /// Lengths of the stored chunks.
    stored: Vec<usize>,
    median: f64,
    /// What an aligned chunk is a multiple of.
    ideal: usize,
    /// The extent that enters the product to be kept at the limit; none once the axis is whole and the
    /// chunks grow.
    extent: Option<f64>,
    chunk: f64,
    open: bool,
}

impl AxisState {
    fn new(n: usize, chunk: usize) -> Self {
        let mut stored = vec![chunk; n / chunk];
        if !n.is_multiple_of(chunk) {
            stored.push(n % chunk);
        }
        let mut sorted = stored.clone();
        sorted.sort_unstable();
        let half = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            (sorted[half - 1] + sorted[half]) as f64 / 2.0
        } else {
            sorted[half] as f64
        };
        // The most common stored chunk, the first of equals.
        let mode = stored[0];
        let often = stored.iter().filter(|&&c| c == mode).count();
        let ideal = if mode > 1 && 2 * often >= stored.len() { mode } else { n };
        Self { n, stored, median, ideal, extent: Some(median), chunk: median, open: true }
    }

    /// The largest multiple of the stored chunk up to `proposed`, or that itself if it is smaller.
    fn aligned(&self, proposed: f64) -> f64 {
        let ideal = self.ideal as f64;
        if proposed <= ideal {
            proposed.trunc().max(1.0)
        } else {
            (proposed / ideal).floor() * ideal
        }
    }

    /// The first of the chunks that result from gluing stored ones up to `proposed`.
    fn glued(&self, proposed: f64) -> f64 {
        let mut sum = 0;
        for &stored in &self.stored {
            if sum > 0 && (sum + stored) as f64 > proposed {
                break;
            }
            sum += stored;
        }
        sum as f64
    }
}

/// Dask lets a chunk exceed its size by this factor before it is cut.
const TOLERANCE: f64 = 1.25;

/// The rule settles within a few rounds; a bound, so that it ends for certain.
const ROUNDS: usize = 1000;

fn near_stored(volume: [usize; 3], stored: [usize; 3], elements: f64) -> [usize; 3] {
    let mut axes = [0, 1, 2].map(|a| AxisState::new(volume[a], stored[a].min(volume[a])));
    // Dask counts an axis that became whole a second time when it shrinks chunks, and so does this.
    let mut whole = 1.0_f64;
    let room = |axes: &[AxisState; 3], whole: f64| {
        elements / whole / axes.iter().filter_map(|axis| axis.extent).product::<f64>()
    };
    let mut factor = room(&axes, whole);
    let shrinks = factor < 1.0;
    for _ in 0..ROUNDS {
        let open = axes.iter().filter(|axis| axis.open).count() as f64;
        let mut again = false;
        for axis in axes.iter_mut().filter(|axis| axis.open) {
            let proposed = axis.median * factor.powf(1.0 / open);
            let most = proposed * TOLERANCE.powf(1.0 / open);
            if proposed > axis.n as f64 {
                axis.open = false;
                axis.chunk = axis.n as f64;
                whole *= axis.chunk;
                axis.extent = shrinks.then_some(axis.chunk);
                again = true;
                continue;
            }
            let longest = axis.stored.iter().copied().max().unwrap_or(1) as f64;
            if shrinks || longest > most {
                axis.chunk = axis.aligned(proposed);
                if proposed < 1.0 {
                    again = true;
                    axis.open = false;
                }
            } else {
                axis.chunk = axis.glued(proposed);
            }
            if shrinks {
                axis.median = axis.chunk;
                axis.extent = Some(axis.chunk);
            }
        }
        if again || shrinks {
            let last = std::mem::replace(&mut factor, room(&axes, whole));
            again |= factor != last;
        }
        if !again {
            break;
        }
    }
    axes.map(|axis| axis.chunk as usize)
}

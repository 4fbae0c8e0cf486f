//! A random sample of chunks, computed again in memory by an independent implementation.

use std::fmt;
use std::path::Path;

use chunkfit_core::{ChunkGrid, Operator, Placement, Region, Shape, Source};
use chunkfit_io::zarr::ZarrSource;
use chunkfit_seismic::reference;
use ndarray::Array3;
use rand::seq::index;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::Serialize;

/// How the stored chunks compare with the independent computation.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Verification {
    /// Chunks looked at.
    pub(crate) chunks: usize,
    /// Voxels compared, all outputs together.
    pub(crate) voxels: u64,
    /// Largest error over the tolerance of its output: at most 1 when all is well.
    pub(crate) worst: f64,
    /// Whether every voxel is within tolerance.
    pub(crate) passed: bool,
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed { "agree" } else { "DISAGREE" };
        write!(
            f,
            "{} voxels in {} chunks {verdict} with an independent computation (largest error {:.2} \
             of the tolerance)",
            self.voxels, self.chunks, self.worst
        )
    }
}

/// Chunks to look at.
const CHUNKS: usize = 8;
/// Voxels of a chunk to look at along each axis: the independent computation takes some 200 bytes a
/// voxel.
const WINDOW: [usize; 3] = [16, 16, 64];

/// Compares a random sample of the chunks of `store` with what `operator` should make of `input`.
///
/// Of each chunk one corner is looked at, so that seams between chunks are included.
pub(crate) fn verify(
    input: &dyn Source,
    operator: &dyn Operator,
    store: &Path,
    grid: &ChunkGrid,
    seed: u64,
) -> anyhow::Result<Verification> {
    let stores = operator
        .outputs()
        .iter()
        .map(|output| ZarrSource::open(store, Some(&output.name)))
        .collect::<Result<Vec<_>, _>>()?;
    let mut random = StdRng::seed_from_u64(seed);
    let chosen = index::sample(&mut random, grid.len(), CHUNKS.min(grid.len()));
    let mut sum = Verification { chunks: chosen.len(), voxels: 0, worst: 0.0, passed: true };
    for chunk in chosen.iter().filter_map(|i| grid.get(i)) {
        let core = corner(&chunk, [0, 1, 2].map(|_| random.random()))?;
        let at = Placement::new(input.shape(), core, &operator.halo());
        let block = read(input, &at.block())?;
        let outputs = stores.iter().map(|s| read(s, &core)).collect::<Result<Vec<_>, _>>()?;
        let views: Vec<_> = outputs.iter().map(|output| output.view()).collect();
        let result = reference::verify(&operator.name(), block.view(), &at, &views)?;
        sum.voxels += result.voxels as u64;
        sum.worst = sum.worst.max(result.worst);
        sum.passed &= result.passed;
    }
    Ok(sum)
}

/// A window in one corner of `chunk`.
fn corner(chunk: &Region, far: [bool; 3]) -> anyhow::Result<Region> {
    let extents = chunk.shape().extents();
    let window = [0, 1, 2].map(|a| WINDOW[a].min(extents[a]));
    let start = [0, 1, 2].map(|a| {
        let slack = extents[a] - window[a];
        chunk.start()[a] + if far[a] { slack } else { 0 }
    });
    Ok(Region::new(start, Shape::new(window)?))
}

fn read(source: &dyn Source, region: &Region) -> anyhow::Result<Array3<f32>> {
    let mut values = Array3::zeros(region.shape().extents());
    source.read(region, values.view_mut())?;
    Ok(values)
}

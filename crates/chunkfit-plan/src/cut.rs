use chunkfit_core::{Axis, Halo, Reach, Shape, StorageLayout};

use crate::reads::Reads;
use crate::{CostModel, Problem};

/// Chunks along one axis that cost the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Class {
    /// Voxels of the core.
    pub(crate) core: usize,
    /// Voxels of the block: the core and its halo, clipped.
    pub(crate) block: usize,
    /// Whether the block covers the axis.
    pub(crate) whole: bool,
    /// Factors of the runs and bytes read.
    pub(crate) runs: f64,
    pub(crate) bytes: f64,
    /// Storage chunks written.
    pub(crate) pieces: f64,
    /// How many chunks there are of this kind.
    pub(crate) n: usize,
}

/// Sums over all chunks along one axis.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sums {
    pub(crate) n: f64,
    pub(crate) block: f64,
    pub(crate) runs: f64,
    pub(crate) bytes: f64,
    pub(crate) pieces: f64,
    pub(crate) whole: f64,
}

impl Sums {
    fn least(&self, other: &Self) -> Self {
        Self {
            n: self.n.min(other.n),
            block: self.block.min(other.block),
            runs: self.runs.min(other.runs),
            bytes: self.bytes.min(other.bytes),
            pieces: self.pieces.min(other.pieces),
            whole: self.whole.min(other.whole),
        }
    }
}

/// One axis cut into equal cores, the last of which may be shorter.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    pub(crate) core: usize,
    pub(crate) chunk: usize,
    pub(crate) classes: Vec<Class>,
    pub(crate) sums: Sums,
    /// The chunks that no other chunk exceeds in both extents, the longest block first.
    pub(crate) largest: Vec<Extents>,
    /// The least that the longest block, or its core, has in this or any earlier cut of the axis.
    /// A longer core may have a shorter block, where the halo is clipped; floors only shrink.
    pub(crate) floor: Extents,
}

/// A chunk along one axis, in voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extents {
    pub(crate) block: usize,
    pub(crate) core: usize,
}

impl Cut {
    fn new(
        n: usize,
        axis: Axis,
        (core, chunk): (usize, usize),
        halo: &Halo,
        reads: &Reads,
    ) -> Self {
        let mut classes: Vec<Class> = Vec::new();
        for start in (0..n).step_by(core) {
            let end = (start + core).min(n);
            let range = match halo.reach(axis) {
                Reach::Whole => 0..n,
                Reach::Width { before, after } => {
                    start.saturating_sub(before)..end.saturating_add(after).min(n)
                }
            };
            let along = reads.along(axis.index(), &range);
            let class = Class {
                core: end - start,
                block: range.len(),
                whole: range.len() == n,
                runs: along.runs,
                bytes: along.bytes,
                pieces: (end - start).div_ceil(chunk) as f64,
                n: 0,
            };
            // Neighbours are mostly alike, so the latest class is looked at first.
            match classes.iter_mut().rev().find(|known| Class { n: 0, ..**known } == class) {
                Some(known) => known.n += 1,
                None => classes.push(Class { n: 1, ..class }),
            }
        }
        let mut sums = Sums::default();
        for class in &classes {
            let n = class.n as f64;
            sums.n += n;
            sums.block += n * class.block as f64;
            sums.runs += n * class.runs;
            sums.bytes += n * class.bytes;
            sums.pieces += n * class.pieces;
            sums.whole += if class.whole { n } else { 0.0 };
        }
        let mut extents: Vec<Extents> =
            classes.iter().map(|class| Extents { block: class.block, core: class.core }).collect();
        extents.sort_unstable_by_key(|e| std::cmp::Reverse((e.block, e.core)));
        let mut widest = 0;
        extents.retain(|e| {
            let wider = e.core > widest;
            widest = widest.max(e.core);
            wider
        });
        let floor = extents[0];
        Self { core, chunk, classes, sums, largest: extents, floor }
    }
}

/// The ways to cut a volume, axis by axis, with what each costs; independent of memory and workers.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) cuts: [Vec<Cut>; 3],
    /// For every cut, the least that it or a later one of its axis has of each sum.
    pub(crate) tails: [Vec<Sums>; 3],
    volume: Shape,
    element_bytes: usize,
    reads: Reads,
}

/// The search is exact up to this many combinations of cuts. Beyond, every other cut of the axis with
/// most cuts is left out until there are no more than these.
const MOST_COMBINATIONS: usize = 8_000_000;

impl Tables {
    /// All legal cuts of the problem's volume, largest cores first.
    pub(crate) fn of(problem: &Problem<'_>) -> Self {
        let mut cores = Axis::ALL.map(|axis| {
            let (n, a) = (problem.volume[axis], axis.index());
            match problem.halo.reach(axis) {
                Reach::Whole => vec![problem.storage.whole(n, a)],
                Reach::Width { .. } => problem.storage.cores(n, a),
            }
        });
        while cores.iter().map(Vec::len).product::<usize>() > MOST_COMBINATIONS {
            if let Some(most) = cores.iter_mut().max_by_key(|cores| cores.len()) {
                thin(most);
            }
        }
        Self::from_cores(problem, cores)
    }

    /// The one cut of a grid with storage chunks of `chunk`.
    pub(crate) fn of_grid(problem: &Problem<'_>, core: Shape, chunk: Shape) -> Self {
        let (core, chunk) = (core.extents(), chunk.extents());
        Self::from_cores(problem, [0, 1, 2].map(|a| vec![(core[a], chunk[a])]))
    }

    fn from_cores(problem: &Problem<'_>, cores: [Vec<(usize, usize)>; 3]) -> Self {
        let Problem { volume, element_bytes, halo, ref layout, .. } = *problem;
        let layout: &StorageLayout = layout;
        let reads = Reads::new(layout, volume, element_bytes);
        let cuts = Axis::ALL.map(|axis| -> Vec<Cut> {
            let cores = &cores[axis.index()];
            let mut cuts: Vec<Cut> = cores
                .iter()
                .map(|&core| Cut::new(volume[axis], axis, core, &halo, &reads))
                .collect();
            for k in 1..cuts.len() {
                let (before, floor) = (cuts[k - 1].floor, cuts[k].floor);
                cuts[k].floor = Extents {
                    block: floor.block.min(before.block),
                    core: floor.core.min(before.core),
                };
            }
            cuts
        });
        let tails = cuts.each_ref().map(|cuts| tails(cuts));
        Self { cuts, tails, volume, element_bytes, reads }
    }

    /// The volume that is cut.
    pub(crate) fn volume(&self) -> Shape {
        self.volume
    }

    /// The core that the cuts at `index` make.
    pub(crate) fn core(&self, index: [usize; 3]) -> Shape {
        Shape::new(self.at(index).map(|cut| cut.core)).unwrap_or(self.volume)
    }

    /// The storage chunk that goes with the cuts at `index`.
    pub(crate) fn output_chunk(&self, index: [usize; 3]) -> Shape {
        Shape::new(self.at(index).map(|cut| cut.chunk)).unwrap_or(self.volume)
    }

    /// Whether no smaller core is legal, and there is more than one.
    pub(crate) fn is_smallest(&self, index: [usize; 3]) -> bool {
        (0..3).all(|a| index[a] + 1 == self.cuts[a].len())
            && self.at(index).iter().any(|cut| cut.sums.n > 1.0)
    }

    /// The cuts at `index` along each axis.
    pub(crate) fn at(&self, index: [usize; 3]) -> [&Cut; 3] {
        [0, 1, 2].map(|a| &self.cuts[a][index[a]])
    }

    /// Seconds of all tasks together.
    pub(crate) fn total_s(&self, cuts: [&Cut; 3], cost: &CostModel) -> f64 {
        self.work_without_runs_s(cuts.map(|cut| &cut.sums), cost)
            + cost.per_run_s * self.reads.total_runs(cuts)
    }

    /// Seconds of all tasks together but for the runs that are read; grows with every sum.
    pub(crate) fn work_without_runs_s(&self, [i, x, s]: [&Sums; 3], cost: &CostModel) -> f64 {
        let written = self.volume.voxels() as f64 * self.element_bytes as f64;
        cost.seconds(
            i.n * x.n * s.n,
            i.block * x.block * s.block,
            i.pieces * x.pieces * s.pieces,
            i.bytes * x.bytes * s.bytes + written,
        )
    }

    /// Seconds of every kind of task and how many there are of it, longest first.
    pub(crate) fn times(&self, cuts: [&Cut; 3], cost: &CostModel) -> Vec<(f64, usize)> {
        let [ci, cx, cs] = cuts.map(|cut| &cut.classes);
        let mut times = Vec::with_capacity(ci.len() * cx.len() * cs.len());
        for i in ci {
            for x in cx {
                for s in cs {
                    let written = (i.core * x.core * s.core * self.element_bytes) as f64;
                    let seconds = cost.seconds(
                        1.0,
                        (i.block * x.block * s.block) as f64,
                        self.reads.runs([i, x, s]) + i.pieces * x.pieces * s.pieces,
                        i.bytes * x.bytes * s.bytes + written,
                    );
                    times.push((seconds, i.n * x.n * s.n));
                }
            }
        }
        times.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        times
    }

    /// A lower bound of the seconds of the longest task.
    pub(crate) fn longest_at_least_s(&self, cuts: [&Cut; 3], cost: &CostModel) -> f64 {
        let voxels: f64 = cuts.iter().map(|cut| cut.largest[0].block as f64).product();
        cost.seconds(1.0, voxels, 0.0, 0.0)
    }

    /// Voxels of all blocks ÷ voxels of the volume.
    pub(crate) fn halo_factor(&self, cuts: [&Cut; 3]) -> f64 {
        cuts.iter().map(|cut| cut.sums.block).product::<f64>() / self.volume.voxels() as f64
    }

    /// Bytes read ÷ bytes of the volume as it is stored.
    pub(crate) fn read_factor(&self, cuts: [&Cut; 3]) -> f64 {
        cuts.iter().map(|cut| cut.sums.bytes).product::<f64>() / self.reads.stored_bytes()
    }
}

fn tails(cuts: &[Cut]) -> Vec<Sums> {
    let mut tails: Vec<Sums> = cuts.iter().map(|cut| cut.sums).collect();
    for k in (0..tails.len().saturating_sub(1)).rev() {
        tails[k] = tails[k].least(&tails[k + 1]);
    }
    tails
}

/// Leaves every other cut out, the first and the last excepted.
fn thin<T: Copy>(cuts: &mut Vec<T>) {
    let last = cuts.len() - 1;
    *cuts = cuts
        .iter()
        .enumerate()
        .filter(|(i, _)| i % 2 == 0 || *i == last)
        .map(|(_, cut)| *cut)
        .collect();
}

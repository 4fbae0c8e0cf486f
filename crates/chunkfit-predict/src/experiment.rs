use chunkfit_core::{Axis, ByteSize, Halo, MemoryModel, Reach, Shape};

use crate::{Observation, Peak, aggregate};

/// A cheap block has at most this share of the target's voxels.
const CHEAP_SHARE: u64 = 1000;

/// The tiny block has at most this share of the cheap one.
const TINY_SHARE: u64 = 8;

/// Bytes of two arrays below which rounding to pages hides half a percent: 200 pages of 4 KiB.
const LEAST_BYTES: u64 = 200 * 4096;

/// Readings and ledger agree when they differ by no more than this.
const AGREE: f64 = 0.005;

/// The share of the target's voxels that all blocks together may have.
const BUDGET: f64 = 0.01;

/// Which blocks to run, so that a model of them holds for a large one.
///
/// First a tiny block and a cheap one. When the declared ledger and the measured base explain both to
/// 0.5 %, that is all. Otherwise three blocks with one axis doubled each, and one of prime extents, which
/// shows what a transform pads. No block is larger than the target; each is at most 1/1000 of it where that
/// is large enough to be measured.
///
/// ```
/// use chunkfit_core::Shape;
/// use chunkfit_predict::{ExperimentDesign, Next};
///
/// let target = Shape::new([951, 651, 462])?;
/// let Next::Run(first) = ExperimentDesign::new(target, 4).next(&[]) else { panic!("nothing was run") };
/// assert_eq!(first, [Shape::new([32; 3])?, Shape::new([65; 3])?]);
/// # Ok::<(), chunkfit_core::ShapeError>(())
/// ```
#[derive(Clone, Copy)]
pub struct ExperimentDesign<'a> {
    target: Shape,
    element_bytes: usize,
    halo: Halo,
    ledger: Option<&'a dyn MemoryModel>,
    budget: f64,
    cut: bool,
}

impl std::fmt::Debug for ExperimentDesign<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExperimentDesign")
            .field("target", &self.target)
            .field("element_bytes", &self.element_bytes)
            .field("halo", &self.halo)
            .field("ledger", &self.ledger.is_some())
            .field("budget", &self.budget)
            .field("cut", &self.cut)
            .finish()
    }
}

/// What to do after the readings so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Run these blocks.
    Run(Vec<Shape>),
    /// Fit.
    Stop(Reason),
}

/// Why no more blocks are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Ledger and base explain every reading to 0.5 %.
    LedgerAgrees,
    /// Every block of the design was run.
    Complete,
    /// The next block would exceed the budget.
    Budget,
}

impl<'a> ExperimentDesign<'a> {
    /// For blocks up to `target`, of elements of `element_bytes`; at most 1 % of its voxels are run.
    #[must_use]
    pub fn new(target: Shape, element_bytes: usize) -> Self {
        Self { target, element_bytes, halo: Halo::none(), ledger: None, budget: BUDGET, cut: false }
    }

    /// With blocks long enough to have an interior beside `halo`.
    #[must_use]
    pub const fn with_halo(mut self, halo: Halo) -> Self {
        self.halo = halo;
        self
    }

    /// With the bytes that the operator declares, base excluded.
    #[must_use]
    pub const fn with_ledger(mut self, ledger: &'a dyn MemoryModel) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// With blocks that are pieces of the target itself: an axis that the halo needs whole is as long as in
    /// the target. Otherwise every block is a volume of its own.
    #[must_use]
    pub const fn cut_from_target(mut self) -> Self {
        self.cut = true;
        self
    }

    /// With at most this share of the target's voxels in all blocks together, between 0 and 1.
    #[must_use]
    pub const fn with_budget(mut self, share: f64) -> Self {
        self.budget = share.clamp(0.0, 1.0);
        self
    }

    /// What to run after `seen`. A block that was killed counts as run, one that was disturbed does not.
    #[must_use]
    pub fn next(&self, seen: &[Observation]) -> Next {
        let seen: Vec<Observation> =
            aggregate(seen).into_iter().filter(|s| s.disturbance.is_none()).collect();
        let first = self.first();
        if let Some(next) = self.missing(&first, &seen) {
            return next;
        }
        if self.ledger.is_some_and(|ledger| seen.iter().all(|s| agrees(s, ledger))) {
            return Next::Stop(Reason::LedgerAgrees);
        }
        let more = self.more();
        self.missing(&more, &seen).unwrap_or(Next::Stop(Reason::Complete))
    }

    /// Voxels of the cheap block.
    fn cheap_voxels(&self) -> u64 {
        let least = LEAST_BYTES.div_ceil(2 * self.element_bytes.max(1) as u64);
        (self.target.voxels() as u64 / CHEAP_SHARE).max(least)
    }

    fn first(&self) -> Vec<Shape> {
        let cheap = self.cheap_voxels();
        distinct([self.cubic(cheap / TINY_SHARE), self.cubic(cheap)])
    }

    fn more(&self) -> Vec<Shape> {
        let half = self.cubic(self.cheap_voxels() / 2).extents();
        let doubled = [0, 1, 2].map(|axis| {
            let mut extents = half;
            extents[axis] = (2 * half[axis]).min(self.target.extents()[axis]);
            extents
        });
        let prime = self.cubic(self.cheap_voxels()).extents().map(largest_prime);
        let prime = self.long_enough(prime);
        distinct(doubled.into_iter().chain([prime]).map(|extents| self.shape(extents)))
    }

    /// The largest cube of at most `voxels`, cut to the target, and long enough for an interior.
    fn cubic(&self, voxels: u64) -> Shape {
        let target = self.target.extents();
        let clipped = |side: usize| self.long_enough([side; 3]);
        let fits =
            |side| clipped(side).iter().map(|&n| n as u128).product::<u128>() <= voxels.into();
        let (mut low, mut high) = (1, target.into_iter().max().unwrap_or(1) + 1);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if fits(middle) { low = middle } else { high = middle }
        }
        self.shape(clipped(low))
    }

    /// `extents`, raised to what has an interior, and cut to the target.
    fn long_enough(&self, extents: [usize; 3]) -> [usize; 3] {
        Axis::ALL.map(|axis| extents[axis.index()].max(self.interior(axis)).min(self.target[axis]))
    }

    /// The least extent with a voxel that has its whole halo, no longer than the target.
    fn interior(&self, axis: Axis) -> usize {
        let n = self.target[axis];
        match self.halo.reach(axis) {
            Reach::Width { before, after } => (before + after + 1).min(n),
            Reach::Whole if self.cut => n,
            // Any block is the whole of a shorter volume.
            Reach::Whole => 1,
        }
    }

    /// Extents between 1 and those of the target are a shape.
    fn shape(&self, extents: [usize; 3]) -> Shape {
        Shape::new(extents).unwrap_or(self.target)
    }

    /// Those of `blocks` that were not run, as far as the budget reaches; `None` when all were.
    fn missing(&self, blocks: &[Shape], seen: &[Observation]) -> Option<Next> {
        let mut left: Vec<Shape> = blocks.to_vec();
        left.retain(|block| seen.iter().all(|s| s.block != *block));
        if left.is_empty() {
            return None;
        }
        let most = (self.target.voxels() as f64 * self.budget) as u128;
        let mut spent: u128 = seen.iter().map(|s| s.block.voxels() as u128).sum();
        let affordable = left
            .into_iter()
            .take_while(|block| {
                spent += block.voxels() as u128;
                spent <= most
            })
            .collect::<Vec<_>>();
        Some(if affordable.is_empty() { Next::Stop(Reason::Budget) } else { Next::Run(affordable) })
    }
}

/// Whether ledger and base explain a reading to 0.5 %. A kill above them does not agree.
fn agrees(seen: &Observation, ledger: &dyn MemoryModel) -> bool {
    let base = seen.base.unwrap_or(ByteSize::ZERO);
    let expected = ledger.predict(seen.block, seen.core).peak.as_f64() + base.as_f64();
    match seen.peak {
        Peak::Measured(peak) => (peak.as_f64() - expected).abs() <= AGREE * peak.as_f64(),
        Peak::AtLeast(bytes) => bytes.as_f64() <= expected,
    }
}

fn distinct(blocks: impl IntoIterator<Item = Shape>) -> Vec<Shape> {
    let mut out: Vec<Shape> = Vec::new();
    for block in blocks {
        if !out.contains(&block) {
            out.push(block);
        }
    }
    out
}

fn largest_prime(most: usize) -> usize {
    let is_prime = |n: usize| (2_usize..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d));
    (2..=most).rev().find(|&n| is_prime(n)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use chunkfit_core::{Prediction, Regime};
    use proptest::prelude::*;

    use super::*;

    fn shape(extents: [usize; 3]) -> Shape {
        Shape::new(extents).unwrap()
    }

    fn ledger(per_voxel: u64) -> impl MemoryModel {
        move |block: Shape, _: Shape| {
            let peak = ByteSize::new(per_voxel * block.voxels() as u64);
            Prediction { peak, upper: peak, regime: Regime::Declared }
        }
    }

    /// Runs all that the design asks for with a program of 10 bytes for each voxel.
    fn follow(design: &ExperimentDesign<'_>) -> (Vec<Observation>, Reason) {
        let mut seen = Vec::new();
        loop {
            match design.next(&seen) {
                Next::Stop(reason) => return (seen, reason),
                Next::Run(blocks) => {
                    assert!(!blocks.is_empty());
                    let peak = |b: Shape| ByteSize::new(10 * b.voxels() as u64);
                    seen.extend(blocks.into_iter().map(|b| Observation::live_heap(b, peak(b))));
                }
            }
            assert!(seen.len() < 10);
        }
    }

    #[test]
    fn a_true_ledger_needs_two_blocks_and_a_wrong_one_six() {
        let design = ExperimentDesign::new(shape([951, 651, 462]), 4);
        let (good, bad) = (ledger(10), ledger(11));
        let (seen, reason) = follow(&design.with_ledger(&good));
        assert_eq!((seen.len(), reason), (2, Reason::LedgerAgrees));
        let (seen, reason) = follow(&design.with_ledger(&bad));
        assert_eq!((seen.len(), reason), (6, Reason::Complete));
        assert_eq!(seen[2].block, shape([104, 52, 52]));
        assert_eq!(seen[5].block, shape([61; 3]));
        assert_eq!(follow(&design).1, Reason::Complete);
    }

    #[test]
    fn a_small_target_needs_a_larger_budget() {
        let design = ExperimentDesign::new(shape([50, 70, 110]), 4);
        assert_eq!(design.next(&[]), Next::Stop(Reason::Budget));
        let (seen, reason) = follow(&design.with_budget(1.0));
        assert!(seen.len() >= 2, "{reason:?}");
    }

    #[test]
    fn blocks_have_an_interior_and_disturbed_ones_run_again() {
        let design =
            ExperimentDesign::new(shape([951, 651, 462]), 4).with_halo(Halo::symmetric([50, 0, 0]));
        let Next::Run(first) = design.next(&[]) else { panic!("nothing to run") };
        assert!(first.iter().all(|b| b[Axis::Inline] >= 101), "{first:?}");
        let mut seen = Observation::live_heap(first[0], ByteSize::new(1));
        seen.disturbance.swap = true;
        assert_eq!(design.next(&[seen]), Next::Run(first));
    }

    #[test]
    fn pieces_of_the_target_have_an_axis_whole_that_must_be() {
        let whole = Halo::uniform(2).with(Axis::Sample, Reach::Whole);
        let design =
            ExperimentDesign::new(shape([951, 651, 462]), 4).with_halo(whole).cut_from_target();
        let (seen, reason) = follow(&design);
        assert_eq!((seen.len(), reason), (6, Reason::Complete));
        for s in &seen {
            assert_eq!(s.block[Axis::Sample], 462);
            assert!(s.block.voxels() <= 951 * 651 * 462 / 1000, "{}", s.block);
        }
    }

    proptest! {
        #[test]
        fn stays_within_target_budget_and_cap(
            target in [1_usize..3000, 1_usize..3000, 1_usize..3000],
            budget in 0.0_f64..0.05,
            width in 0_usize..4,
        ) {
            let target = shape(target);
            let halo = Halo::uniform(width);
            let design = ExperimentDesign::new(target, 4).with_halo(halo).with_budget(budget);
            let (seen, _) = follow(&design);
            let total: f64 = seen.iter().map(|s| s.block.voxels() as f64).sum();
            prop_assert!(total <= budget * target.voxels() as f64);
            for s in &seen {
                for (n, most) in s.block.extents().into_iter().zip(target.extents()) {
                    prop_assert!(n <= most);
                }
                let cap = (target.voxels() / 1000).max(102_400);
                prop_assert!(s.block.voxels() <= cap.max((2 * width + 1).pow(3) * 64), "{:?}", s.block);
            }
        }
    }
}

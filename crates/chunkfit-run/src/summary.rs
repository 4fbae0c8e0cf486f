use chunkfit_core::ByteSize;
use serde::Serialize;

/// What a run did and what it cost, in memory that does not grow with the number of tasks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Tasks performed by this run; a split chunk counts once per piece.
    pub tasks: u64,
    /// Chunks that an earlier run had finished.
    pub resumed: u64,
    /// Attempts that did not finish and were tried again, split or as they were.
    pub retries: u64,
    /// Workers that died, by the limit or by somebody else.
    pub killed: u64,
    /// Chunks that were split in two because a limit was hit, or would have been.
    pub splits: u64,
    /// Tasks whose measured peak exceeded their predicted upper bound.
    pub tasks_over_bound: u64,
    /// Largest measured peak: resident set of one worker, or of the whole process with threads.
    pub peak: Option<ByteSize>,
    /// Largest predicted upper bound of a task that ran.
    pub upper_bound: ByteSize,
    /// Median over tasks of measured peak ÷ upper bound.
    pub utilisation_median: Option<f64>,
    /// Bytes fetched from the source.
    pub fetched: ByteSize,
    /// Voxels produced.
    pub voxels: u64,
    /// Wall seconds of the run.
    pub elapsed_s: f64,
}

/// Ratios from 0 to 2 in steps of 1/1000: a median to three digits in constant memory.
#[derive(Debug)]
pub(crate) struct RatioHistogram {
    counts: Box<[u64; 2001]>,
    total: u64,
}

impl RatioHistogram {
    pub(crate) fn new() -> Self {
        Self { counts: Box::new([0; 2001]), total: 0 }
    }

    pub(crate) fn add(&mut self, ratio: f64) {
        self.counts[(ratio * 1000.0).round().clamp(0.0, 2000.0) as usize] += 1;
        self.total += 1;
    }

    pub(crate) fn median(&self) -> Option<f64> {
        let mut left = self.total.div_ceil(2);
        let step = self.counts.iter().position(|&count| {
            let reached = count >= left;
            left = left.saturating_sub(count);
            reached
        });
        step.filter(|_| self.total > 0).map(|step| step as f64 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_ratio() {
        let mut ratios = RatioHistogram::new();
        assert_eq!(ratios.median(), None);
        for ratio in [0.9, 0.1, 0.85, 0.95, 7.0] {
            ratios.add(ratio);
        }
        assert_eq!(ratios.median(), Some(0.9));
        ratios.add(0.0);
        assert_eq!(ratios.median(), Some(0.85));
    }
}

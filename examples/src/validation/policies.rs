//! What a scheduler would have asked for: published predictors, and ours, over one log of tasks.
//!
//! Each is told the rows that were profiled, and after that every task that ended. A task that gets
//! too little has failed at the end, has cost what it was given for as long as it runs, and is tried
//! again with more.

use chunkfit_core::{ByteSize, MemoryModel, Shape};
use chunkfit_predict::{Fitted, Online, Peak};

/// One task of a log.
#[derive(Clone, Copy)]
pub(super) struct Task {
    pub(super) block: Shape,
    pub(super) core: Shape,
    pub(super) peak: f64,
    pub(super) seconds: f64,
}

/// A way to choose how much memory a task gets.
pub(super) trait Policy {
    /// Bytes for a task of which only shapes are known.
    fn first(&self, task: &Task) -> f64;
    /// Bytes after a failure with `given`.
    fn again(&self, task: &Task, given: f64) -> f64;
    /// Learns from a task that ended.
    fn learn(&mut self, task: &Task);
}

/// What an allocation policy cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bill {
    /// Memory times time that was used, in byte seconds.
    used: f64,
    /// And that was given and not used, or used by attempts that failed.
    wasted: f64,
    /// Tasks that got too little at first.
    pub(super) failures: usize,
    /// Attempts beyond the first.
    pub(super) retries: usize,
    pub(super) tasks: usize,
}

impl Bill {
    pub(super) fn wastage_gib_h(&self) -> f64 {
        self.wasted / f64::from(1 << 30) / 3600.0
    }

    /// Memory allocation quality: the share of what was given that was used.
    pub(super) fn quality(&self) -> f64 {
        self.used / (self.used + self.wasted)
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            used: self.used + other.used,
            wasted: self.wasted + other.wasted,
            failures: self.failures + other.failures,
            retries: self.retries + other.retries,
            tasks: self.tasks + other.tasks,
        }
    }
}

/// Attempts after which a task gets what it needs.
const MOST_RETRIES: usize = 20;

/// Runs `tasks` in their order under `policy`.
pub(super) fn replay(policy: &mut dyn Policy, tasks: &[Task]) -> Bill {
    let mut bill = Bill { tasks: tasks.len(), ..Bill::default() };
    for task in tasks {
        let mut given = policy.first(task);
        bill.failures += usize::from(given < task.peak);
        for _ in 0..MOST_RETRIES {
            if given >= task.peak {
                break;
            }
            bill.wasted += given * task.seconds;
            bill.retries += 1;
            given = policy.again(task, given);
        }
        let given = given.max(task.peak);
        bill.used += task.peak * task.seconds;
        bill.wasted += (given - task.peak) * task.seconds;
        policy.learn(task);
    }
    bill
}

/// Always the most that any task needs, known beforehand: the user who plays safe.
pub(super) struct Most(pub(super) f64);

impl Policy for Most {
    fn first(&self, _: &Task) -> f64 {
        self.0
    }

    fn again(&self, _: &Task, given: f64) -> f64 {
        2.0 * given
    }

    fn learn(&mut self, _: &Task) {}
}

/// A percentile of the peaks of the operator so far; doubled after a failure.
pub(super) struct Percentile {
    pub(super) percent: f64,
    pub(super) peaks: Vec<f64>,
}

impl Policy for Percentile {
    fn first(&self, _: &Task) -> f64 {
        let mut sorted = self.peaks.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (self.percent / 100.0 * sorted.len() as f64).ceil() as usize;
        sorted[rank.clamp(1, sorted.len()) - 1]
    }

    fn again(&self, _: &Task, given: f64) -> f64 {
        2.0 * given
    }

    fn learn(&mut self, task: &Task) {
        self.peaks.push(task.peak);
    }
}

/// A straight line over the bytes of the block, and the standard deviation of its residuals on top;
/// doubled after a failure.
///
/// After Witt, Wagner and Leser, *Feedback-based resource allocation for batch scheduling of scientific
/// workflows*, HPCS 2019.
pub(super) struct Line {
    pub(super) seen: Vec<(f64, f64)>,
}

impl Line {
    fn fit(&self) -> (f64, f64, f64) {
        let n = self.seen.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| self.seen.iter().map(of).sum::<f64>() / n;
        let (x, y) = (mean(|seen| seen.0), mean(|seen| seen.1));
        let spread: f64 = self.seen.iter().map(|seen| (seen.0 - x).powi(2)).sum();
        let common: f64 = self.seen.iter().map(|seen| (seen.0 - x) * (seen.1 - y)).sum();
        let slope = if spread > 0.0 { common / spread } else { 0.0 };
        let start = y - slope * x;
        let squares: f64 =
            self.seen.iter().map(|seen| (seen.1 - start - slope * seen.0).powi(2)).sum();
        (start, slope, (squares / n).sqrt())
    }
}

impl Policy for Line {
    fn first(&self, task: &Task) -> f64 {
        let (start, slope, deviation) = self.fit();
        let least = self.seen.iter().map(|seen| seen.1).fold(f64::INFINITY, f64::min);
        (start + slope * bytes(task) + deviation).max(least)
    }

    fn again(&self, _: &Task, given: f64) -> f64 {
        2.0 * given
    }

    fn learn(&mut self, task: &Task) {
        self.seen.push((bytes(task), task.peak));
    }
}

fn bytes(task: &Task) -> f64 {
    task.block.bytes::<f32>().as_f64()
}

/// The first allocation of least expected waste over the peaks so far, then the most there is.
///
/// After Tovar, da Silva, Juve, Deelman, Allcock, Thain and Livny, *A job sizing strategy for
/// high-throughput scientific workflows*, IEEE TPDS 29(2), 2018.
pub(super) struct FirstAllocation {
    pub(super) seen: Vec<(f64, f64)>,
    pub(super) most: f64,
}

impl Policy for FirstAllocation {
    fn first(&self, _: &Task) -> f64 {
        let cost = |given: f64| -> f64 {
            let of = |&(peak, seconds): &(f64, f64)| {
                let again = if peak > given { self.most } else { 0.0 };
                (given + again) * seconds
            };
            self.seen.iter().map(of).sum()
        };
        let candidates = self.seen.iter().map(|seen| seen.0).chain([self.most]);
        candidates.min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or(self.most)
    }

    fn again(&self, _: &Task, _: f64) -> f64 {
        self.most
    }

    fn learn(&mut self, task: &Task) {
        self.seen.push((task.peak, task.seconds));
    }
}

/// The bound of a fitted ladder, which stays as it is.
pub(super) struct Ladder<'a>(pub(super) Fitted<'a>);

impl Policy for Ladder<'_> {
    fn first(&self, task: &Task) -> f64 {
        self.0.predict(task.block, task.core).upper.as_f64()
    }

    fn again(&self, _: &Task, given: f64) -> f64 {
        1.25 * given
    }

    fn learn(&mut self, _: &Task) {}
}

impl Policy for Online<'_> {
    fn first(&self, task: &Task) -> f64 {
        self.predict(task.block, task.core).upper.as_f64()
    }

    fn again(&self, _: &Task, given: f64) -> f64 {
        1.25 * given
    }

    fn learn(&mut self, task: &Task) {
        let peak = Peak::Measured(ByteSize::new(task.peak as u64));
        self.update(task.block, task.core, peak);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks() -> Vec<Task> {
        [10, 40, 20, 80]
            .map(|n| (n, Shape::new([5, 7, n]).unwrap()))
            .into_iter()
            .map(|(n, block)| Task { block, core: block, peak: 280.0 * n as f64, seconds: 1.0 })
            .collect()
    }

    #[test]
    fn a_perfect_guess_wastes_nothing_and_a_safe_one_never_fails() {
        let tasks = tasks();
        let mut line = Line { seen: tasks.iter().map(|t| (bytes(t), t.peak)).collect() };
        let bill = replay(&mut line, &tasks);
        assert!(bill.quality() > 1.0 - 1e-9, "{bill:?}");
        let bill = replay(&mut Most(22_400.0), &tasks);
        assert_eq!((bill.failures, bill.retries), (0, 0));
        let used = 280.0 * 150.0;
        assert!((bill.quality() - used / (4.0 * 22_400.0)).abs() < 1e-12);
    }

    #[test]
    fn a_failure_costs_what_was_given() {
        let tasks = &tasks()[1..2];
        let mut half = Percentile { percent: 95.0, peaks: vec![5_600.0] };
        let bill = replay(&mut half, tasks);
        assert_eq!((bill.failures, bill.retries), (1, 1));
        // 5600 lost, then 11 200 which are all used.
        assert!((bill.quality() - 11_200.0 / 16_800.0).abs() < 1e-12);
    }

    #[test]
    fn the_first_allocation_weighs_a_retry_against_waste() {
        let mut seen = vec![(10.0, 1.0); 9];
        seen.push((100.0, 1.0));
        let policy = FirstAllocation { seen, most: 100.0 };
        // Ten times 10 and once more 100 is less than ten times 100.
        assert_eq!(policy.first(&tasks()[0]), 10.0);
        assert_eq!(policy.again(&tasks()[0], 10.0), 100.0);
    }
}

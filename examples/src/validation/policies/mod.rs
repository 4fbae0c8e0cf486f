//! What a scheduler would have asked for: published predictors, and ours, over one log of tasks.
//!
//! Each is told the rows that were profiled, and after that every task that ended. A task that gets
//! too little has failed at the end, has cost what it was given for as long as it runs, and is tried
//! again with more.

mod ponder;
mod published;

use chunkfit_core::{ByteSize, MemoryModel, Shape};
use chunkfit_predict::{Fitted, Online, Peak};

pub(super) use ponder::Ponder;
pub(super) use published::{FirstAllocation, Line, Most, Percentile};

/// One task of a log.
#[derive(Clone, Copy)]
pub(in crate::validation) struct Task {
    pub(in crate::validation) block: Shape,
    pub(in crate::validation) core: Shape,
    /// Bytes that it reads.
    pub(in crate::validation) input: f64,
    pub(in crate::validation) peak: f64,
    pub(in crate::validation) seconds: f64,
}

/// A way to choose how much memory a task gets.
pub(in crate::validation) trait Policy {
    /// Bytes for a task of which only shapes are known.
    fn first(&self, task: &Task) -> f64;
    /// Bytes after a failure with `given`.
    fn again(&self, task: &Task, given: f64) -> f64;
    /// Learns from a task that ended.
    fn learn(&mut self, task: &Task);
}

/// What an allocation policy cost.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::validation) struct Bill {
    /// Memory times time that was used, in byte seconds.
    used: f64,
    /// And that was given and not used, or used by attempts that failed.
    wasted: f64,
    /// Tasks that got too little at first.
    pub(in crate::validation) failures: usize,
    /// Attempts beyond the first.
    pub(in crate::validation) retries: usize,
    pub(in crate::validation) tasks: usize,
}

impl Bill {
    pub(in crate::validation) fn wastage_gib_h(&self) -> f64 {
        self.wasted / f64::from(1 << 30) / 3600.0
    }

    /// Memory allocation quality: the share of what was given that was used.
    pub(in crate::validation) fn quality(&self) -> f64 {
        self.used / (self.used + self.wasted)
    }

    pub(in crate::validation) fn and(self, other: Self) -> Self {
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
pub(in crate::validation) fn replay(policy: &mut dyn Policy, tasks: &[Task]) -> Bill {
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

/// The bound of a fitted ladder, which stays as it is.
pub(in crate::validation) struct Ladder<'a>(pub(in crate::validation) Fitted<'a>);

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
            .map(|(n, block)| {
                let (input, peak) = (140.0 * n as f64, 280.0 * n as f64);
                Task { block, core: block, input, peak, seconds: 1.0 }
            })
            .collect()
    }

    #[test]
    fn a_perfect_guess_wastes_nothing_and_a_safe_one_never_fails() {
        let tasks = tasks();
        let mut line = Line { seen: tasks.iter().map(|t| (t.input, t.peak)).collect() };
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
        let mut half = Percentile { share: 0.95, peaks: vec![5_600.0] };
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

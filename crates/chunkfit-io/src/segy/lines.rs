use serde::{Deserialize, Serialize};

/// The line numbers of one axis: ascending, each once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Lines(Vec<i32>);

impl Lines {
    pub(crate) fn values(&self) -> &[i32] {
        &self.0
    }

    /// The distance of neighbours, where it is the same for all.
    pub(crate) fn step(&self) -> Option<i64> {
        let mut steps = self.0.windows(2).map(|pair| i64::from(pair[1]) - i64::from(pair[0]));
        let first = steps.next()?;
        steps.all(|step| step == first).then_some(first)
    }

    pub(crate) fn min(&self) -> i32 {
        self.0.first().copied().unwrap_or(0)
    }

    pub(crate) fn max(&self) -> i32 {
        self.0.last().copied().unwrap_or(0)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are any, and they ascend: for numbers that come from elsewhere.
    pub(crate) fn is_sound(&self) -> bool {
        !self.0.is_empty() && self.0.is_sorted_by(|a, b| a < b)
    }

    /// The index of a number that is there.
    pub(crate) fn index(&self, number: i32) -> u64 {
        self.0.partition_point(|&line| line < number) as u64
    }
}

/// Collects numbers, and keeps about as many as are different.
#[derive(Debug, Default)]
pub(crate) struct Unique {
    numbers: Vec<i32>,
    sorted: usize,
}

impl Unique {
    pub(crate) fn add(&mut self, number: i32) {
        if self.numbers.last() == Some(&number) {
            return;
        }
        self.numbers.push(number);
        if self.numbers.len() > 2 * self.sorted + 4096 {
            self.sort();
        }
    }

    fn sort(&mut self) {
        self.numbers.sort_unstable();
        self.numbers.dedup();
        self.sorted = self.numbers.len();
    }

    pub(crate) fn finish(mut self) -> Lines {
        self.sort();
        self.numbers.shrink_to_fit();
        Lines(self.numbers)
    }
}

/// Seconds until the last of `workers` is done when every idle worker takes the longest task left.
///
/// `tasks` are kinds of equal tasks, `(seconds, how many)`, longest first. Equal tasks are handed out
/// in rounds, so the time that this takes depends on the number of kinds and not of tasks.
pub(crate) fn makespan(tasks: &[(f64, usize)], workers: usize) -> f64 {
    // More workers than tasks are idle from the start.
    let n: usize = tasks.iter().map(|&(_, n)| n).sum();
    let mut loads = vec![0.0_f64; workers.clamp(1, n.max(1))];
    for &(seconds, n) in tasks {
        hand_out(&mut loads, seconds, n);
    }
    loads.into_iter().fold(0.0, f64::max)
}

/// Gives `n` tasks of `seconds`, one after the other, to the worker with the least load.
fn hand_out(loads: &mut [f64], seconds: f64, mut n: usize) {
    let workers = loads.len();
    if seconds <= 0.0 {
        return;
    }
    // Workers that lag behind catch up with the busiest first.
    let busiest = loads.iter().copied().fold(0.0, f64::max);
    let lag = |load: f64| ((busiest - load) / seconds).floor() as usize;
    let behind = loads.iter().fold(0_usize, |sum, &load| sum.saturating_add(lag(load)));
    if behind <= n {
        for load in loads.iter_mut() {
            *load += lag(*load) as f64 * seconds;
        }
        n -= behind;
        // Now all are within one task of each other, and a round gives each one more.
        let rounds = (n / workers) as f64;
        for load in loads.iter_mut() {
            *load += rounds * seconds;
        }
        n %= workers;
        loads.sort_unstable_by(f64::total_cmp);
        for load in &mut loads[..n] {
            *load += seconds;
        }
    } else {
        let mut queue: std::collections::BinaryHeap<_> = loads.iter().map(|&l| Idle(l)).collect();
        for _ in 0..n {
            if let Some(mut least) = queue.peek_mut() {
                least.0 += seconds;
            }
        }
        for (load, Idle(new)) in loads.iter_mut().zip(queue) {
            *load = new;
        }
    }
}

/// A load, the smallest of which is the greatest to a heap.
struct Idle(f64);

impl PartialEq for Idle {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Idle {}

impl PartialOrd for Idle {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Idle {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.0.total_cmp(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use chunkfit_core::testing::Dice;

    use super::*;

    fn one_by_one(tasks: &[(f64, usize)], workers: usize) -> f64 {
        let mut loads = vec![0.0_f64; workers];
        for &(seconds, n) in tasks {
            for _ in 0..n {
                let least = (0..workers).min_by(|&a, &b| loads[a].total_cmp(&loads[b])).unwrap();
                loads[least] += seconds;
            }
        }
        loads.into_iter().fold(0.0, f64::max)
    }

    #[test]
    fn rounds_equal_one_by_one() {
        let mut dice = Dice::new(11);
        for _ in 0..3000 {
            let workers = dice.between(1, 9);
            let mut tasks: Vec<_> = (0..dice.between(1, 6))
                .map(|_| (dice.between(1, 400) as f64 / 7.0, dice.between(1, 40)))
                .collect();
            tasks.sort_by(|a, b| b.0.total_cmp(&a.0));
            let (fast, slow) = (makespan(&tasks, workers), one_by_one(&tasks, workers));
            assert!((fast - slow).abs() <= 1e-9 * slow, "{tasks:?} on {workers}: {fast} {slow}");
        }
    }
}

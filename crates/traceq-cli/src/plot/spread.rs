//! How far several runs are apart.

use super::scene::Point;

/// Seconds, lowest and highest value of the runs that go on then.
pub(super) type Band = Vec<(f64, f64, f64)>;

/// The band at `n` moments, as far as two runs go on. Between two samples a run goes straight, as its
/// line does.
pub(super) fn spread(runs: &[Vec<Point>], n: usize) -> Band {
    let mut ends: Vec<f64> = runs.iter().filter_map(|points| Some(points.last()?.0)).collect();
    ends.sort_by(f64::total_cmp);
    // Beyond the end of the last but one there is nothing to compare.
    let Some(end) = ends.len().checked_sub(2).and_then(|at| ends.get(at)).copied() else {
        return Band::new();
    };
    let steps = n.max(1);
    (0..=steps)
        .filter_map(|step| {
            let s = end * step as f64 / steps as f64;
            let values = runs.iter().filter_map(|points| value(points, s));
            let (low, high, count) = values.fold((f64::MAX, 0.0_f64, 0), |(l, h, n), value| {
                (l.min(value), h.max(value), n + 1)
            });
            (count > 1).then_some((s, low, high))
        })
        .collect()
}

/// Nothing before the first sample and after the last.
fn value(points: &[Point], s: f64) -> Option<f64> {
    let after = points.partition_point(|point| point.0 <= s);
    let before = points.get(after.checked_sub(1)?)?;
    match points.get(after) {
        Some(next) => {
            let part = (s - before.0) / (next.0 - before.0);
            Some(before.1 + part * (next.1 - before.1))
        }
        None => (before.0 >= s).then_some(before.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_band_covers_all_runs_that_go_on() {
        let runs = [
            vec![(0.0, 10.0), (1.0, 30.0), (2.0, 20.0)],
            vec![(0.0, 12.0), (1.0, 25.0), (3.0, 45.0)],
            vec![(0.0, 11.0), (1.0, 50.0)],
        ];
        let band = spread(&runs, 4);
        assert_eq!(band[0], (0.0, 10.0, 12.0));
        assert_eq!(band[2], (1.0, 25.0, 50.0));
        assert_eq!(band.last(), Some(&(2.0, 20.0, 35.0)), "the third has ended");
        assert!(spread(&runs[..1], 4).is_empty() && spread(&[], 4).is_empty());
    }
}

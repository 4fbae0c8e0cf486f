//! Two samples: what they are like, and whether they differ.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// One sample in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Sample {
    pub(crate) n: usize,
    pub(crate) mean: f64,
    /// Standard deviation with n − 1; `None` below two values.
    pub(crate) sd: Option<f64>,
    /// Coefficient of variation, sd ÷ mean.
    pub(crate) cv: Option<f64>,
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// How two samples differ. What cannot be computed is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Difference {
    /// Mean of the second ÷ mean of the first − 1.
    pub(crate) relative: Option<f64>,
    /// Welch's t test, two-sided.
    pub(crate) welch_p: Option<f64>,
    /// Mann–Whitney U test, two-sided: exact for small samples without ties, else by the normal
    /// approximation with corrections for ties and continuity.
    pub(crate) mann_whitney_p: Option<f64>,
    /// Cliff's delta: P(second > first) − P(second < first).
    pub(crate) cliffs_delta: f64,
    /// Cohen's d with the pooled standard deviation.
    pub(crate) cohens_d: Option<f64>,
    /// The size of Cliff's delta in words, by the thresholds 0.147, 0.33 and 0.474 (Romano 2006).
    pub(crate) effect: &'static str,
}

impl Sample {
    /// `None` for no values at all.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let mean = values.iter().sum::<f64>() / n as f64;
        let sd = (n > 1).then(|| variance(values, mean).sqrt());
        let cv = sd.filter(|_| mean != 0.0).map(|sd| sd / mean);
        let median = f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]);
        Some(Self { n, mean, sd, cv, median, min, max })
    }
}

fn variance(values: &[f64], mean: f64) -> f64 {
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64
}

impl Difference {
    /// Neither sample is empty.
    pub(crate) fn between(first: &[f64], second: &[f64]) -> Option<Self> {
        let (a, b) = (Sample::of(first)?, Sample::of(second)?);
        let delta = cliffs_delta(first, second);
        Some(Self {
            relative: (a.mean != 0.0).then(|| b.mean / a.mean - 1.0),
            welch_p: welch(&a, &b),
            mann_whitney_p: mann_whitney(first, second),
            cliffs_delta: delta,
            cohens_d: cohens_d(&a, &b),
            effect: match delta.abs() {
                d if d < 0.147 => "negligible",
                d if d < 0.33 => "small",
                d if d < 0.474 => "medium",
                _ => "large",
            },
        })
    }

    /// Whether either test calls the difference unlikely to be chance, at the 5 % level.
    pub(crate) fn is_significant(&self) -> bool {
        [self.welch_p, self.mann_whitney_p].into_iter().flatten().any(|p| p < 0.05)
    }
}

/// Needs two values of each, and some spread.
fn welch(a: &Sample, b: &Sample) -> Option<f64> {
    let (va, vb) = (a.sd?.powi(2) / a.n as f64, b.sd?.powi(2) / b.n as f64);
    if va + vb == 0.0 {
        return None;
    }
    let t = (a.mean - b.mean) / (va + vb).sqrt();
    let freedom =
        (va + vb).powi(2) / (va.powi(2) / (a.n - 1) as f64 + vb.powi(2) / (b.n - 1) as f64);
    let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some(2.0 * student.sf(t.abs()))
}

fn cohens_d(a: &Sample, b: &Sample) -> Option<f64> {
    let (na, nb) = (a.n as f64, b.n as f64);
    let pooled = ((na - 1.0) * a.sd?.powi(2) + (nb - 1.0) * b.sd?.powi(2)) / (na + nb - 2.0);
    (pooled > 0.0).then(|| (b.mean - a.mean) / pooled.sqrt())
}

fn cliffs_delta(first: &[f64], second: &[f64]) -> f64 {
    let sign = |a: &f64, b: &f64| match b.total_cmp(a) {
        std::cmp::Ordering::Less => -1.0,
        std::cmp::Ordering::Equal => 0.0,
        std::cmp::Ordering::Greater => 1.0,
    };
    let sum: f64 = first.iter().map(|a| second.iter().map(|b| sign(a, b)).sum::<f64>()).sum();
    sum / (first.len() * second.len()) as f64
}

/// Up to so many values in all, the distribution of U is counted out.
const EXACT: usize = 60;

fn mann_whitney(first: &[f64], second: &[f64]) -> Option<f64> {
    let (n, m) = (first.len(), second.len());
    // U from Cliff's delta: half a point for a tie.
    let u = (cliffs_delta(first, second) + 1.0) / 2.0 * (n * m) as f64;
    let mut all = [first, second].concat();
    all.sort_by(f64::total_cmp);
    let ties: Vec<f64> = all.chunk_by(|a, b| a == b).map(|group| group.len() as f64).collect();
    if ties.len() == 1 {
        return None;
    }
    if ties.len() == n + m && n + m <= EXACT {
        return Some(exact_p(n, m, u.round() as usize));
    }
    let (product, total) = ((n * m) as f64, (n + m) as f64);
    let tied: f64 = ties.iter().map(|t| t.powi(3) - t).sum();
    let variance = product / 12.0 * (total + 1.0 - tied / (total * (total - 1.0)));
    let z = ((u - product / 2.0).abs() - 0.5).max(0.0) / variance.sqrt();
    Some((2.0 * Normal::standard().sf(z)).min(1.0))
}

/// The share of all orders whose U is as far from the middle as `u`, or further.
fn exact_p(n: usize, m: usize, u: usize) -> f64 {
    // counts[i][k]: orders of i values of one kind and j of the other with U = k, for j = 0, 1, … m.
    let mut counts = vec![vec![0.0; n * m + 1]; n + 1];
    for row in &mut counts {
        row[0] = 1.0;
    }
    for j in 1..=m {
        for i in 1..=n {
            // The largest value is of one kind and exceeds all j of the other, or is of the other.
            let (less, more) = counts.split_at_mut(i);
            for k in (0..=n * m).rev() {
                more[0][k] += if k >= j { less[i - 1][k - j] } else { 0.0 };
            }
        }
    }
    let of_all: f64 = counts[n].iter().sum();
    let tail = u.min(n * m - u);
    (2.0 * counts[n][..=tail].iter().sum::<f64>() / of_all).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: Option<f64>, expected: f64) {
        let got = got.unwrap();
        assert!((got - expected).abs() < 5e-7, "{got} instead of {expected}");
    }

    #[test]
    fn a_sample_is_described() {
        let sample = Sample::of(&[4.0, 1.0, 2.0, 3.0]).unwrap();
        assert_eq!((sample.n, sample.mean, sample.median), (4, 2.5, 2.5));
        close(sample.sd, 1.290_994_4);
        assert_eq!(Sample::of(&[7.0]).unwrap().sd, None);
        assert_eq!(Sample::of(&[]), None);
    }

    /// Expected values by SciPy 1.17.1, ttest_ind(equal_var=False) and mannwhitneyu.
    #[test]
    fn differences_agree_with_scipy() {
        let first = [20.1, 22.3, 19.8, 21.5, 20.9];
        let second = [23.0, 24.1, 22.9, 25.2, 23.8, 24.4];
        let apart = Difference::between(&first, &second).unwrap();
        close(apart.welch_p, 0.000_882_753_2);
        close(apart.mann_whitney_p, 0.004_329_004_3);
        close(apart.cohens_d, 3.167_107_874_6);
        assert_eq!((apart.cliffs_delta, apart.effect), (1.0, "large"));

        let tied = Difference::between(&[1.0, 2.0, 2.0, 3.0, 5.0, 5.0], &[2.0, 4.0, 5.0, 6.0, 7.0]);
        let tied = tied.unwrap();
        close(tied.welch_p, 0.139_603_162_4);
        close(tied.mann_whitney_p, 0.163_045_055_9);
        close(Some(tied.cliffs_delta), 0.533_333_333_3);

        let mixed = Difference::between(&[1.0, 4.0, 6.0, 9.0], &[2.0, 3.0, 8.0]).unwrap();
        close(mixed.welch_p, 0.801_742_033_2);
        close(mixed.mann_whitney_p, 0.857_142_857_1);
        assert_eq!(mixed.effect, "small");
    }

    #[test]
    fn what_cannot_be_computed_is_absent() {
        let equal = Difference::between(&[5.0, 5.0], &[5.0, 5.0, 5.0]).unwrap();
        assert_eq!((equal.welch_p, equal.mann_whitney_p, equal.cohens_d), (None, None, None));
        assert_eq!((equal.cliffs_delta, equal.effect), (0.0, "negligible"));
        let single = Difference::between(&[5.0], &[6.0]).unwrap();
        assert_eq!((single.welch_p, single.mann_whitney_p), (None, Some(1.0)));
        assert_eq!(Difference::between(&[], &[1.0]), None);
    }
}

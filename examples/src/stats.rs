//! The statistics of both experiments, tested against SciPy.

use statrs::distribution::{ChiSquared, ContinuousCDF, FisherSnedecor, Normal, StudentsT};

pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Standard deviation of a sample (n − 1); `None` below two values.
pub(crate) fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

/// Coefficient of variation: deviation by mean.
pub(crate) fn variation(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|mean| *mean != 0.0)?;
    Some(deviation(values)? / mean.abs())
}

pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// The least value that a `share` of all do not exceed.
pub(crate) fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// The value of largest size.
pub(crate) fn worst(values: &[f64]) -> Option<f64> {
    values.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()))
}

/// Start and slope of the line of least squares; `None` where x is the same for all.
pub(crate) fn line(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let n = points.len() as f64;
    let x = points.iter().map(|p| p.0).sum::<f64>() / n;
    let y = points.iter().map(|p| p.1).sum::<f64>() / n;
    let xx: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    let xy: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    (xx > 0.0).then(|| (y - xy / xx * x, xy / xx))
}

/// A test statistic and the probability of one as extreme.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tested {
    pub(crate) statistic: f64,
    pub(crate) p: f64,
}

/// Ranks from 1, ties at their mean.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    for group in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let first = order.iter().position(|i| *i == group[0]).unwrap_or(0);
        let rank = first as f64 + (group.len() + 1) as f64 / 2.0;
        group.iter().for_each(|i| ranks[*i] = rank);
    }
    ranks
}

/// Sum of t³ − t over groups of equal values.
fn ties(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let groups = sorted.chunk_by(|a, b| a == b).map(|group| group.len() as f64);
    groups.map(|t| t.powi(3) - t).sum()
}

/// Friedman's test with Nemenyi's comparison of all pairs.
#[derive(Clone, Debug)]
pub(crate) struct Friedman {
    pub(crate) test: Tested,
    /// Mean rank of each treatment; 1 is lowest.
    pub(crate) ranks: Vec<f64>,
    blocks: usize,
}

/// `treatments` holds one value per block for each. `None` below 3 treatments or 2 blocks, and where
/// all values of each block are equal.
pub(crate) fn friedman(treatments: &[Vec<f64>]) -> Option<Friedman> {
    let (k, n) = (treatments.len(), treatments.iter().map(Vec::len).min()?);
    if k < 3 || n < 2 {
        return None;
    }
    let (k_f, n_f) = (k as f64, n as f64);
    let mut sums = vec![0.0; k];
    let mut tied = 0.0;
    for block in 0..n {
        let values: Vec<f64> = treatments.iter().map(|values| values[block]).collect();
        tied += ties(&values);
        sums.iter_mut().zip(ranks(&values)).for_each(|(sum, rank)| *sum += rank);
    }
    let correction = 1.0 - tied / (n_f * k_f * (k_f * k_f - 1.0));
    let squares: f64 = sums.iter().map(|sum| sum * sum).sum();
    let raw = 12.0 / (n_f * k_f * (k_f + 1.0)) * squares - 3.0 * n_f * (k_f + 1.0);
    let statistic = (correction > 0.0).then(|| raw / correction)?;
    let p = ChiSquared::new(k_f - 1.0).ok()?.sf(statistic);
    let ranks = sums.iter().map(|sum| sum / n_f).collect();
    Some(Friedman { test: Tested { statistic, p }, ranks, blocks: n })
}

impl Friedman {
    /// Nemenyi: the probability that two treatments differ as much as these if all were equal.
    pub(crate) fn nemenyi(&self, a: usize, b: usize) -> f64 {
        let k = self.ranks.len() as f64;
        let unit = (k * (k + 1.0) / (12.0 * self.blocks as f64)).sqrt();
        studentized_range((self.ranks[a] - self.ranks[b]).abs() / unit, self.ranks.len())
    }
}

/// Probability that the range of `k` standard normal numbers exceeds `q`.
fn studentized_range(q: f64, k: usize) -> f64 {
    let normal = Normal::standard();
    let density = |z: f64| (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let inside = |z: f64| density(z) * (normal.cdf(z) - normal.cdf(z - q)).powi(k as i32 - 1);
    // Simpson's rule; beyond 8 there is nothing left.
    let (steps, low) = (2000, -8.0);
    let width = (8.0 + 8.0) / f64::from(steps);
    let weigh = |i: i32| if i == 0 || i == steps { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
    let sum: f64 = (0..=steps).map(|i| weigh(i) * inside(low + f64::from(i) * width)).sum();
    (1.0 - k as f64 * sum * width / 3.0).clamp(0.0, 1.0)
}

/// Wilcoxon's signed-rank test for pairs, by the normal approximation with ties; pairs without
/// difference are left out, and if none is left nothing speaks against equality.
pub(crate) fn wilcoxon(a: &[f64], b: &[f64]) -> Tested {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).filter(|d| *d != 0.0).collect();
    let n = differences.len() as f64;
    let sizes: Vec<f64> = differences.iter().map(|difference| difference.abs()).collect();
    let signed = ranks(&sizes);
    let positive: f64 =
        signed.iter().zip(&differences).filter(|(_, d)| **d > 0.0).map(|(rank, _)| rank).sum();
    let statistic = positive.min(n * (n + 1.0) / 2.0 - positive);
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties(&sizes) / 48.0;
    if variance <= 0.0 {
        return Tested { statistic, p: 1.0 };
    }
    let z = (statistic - n * (n + 1.0) / 4.0) / variance.sqrt();
    Tested { statistic, p: (2.0 * Normal::standard().cdf(z)).min(1.0) }
}

/// Two one-sided t tests: the probability of these pairs if the mean of `a / b − 1` were outside
/// ± `margin`. Small means equivalent. `None` below two pairs.
pub(crate) fn equivalence(a: &[f64], b: &[f64], margin: f64) -> Option<f64> {
    let relative: Vec<f64> = a.iter().zip(b).map(|(a, b)| a / b - 1.0).collect();
    let (mean, deviation) = (mean(&relative)?, deviation(&relative)?);
    let n = relative.len() as f64;
    let error = deviation / n.sqrt();
    if error == 0.0 || !error.is_finite() {
        return Some(if mean.abs() < margin { 0.0 } else { 1.0 });
    }
    let student = StudentsT::new(0.0, 1.0, n - 1.0).ok()?;
    Some(student.sf((mean + margin) / error).max(student.cdf((mean - margin) / error)))
}

/// Brown and Forsythe's test of equal variances: Levene's about the medians. `None` where a group has
/// below two values or no group varies.
pub(crate) fn brown_forsythe(groups: &[&[f64]]) -> Option<Tested> {
    let apart = |values: &&[f64]| {
        let middle = median(values)?;
        (values.len() > 1).then(|| values.iter().map(|v| (v - middle).abs()).collect::<Vec<_>>())
    };
    let groups: Vec<Vec<f64>> = groups.iter().map(apart).collect::<Option<_>>()?;
    let (k, n) = (groups.len() as f64, groups.iter().map(Vec::len).sum::<usize>() as f64);
    let all = groups.iter().flatten().sum::<f64>() / n;
    let (mut between, mut within) = (0.0, 0.0);
    for group in &groups {
        let mean = mean(group)?;
        between += group.len() as f64 * (mean - all).powi(2);
        within += group.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    }
    if within == 0.0 {
        return None;
    }
    let statistic = (n - k) / (k - 1.0) * between / within;
    Some(Tested { statistic, p: FisherSnedecor::new(k - 1.0, n - k).ok()?.sf(statistic) })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: SciPy 1.17.1 (friedmanchisquare, studentized_range, wilcoxon with the normal
    // approximation, ttest_1samp, levene about the median).
    const A: [f64; 8] = [31.0, 29.0, 34.0, 33.0, 27.0, 30.0, 36.0, 32.0];
    const B: [f64; 8] = [30.0, 27.0, 35.0, 30.0, 26.0, 30.0, 31.0, 33.0];
    const C: [f64; 8] = [20.0, 29.0, 24.0, 23.0, 22.0, 20.0, 26.0, 22.0];

    fn near(got: f64, expected: f64, within: f64) {
        assert!((got - expected).abs() <= within, "{got} is not {expected}");
    }

    #[test]
    fn location_and_spread() {
        near(variation(&A).unwrap(), 0.091_380_687_889_387_22, 1e-15);
        near(median(&A).unwrap(), 31.5, 1e-15);
        assert_eq!(median(&[]), None);
        assert_eq!(quantile(&[3.0, 1.0, 2.0, 4.0], 0.5), Some(2.0));
        assert_eq!(
            [quantile(&[3.0, 1.0], 0.0), quantile(&[3.0, 1.0], 1.0)],
            [Some(1.0), Some(3.0)]
        );
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(line(&[(1.0, 5.0), (2.0, 7.0), (4.0, 11.0)]), Some((3.0, 2.0)));
        assert_eq!(line(&[(1.0, 5.0), (1.0, 7.0)]), None);
        assert_eq!(deviation(&[1.0]), None);
        assert_eq!(worst(&[1.0, -3.0, 2.0]), Some(-3.0));
    }

    #[test]
    fn friedman_and_nemenyi() {
        let friedman = friedman(&[A.to_vec(), B.to_vec(), C.to_vec()]).unwrap();
        near(friedman.test.statistic, 9.266_666_666_666_667, 1e-12);
        near(friedman.test.p, 0.009_722_297_371_610_128, 1e-12);
        near(friedman.nemenyi(0, 1), 0.656_105, 1e-6);
        near(friedman.nemenyi(0, 2), 0.011_266, 1e-6);
        near(friedman.nemenyi(1, 2), 0.112_183, 1e-6);
    }

    #[test]
    fn ranges_of_normal_numbers() {
        near(studentized_range(3.314, 3), 0.050_044_138_406_110_04, 1e-7);
        near(studentized_range(1.0, 3), 0.759_287_358_770_661_2, 1e-7);
        near(studentized_range(4.474, 10), 0.050_013_241_593_053_315, 1e-7);
        near(studentized_range(2.5, 10), 0.755_697_442_078_621_4, 1e-7);
    }

    #[test]
    fn signed_ranks() {
        let test = wilcoxon(&A, &B);
        near(test.statistic, 5.0, 0.0);
        near(test.p, 0.121_335_250_358_482_11, 1e-9);
        let test = wilcoxon(&A, &C);
        near(test.statistic, 0.0, 0.0);
        near(test.p, 0.014_058_605_323_737_277, 1e-9);
        assert_eq!(wilcoxon(&A, &A).p, 1.0);
    }

    #[test]
    fn equivalence_by_two_one_sided_tests() {
        near(equivalence(&A, &B, 0.1).unwrap(), 0.023_284_417_161_911_396, 1e-9);
        near(equivalence(&A, &B, 0.03).unwrap(), 0.709_454_328_974_244_9, 1e-9);
        assert_eq!(equivalence(&A, &A, 0.005), Some(0.0));
    }

    #[test]
    fn variances() {
        let test = brown_forsythe(&[&A, &B, &C]).unwrap();
        near(test.statistic, 0.046_666_666_666_666_64, 1e-12);
        near(test.p, 0.954_504_167_932_373_9, 1e-12);
        assert_eq!(brown_forsythe(&[&[1.0, 1.0], &[2.0, 2.0]]), None);
    }
}

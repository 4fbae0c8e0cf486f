use rand::RngExt;
use rand::rngs::StdRng;
use statrs::distribution::{ContinuousCDF, Normal};

use super::Range;

/// A density over places between 0 and 1: a bell at each place that was seen, and an even share that
/// counts as one more. Choices have no neighbours: there it is how often each was seen, plus one.
pub(super) enum Parzen {
    Bells(Vec<Bell>),
    Shares(Vec<f64>),
}

/// A normal density cut off outside 0 to 1.
pub(super) struct Bell {
    centre: f64,
    width: f64,
    low: f64,
    high: f64,
}

impl Bell {
    fn new(centre: f64, width: f64) -> Self {
        let unit = Normal::standard();
        let cdf = |place: f64| unit.cdf((place - centre) / width);
        Self { centre, width, low: cdf(0.0), high: cdf(1.0) }
    }

    fn density(&self, place: f64) -> f64 {
        let z = (place - self.centre) / self.width;
        let bell = (-0.5 * z * z).exp() / (self.width * std::f64::consts::TAU.sqrt());
        bell / (self.high - self.low)
    }

    fn draw(&self, rng: &mut StdRng) -> f64 {
        let share = self.low + rng.random::<f64>() * (self.high - self.low);
        let z = Normal::standard().inverse_cdf(share.clamp(1e-12, 1.0 - 1e-12));
        (self.centre + self.width * z).clamp(0.0, 1.0)
    }
}

impl Parzen {
    /// Of the `places` that were seen in a `range`.
    pub(super) fn new(range: &Range, mut places: Vec<f64>) -> Self {
        if let Range::Choice { n } = *range {
            let mut shares = vec![1.0; n.max(1)];
            places.iter().for_each(|&place| shares[range.at(place) as usize] += 1.0);
            let total: f64 = shares.iter().sum();
            return Self::Shares(shares.into_iter().map(|share| share / total).collect());
        }
        places.sort_by(f64::total_cmp);
        // As wide as the farther neighbour is away, but never a needle.
        let least = 1.0 / (1.0 + places.len() as f64).min(100.0);
        let bell = |i: usize| {
            let before = if i == 0 { 0.0 } else { places[i - 1] };
            let after = places.get(i + 1).copied().unwrap_or(1.0);
            Bell::new(places[i], (places[i] - before).max(after - places[i]).clamp(least, 1.0))
        };
        Self::Bells((0..places.len()).map(bell).collect())
    }

    pub(super) fn density(&self, place: f64) -> f64 {
        match self {
            Self::Bells(bells) => {
                let sum: f64 = bells.iter().map(|bell| bell.density(place)).sum();
                (1.0 + sum) / (1.0 + bells.len() as f64)
            }
            Self::Shares(shares) => {
                shares[((place * shares.len() as f64) as usize).min(shares.len() - 1)]
            }
        }
    }

    pub(super) fn draw(&self, rng: &mut StdRng) -> f64 {
        match self {
            Self::Bells(bells) => match bells.get(rng.random_range(0..=bells.len())) {
                Some(bell) => bell.draw(rng),
                None => rng.random(),
            },
            Self::Shares(shares) => {
                let mut left: f64 = rng.random();
                let chosen = shares.iter().position(|share| {
                    left -= share;
                    left < 0.0
                });
                let index = chosen.unwrap_or(shares.len() - 1);
                (index as f64 + 0.5) / shares.len() as f64
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_integrate_to_1() {
        for range in [Range::Uniform { low: 0.0, high: 1.0 }, Range::Choice { n: 4 }] {
            let parzen = Parzen::new(&range, vec![0.05, 0.1, 0.4, 0.95]);
            let mean = (0..4000).map(|i| parzen.density((i as f64 + 0.5) / 4000.0)).sum::<f64>();
            let cells = if matches!(range, Range::Choice { .. }) { 4.0 } else { 1.0 };
            assert!((cells * mean / 4000.0 - 1.0).abs() < 1e-3, "{range:?}: {mean}");
        }
    }
}

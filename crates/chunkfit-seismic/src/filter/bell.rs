//! The weights of a Gaussian and of its derivative, with the bits of SciPy.

use super::Kernel;

/// Elements on each side of the centre, a whole number. A sigma of 1e-15 or less filters nothing.
pub(crate) fn radius(sigma: f64, truncate: f64) -> f64 {
    if sigma <= 1e-15 { 0.0 } else { (truncate * sigma + 0.5).floor() }
}

/// A normalised bell.
pub(crate) fn kernel(sigma: f64, truncate: f64) -> Kernel {
    Kernel::even(&weights(sigma, truncate))
}

/// The derivative of a normalised bell.
pub(crate) fn slope(sigma: f64, truncate: f64) -> Kernel {
    Kernel::odd(&slopes(sigma, truncate))
}

/// The weights of the derivative of a normalised kernel, on the side of positive steps outwards.
pub(crate) fn slopes(sigma: f64, truncate: f64) -> Vec<f64> {
    let slope = 1.0 / (sigma * sigma);
    let side = weights(sigma, truncate).into_iter().enumerate().skip(1);
    side.map(|(x, weight)| x as f64 * slope * weight).collect()
}

/// The centre of a normalised kernel and then one side of it outwards.
pub(crate) fn weights(sigma: f64, truncate: f64) -> Vec<f64> {
    let radius = radius(sigma, truncate) as usize;
    if radius == 0 {
        return vec![1.0];
    }
    let weight = |x: usize| (-0.5 / (sigma * sigma) * (x * x) as f64).exp();
    let all: Vec<f64> =
        (0..=2 * radius).map(|position| weight(position.abs_diff(radius))).collect();
    let sum = pairwise(&all);
    all[radius..].iter().map(|weight| weight / sum).collect()
}

/// The sum in the order of NumPy, since the last bit of it shows in `f64`.
fn pairwise(values: &[f64]) -> f64 {
    if values.len() > 128 {
        let half = values.len() / 2;
        let (first, second) = values.split_at(half - half % 8);
        return pairwise(first) + pairwise(second);
    }
    let (eights, rest) = values.as_chunks::<8>();
    let joined = eights
        .iter()
        .copied()
        .reduce(|sums, values| std::array::from_fn(|lane| sums[lane] + values[lane]));
    let [a, b, c, d, e, f, g, h] = joined.unwrap_or_default();
    rest.iter().fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, value| sum + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_have_the_size_of_scipy() {
        for (sigma, truncate, radius) in [
            (3.0, 4.0, 12),
            (1.0, 4.0, 4),
            (0.5, 4.0, 2),
            (0.1, 4.0, 0),
            (2.0, 3.2, 6),
            (0.0, 4.0, 0),
        ] {
            let weights = weights(sigma, truncate);
            assert_eq!(weights.len() - 1, radius, "{sigma} {truncate}");
            let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
            assert!((sum - 1.0).abs() < 1e-15);
        }
    }
}

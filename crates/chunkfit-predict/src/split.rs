use std::fmt::Debug;

/// The generator of `numpy.random.RandomState`: MT19937, so that splits of the thesis can be repeated.
///
/// Reference: Matsumoto and Nishimura, *Mersenne twister*, ACM TOMACS 8 (1998), 3–30.
struct MersenneTwister {
    state: [u32; 624],
    next: usize,
}

impl MersenneTwister {
    fn new(seed: u32) -> Self {
        let mut state = [seed; 624];
        for i in 1..state.len() {
            let before = state[i - 1];
            state[i] =
                1_812_433_253_u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(i as u32);
        }
        Self { state, next: 624 }
    }

    fn refill(&mut self) {
        for i in 0..624 {
            let mixed = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % 624] & 0x7fff_ffff);
            let twist = if mixed & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + 397) % 624] ^ (mixed >> 1) ^ twist;
        }
        self.next = 0;
    }

    fn draw(&mut self) -> u32 {
        if self.next == 624 {
            self.refill();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// 0 to `most`, each as likely: masked draws until one fits.
    fn at_most(&mut self, most: u32) -> u32 {
        let mask = u32::MAX.checked_shr(most.leading_zeros()).unwrap_or(0);
        loop {
            let value = self.draw() & mask;
            if value <= most {
                return value;
            }
        }
    }
}

/// `numpy.random.RandomState(seed).permutation(n)`, for `n` below 2³².
///
/// ```
/// assert_eq!(chunkfit_predict::permutation(5, 42), [1, 4, 2, 0, 3]);
/// ```
#[must_use]
pub fn permutation(n: usize, seed: u32) -> Vec<usize> {
    let mut rng = MersenneTwister::new(seed);
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, rng.at_most(i as u32) as usize);
    }
    order
}

/// Rows to learn from, and rows to test on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Indices of the rows to learn from.
    pub train: Vec<usize>,
    /// Indices of the others.
    pub test: Vec<usize>,
}

impl Split {
    /// `sklearn.model_selection.train_test_split`: of the permuted rows the first ⌈`share`·n⌉ are the
    /// test, the others the training rows.
    #[must_use]
    pub fn random(n: usize, share: f64, seed: u32) -> Self {
        let mut test = permutation(n, seed);
        let train = test.split_off(((share * n as f64).ceil() as usize).min(n));
        Self { train, test }
    }

    /// The `share` of rows with the largest `sizes` are the test: what extrapolation is worth.
    #[must_use]
    pub fn largest_out(sizes: &[usize], share: f64) -> Self {
        let mut train: Vec<usize> = (0..sizes.len()).collect();
        train.sort_by_key(|&i| sizes[i]);
        let n_test = (share * sizes.len() as f64).ceil() as usize;
        let test = train.split_off(sizes.len().saturating_sub(n_test));
        Self { train, test }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_draws_of_the_reference_generator() {
        let mut rng = MersenneTwister::new(5489);
        assert_eq!([rng.draw(), rng.draw()], [3_499_211_612, 581_869_302]);
        for _ in 2..9_999 {
            rng.draw();
        }
        assert_eq!(rng.draw(), 4_123_659_995, "the ten thousandth");
    }

    #[test]
    fn test_rows_of_the_thesis() {
        let split = Split::random(64, 0.2, 42);
        assert_eq!(split.test, [52, 58, 0, 44, 5, 36, 16, 12, 25, 61, 56, 9, 40]);
        assert_eq!(split.train.len(), 51);
        let split = Split::random(54, 0.2, 42);
        assert_eq!(split.test, [19, 49, 48, 12, 44, 5, 17, 52, 3, 32, 13]);
    }

    #[test]
    fn largest_rows_are_left_out() {
        let split = Split::largest_out(&[5, 1, 9, 3], 0.25);
        assert_eq!(split, Split { train: vec![1, 3, 0], test: vec![2] });
        assert_eq!(permutation(0, 1), [0; 0]);
    }
}

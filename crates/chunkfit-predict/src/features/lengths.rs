use std::sync::LazyLock;

/// Every product of powers of 2, 3 and 5 up to 2^26, sorted: 1,800 numbers cover any axis that a task
/// holds; beyond, the next power of two is taken.
static FAST: LazyLock<Vec<usize>> = LazyLock::new(|| {
    const LARGEST: usize = 1 << 26;
    let powers =
        |base: usize| std::iter::successors(Some(1), move |&n: &usize| n.checked_mul(base));
    let mut lengths: Vec<usize> = powers(2)
        .take_while(|&two| two <= LARGEST)
        .flat_map(|two| {
            powers(3).map(move |three| two.saturating_mul(three)).take_while(|&n| n <= LARGEST)
        })
        .flat_map(|n| {
            powers(5).map(move |five| n.saturating_mul(five)).take_while(|&n| n <= LARGEST)
        })
        .collect();
    lengths.sort_unstable();
    lengths
});

/// The smallest length from `n` that has no prime factor above 5, as `scipy.fft.next_fast_len(n,
/// real=True)`: what a transform of `n` elements is padded to. Never decreases with `n`.
///
/// ```
/// assert_eq!(chunkfit_predict::next_fast_length(7), 8);
/// assert_eq!(chunkfit_predict::next_fast_length(1501), 1536);
/// ```
#[must_use]
pub fn next_fast_length(n: usize) -> usize {
    let fast = &*FAST;
    fast.get(fast.partition_point(|&length| length < n))
        .copied()
        .unwrap_or_else(|| n.checked_next_power_of_two().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_division() {
        let smooth = |mut n: usize| {
            for p in [2, 3, 5] {
                while n.is_multiple_of(p) {
                    n /= p;
                }
            }
            n == 1
        };
        let mut expected = 5000;
        assert!(smooth(expected));
        for n in (1..=5000).rev() {
            if smooth(n) {
                expected = n;
            }
            assert_eq!(next_fast_length(n), expected, "{n}");
        }
        assert_eq!(next_fast_length((1 << 26) + 1), 1 << 27);
    }
}

use std::hint::black_box;

use pulp::Simd;

use super::arithmetic::Arithmetic;

/// So many neighbouring outputs are formed together, from inputs that slide through registers.
pub(crate) const ROWS: usize = 4;

/// What a pass does with the elements around each position of a line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kernel {
    /// Equal weights on both sides: the centre, and one side from the far end inwards.
    Even { centre: f64, far: Vec<f64> },
    /// Opposite weights on both sides: the centre, and those before it from the far end inwards.
    Odd { centre: f64, far: Vec<f64> },
    /// Any weights, from the first to the last.
    Any { weights: Vec<f64> },
    /// The mean of so many elements.
    Mean { size: usize },
}

/// Leaves everything as it is.
impl Default for Kernel {
    fn default() -> Self {
        Self::Even { centre: 1.0, far: Vec::new() }
    }
}

/// Takes the outputs of a column.
pub(crate) trait Store<V> {
    /// Stores the outputs from position `at` on; those past the end of the column mean nothing.
    fn put(&mut self, at: usize, sums: [V; ROWS]);
}

impl Kernel {
    /// Tells even and odd weights as SciPy does.
    pub(crate) fn new(weights: &[f64]) -> Self {
        let half = weights.len() / 2;
        let mirrored = |sign: f64| {
            let pairs = weights.iter().zip(weights.iter().rev()).take(half);
            weights.len() % 2 == 1
                && pairs.into_iter().all(|(a, b)| (b - sign * a).abs() <= f64::EPSILON)
        };
        let far = || weights[..half].to_vec();
        if mirrored(1.0) {
            Self::Even { centre: weights[half], far: far() }
        } else if mirrored(-1.0) {
            Self::Odd { centre: weights[half], far: far() }
        } else {
            Self::Any { weights: weights.to_vec() }
        }
    }

    /// w(−j) = w(j): the centre, and then one side outwards.
    pub(crate) fn even(half: &[f64]) -> Self {
        let centre = half.first().copied().unwrap_or_default();
        Self::Even { centre, far: half.iter().skip(1).rev().copied().collect() }
    }

    /// w(−j) = −w(j), with 0 in the centre: the side of positive steps outwards.
    pub(crate) fn odd(side: &[f64]) -> Self {
        Self::Odd { centre: 0.0, far: side.iter().rev().map(|weight| -weight).collect() }
    }

    /// The mean of `size` elements; of one, everything as it is.
    pub(crate) fn mean(size: usize) -> Self {
        if size == 1 { Self::default() } else { Self::Mean { size } }
    }

    /// Whether nothing changes.
    pub(crate) fn is_identity(&self) -> bool {
        *self == Self::default()
    }

    /// Elements seen before and after the position itself.
    pub(crate) fn reach(&self) -> [usize; 2] {
        match self {
            Self::Even { far, .. } | Self::Odd { far, .. } => [far.len(); 2],
            Self::Any { weights } => around(weights.len()),
            Self::Mean { size } => around(*size),
        }
    }

    /// Elements seen besides the position itself.
    pub(crate) fn span(&self) -> usize {
        let [before, after] = self.reach();
        before + after
    }

    /// Forms all outputs of which `column` holds the surroundings, [`ROWS`] at a time, and hands each
    /// lot to `store`. Every lane is a line of its own.
    ///
    /// The order of each sum is SciPy's: the centre, then pairs from the far end inwards; for other
    /// weights the last, then from the first onwards.
    #[inline(always)]
    pub(crate) fn run<S: Simd, T, A: Arithmetic<T>>(
        &self,
        simd: S,
        column: &[A::Lanes<S>],
        store: &mut impl Store<A::Lanes<S>>,
    ) {
        // A sign that the compiler does not know.
        let sign = |sign: f64| A::splat(simd, black_box(sign));
        let lots = column.windows(self.span() + ROWS).step_by(ROWS).enumerate();
        match self {
            Self::Even { centre, far } => {
                let sign = sign(1.0);
                for (lot, window) in lots {
                    let sums = pairs::<S, T, A>(simd, (*centre, far), window, sign, A::add);
                    store.put(lot * ROWS, sums);
                }
            }
            Self::Odd { centre, far } => {
                let sign = sign(-1.0);
                for (lot, window) in lots {
                    let sums = pairs::<S, T, A>(simd, (*centre, far), window, sign, A::sub);
                    store.put(lot * ROWS, sums);
                }
            }
            Self::Any { weights } => {
                for (lot, window) in lots {
                    store.put(lot * ROWS, taps::<S, T, A>(simd, weights, window));
                }
            }
            Self::Mean { size } => {
                let size = A::splat(simd, *size as f64);
                for (lot, window) in lots {
                    store.put(lot * ROWS, mean::<S, T, A>(simd, size, window));
                }
            }
        }
    }
}

/// An even number of elements leans left.
fn around(size: usize) -> [usize; 2] {
    [size / 2, size - size / 2 - 1]
}

#[inline(always)]
fn pairs<S: Simd, T, A: Arithmetic<T>>(
    simd: S,
    (centre, far): (f64, &[f64]),
    window: &[A::Lanes<S>],
    sign: A::Lanes<S>,
    join: impl Fn(S, A::Lanes<S>, A::Lanes<S>) -> A::Lanes<S>,
) -> [A::Lanes<S>; ROWS] {
    let reach = far.len();
    let centre = A::splat(simd, centre);
    let window = &window[..2 * reach + ROWS];
    let (start, end) = (&window[..ROWS], &window[2 * reach..]);
    let at = &window[reach..reach + ROWS];
    let mut pairs = Pairs {
        sums: [
            A::mul(simd, at[0], centre),
            A::mul(simd, at[1], centre),
            A::mul(simd, at[2], centre),
            A::mul(simd, at[3], centre),
        ],
        before: [start[0], start[1], start[2], start[3]],
        after: [end[0], end[1], end[2], end[3]],
        sign,
    };
    // What does not fill four steps comes first; then four steps bring every register back to its
    // place, which saves moving them.
    let (odd, weights) = far.as_rchunks::<ROWS>();
    let (odd_before, before) = window[ROWS..ROWS + 2 * reach].split_at(odd.len());
    let (after, odd_after) = window[..2 * reach].split_at(2 * reach - odd.len());
    for ((weight, before), after) in odd.iter().zip(odd_before).zip(odd_after.iter().rev()) {
        pairs.step::<S, T, A>(simd, *weight, *before, *after, &join);
    }
    let (before, after) = (before.as_chunks::<ROWS>().0, after.as_rchunks::<ROWS>().1);
    for ((weights, before), after) in weights.iter().zip(before).zip(after.iter().rev()) {
        pairs.step::<S, T, A>(simd, weights[0], before[0], after[3], &join);
        pairs.step::<S, T, A>(simd, weights[1], before[1], after[2], &join);
        pairs.step::<S, T, A>(simd, weights[2], before[2], after[1], &join);
        pairs.step::<S, T, A>(simd, weights[3], before[3], after[0], &join);
    }
    pairs.sums
}

/// Both sides of every pair slide through registers, so that each step loads two vectors for
/// [`ROWS`] outputs.
struct Pairs<V> {
    sums: [V; ROWS],
    before: [V; ROWS],
    after: [V; ROWS],
    sign: V,
}

impl<V: Copy> Pairs<V> {
    /// One of four pairs is joined by a product with the sign, which rounds like the sum: some
    /// processors multiply beside adding, and three of four operations here are additions.
    #[inline(always)]
    fn step<S: Simd, T, A: Arithmetic<T, Lanes<S> = V>>(
        &mut self,
        simd: S,
        weight: f64,
        next_before: V,
        next_after: V,
        join: &impl Fn(S, V, V) -> V,
    ) {
        let weight = A::splat(simd, weight);
        let Self { sums, before, after, sign } = self;
        sums[0] = A::mul_add(simd, join(simd, before[0], after[0]), weight, sums[0]);
        sums[1] = A::mul_add(simd, A::join(simd, before[1], after[1], *sign), weight, sums[1]);
        sums[2] = A::mul_add(simd, join(simd, before[2], after[2]), weight, sums[2]);
        sums[3] = A::mul_add(simd, A::join(simd, before[3], after[3], *sign), weight, sums[3]);
        *before = [before[1], before[2], before[3], next_before];
        *after = [next_after, after[0], after[1], after[2]];
    }
}

#[inline(always)]
fn taps<S: Simd, T, A: Arithmetic<T>>(
    simd: S,
    weights: &[f64],
    window: &[A::Lanes<S>],
) -> [A::Lanes<S>; ROWS] {
    let (last, first) = weights.split_last().unwrap_or((&0.0, &[]));
    let last = A::splat(simd, *last);
    let end = &window[first.len()..];
    let mut sums = [
        A::mul(simd, end[0], last),
        A::mul(simd, end[1], last),
        A::mul(simd, end[2], last),
        A::mul(simd, end[3], last),
    ];
    for (weight, taps) in first.iter().zip(window.windows(ROWS)) {
        let weight = A::splat(simd, *weight);
        for (sum, tap) in sums.iter_mut().zip(taps) {
            *sum = A::mul_add(simd, *tap, weight, *sum);
        }
    }
    sums
}

#[inline(always)]
fn mean<S: Simd, T, A: Arithmetic<T>>(
    simd: S,
    size: A::Lanes<S>,
    window: &[A::Lanes<S>],
) -> [A::Lanes<S>; ROWS] {
    let mut sums = [A::splat(simd, 0.0); ROWS];
    for taps in window.windows(ROWS) {
        for (sum, tap) in sums.iter_mut().zip(taps) {
            *sum = A::add(simd, *sum, *tap);
        }
    }
    for sum in &mut sums {
        *sum = A::div(simd, *sum, size);
    }
    sums
}

//! Squares of elements, rows as columns: how what lies along a line comes to lie across it.

/// Elements along each side of a square.
pub(crate) const SIDE: usize = 8;

pub(crate) type Square<T> = [[T; SIDE]; SIDE];

/// An element of which squares are turned.
pub trait Turn: Copy + Default {
    /// Rows as columns.
    fn turned(square: [[Self; SIDE]; SIDE]) -> [[Self; SIDE]; SIDE] {
        std::array::from_fn(|column| square.map(|row| row[column]))
    }
}

impl Turn for f64 {}

impl Turn for f32 {
    #[inline(always)]
    fn turned(square: Square<Self>) -> Square<Self> {
        #[cfg(target_arch = "x86_64")]
        if pulp::x86::V3::try_new().is_some() {
            #[expect(unsafe_code, reason = "what this processor has is known at run time alone")]
            // SAFETY: there is AVX on a processor of this version.
            return unsafe { with_shuffles(square) };
        }
        std::array::from_fn(|column| square.map(|row| row[column]))
    }
}

/// Pairs of rows are interleaved, then pairs of pairs, then halves are swapped. A compiler does not
/// find this by itself, and scatters element by element.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
#[inline]
fn with_shuffles(square: Square<f32>) -> Square<f32> {
    use std::arch::x86_64::{
        __m256, _mm256_permute2f128_ps as halves, _mm256_shuffle_ps as pairs,
        _mm256_unpackhi_ps as high, _mm256_unpacklo_ps as low,
    };

    let [a, b, c, d, e, f, g, h]: [__m256; SIDE] = pulp::bytemuck::cast(square);
    let [a, b, c, d] = [low(a, b), high(a, b), low(c, d), high(c, d)];
    let [e, f, g, h] = [low(e, f), high(e, f), low(g, h), high(g, h)];
    let [a, b, c, d] =
        [pairs::<0x44>(a, c), pairs::<0xEE>(a, c), pairs::<0x44>(b, d), pairs::<0xEE>(b, d)];
    let [e, f, g, h] =
        [pairs::<0x44>(e, g), pairs::<0xEE>(e, g), pairs::<0x44>(f, h), pairs::<0xEE>(f, h)];
    pulp::bytemuck::cast([
        halves::<0x20>(a, e),
        halves::<0x20>(b, f),
        halves::<0x20>(c, g),
        halves::<0x20>(d, h),
        halves::<0x31>(a, e),
        halves::<0x31>(b, f),
        halves::<0x31>(c, g),
        halves::<0x31>(d, h),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_rows_into_columns() {
        let single: Square<f32> =
            std::array::from_fn(|i| std::array::from_fn(|k| (10 * i + k) as f32));
        let double = single.map(|row| row.map(f64::from));
        let (single, double) = (Turn::turned(single), Turn::turned(double));
        for (i, k) in (0..SIDE).flat_map(|i| (0..SIDE).map(move |k| (i, k))) {
            assert_eq!(single[k][i], (10 * i + k) as f32);
            assert_eq!(double[k][i], (10 * i + k) as f64);
        }
    }
}

//! A filter of real sequences, applied to a complex transform of half their length.
//!
//! Even and odd samples are the real and imaginary parts of `m` points z, which become Z. A filter on
//! the real sequence, with purely imaginary gain −i·g(k) at frequency k of 2m, then is
//!
//! ```text
//! Z'[k] = i·(a·sin θ − d)·Z[k] + a·cos θ·conj(Z[m − k])
//! a = (g(k) + g(m − k)) / 2,   d = (g(k) − g(m − k)) / 2,   θ = πk/m
//! ```
//!
//! and z', from Z', holds even and odd samples of the result.

use std::f64::consts::PI;

use pulp::Simd;

use super::butterfly::Pair;

/// What becomes of frequencies k and m − k.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gains<T> {
    /// (a·sin θ ∓ d) / m.
    kept: [T; 2],
    /// a·cos θ / m.
    crossed: T,
}

impl Gains<f32> {
    /// Of frequency `k`, from g at frequencies 0 to m.
    pub(super) fn of(gain: &[f64], k: usize) -> Self {
        let m = gain.len() - 1;
        let (sine, cosine) = (PI * k as f64 / m as f64).sin_cos();
        let mean = (gain[k] + gain[m - k]) / 2.0 / m as f64;
        let difference = (gain[k] - gain[m - k]) / 2.0 / m as f64;
        Self {
            kept: [mean * sine - difference, mean * sine + difference].map(|v| v as f32),
            crossed: (mean * cosine) as f32,
        }
    }

    /// Neither the mean nor the highest frequency has a quadrature.
    pub(super) const NONE: Self = Self { kept: [0.0; 2], crossed: 0.0 };
}

impl<T: Copy> Gains<T> {
    /// The same as other numbers.
    #[inline(always)]
    pub(super) fn each<U>(self, to: impl Fn(T) -> U) -> Gains<U> {
        Gains { kept: [to(self.kept[0]), to(self.kept[1])], crossed: to(self.crossed) }
    }

    /// As an array.
    pub(super) const fn numbers(self) -> [T; 3] {
        [self.kept[0], self.kept[1], self.crossed]
    }

    /// From such an array.
    #[inline(always)]
    pub(super) const fn from_numbers([first, second, crossed]: [T; 3]) -> Self {
        Self { kept: [first, second], crossed }
    }
}

impl<V: Copy> Gains<V> {
    /// Applies them to both frequencies.
    #[inline(always)]
    pub(super) fn apply<S: Simd<f32s = V>>(self, simd: S, [a, b]: [Pair<S>; 2]) -> [Pair<S>; 2] {
        let ([a_re, a_im], [b_re, b_im]) = (a, b);
        let ([p, q], c) = (self.kept, self.crossed);
        // i·p·a + c·conj(b), and i·q·b − c·conj(a): the cosine of m − k is that of k, negative.
        [
            [
                simd.negate_mul_add_e_f32s(p, a_im, simd.mul_f32s(c, b_re)),
                simd.negate_mul_add_e_f32s(c, b_im, simd.mul_f32s(p, a_re)),
            ],
            [
                simd.negate_mul_add_e_f32s(q, b_im, simd.neg_f32s(simd.mul_f32s(c, a_re))),
                simd.mul_add_e_f32s(q, b_re, simd.mul_f32s(c, a_im)),
            ],
        ]
    }
}

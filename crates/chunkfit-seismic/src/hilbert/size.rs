use pulp::{Simd, WithSimd};

/// How large the samples of a trace are.
#[derive(Clone, Copy)]
pub(super) enum Size {
    /// All are 0.
    Dead,
    /// One is NaN or infinite.
    NotFinite,
    /// Biased exponent of the largest, moved to where its inverse is a number too.
    Exponent(u32),
}

impl Size {
    /// From the bits of the largest absolute value: ordered as integers, infinity and NaN are above all
    /// numbers.
    #[inline(always)]
    pub(super) fn of(largest: u32) -> Self {
        match largest {
            0 => Self::Dead,
            largest if f32::from_bits(largest).is_finite() => {
                Self::Exponent((largest >> 23).clamp(1, 253))
            }
            _ => Self::NotFinite,
        }
    }

    /// Makes a quadrature right where there was nothing to transform.
    pub(super) fn correct(self, quadrature: &mut [f32]) {
        match self {
            Self::Exponent(_) => {}
            Self::Dead => quadrature.fill(0.0),
            Self::NotFinite => quadrature.fill(f32::NAN),
        }
    }

    /// Powers of two: one that brings the largest sample near 1, and its inverse.
    pub(super) fn scales(self) -> [f32; 2] {
        match self {
            Self::Exponent(exponent) => {
                [254 - exponent, exponent].map(|exponent| f32::from_bits(exponent << 23))
            }
            Self::Dead | Self::NotFinite => [1.0; 2],
        }
    }
}

/// Finds the size of a trace.
pub(super) struct Sizing<'a>(pub(super) &'a [f32]);

impl WithSimd for Sizing<'_> {
    type Output = Size;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Size {
        Size::of(self.0.iter().map(|value| value.abs().to_bits()).fold(0, u32::max))
    }
}

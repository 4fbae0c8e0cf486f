use std::ops::{AddAssign, Mul};

use crate::turn::Turn;

/// The type of an element: `f32` or `f64`.
pub trait Sample:
    Copy + Default + Into<f64> + AddAssign + Mul<Output = Self> + Send + Sync + Turn
{
    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;

    /// The square root, rounded to this type.
    fn sqrt(self) -> Self;
}

impl Sample for f32 {
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as Self
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.sqrt()
    }
}

impl Sample for f64 {
    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.sqrt()
    }
}

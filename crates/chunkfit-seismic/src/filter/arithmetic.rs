use pulp::Simd;
use pulp::bytemuck::Pod;

use super::Sample;
use crate::turn::{Square, Turn};

/// In which numbers, and with which roundings, the sums over elements of type `T` are formed.
pub(crate) trait Arithmetic<T>: Copy + Send + Sync {
    /// The number that sums are formed in.
    type Number: Pod + Default;
    /// One vector register of such numbers.
    type Lanes<S: Simd>: Pod;

    /// Whole registers of numbers.
    fn lanes<S: Simd>(numbers: &[Self::Number]) -> &[Self::Lanes<S>];
    fn widen(value: T) -> Self::Number;
    fn narrow(number: Self::Number) -> T;
    /// Rows as columns.
    fn turned(square: Square<T>) -> Square<T>;
    fn splat<S: Simd>(simd: S, number: f64) -> Self::Lanes<S>;
    fn add<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    fn sub<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    fn mul<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    fn div<S: Simd>(simd: S, a: Self::Lanes<S>, b: Self::Lanes<S>) -> Self::Lanes<S>;
    /// `a + sign · b` for a sign of 1 or −1, rounded once, on the units that multiply if those have
    /// less to do.
    fn join<S: Simd>(
        simd: S,
        a: Self::Lanes<S>,
        b: Self::Lanes<S>,
        sign: Self::Lanes<S>,
    ) -> Self::Lanes<S>;
    /// `a · b + sum`.
    fn mul_add<S: Simd>(
        simd: S,
        a: Self::Lanes<S>,
        b: Self::Lanes<S>,
        sum: Self::Lanes<S>,
    ) -> Self::Lanes<S>;
}

/// Sums in `f64`, every operation rounded on its own, as in SciPy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Double;

/// Sums in `f32`, fused where the processor can.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Single;

macro_rules! operations {
    ($lanes:ident, $number:ty, $splat:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $as_simd:ident) => {
        type Number = $number;
        type Lanes<S: Simd> = S::$lanes;

        #[inline(always)]
        fn lanes<S: Simd>(numbers: &[$number]) -> &[S::$lanes] {
            S::$as_simd(numbers).0
        }

        #[inline(always)]
        fn splat<S: Simd>(simd: S, number: f64) -> S::$lanes {
            simd.$splat(number as $number)
        }

        #[inline(always)]
        fn add<S: Simd>(simd: S, a: S::$lanes, b: S::$lanes) -> S::$lanes {
            simd.$add(a, b)
        }

        #[inline(always)]
        fn sub<S: Simd>(simd: S, a: S::$lanes, b: S::$lanes) -> S::$lanes {
            simd.$sub(a, b)
        }

        #[inline(always)]
        fn mul<S: Simd>(simd: S, a: S::$lanes, b: S::$lanes) -> S::$lanes {
            simd.$mul(a, b)
        }

        #[inline(always)]
        fn div<S: Simd>(simd: S, a: S::$lanes, b: S::$lanes) -> S::$lanes {
            simd.$div(a, b)
        }
    };
}

impl<T: Sample> Arithmetic<T> for Double {
    operations!(f64s, f64, splat_f64s, add_f64s, sub_f64s, mul_f64s, div_f64s, as_simd_f64s);

    #[inline(always)]
    fn widen(value: T) -> f64 {
        value.into()
    }

    #[inline(always)]
    fn narrow(number: f64) -> T {
        T::from_f64(number)
    }

    #[inline(always)]
    fn turned(square: Square<T>) -> Square<T> {
        T::turned(square)
    }

    #[inline(always)]
    fn join<S: Simd>(simd: S, a: S::f64s, b: S::f64s, sign: S::f64s) -> S::f64s {
        simd.mul_add_e_f64s(b, sign, a)
    }

    #[inline(always)]
    fn mul_add<S: Simd>(simd: S, a: S::f64s, b: S::f64s, sum: S::f64s) -> S::f64s {
        simd.add_f64s(sum, simd.mul_f64s(a, b))
    }
}

impl Arithmetic<f32> for Single {
    operations!(f32s, f32, splat_f32s, add_f32s, sub_f32s, mul_f32s, div_f32s, as_simd_f32s);

    #[inline(always)]
    fn widen(value: f32) -> f32 {
        value
    }

    #[inline(always)]
    fn narrow(number: f32) -> f32 {
        number
    }

    #[inline(always)]
    fn turned(square: Square<f32>) -> Square<f32> {
        f32::turned(square)
    }

    #[inline(always)]
    fn join<S: Simd>(simd: S, a: S::f32s, b: S::f32s, sign: S::f32s) -> S::f32s {
        simd.mul_add_e_f32s(b, sign, a)
    }

    #[inline(always)]
    fn mul_add<S: Simd>(simd: S, a: S::f32s, b: S::f32s, sum: S::f32s) -> S::f32s {
        simd.mul_add_e_f32s(a, b, sum)
    }
}

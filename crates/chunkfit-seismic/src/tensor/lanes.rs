//! Arithmetic on the lanes of a vector, as a formula reads.

use std::ops::{Add, Mul, Sub};

use pulp::Simd;

/// Lines of `f64` are worked on in whole vectors of any width: lengths are multiples of this.
pub(crate) const GROUP: usize = 8;

/// The same for lines of `f32`.
pub(crate) const NARROW_GROUP: usize = 16;

macro_rules! lanes {
    ($name:ident, $scalar:ty, $vector:ident, $mask:ident, $view:ident, $view_mut:ident,
     $splat:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $fma:ident, $sqrt:ident,
     $max:ident, $less:ident, $equal:ident, $select:ident) => {
        /// One vector of numbers.
        #[derive(Clone, Copy)]
        pub(crate) struct $name<S: Simd> {
            simd: S,
            lanes: S::$vector,
        }

        impl<S: Simd> $name<S> {
            /// The vectors of a line.
            #[inline(always)]
            pub(crate) fn view(line: &[$scalar]) -> &[S::$vector] {
                S::$view(line).0
            }

            #[inline(always)]
            pub(crate) fn view_mut(line: &mut [$scalar]) -> &mut [S::$vector] {
                S::$view_mut(line).0
            }

            #[inline(always)]
            pub(crate) fn new(simd: S, lanes: S::$vector) -> Self {
                Self { simd, lanes }
            }

            #[inline(always)]
            pub(crate) fn lanes(self) -> S::$vector {
                self.lanes
            }

            /// The same number in every lane.
            #[inline(always)]
            pub(crate) fn all(self, value: $scalar) -> Self {
                Self::new(self.simd, self.simd.$splat(value))
            }

            /// self · factor + term, rounded once where the machine can.
            #[inline(always)]
            pub(crate) fn mul_add(self, factor: Self, term: Self) -> Self {
                Self::new(self.simd, self.simd.$fma(self.lanes, factor.lanes, term.lanes))
            }

            #[inline(always)]
            pub(crate) fn over(self, divisor: Self) -> Self {
                Self::new(self.simd, self.simd.$div(self.lanes, divisor.lanes))
            }

            #[inline(always)]
            pub(crate) fn sqrt(self) -> Self {
                Self::new(self.simd, self.simd.$sqrt(self.lanes))
            }

            /// The larger; which one if a number is NaN is left open.
            #[inline(always)]
            pub(crate) fn max(self, other: Self) -> Self {
                Self::new(self.simd, self.simd.$max(self.lanes, other.lanes))
            }

            #[inline(always)]
            pub(crate) fn less_than(self, other: Self) -> S::$mask {
                self.simd.$less(self.lanes, other.lanes)
            }

            #[inline(always)]
            pub(crate) fn is_zero(self) -> S::$mask {
                self.simd.$equal(self.lanes, self.all(0.0).lanes)
            }

            /// `self` where `mask` holds, else `other`.
            #[inline(always)]
            pub(crate) fn where_or(self, mask: S::$mask, other: Self) -> Self {
                Self::new(self.simd, self.simd.$select(mask, self.lanes, other.lanes))
            }

            /// Σ coefficients[n] · self^n.
            #[inline(always)]
            pub(crate) fn polynomial<const N: usize>(self, coefficients: [$scalar; N]) -> Self {
                let mut sum = self.all(coefficients[N - 1]);
                for n in (0..N - 1).rev() {
                    sum = sum.mul_add(self, self.all(coefficients[n]));
                }
                sum
            }
        }

        impl<S: Simd> Add for $name<S> {
            type Output = Self;
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                Self::new(self.simd, self.simd.$add(self.lanes, other.lanes))
            }
        }

        impl<S: Simd> Sub for $name<S> {
            type Output = Self;
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                Self::new(self.simd, self.simd.$sub(self.lanes, other.lanes))
            }
        }

        impl<S: Simd> Mul for $name<S> {
            type Output = Self;
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                Self::new(self.simd, self.simd.$mul(self.lanes, other.lanes))
            }
        }

        impl<S: Simd> Mul<$scalar> for $name<S> {
            type Output = Self;
            #[inline(always)]
            fn mul(self, factor: $scalar) -> Self {
                self * self.all(factor)
            }
        }
    };
}

lanes!(
    Wide,
    f64,
    f64s,
    m64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    splat_f64s,
    add_f64s,
    sub_f64s,
    mul_f64s,
    div_f64s,
    mul_add_e_f64s,
    sqrt_f64s,
    max_f64s,
    less_than_f64s,
    equal_f64s,
    select_f64s
);
lanes!(
    Narrow,
    f32,
    f32s,
    m32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    splat_f32s,
    add_f32s,
    sub_f32s,
    mul_f32s,
    div_f32s,
    mul_add_e_f32s,
    sqrt_f32s,
    max_f32s,
    less_than_f32s,
    equal_f32s,
    select_f32s
);

impl<S: Simd> Narrow<S> {
    /// The smaller; which one if a number is NaN is left open.
    #[inline(always)]
    pub(crate) fn min(self, other: Self) -> Self {
        Self::new(self.simd, self.simd.min_f32s(self.lanes, other.lanes))
    }
}

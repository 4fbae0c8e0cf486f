//! Where numbers lie while sums are formed, and what goes there and back.

use super::arithmetic::Arithmetic;
use super::kernel::ROWS;

/// Registers full of lines that are packed at a time, so few that they stay in the first cache.
pub(super) const STRIPS: usize = 4;

/// Numbers in the widest register: `f32` in AVX-512.
pub(super) const MOST_LANES: usize = 16;

/// Outputs along contiguous lines that are formed before they are stored.
pub(crate) const RUN: usize = 512;

/// Numbers in columns, one column for each register full of lines, for [`across`](super::pass::across) to
/// form `outputs` rows with a kernel that sees `span` rows besides.
pub(crate) const fn across(outputs: usize, span: usize) -> usize {
    STRIPS * MOST_LANES * (outputs.next_multiple_of(ROWS) + span)
}

/// Numbers in a column for [`along`](super::pass::along) to form `outputs` of each line.
pub(crate) const fn along(outputs: usize, span: usize) -> usize {
    let run = if outputs < RUN { outputs.next_multiple_of(ROWS) } else { RUN };
    MOST_LANES * (run + span)
}

/// Eight at a time, so that the compiler sees registers full of them.
#[inline(always)]
pub(super) fn widen<T: Copy, A: Arithmetic<T>>(values: &[T], numbers: &mut [A::Number]) {
    let (eights, rest) = values.as_chunks::<8>();
    let (number_eights, number_rest) = numbers[..values.len()].as_chunks_mut::<8>();
    for (numbers, values) in number_eights.iter_mut().zip(eights) {
        *numbers = values.map(A::widen);
    }
    for (number, value) in number_rest.iter_mut().zip(rest) {
        *number = A::widen(*value);
    }
}

#[inline(always)]
pub(super) fn narrow<T, A: Arithmetic<T>>(numbers: &[A::Number], values: &mut [T]) {
    let (number_fours, number_rest) = numbers[..values.len()].as_chunks::<4>();
    let (fours, rest) = values.as_chunks_mut::<4>();
    for (values, n) in fours.iter_mut().zip(number_fours) {
        *values = [A::narrow(n[0]), A::narrow(n[1]), A::narrow(n[2]), A::narrow(n[3])];
    }
    for (value, number) in rest.iter_mut().zip(number_rest) {
        *value = A::narrow(*number);
    }
}

/// Asks for `n` elements to be in the second cache soon.
#[inline(always)]
pub(super) fn prefetch<T>(start: *const T, n: usize) {
    #[cfg(target_arch = "x86_64")]
    for element in (0..n).step_by(64 / size_of::<T>()) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        #[expect(unsafe_code, reason = "advice about memory has no safe form")]
        // SAFETY: a hint reads nothing that the program could see, wherever it points.
        unsafe {
            _mm_prefetch::<_MM_HINT_T1>(start.wrapping_add(element).cast());
        }
    }
}

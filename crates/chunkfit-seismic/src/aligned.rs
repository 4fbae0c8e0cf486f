use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest vector.
const CACHE_LINE: usize = 64;

/// A line of numbers that begins with a cache line, so that no vector of it lies in two.
#[derive(Debug)]
pub(crate) struct Aligned<T> {
    values: Vec<T>,
    skip: usize,
    length: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// As many zeros.
    pub(crate) fn zeros(length: usize) -> Self {
        let spare = CACHE_LINE / size_of::<T>();
        let values = vec![T::default(); length + spare];
        let skip = values.as_ptr().align_offset(CACHE_LINE).min(spare);
        Self { values, skip, length }
    }

    /// Heap bytes of [`zeros`](Self::zeros).
    pub(crate) const fn bytes(length: usize) -> usize {
        length * size_of::<T>() + CACHE_LINE
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.values[self.skip..self.skip + self.length]
    }
}

impl<T> DerefMut for Aligned<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[self.skip..self.skip + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_at_a_cache_line() {
        for length in [0, 1, 7, 1000] {
            let line = Aligned::<f32>::zeros(length);
            assert_eq!(line.len(), length);
            assert_eq!(line.as_ptr().addr() % CACHE_LINE, 0);
        }
    }
}

use std::marker::PhantomData;
use std::ops::DerefMut;

use crate::edge::reflect;

/// The last few lines (or planes) of a sweep along one axis, enough for a window around each
/// position: what a filter along that axis needs, without a copy of the axis.
///
/// Positions are moved forwards only; lines outside the axis are reflected.
pub(crate) struct Ring<T, V = Vec<T>> {
    /// Line `position` is in slot `position % slots`.
    lines: V,
    element: PhantomData<T>,
    length: usize,
    slots: usize,
    extent: usize,
    half: usize,
    next: usize,
}

/// Lines held for a window that looks `half` lines to both sides on an axis of `extent`.
pub(crate) fn slots(half: usize, extent: usize) -> usize {
    (2 * half + 1).min(extent)
}

impl<T: Copy + Default> Ring<T> {
    /// Room for a window over an axis of `extent` lines of `length` each.
    pub(crate) fn new(half: usize, extent: usize, length: usize) -> Self {
        Self::over(half, extent, length, vec![T::default(); slots(half, extent) * length])
    }
}

impl<T, V: DerefMut<Target = [T]>> Ring<T, V> {
    /// The same with `lines` for room: [`slots`] times `length` elements.
    pub(crate) fn over(half: usize, extent: usize, length: usize, lines: V) -> Self {
        let slots = slots(half, extent);
        Self { lines, element: PhantomData, length, slots, extent, half, next: 0 }
    }

    /// Begins a sweep whose first position is `centre`.
    pub(crate) fn restart(&mut self, centre: usize) {
        self.next = centre.saturating_sub(self.half);
    }

    /// The same over an axis of `extent` lines of `length`, for which there must be room.
    pub(crate) fn restart_over(&mut self, centre: usize, extent: usize, length: usize) {
        self.extent = extent;
        self.length = length;
        self.restart(centre);
    }

    /// The next line to fill, and its position, until the window around `centre` is complete.
    ///
    /// An iterator with a closure would be outlined, and lose the vector instructions of its caller.
    pub(crate) fn next_missing(&mut self, centre: usize) -> Option<(usize, &mut [T])> {
        let position = self.next;
        if position > (centre + self.half).min(self.extent - 1) {
            return None;
        }
        self.next += 1;
        let start = position % self.slots * self.length;
        Some((position, &mut self.lines[start..start + self.length]))
    }

    /// The line `by` steps away from `centre`.
    pub(crate) fn line(&self, centre: usize, by: isize) -> &[T] {
        let position = reflect(centre as isize + by, self.extent);
        let start = position % self.slots * self.length;
        &self.lines[start..start + self.length]
    }

    /// All lines, each in its slot.
    pub(crate) fn slots(&self) -> &[T] {
        &self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_a_reflected_axis_however_short() {
        for (extent, half) in [(1, 0), (1, 3), (2, 1), (3, 5), (9, 2), (9, 0)] {
            for first in 0..extent {
                let mut ring = Ring::new(half, extent, 3);
                ring.restart_over(first, extent, 2);
                for centre in first..extent {
                    while let Some((position, line)) = ring.next_missing(centre) {
                        line.copy_from_slice(&[7, position]);
                    }
                    for by in -(half as isize)..=half as isize {
                        let expected = reflect(centre as isize + by, extent);
                        assert_eq!(
                            ring.line(centre, by),
                            [7, expected],
                            "{extent} {half} {centre}"
                        );
                    }
                }
            }
        }
    }
}

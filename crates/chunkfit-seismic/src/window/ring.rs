use crate::edge::reflect;

/// The last few lines (or planes) of a sweep along one axis, enough for a window around each
/// position: what a filter along that axis needs, without a copy of the axis.
///
/// Positions are moved forwards only; lines outside the axis are reflected.
pub(crate) struct Ring<T> {
    /// Line `position` is in slot `position % slots`.
    lines: Vec<T>,
    length: usize,
    slots: usize,
    extent: usize,
    half: usize,
    next: usize,
}

/// Lines held by a window that looks `half` lines to both sides on an axis of `extent`.
pub(crate) fn slots(half: usize, extent: usize) -> usize {
    (2 * half + 1).min(extent)
}

impl<T: Copy + Default> Ring<T> {
    /// A window over an axis of `extent` lines of `length` each.
    pub(crate) fn new(half: usize, extent: usize, length: usize) -> Self {
        let slots = slots(half, extent);
        Self { lines: vec![T::default(); slots * length], length, slots, extent, half, next: 0 }
    }

    /// Begins a sweep whose first position is `centre`.
    pub(crate) fn restart(&mut self, centre: usize) {
        self.next = centre.saturating_sub(self.half);
    }

    /// Moves on to `centre`, filling the lines that come into the window.
    pub(crate) fn advance(&mut self, centre: usize, mut fill: impl FnMut(usize, &mut [T])) {
        while self.next <= (centre + self.half).min(self.extent - 1) {
            let start = self.next % self.slots * self.length;
            fill(self.next, &mut self.lines[start..start + self.length]);
            self.next += 1;
        }
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
                let mut ring = Ring::new(half, extent, 2);
                ring.restart(first);
                for centre in first..extent {
                    ring.advance(centre, |position, line| line.copy_from_slice(&[7, position]));
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

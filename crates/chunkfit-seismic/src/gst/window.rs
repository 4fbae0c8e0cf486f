use std::ops::Range;

use crate::edge::reflect;

/// The last few lines (or planes) of a sweep along one axis, enough for a window around each
/// position: what a filter along that axis needs, without a copy of the axis.
///
/// Positions are moved forwards only; lines outside the axis are reflected.
pub(super) struct Window {
    /// Line `position` is in slot `position % slots`.
    lines: Vec<f64>,
    length: usize,
    slots: usize,
    extent: usize,
    half: usize,
    next: usize,
}

/// Lines held by a window that looks `half` lines to both sides on an axis of `extent`.
pub(super) fn slots(half: usize, extent: usize) -> usize {
    (2 * half + 1).min(extent)
}

impl Window {
    /// A window over an axis of `extent` lines of `length` each.
    pub(super) fn new(half: usize, extent: usize, length: usize) -> Self {
        let slots = slots(half, extent);
        Self { lines: vec![0.0; slots * length], length, slots, extent, half, next: 0 }
    }

    /// Begins a sweep whose first position is `centre`.
    pub(super) fn restart(&mut self, centre: usize) {
        self.next = centre.saturating_sub(self.half);
    }

    /// Moves on to `centre`, filling the lines that come into the window.
    pub(super) fn advance(&mut self, centre: usize, mut fill: impl FnMut(usize, &mut [f64])) {
        while self.next <= (centre + self.half).min(self.extent - 1) {
            let start = self.next % self.slots * self.length;
            fill(self.next, &mut self.lines[start..start + self.length]);
            self.next += 1;
        }
    }

    /// The line `by` steps away from `centre`.
    pub(super) fn line(&self, centre: usize, by: isize) -> &[f64] {
        let position = reflect(centre as isize + by, self.extent);
        let start = position % self.slots * self.length;
        &self.lines[start..start + self.length]
    }

    /// The sum over the window around `centre` of the same part of every line.
    ///
    /// A direct sum, always in the same order: a running sum would depend on where the sweep began,
    /// and carry a NaN along.
    pub(super) fn sum(&self, centre: usize, part: Range<usize>, out: &mut [f64]) {
        let half = self.half as isize;
        out.copy_from_slice(&self.line(centre, -half)[part.clone()]);
        for by in 1 - half..=half {
            let line = &self.line(centre, by)[part.clone()];
            out.iter_mut().zip(line).for_each(|(sum, value)| *sum += value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_a_reflected_axis_however_short() {
        for (extent, half) in [(1, 0), (1, 3), (2, 1), (3, 5), (9, 2), (9, 0)] {
            for first in 0..extent {
                let mut window = Window::new(half, extent, 2);
                window.restart(first);
                for centre in first..extent {
                    window.advance(centre, |position, line| {
                        line.copy_from_slice(&[1.0, (position * position) as f64]);
                    });
                    let mut sum = [0.0];
                    window.sum(centre, 1..2, &mut sum);
                    let expected: usize = (-(half as isize)..=half as isize)
                        .map(|by| reflect(centre as isize + by, extent).pow(2))
                        .sum();
                    assert_eq!(sum, [expected as f64], "{extent} {half} {first} {centre}");
                }
            }
        }
    }
}

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
    /// A window over an axis of `extent` lines of up to `longest` elements each.
    pub(super) fn new(half: usize, extent: usize, longest: usize) -> Self {
        let slots = slots(half, extent);
        let lines = vec![0.0; slots * longest];
        Self { lines, length: longest, slots, extent, half, next: 0 }
    }

    /// Begins a sweep over an axis of `extent` lines of `length` whose first position is `centre`.
    ///
    /// Neither the lines nor the slots may be more than the window has room for.
    pub(super) fn restart(&mut self, centre: usize, extent: usize, length: usize) {
        self.next = centre.saturating_sub(self.half);
        self.extent = extent;
        self.length = length;
    }

    /// The next line to fill, and its position, until the window around `centre` is complete.
    ///
    /// An iterator with a closure would be outlined, and lose the vector instructions of its caller.
    pub(super) fn next_missing(&mut self, centre: usize) -> Option<(usize, &mut [f64])> {
        let position = self.next;
        if position > (centre + self.half).min(self.extent - 1) {
            return None;
        }
        self.next += 1;
        let start = position % self.slots * self.length;
        Some((position, &mut self.lines[start..start + self.length]))
    }

    /// The line `by` steps away from `centre`.
    pub(super) fn line(&self, centre: usize, by: isize) -> &[f64] {
        let position = centre as isize + by;
        let within = position >= 0 && position < self.extent as isize;
        let position = if within { position as usize } else { reflect(position, self.extent) };
        let start = position % self.slots * self.length;
        &self.lines[start..start + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflects_an_axis_however_short() {
        for (extent, half) in [(1, 0), (1, 3), (2, 1), (3, 5), (9, 2), (9, 0)] {
            for first in 0..extent {
                let mut window = Window::new(half, extent, 3);
                window.restart(first, extent, 2);
                for centre in first..extent {
                    while let Some((position, line)) = window.next_missing(centre) {
                        line.fill(position as f64);
                    }
                    for by in -(half as isize)..=half as isize {
                        let expected = reflect(centre as isize + by, extent) as f64;
                        assert_eq!(window.line(centre, by), [expected; 2]);
                    }
                }
            }
        }
    }
}

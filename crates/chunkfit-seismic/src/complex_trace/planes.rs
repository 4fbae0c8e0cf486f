use crate::edge::reflect;

/// Inlines that a slope looks at.
const WINDOW: usize = 3;

/// The last three inlines of a quantity; empty where it is not wanted.
pub(super) struct Planes {
    n_inlines: usize,
    n_crosslines: usize,
    n_samples: usize,
    values: Vec<f32>,
}

impl Planes {
    /// Planes for a block of `[n_inlines, n_crosslines, n_samples]`, if they are `wanted`.
    pub(super) fn new([n_inlines, n_crosslines, n_samples]: [usize; 3], wanted: bool) -> Self {
        let length = if wanted { Self::length([n_inlines, n_crosslines, n_samples]) } else { 0 };
        Self { n_inlines, n_crosslines, n_samples, values: vec![0.0; length] }
    }

    /// Floats that planes for such a block hold.
    pub(super) fn length([n_inlines, n_crosslines, n_samples]: [usize; 3]) -> usize {
        n_inlines.min(WINDOW) * n_crosslines * n_samples
    }

    fn start(&self, [i, x]: [usize; 2]) -> usize {
        (i % self.n_inlines.min(WINDOW) * self.n_crosslines + x) * self.n_samples
    }

    /// The row of a trace, or nothing where planes are not wanted.
    pub(super) fn row(&self, at: [usize; 2]) -> &[f32] {
        let start = self.start(at);
        self.values.get(start..start + self.n_samples).unwrap_or_default()
    }

    /// The row of a trace to write, if planes are wanted.
    pub(super) fn row_mut(&mut self, at: [usize; 2]) -> Option<&mut [f32]> {
        let start = self.start(at);
        self.values.get_mut(start..start + self.n_samples)
    }

    /// The rows around a trace by inline and crossline, reflecting at the faces of the block.
    pub(super) fn around(&self, [i, x]: [usize; 2]) -> [[&[f32]; 3]; 3] {
        let near = |at: usize, n: usize| [-1, 0, 1].map(|by| reflect(at as isize + by, n));
        let crosslines = near(x, self.n_crosslines);
        near(i, self.n_inlines).map(|i| crosslines.map(|x| self.row([i, x])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_three_inlines_are_there() {
        let mut planes = Planes::new([5, 2, 1], true);
        for i in 0..4 {
            for x in 0..2 {
                planes.row_mut([i, x]).unwrap()[0] = (10 * i + x) as f32;
            }
        }
        let seen = planes.around([2, 0]).map(|rows| rows.map(|row| row[0]));
        assert_eq!(seen, [[10.0, 10.0, 11.0], [20.0, 20.0, 21.0], [30.0, 30.0, 31.0]]);
        let mut unwanted = Planes::new([5, 2, 1], false);
        assert!(unwanted.row_mut([1, 1]).is_none() && unwanted.row([1, 1]).is_empty());
    }
}

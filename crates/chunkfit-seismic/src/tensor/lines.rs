use super::lanes::NARROW_GROUP;
use crate::aligned::Aligned;

/// The tensors of a line of voxels, and room to work on them.
pub(crate) struct Lines {
    /// Sums of the products ii, ix, is, xx, xs, ss, one line each, and further lines. Any factor of the
    /// sums cancels.
    wide: Aligned<f64>,
    narrow: Aligned<f32>,
    /// Voxels of the line, a multiple of [`NARROW_GROUP`].
    length: usize,
    /// Elements from one wide line to the next.
    stride: usize,
}

impl Lines {
    /// Room for lines of up to `length` voxels that lie up to `stride` apart, and for so many lines of
    /// `f64` and of `f32` beside the sums.
    pub(super) fn new(length: usize, stride: usize, [wide, narrow]: [usize; 2]) -> Self {
        debug_assert!(length.is_multiple_of(NARROW_GROUP) && length <= stride);
        let (wide, narrow) = (Aligned::zeros((6 + wide) * stride), Aligned::zeros(narrow * length));
        Self { wide, narrow, length, stride }
    }

    /// Heap bytes of [`new`](Self::new).
    pub(super) const fn bytes(length: usize, stride: usize, [wide, narrow]: [usize; 2]) -> usize {
        Aligned::<f64>::bytes((6 + wide) * stride) + Aligned::<f32>::bytes(narrow * length)
    }

    /// Goes over to lines of `length` that lie `stride` apart.
    pub(super) fn restart(&mut self, length: usize, stride: usize) {
        self.length = length;
        self.stride = stride;
    }

    /// The line of one of the sums.
    #[inline(always)]
    pub(super) fn sum_mut(&mut self, product: usize) -> &mut [f64] {
        &mut self.wide[product * self.stride..][..self.length]
    }

    /// The sums, and further lines.
    #[inline(always)]
    pub(crate) fn wide<const ROOM: usize>(&mut self) -> ([&mut [f64]; 6], [&mut [f64]; ROOM]) {
        let (sums, room) = self.wide.split_at_mut(6 * self.stride);
        (cut(sums, self.stride, self.length), cut(room, self.stride, self.length))
    }

    /// Wide lines by their numbers, in single precision.
    #[inline(always)]
    pub(crate) fn narrow<const N: usize>(&mut self, lines: [usize; N]) -> [&mut [f32]; N] {
        let narrow = cut(&mut self.narrow, self.length, self.length);
        for n in 0..N {
            let wide = &self.wide[lines[n] * self.stride..][..self.length];
            for k in 0..wide.len() {
                narrow[n][k] = wide[k] as f32;
            }
        }
        narrow
    }
}

/// The beginnings of lines that lie `stride` apart.
#[inline(always)]
fn cut<T, const N: usize>(lines: &mut [T], stride: usize, length: usize) -> [&mut [T]; N] {
    let mut parts = [(); N].map(|()| &mut [][..]);
    for (part, line) in parts.iter_mut().zip(lines.chunks_exact_mut(stride)) {
        *part = &mut line[..length];
    }
    parts
}

#[cfg(test)]
pub(crate) mod testing {
    use super::super::Solver;
    use super::*;
    use crate::testing::every_arch;
    use pulp::{Simd, WithSimd};

    struct Solve<'a, Q, const N: usize>(&'a Q, [f64; 6]);

    impl<Q: Solver, const N: usize> WithSimd for Solve<'_, Q, N> {
        type Output = [f32; N];

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> [f32; N] {
            let Self(solver, sums) = self;
            let (length, stride) = (NARROW_GROUP, 2 * NARROW_GROUP);
            let mut lines = Lines::new(length, stride, Q::ROOM);
            sums.into_iter().enumerate().for_each(|(n, sum)| lines.sum_mut(n).fill(sum));
            solver.solve(simd, &mut lines);
            std::array::from_fn(|number| {
                let line = solver.output(simd, number, &mut lines);
                assert!(line.iter().all(|v| v.to_bits() == line[0].to_bits()), "lanes differ");
                line[0]
            })
        }
    }

    /// What a solver makes of sums, with every instruction set there is.
    pub(crate) fn solve<Q: Solver, const N: usize>(solver: Q, sums: [f64; 6]) -> Vec<[f32; N]> {
        every_arch().into_iter().map(|arch| arch.dispatch(Solve(&solver, sums))).collect()
    }
}

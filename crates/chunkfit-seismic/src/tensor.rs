//! The structure tensor of the gradient, averaged over a window, and what its eigenvalues tell.

mod eigen;

use pulp::Arch;

use crate::gradient::Gradient;
use crate::window::{Kernel, Line, Pair, Part, Rows, Traces, parts, sum};
pub(crate) use eigen::EigenLine;

/// The products of the gradient: ii, ix, is, xx, xs, ss.
const PRODUCTS: [(usize, usize); 6] = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];

/// Sums over a window of products of gradient components, and what `quantities` make of the
/// eigenvalues, an output each.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tensor<Q> {
    half: [usize; 3],
    quantities: Vec<Q>,
}

/// Something that the eigenvalues tell.
pub(crate) trait Quantity: Copy {
    /// Writes its values for a part of a line.
    fn write(self, eigen: &EigenLine, out: &mut [f32]);
}

impl<Q: Quantity> Tensor<Q> {
    /// The tensor over windows of `half` voxels on each side, and what to tell of it.
    pub(crate) fn new(half: [usize; 3], quantities: Vec<Q>) -> Self {
        Self { half, quantities }
    }

    /// What it tells.
    pub(crate) fn quantities(&self) -> &[Q] {
        &self.quantities
    }

    /// The gradient, and then the tensor.
    pub(crate) fn of_gradient(&self) -> Pair<'_, Gradient, Self> {
        Pair { first: &Gradient, second: self, n_between: 3, n_groups: 1 }
    }
}

impl<Q: Quantity> Kernel for Tensor<Q> {
    type Input = f64;
    type Value = f64;
    type Output = f32;

    fn half(&self) -> [usize; 3] {
        self.half
    }

    fn channels(&self) -> [usize; 2] {
        [6, 6]
    }

    fn across_inlines(&self, traces: &Traces<'_, f64>, row: &mut [f64]) {
        let n = row.len() / 6;
        Arch::new().dispatch(
            #[inline(always)]
            move || {
                // Moved, so that this is called once, with the instructions of the processor.
                let row = row;
                for ((a, b), out) in PRODUCTS.into_iter().zip(row.chunks_exact_mut(n)) {
                    parts(
                        out,
                        #[inline(always)]
                        |at, out| {
                            out.fill(0.0);
                            for by in -(self.half[0] as isize)..=self.half[0] as isize {
                                let first = Part::of(traces.channel(a, by), at.clone());
                                let second = Part::of(traces.channel(b, by), at.clone());
                                for ((sum, a), b) in
                                    out.iter_mut().zip(first.values()).zip(second.values())
                                {
                                    *sum += a * b;
                                }
                            }
                        },
                    );
                }
            },
        );
    }

    fn across_crosslines(&self, rows: &Rows<'_, f64>, line: &mut Line<'_, f64>) {
        for channel in 0..6 {
            let tap = |by| rows.tap(channel, by).into();
            sum(self.half[1], tap, |product| product, line.fill(channel));
        }
    }

    fn along_samples(&self, line: &Line<'_, f64>, _: &mut [f64], outputs: &mut [f32]) {
        let n = outputs.len() / self.quantities.len();
        let half = self.half[2] as isize;
        Arch::new().dispatch(
            #[inline(always)]
            move || {
                let outputs = outputs;
                let mut eigen = EigenLine::default();
                for start in (0..n).step_by(eigen::LENGTH) {
                    let at = start..n.min(start + eigen::LENGTH);
                    let mut sums = [[0.0; eigen::LENGTH]; 6];
                    for (channel, sums) in sums.iter_mut().enumerate() {
                        for by in -half..=half {
                            let line = &line.tap(channel, by)[at.clone()];
                            sums.iter_mut().zip(line).for_each(|(sum, value)| *sum += value);
                        }
                    }
                    eigen.solve(&sums);
                    for (quantity, out) in self.quantities.iter().zip(outputs.chunks_exact_mut(n)) {
                        quantity.write(&eigen, &mut out[at.clone()]);
                    }
                }
            },
        );
    }
}

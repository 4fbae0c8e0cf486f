use super::pass::{Weights, convolve};
use super::{Kernel, Line, Rows, Traces};

/// A correlation along each axis, inline first; each sums in `f64` and rounds to `f32`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Steps(pub(crate) [Weights; 3]);

impl Kernel for Steps {
    type Input = f32;
    type Value = f32;
    type Output = f32;

    fn half(&self) -> [usize; 3] {
        self.0.each_ref().map(Weights::radius)
    }

    fn channels(&self) -> [usize; 2] {
        [1, 1]
    }

    fn across_inlines(&self, traces: &Traces<'_, f32>, row: &mut [f32]) {
        convolve(&self.0[0], |by| traces.tap(by), row);
    }

    fn across_crosslines(&self, rows: &Rows<'_, f32>, line: &mut Line<'_, f32>) {
        convolve(&self.0[1], |by| rows.tap(0, by).into(), line.fill(0));
    }

    fn along_samples(&self, line: &Line<'_, f32>, _: &mut [f32], outputs: &mut [f32]) {
        convolve(&self.0[2], |by| line.tap(0, by).into(), outputs);
    }
}

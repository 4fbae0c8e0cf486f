use super::pass::{Weights, convolve};
use super::{Kernel, Line, Rows, Traces};
use crate::filter::Sample;

/// A correlation along each axis, inline first; each sums in `f64` and rounds to the type of the elements.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Steps(pub(crate) [Weights; 3]);

impl<T: Sample> Kernel<T> for Steps {
    type Value = T;
    type Output = T;

    fn half(&self) -> [usize; 3] {
        self.0.each_ref().map(Weights::radius)
    }

    fn channels(&self) -> [usize; 2] {
        [1, 1]
    }

    fn across_inlines(&self, traces: &Traces<'_, T>, row: &mut [T]) {
        convolve(&self.0[0], |by| traces.tap(by), row);
    }

    fn across_crosslines(&self, rows: &Rows<'_, T>, line: &mut Line<'_, T>) {
        convolve(&self.0[1], |by| rows.tap(0, by).into(), line.fill(0));
    }

    fn along_samples(&self, line: &Line<'_, T>, _: &mut [T], outputs: &mut [T]) {
        convolve(&self.0[2], |by| line.tap(0, by).into(), outputs);
    }
}

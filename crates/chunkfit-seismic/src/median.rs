mod network;

use std::borrow::Cow;

use chunkfit_core::{ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};

use crate::catalog::{Parameter, Recipe};
use crate::error::ParameterError;
use crate::parse::per_axis;
use crate::window::{self, Kernel, Line, Rows, Traces, Window};
use network::{Network, PART};

static OUTPUTS: [OutputSpec; 1] = [OutputSpec {
    name: Cow::Borrowed("median"),
    unit: None,
    description: Cow::Borrowed("median of the input over a window"),
}];

pub(crate) const RECIPE: Recipe = Recipe {
    name: "median",
    summary: "Median over a window",
    parameters: &[Parameter {
        name: "window",
        default: "3",
        unit: "voxels",
        meaning: "odd window of at most 1331 voxels; 3x3x9 for inline, crossline and sample apart",
    }],
    outputs: || OUTPUTS.to_vec(),
    reference: "scipy.ndimage.median_filter, SciPy 1.17.1",
    build: |values| {
        let window = values.get("window", window::EXPECTED, per_axis::read)?;
        values.checked(Median::new(window))
    },
};

/// Voxels of the largest window.
const LARGEST: usize = 1331;

/// Median over a window, in the unit of the input; output `median`.
///
/// One of the values of the window, as `scipy.ndimage.median_filter` of SciPy 1.17.1 with mode
/// `reflect`; but NaN where the window holds a NaN.
///
/// Sorted columns are shared: those along inlines between neighbouring crosslines, those of a slice
/// between neighbouring samples. Values are compared as integers in networks without branches, many
/// samples at a time.
///
/// **Halo.** window/2, rounded down, along each axis.
///
/// **Memory.** With window (a, b, c), a block of (_, x, k), a core of (i, _, n) and p = n + c − 1,
/// [`workspace`](Operator::workspace) is 4·(min(b, x)·a·min(p, k) + a·b·p + 64·a·b·c + n) bytes; where
/// inlines are many, i ≥ max(40, 4·a), not less than
/// 4·(2048·(min(b, x)·a + a·b + 2) + 64·a·b·c + a − 1).
///
/// **Reference.** Batcher (1968), Sorting networks and their applications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Median {
    window: Window,
    /// Sorts the values along inlines.
    columns: Network,
    /// Sorts a slice across the samples, made of columns.
    slices: Network,
    /// Finds the median of several slices.
    middle: Network,
}

impl Median {
    /// The median over `window` voxels along inline, crossline and sample.
    ///
    /// # Errors
    ///
    /// When an extent is not an odd number, or the window holds more than 1331 voxels.
    pub fn new(window: [usize; 3]) -> Result<Self, ParameterError> {
        let window = Window::new(window)?;
        let (voxels, largest) = (window.voxels(), LARGEST);
        if voxels > largest {
            return Err(ParameterError::WindowVoxels { voxels, largest });
        }
        let copies = |of: &Network, count: usize| {
            let n = of.order().len();
            let list = |first: usize| of.order().iter().map(|wire| first + wire).collect();
            (0..count).map(|number| list(number * n)).collect::<Vec<Vec<_>>>()
        };
        let columns = Network::merging((0..window.extents()[0]).map(|wire| vec![wire]).collect());
        let slices = Network::merging(copies(&columns, window.extents()[1]));
        let middle = Network::merging(copies(&slices, window.extents()[2])).only(voxels / 2);
        Ok(Self { window, columns, slices, middle })
    }

    /// The window in voxels along inline, crossline and sample.
    #[must_use]
    pub const fn window(&self) -> [usize; 3] {
        self.window.extents()
    }
}

/// What is not a number comes last.
const NAN: i32 = i32::MAX;

/// An integer that is ordered as the number.
fn key(value: f32) -> i32 {
    let bits = value.to_bits() as i32;
    let key = bits ^ ((bits >> 31) as u32 >> 1) as i32;
    if value.is_nan() { NAN } else { key }
}

/// The number with this key.
fn value(key: i32) -> f32 {
    f32::from_bits((key ^ ((key >> 31) as u32 >> 1) as i32) as u32)
}

/// Steps on each side, from the first to the last.
fn steps(half: usize) -> impl Iterator<Item = isize> {
    -(half as isize)..=half as isize
}

impl Kernel for Median {
    type Value = i32;
    type Output = f32;

    fn half(&self) -> [usize; 3] {
        self.window.half()
    }

    fn channels(&self) -> [usize; 2] {
        [self.window()[0], self.window()[0] * self.window()[1]]
    }

    fn scratch(&self, _samples: usize) -> usize {
        PART * self.window.voxels()
    }

    fn across_inlines(&self, traces: &Traces<'_, f32>, row: &mut [i32]) {
        let n = row.len() / self.window()[0];
        for (by, channel) in steps(self.half()[0]).zip(row.chunks_exact_mut(n)) {
            let trace = traces.tap(by);
            channel.iter_mut().zip(trace).for_each(|(out, value)| *out = key(*value));
        }
        self.columns.run(row, n, 0..n);
    }

    fn across_crosslines(&self, rows: &Rows<'_, i32>, line: &mut Line<'_, i32>) {
        let n_channels = self.window()[0];
        for (number, by) in steps(self.half()[1]).enumerate() {
            for channel in 0..n_channels {
                let row = rows.tap(channel, by);
                let line = line.fill(number * n_channels + channel);
                line.iter_mut().zip(row).for_each(|(line, row)| *line = *row);
            }
        }
        let (values, stride, known) = line.fill_all();
        self.slices.run(values, stride, known);
    }

    fn along_samples(&self, line: &Line<'_, i32>, wires: &mut [i32], outputs: &mut [f32]) {
        let n_channels = self.window()[0] * self.window()[1];
        let largest = self.slices.order()[n_channels - 1];
        for (part, out) in outputs.chunks_mut(PART).enumerate() {
            let at = part * PART..part * PART + out.len();
            let mut filled = wires.chunks_exact_mut(PART);
            for by in steps(self.half()[2]) {
                for (channel, wire) in (0..n_channels).zip(&mut filled) {
                    wire[..out.len()].copy_from_slice(&line.tap(channel, by)[at.clone()]);
                }
            }
            self.middle.run(wires, PART, 0..out.len());
            let middle = &wires[self.middle.order()[0] * PART..];
            out.iter_mut().zip(middle).for_each(|(out, key)| *out = value(*key));
            for by in steps(self.half()[2]) {
                let last = &line.tap(largest, by)[at.clone()];
                for (out, &last) in out.iter_mut().zip(last) {
                    *out = if last == NAN { f32::NAN } else { *out };
                }
            }
        }
    }
}

impl Operator for Median {
    fn name(&self) -> String {
        format!("median:window={}", per_axis::write(&self.window()))
    }

    fn outputs(&self) -> &[OutputSpec] {
        &OUTPUTS
    }

    fn halo(&self) -> Halo {
        window::halo(self)
    }

    fn workspace(&self, block: Shape, core: Shape) -> ByteSize {
        window::workspace(self, 1, block, core)
    }

    fn apply(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        window::apply(self, block, at, outputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_as_numbers() {
        let values =
            [f32::NEG_INFINITY, -1e30, -1.0, -1e-45, -0.0, 0.0, 1e-45, 1.0, 1e30, f32::INFINITY];
        assert!(values.map(key).is_sorted());
        assert!(values.iter().all(|v| value(key(*v)).to_bits() == v.to_bits()));
        for nan in [f32::NAN, -f32::NAN] {
            assert!(key(nan) > key(f32::INFINITY) && value(key(nan)).is_nan());
        }
    }
}

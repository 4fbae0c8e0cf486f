//! Filters over boxes of voxels, window by window.

use chunkfit_core::{Axis, OperatorError, Placement};
use ndarray::{Array3, ArrayView3, Axis as ArrayAxis, Zip};

use super::filter::{bell, correlate};
use super::{Tally, Verifiable};
use crate::{
    Derivative, GradientMagnitude, Mean, Median, ReflectionIntensity, Rescale, Rms, Semblance,
    TimeGain,
};

/// Half a unit in the last place of `f32`, relative.
const ROUNDING: f64 = 6.0e-8;
/// Three passes that round, relative to the largest amplitude.
const PASSES: f64 = 2.5e-7;
/// The smallest number of `f32`.
const SMALLEST: f64 = 1.4e-45;
/// Gradients of which the square, in `f32`, is infinite.
const SQUARE_OVERFLOWS: f64 = 1.8e19;
/// Gradients of which the square, in `f32`, is zero.
const SQUARE_UNDERFLOWS: f64 = 4e-23;

/// The block with `half` voxels more on each side, forwards and backwards again.
pub(super) fn padded(block: &Array3<f64>, half: [usize; 3]) -> Array3<f64> {
    let extents: [usize; 3] = block.dim().into();
    let inside = |position: usize, axis: usize| {
        let (n, half) = (extents[axis], half[axis]);
        let turned = (position + half * (2 * n - 1)) % (2 * n);
        turned.min(2 * n - 1 - turned)
    };
    Array3::from_shape_fn([0, 1, 2].map(|axis| extents[axis] + 2 * half[axis]), |(i, x, k)| {
        block[[inside(i, 0), inside(x, 1), inside(k, 2)]]
    })
}

/// What `of` makes of the window of `half` voxels on each side around each voxel of the core.
fn windows(
    block: ArrayView3<'_, f32>,
    at: &Placement,
    half: [usize; 3],
    of: impl Fn(ArrayView3<'_, f64>) -> f64,
) -> Array3<f64> {
    let padded = padded(&block.mapv(f64::from), half);
    let core = at.core_in_block();
    let [i0, x0, k0] = core.start();
    let [a, b, c] = half.map(|half| 2 * half + 1);
    Array3::from_shape_fn(core.shape().extents(), |(i, x, k)| {
        let (i, x, k) = (i + i0, x + x0, k + k0);
        of(padded.slice(ndarray::s![i..i + a, x..x + b, k..k + c]))
    })
}

fn half_of(window: [usize; 3]) -> [usize; 3] {
    window.map(|n| n / 2)
}

/// The largest finite magnitude.
fn largest<'a>(values: impl IntoIterator<Item = &'a f32>) -> f64 {
    values.into_iter().map(|v| f64::from(v.abs())).filter(|v| v.is_finite()).fold(0.0, f64::max)
}

/// `f32` knows no more than this of a value.
pub(super) fn rounding(expected: f64) -> f64 {
    (expected.abs() * ROUNDING).max(SMALLEST)
}

fn near_all(
    got: ArrayView3<'_, f32>,
    expected: ArrayView3<'_, f64>,
    tolerance: impl Fn(f64) -> f64,
    tally: &mut Tally,
) {
    Zip::from(got).and(expected).for_each(|got, &expected| {
        tally.near(*got, expected, tolerance(expected));
    });
}

/// Three correlations, without rounding between them.
impl Verifiable for Derivative {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        let (along, across): (&[f64], &[f64]) = match self.order() {
            1 => (&[-0.5, 0.0, 0.5], &[0.178_947, 0.642_105, 0.178_947]),
            _ => (
                &[0.232_905, 0.002_668, -0.471_147, 0.002_668, 0.232_905],
                &[0.030_32, 0.249_724, 0.439_911, 0.249_724, 0.030_32],
            ),
        };
        let first = correlate(&block.mapv(f64::from), self.axis().index(), along);
        let volume = (0..3)
            .filter(|axis| *axis != self.axis().index())
            .fold(first, |volume, axis| correlate(&volume, axis, across));
        let tolerance = PASSES * largest(block) + 4.0 * SMALLEST;
        near_all(outputs[0], at.core_in_block().view(volume.view()), |_| tolerance, tally);
        Ok(())
    }
}

impl Verifiable for GradientMagnitude {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        let block_64 = block.mapv(f64::from);
        let component = |along: usize| {
            (0..3).fold(block_64.clone(), |volume, axis| {
                let sigma = self.sigma()[axis];
                let mut weights = bell(sigma, self.truncate());
                if axis == along {
                    let half = (weights.len() / 2) as f64;
                    for (position, weight) in weights.iter_mut().enumerate() {
                        *weight *= (position as f64 - half) / (sigma * sigma);
                    }
                }
                correlate(&volume, axis, &weights)
            })
        };
        let squares = [0, 1, 2].map(component).map(|component| component.mapv(|v| v * v));
        let [inline, crossline, sample] = squares;
        let magnitude = (inline + crossline + sample).mapv_into(f64::sqrt);
        let tolerance = 2.0 * PASSES * largest(block) + SQUARE_UNDERFLOWS;
        let expected = at.core_in_block().view(magnitude.view());
        Zip::from(outputs[0]).and(expected).for_each(|&got, &expected| {
            if expected > SQUARE_OVERFLOWS && got == f32::INFINITY {
                tally.require(true);
            } else {
                tally.near(got, expected, tolerance);
            }
        });
        Ok(())
    }
}

impl Verifiable for Mean {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        let voxels = self.window().iter().product::<usize>() as f64;
        let mean = windows(block, at, half_of(self.window()), |window| window.sum() / voxels);
        let tolerance = PASSES * largest(block) + 4.0 * SMALLEST;
        near_all(outputs[0], mean.view(), |_| tolerance, tally);
        Ok(())
    }
}

impl Verifiable for Rms {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        let voxels = self.window().iter().product::<usize>() as f64;
        let rms = windows(block, at, half_of(self.window()), |window| {
            (window.iter().map(|v| v * v).sum::<f64>() / voxels).sqrt()
        });
        near_all(outputs[0], rms.view(), rounding, tally);
        Ok(())
    }
}

impl Verifiable for Median {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        let median = windows(block, at, half_of(self.window()), |window| {
            let mut values: Vec<f64> = window.iter().copied().collect();
            values.sort_unstable_by(f64::total_cmp);
            let unknown = values.iter().any(|v| v.is_nan());
            if unknown { f64::NAN } else { values[values.len() / 2] }
        });
        near_all(outputs[0], median.view(), |_| 0.0, tally);
        Ok(())
    }
}

impl Verifiable for Semblance {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        let traces = (self.window()[0] * self.window()[1]) as f64;
        let semblance = windows(block, at, half_of(self.window()), |window| {
            if window.iter().all(|v| *v == 0.0) {
                return 0.0;
            }
            let slices = window.axis_iter(ArrayAxis(2));
            let stacked: f64 = slices.map(|slice| slice.sum().powi(2)).sum();
            let energy: f64 = window.iter().map(|v| v * v).sum();
            stacked / energy / traces
        });
        near_all(outputs[0], semblance.view(), |_| 2.0 * ROUNDING, tally);
        Ok(())
    }
}

impl Verifiable for ReflectionIntensity {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        let half = [0, 0, self.samples() / 2];
        let integral = windows(block, at, half, |window| {
            let lane: Vec<f64> = window.iter().copied().collect();
            match lane[..] {
                [one] => one * 0.0,
                _ => lane.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0).sum(),
            }
        });
        let sums = 1e-15 * self.samples() as f64 * largest(block);
        let tolerance = |expected: f64| rounding(expected) + sums;
        Zip::from(outputs[0]).and(&integral).for_each(|got, &expected| {
            near_in_range(*got, expected, tolerance(expected), tally);
        });
        Ok(())
    }
}

impl Verifiable for TimeGain {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        let first = at.core().start()[Axis::Sample.index()];
        for ((index, &got), &value) in outputs[0].indexed_iter().zip(&block) {
            let gain = ((first + index.2 + 2) as f64).ln() * self.exponent();
            let expected = f64::from(value) * gain.exp();
            near_in_range(got, expected, rounding(expected) * 1.01, tally);
        }
        Ok(())
    }
}

impl Verifiable for Rescale {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        _at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        let (min, max) = self.range();
        for (&got, &value) in outputs[0].iter().zip(&block) {
            let expected = match value {
                low if low < min => min,
                high if high > max => max,
                between => between,
            };
            tally.near(got, f64::from(expected), 0.0);
        }
        Ok(())
    }
}

/// As [`Tally::near`]; but what `f32` cannot hold must be infinite.
fn near_in_range(got: f32, expected: f64, tolerance: f64, tally: &mut Tally) {
    if expected.is_finite() && expected.abs() > f64::from(f32::MAX) {
        tally.require(got.is_infinite() && f64::from(got).signum() == expected.signum());
    } else {
        tally.near(got, expected, tolerance);
    }
}

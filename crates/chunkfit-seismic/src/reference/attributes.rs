//! Attributes of the gradient and of its tensor, with a Jacobi eigenvalue solver.

use chunkfit_core::{OperatorError, Placement};
use ndarray::{Array3, ArrayView3, Zip};

use super::eigen::eigen;
use super::orientation::{gradient, tensor};
use super::window::{padded, rounding};
use super::{Tally, Verifiable};
use crate::{Chaos, EigenAttribute, EigenAttributes, GradientDips, GstSlopes, Planarity};

/// Ratios are compared where their denominator is above this share of the sum of the eigenvalues.
const KNOWN: f64 = 1e-9;
/// Slopes are compared where the planarity is above this.
const PLANAR: f64 = 1e-3;
/// Gradients below this share of the largest amplitude may be rounding errors.
const NOISE: f64 = 1e-12;
const RATIO_TOLERANCE: f64 = 2e-7;

/// Eigenvalues, ascending, with their eigenvectors.
type Pairs = [(f64, [f64; 3]); 3];

/// Eigenvalues and eigenvectors of the tensor over its trace; or the trace, where that is zero or not
/// finite.
fn solved(
    block: ArrayView3<'_, f32>,
    at: &Placement,
    window: [usize; 3],
) -> Array3<Result<Pairs, f64>> {
    let core = at.core_in_block();
    let tensor = tensor(&block.mapv(f64::from), window);
    let views = [0, 1, 2].map(|a| [0, 1, 2].map(|b| core.view(tensor[a.min(b)][a.max(b)].view())));
    Array3::from_shape_fn(core.shape().extents(), |index| {
        let tensor = views.each_ref().map(|row| row.each_ref().map(|view| view[index]));
        let trace = tensor[0][0] + tensor[1][1] + tensor[2][2];
        if trace.is_finite() && trace != 0.0 {
            Ok(eigen(tensor.map(|row| row.map(|v| v / trace))))
        } else {
            Err(trace)
        }
    })
}

/// What to expect without eigenvalues: 0 without a gradient, NaN otherwise.
fn without(trace: f64) -> f64 {
    if trace == 0.0 { 0.0 } else { f64::NAN }
}

impl Verifiable for EigenAttributes {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        let (chaos, planarity) = self.definitions();
        for (index, solved) in solved(block, at, self.window()).indexed_iter() {
            for (attribute, output) in self.attributes().zip(outputs) {
                let got = output[index];
                let [l3, l2, l1] = match solved {
                    Ok(pairs) => pairs.map(|(value, _)| value.max(0.0)),
                    Err(trace) => {
                        tally.near(got, without(*trace), 0.0);
                        continue;
                    }
                };
                let plane = match planarity {
                    Planarity::Sum => (l1 - l2) / (l1 + l2),
                    Planarity::Largest => (l1 - l2) / l1,
                };
                let line = (l2 - l3) / (l2 + l3);
                let line_tolerance = RATIO_TOLERANCE + 1e-13 / (l2 + l3);
                let (expected, tolerance) = match attribute {
                    EigenAttribute::Chaos if chaos == Chaos::Randen => {
                        (2.0 * l2 / (l1 + l3) - 1.0, RATIO_TOLERANCE)
                    }
                    EigenAttribute::Chaos => (2.0 * l2 / (l1 + l3), RATIO_TOLERANCE),
                    EigenAttribute::Planarity => (plane, RATIO_TOLERANCE),
                    _ if l2 + l3 < KNOWN => {
                        tally.require((0.0..=1.0).contains(&got));
                        continue;
                    }
                    EigenAttribute::Line => (line, line_tolerance),
                    EigenAttribute::Fault => (line * (1.0 - plane), line_tolerance),
                };
                tally.near(got, expected, tolerance);
            }
        }
        Ok(())
    }
}

impl Verifiable for GstSlopes {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        for (index, solved) in solved(block, at, self.kernel()).indexed_iter() {
            let slopes = match solved {
                Ok([_, (middle, _), (largest, normal)]) => {
                    let [inline, crossline, sample] = *normal;
                    let planar = (largest - middle) / largest > PLANAR && sample.abs() > 1e-4;
                    planar.then_some([-inline / sample, -crossline / sample])
                }
                Err(trace) => {
                    outputs.iter().for_each(|o| tally.near(o[index], without(*trace), 0.0));
                    continue;
                }
            };
            let Some(slopes) = slopes else {
                outputs.iter().for_each(|output| tally.require(!output[index].is_nan()));
                continue;
            };
            let steepness = 1.0 + slopes[0] * slopes[0] + slopes[1] * slopes[1];
            for (slope, output) in slopes.into_iter().zip(outputs) {
                let expected = slope * self.scale();
                let tolerance = rounding(expected) + 1e-9 * steepness * self.scale().abs();
                tally.near(output[index], expected, tolerance);
            }
        }
        Ok(())
    }
}

impl Verifiable for GradientDips {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        let [inline, crossline, sample] = gradient(&block.mapv(f64::from));
        let finite = block.iter().filter(|v| v.is_finite());
        let noise = NOISE * finite.fold(0.0, |largest: f64, v| largest.max(f64::from(v.abs())));
        let half = self.window().map(|n| n / 2);
        for (across, output) in [inline, crossline].iter().zip(outputs) {
            // Where the gradient along samples may be nothing but rounding, the slope may be anything.
            let [low, high] = [f64::NEG_INFINITY, f64::INFINITY].map(|unknown| {
                let slopes = Zip::from(across).and(&sample).map_collect(|across, along| {
                    let nothing = along.abs() <= noise && !across.is_nan();
                    if nothing { unknown } else { -across / along * self.scale() }
                });
                medians(&slopes, half)
            });
            for (index, &got) in output.indexed_iter() {
                let [i, x, k] = at.core_in_block().start();
                let voxel = [index.0 + i, index.1 + x, index.2 + k];
                let (low, high) = (low[voxel], high[voxel]);
                let steps = 1e-9 * self.scale().abs();
                if low == high || low.is_nan() {
                    tally.near(got, low, 2.0 * rounding(low) + steps);
                } else {
                    let got = f64::from(got);
                    let error = 1e-6 * got.abs() + steps;
                    let between = got.is_finite() && low - error <= got && got <= high + error;
                    tally.require(between || got == low || got == high);
                }
            }
        }
        Ok(())
    }
}

/// Medians of windows, NaN where one is in the window.
fn medians(volume: &Array3<f64>, half: [usize; 3]) -> Array3<f64> {
    let window = half.map(|half| 2 * half + 1);
    let padded = padded(volume, half);
    let medians = padded.windows(window).into_iter().map(|window| {
        let mut values: Vec<f64> = window.iter().copied().collect();
        values.sort_unstable_by(f64::total_cmp);
        let unknown = values.iter().any(|v| v.is_nan());
        if unknown { f64::NAN } else { values[values.len() / 2] }
    });
    Array3::from_shape_vec(volume.raw_dim(), medians.collect()).unwrap_or_default()
}

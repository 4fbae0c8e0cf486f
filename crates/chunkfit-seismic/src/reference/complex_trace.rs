use std::f64::consts::{PI, TAU};

use chunkfit_core::{OperatorError, Placement};
use ndarray::{Array3, ArrayView3, Axis as ArrayAxis, Zip};

use super::filter::correlate;
use super::hilbert::analytic;
use super::{Tally, Verifiable};
use crate::{ComplexAttribute, ComplexTrace, Definition};

/// How exact the quadrature is beside the largest envelope of its trace.
const TOLERANCE: f64 = 1e-6;
/// What rounding adds, beside the value.
const ROUNDING: f64 = 2e-6;

/// Values, and how far each may be off. Where that is not finite, anything but NaN is right.
struct Field {
    value: Array3<f64>,
    error: Array3<f64>,
}

impl Field {
    fn map2(&self, other: &Self, f: impl Fn((f64, f64), (f64, f64)) -> (f64, f64)) -> Self {
        let mut out = Self { value: self.value.clone(), error: self.error.clone() };
        Zip::from(&mut out.value)
            .and(&mut out.error)
            .and(&other.value)
            .and(&other.error)
            .for_each(|a, e, &b, &f_error| (*a, *e) = f((*a, *e), (b, f_error)));
        out
    }

    fn map(&self, f: impl Fn(f64, f64) -> (f64, f64)) -> Self {
        self.map2(self, |(value, error), _| f(value, error))
    }

    /// First derivative along the trace, smoothed across.
    fn slope(&self) -> Self {
        let value = across(correlate(&self.value, 2, &[-0.5, 0.0, 0.5]));
        let error = across(correlate(&self.error, 2, &[0.5, 0.0, 0.5]));
        Self { value, error }.map(|value, error| (value, error + ROUNDING * value.abs()))
    }
}

fn across(volume: Array3<f64>) -> Array3<f64> {
    let smoother = [0.178_947, 0.642_105, 0.178_947];
    correlate(&correlate(&volume, 0, &smoother), 1, &smoother)
}

/// a / b, with 0 / 0 = 0; unknown where the divisor may be 0.
fn over((a, a_error): (f64, f64), (b, b_error): (f64, f64)) -> (f64, f64) {
    if a == 0.0 && b == 0.0 {
        return (0.0, if a_error == 0.0 && b_error == 0.0 { 0.0 } else { f64::INFINITY });
    }
    let value = a / b;
    if b == 0.0 && b_error == 0.0 {
        return (value, if a_error < a.abs() { 0.0 } else { f64::INFINITY });
    }
    if b_error > b.abs() / 4.0 {
        return (value, f64::INFINITY);
    }
    (value, 1.5 * (a_error + value.abs() * b_error) / b.abs() + ROUNDING * value.abs())
}

/// The analytic signals of a block, and what is made of them.
struct Signals {
    re: Field,
    im: Field,
    envelope: Field,
    phase: Field,
}

impl Signals {
    fn new(block: ArrayView3<'_, f32>) -> Self {
        let empty = || {
            let zeros = Array3::zeros(block.raw_dim());
            Field { value: zeros.clone(), error: zeros }
        };
        let (mut re, mut im) = (empty(), empty());
        let (mut envelope, mut phase) = (empty(), empty());
        for ([i, x], trace) in places(&block).zip(block.lanes(ArrayAxis(2))) {
            let signal = analytic(trace);
            let largest = signal.iter().map(|value| value.norm()).fold(0.0, f64::max);
            for (k, value) in signal.iter().enumerate() {
                let (at, error, modulus) = ([i, x, k], TOLERANCE * largest, value.norm());
                // The trace itself is exact, the quadrature is not.
                (re.value[at], re.error[at]) = (f64::from(trace[k]), 0.0);
                (im.value[at], im.error[at]) = (value.im, error);
                if value.re.is_nan() {
                    re.value[at] = f64::NAN;
                }
                (envelope.value[at], envelope.error[at]) = (modulus, error);
                let dead = modulus == 0.0 && largest == 0.0;
                phase.value[at] = if dead { 0.0 } else { value.arg() };
                phase.error[at] = if dead { 0.0 } else { (error / modulus + 5e-7).min(TAU) };
            }
        }
        Self { re, im, envelope, phase }
    }

    /// Slope of the unwrapped phase.
    fn phase_slope(&self) -> Field {
        let mut unwrapped =
            Field { value: self.phase.value.clone(), error: self.phase.error.clone() };
        let lanes = unwrapped.value.lanes_mut(ArrayAxis(2)).into_iter();
        for (mut phase, mut error) in lanes.zip(unwrapped.error.lanes_mut(ArrayAxis(2))) {
            let wrapped = phase.to_vec();
            let exact = error.to_vec();
            for k in 1..wrapped.len() {
                let step = wrapped[k] - wrapped[k - 1];
                let mut turned = (step + PI).rem_euclid(TAU) - PI;
                if turned == -PI && step > 0.0 {
                    turned = PI;
                }
                phase[k] = phase[k - 1] + turned;
                // A step of half a turn may go either way.
                if PI - turned.abs() < exact[k] + exact[k - 1] + 1e-5 {
                    error[k] = TAU;
                    error[k - 1] = TAU;
                }
            }
        }
        unwrapped.slope()
    }
}

fn places<T>(block: &ArrayView3<'_, T>) -> impl Iterator<Item = [usize; 2]> {
    let (n_inlines, n_crosslines, _) = block.dim();
    (0..n_inlines).flat_map(move |i| (0..n_crosslines).map(move |x| [i, x]))
}

impl ComplexTrace {
    fn expected(&self, attribute: ComplexAttribute, signals: &Signals) -> Field {
        let samples_per_s = 1000.0 / self.settings().dt_ms;
        let literature = self.settings().definition == Definition::Literature;
        let frequency = || {
            let factor = samples_per_s / TAU;
            signals.phase_slope().map(|slope, error| (slope.abs() * factor, error * factor))
        };
        let change = || signals.envelope.slope().map2(&signals.envelope, over);
        let clipped = || change().map(|value, error| (value.clamp(-1.0, 1.0), error));
        let bandwidth = || {
            let (change, factor) =
                if literature { (change(), samples_per_s) } else { (clipped(), 1.0) };
            change.map(|value, error| (value.abs() / TAU * factor, error / TAU * factor))
        };
        match attribute {
            ComplexAttribute::Envelope => signals.envelope.map(|value, error| (value, error)),
            ComplexAttribute::Quadrature => signals.im.map(|value, error| (value, error)),
            ComplexAttribute::Phase => {
                signals.phase.map(|value, error| (value.to_degrees(), error.to_degrees()))
            }
            ComplexAttribute::CosinePhase => signals.phase.map(|value, error| (value.cos(), error)),
            ComplexAttribute::PhaseRotation => {
                signals.re.map2(&signals.im, |(re, _), (im, error)| {
                    let (sine, cosine) = self.settings().angle.to_radians().sin_cos();
                    (re * cosine - im * sine, error)
                })
            }
            ComplexAttribute::Frequency => frequency(),
            ComplexAttribute::RelativeAmplitudeChange => clipped(),
            ComplexAttribute::Bandwidth => bandwidth(),
            ComplexAttribute::DominantFrequency => frequency().map2(&bandwidth(), |a, b| {
                let value = a.0.hypot(b.0);
                (value, a.1 + b.1 + ROUNDING * value)
            }),
            ComplexAttribute::Sweetness if literature => {
                signals.envelope.map2(&frequency(), |envelope, (f, error)| {
                    let root_error = if error < f { error / f.sqrt() } else { f64::INFINITY };
                    let silent = envelope == (0.0, 0.0) && !f.is_nan();
                    if silent { (0.0, 0.0) } else { over(envelope, (f.sqrt(), root_error)) }
                })
            }
            ComplexAttribute::Sweetness => {
                signals.envelope.map2(&frequency(), |envelope, (f, error)| {
                    over(envelope, (if f < 5.0 { 5.0 } else { f }, error))
                })
            }
            ComplexAttribute::AmplitudeAcceleration => clipped().slope(),
            ComplexAttribute::FrequencyChange => frequency().slope(),
            ComplexAttribute::QualityFactor if literature => {
                frequency().map2(&bandwidth(), over).map(|value, error| (-0.5 * value, 0.5 * error))
            }
            ComplexAttribute::QualityFactor => {
                frequency().map2(&clipped(), over).map(|value, error| (PI * value, PI * error))
            }
        }
    }
}

impl Verifiable for ComplexTrace {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        let signals = Signals::new(block);
        let core = at.core_in_block();
        for (attribute, output) in self.attributes().iter().zip(outputs) {
            let expected = self.expected(*attribute, &signals);
            let values = core.view(expected.value.view());
            let errors = core.view(expected.error.view());
            Zip::from(output).and(&values).and(&errors).for_each(|&got, &value, &error| {
                if value.is_nan() {
                    tally.near(got, value, 0.0);
                } else if !error.is_finite() {
                    tally.require(!got.is_nan());
                } else if *attribute == ComplexAttribute::Phase {
                    // An angle out of range is as wrong as a NaN.
                    let got = if got > -180.0 && got <= 180.0 { got } else { f32::NAN };
                    tally.near_angle(got, value, error + 1e-4);
                } else {
                    tally.near(got, value, error + ROUNDING * value.abs());
                }
            });
        }
        Ok(())
    }
}

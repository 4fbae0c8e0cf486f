use std::f32::consts::{PI, TAU};

use pulp::{Arch, Simd, WithSimd};

use super::latest::Latest;
use super::neighbours::{Line, Neighbours, Sides};
use super::stretch::Stretches;

/// Weights of the smoother across traces.
const ACROSS: [f32; 2] = [0.642_105, 0.178_947];

/// The slope of a quantity: along the trace, then smoothed across inlines and across crosslines. Each step
/// runs behind the one before it, as far as neighbours reach.
pub(super) struct Slope {
    stretches: Stretches,
    /// Whether the quantity is an angle in radians, which jumps by whole turns.
    angle: bool,
    values: Neighbours,
    slopes: Neighbours,
    smooth: Neighbours,
}

impl Slope {
    pub(super) fn new(extents: [usize; 3], angle: bool) -> Self {
        let stretches = Stretches::new(extents.iter().product());
        let [values, slopes, smooth] = order(extents).map(|line| Neighbours::new(line, stretches));
        Self { stretches, angle, values, slopes, smooth }
    }

    /// Stretches by which the slope is behind the quantity.
    pub(super) fn lag(extents: [usize; 3]) -> usize {
        order(extents).map(Line::reach).into_iter().sum()
    }

    /// Floats that it holds.
    pub(super) fn length(extents: [usize; 3]) -> usize {
        let stretches = Stretches::new(extents.iter().product());
        let kept = order(extents).map(Neighbours::kept);
        kept.into_iter().map(|count| Latest::length(stretches, count)).sum()
    }

    /// A stretch of the quantity, to be filled.
    pub(super) fn stretch_mut(&mut self, number: usize) -> &mut [f32] {
        self.values.stretch_mut(number)
    }

    /// Goes on once stretch `number` of the quantity is there, or would be if it were not past the last:
    /// the stretch of the slope that can be [taken](Self::take).
    pub(super) fn follow(&mut self, arch: Arch, number: usize, sides: &mut Sides) -> Option<usize> {
        let Self { stretches, angle, values, slopes, smooth } = self;
        let mut lag = values.reach();
        if let Some(number) = stretches.before(number, lag) {
            let (around, out) = (values.around(number, sides), slopes.stretch_mut(number));
            arch.dispatch(Along { around, angle: *angle, out });
        }
        lag += slopes.reach();
        if let Some(number) = stretches.before(number, lag) {
            let (around, out) = (slopes.around(number, sides), smooth.stretch_mut(number));
            arch.dispatch(Across { around, out });
        }
        stretches.before(number, lag + smooth.reach())
    }

    /// Writes a stretch of the slope.
    pub(super) fn take(&self, arch: Arch, number: usize, sides: &mut Sides, out: &mut [f32]) {
        arch.dispatch(Across { around: self.smooth.around(number, sides), out });
    }
}

/// The axes in the order of the steps.
const fn order(extents: [usize; 3]) -> [Line; 3] {
    let [inlines, crosslines, samples] = Line::of(extents);
    [samples, inlines, crosslines]
}

/// \[−½, 0, ½\].
struct Along<'a> {
    around: [&'a [f32]; 3],
    angle: bool,
    out: &'a mut [f32],
}

impl WithSimd for Along<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { around, angle, out } = self;
        if angle {
            let step = |from: f32, to: f32| {
                let step = to - from;
                let step = if step > PI { step - TAU } else { step };
                if step < -PI { step + TAU } else { step }
            };
            filter(around, out, |[a, b, c]| 0.5 * (step(a, b) + step(b, c)));
        } else {
            filter(around, out, |[a, b, c]| 0.5 * ((b - a) + (c - b)));
        }
    }
}

/// The smoother.
struct Across<'a> {
    around: [&'a [f32]; 3],
    out: &'a mut [f32],
}

impl WithSimd for Across<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let [centre, side] = ACROSS;
        filter(self.around, self.out, |[a, b, c]| side * (a + c) + centre * b);
    }
}

/// Makes each element of the three beside it.
#[inline(always)]
fn filter(around: [&[f32]; 3], out: &mut [f32], make: impl Fn([f32; 3]) -> f32) {
    let around = around.map(|values| &values[..out.len()]);
    for (k, out) in out.iter_mut().enumerate() {
        *out = make(around.map(|values| values[k]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of one trace.
    fn slope(values: &[f32], angle: bool) -> Vec<f32> {
        let mut slope = Slope::new([1, 1, values.len()], angle);
        let mut sides = [0; 2].map(|_| vec![f32::NAN; values.len()]);
        slope.stretch_mut(0).copy_from_slice(values);
        let mut out = vec![f32::NAN; values.len()];
        for number in 0..2 {
            if let Some(due) = slope.follow(Arch::new(), number, &mut sides) {
                slope.take(Arch::new(), due, &mut sides, &mut out);
            }
        }
        out
    }

    #[test]
    fn slopes_reflect_and_unwrap() {
        let near = |got: &[f32], expected: &[f32]| {
            assert_eq!(got.len(), expected.len());
            let near = got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(near, "{got:?} {expected:?}");
        };
        near(&slope(&[3.0], false), &[0.0]);
        near(&slope(&[1.0, 4.0], false), &[1.5, 1.5]);
        near(&slope(&[1.0, 4.0, 9.0, 5.0], false), &[1.5, 4.0, 0.5, -2.0]);
        let (first, second) = (TAU - 5.5, 1.0);
        let expected = [first, first + second, second].map(|twice| 0.5 * twice);
        near(&slope(&[2.5, -3.0, -2.0], true), &expected);
    }
}

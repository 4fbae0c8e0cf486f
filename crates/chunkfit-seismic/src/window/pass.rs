//! Passes over the lines of a window: `tap(by)` is the line that lies `by` steps away along the axis
//! of the pass. All sum in `f64`, whatever the type of the elements, always in the same order, and go
//! through a line part by part, so that sums stay in the nearest cache.
//!
//! What is dispatched moves its output: a closure that could be called twice is called through a
//! function that does not use the instructions of the processor.

use std::ops::Range;

use ndarray::ArrayView1;

use crate::filter::Sample;

/// Elements of a part.
pub(crate) const PART: usize = 256;

/// A kernel of odd length: even around its centre, or odd.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weights {
    /// The centre, and then the side of negative steps outwards.
    half: Vec<f64>,
    /// What the side of positive steps is multiplied with: 1 or −1.
    sign: f64,
}

impl Weights {
    /// w(−j) = w(j): the centre, and then one side outwards.
    pub(crate) fn even(half: &[f64]) -> Self {
        Self { half: half.to_vec(), sign: 1.0 }
    }

    /// w(−j) = −w(j), with 0 in the centre: the side of positive steps outwards.
    pub(crate) fn odd(side: &[f64]) -> Self {
        let half = std::iter::once(0.0).chain(side.iter().map(|weight| -weight));
        Self { half: half.collect(), sign: -1.0 }
    }

    /// What leaves an axis alone.
    pub(crate) fn one() -> Self {
        Self::even(&[1.0])
    }

    /// Weights on each side of the centre.
    pub(crate) fn radius(&self) -> usize {
        self.half.len() - 1
    }
}

/// A part of a line; one that is not contiguous is copied.
pub(crate) enum Part<'a, T> {
    Slice(&'a [T]),
    Copy([T; PART], usize),
}

impl<'a, T: Copy + Default> Part<'a, T> {
    #[inline(always)]
    pub(crate) fn of(line: ArrayView1<'a, T>, part: Range<usize>) -> Self {
        match line.to_slice() {
            Some(line) => Self::Slice(&line[part]),
            None => {
                let mut copy = [T::default(); PART];
                copy.iter_mut().zip(part.clone()).for_each(|(copy, k)| *copy = line[k]);
                Self::Copy(copy, part.len())
            }
        }
    }

    #[inline(always)]
    pub(crate) fn values(&self) -> &[T] {
        match self {
            Self::Slice(slice) => slice,
            Self::Copy(copy, n) => &copy[..*n],
        }
    }
}

/// Calls `f` with each part of `out` and where it lies.
#[inline(always)]
pub(crate) fn parts<T>(out: &mut [T], mut f: impl FnMut(Range<usize>, &mut [T])) {
    for (number, out) in out.chunks_mut(PART).enumerate() {
        f(number * PART..number * PART + out.len(), out);
    }
}

/// Correlates with `weights`, in the order of `scipy.ndimage.correlate1d`: centre first, then pairs
/// from the far end inwards.
pub(crate) fn convolve<'a, T: Sample + 'a>(
    weights: &Weights,
    tap: impl Fn(isize) -> ArrayView1<'a, T>,
    out: &mut [T],
) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        move || match weights.radius() {
            0 if weights.half[0] == 1.0 => {
                tap(0).iter().zip(out).for_each(|(value, out)| *out = *value);
            }
            1 => convolve_short::<T, 1>(weights, tap, out),
            2 => convolve_short::<T, 2>(weights, tap, out),
            _ => convolve_long(weights, tap, out),
        },
    );
}

/// All taps at a time.
#[inline(always)]
fn convolve_short<'a, T: Sample + 'a, const RADIUS: usize>(
    weights: &Weights,
    tap: impl Fn(isize) -> ArrayView1<'a, T>,
    out: &mut [T],
) {
    let (centre_weight, sign) = (weights.half[0], weights.sign);
    let side: [f64; RADIUS] = std::array::from_fn(|by| weights.half[by + 1]);
    parts(
        out,
        #[inline(always)]
        |at, out| {
            let n = out.len();
            let centre = Part::of(tap(0), at.clone());
            let centre = &centre.values()[..n];
            let taps = |sign: isize| {
                std::array::from_fn::<_, RADIUS, _>(|by| {
                    Part::of(tap(sign * (by as isize + 1)), at.clone())
                })
            };
            let (before, after) = (taps(-1), taps(1));
            let before = before.each_ref().map(|part| &part.values()[..n]);
            let after = after.each_ref().map(|part| &part.values()[..n]);
            for k in 0..n {
                let mut sum = centre[k].into() * centre_weight;
                for by in (0..RADIUS).rev() {
                    sum += (before[by][k].into() + sign * after[by][k].into()) * side[by];
                }
                out[k] = T::from_f64(sum);
            }
        },
    );
}

/// Tap by tap.
#[inline(always)]
fn convolve_long<'a, T: Sample + 'a>(
    weights: &Weights,
    tap: impl Fn(isize) -> ArrayView1<'a, T>,
    out: &mut [T],
) {
    parts(
        out,
        #[inline(always)]
        |at, out| {
            let mut sums = [0.0; PART];
            let sums = &mut sums[..out.len()];
            let centre = Part::of(tap(0), at.clone());
            for (sum, &value) in sums.iter_mut().zip(centre.values()) {
                *sum = value.into() * weights.half[0];
            }
            for (by, &weight) in weights.half.iter().enumerate().skip(1).rev() {
                let before = Part::of(tap(-(by as isize)), at.clone());
                let after = Part::of(tap(by as isize), at.clone());
                for ((sum, &before), &after) in
                    sums.iter_mut().zip(before.values()).zip(after.values())
                {
                    *sum += (before.into() + weights.sign * after.into()) * weight;
                }
            }
            out.iter_mut().zip(&*sums).for_each(|(out, sum)| *out = T::from_f64(*sum));
        },
    );
}

/// Mean of `2 * half + 1` lines, each window summed on its own.
pub(crate) fn mean<'a, T: Sample + 'a>(
    half: usize,
    tap: impl Fn(isize) -> ArrayView1<'a, T>,
    out: &mut [T],
) {
    let count = (2 * half + 1) as f64;
    pulp::Arch::new().dispatch(
        #[inline(always)]
        move || {
            let out = out;
            parts(
                out,
                #[inline(always)]
                |at, out| {
                    let mut sums = [0.0; PART];
                    let sums = &mut sums[..out.len()];
                    for by in -(half as isize)..=half as isize {
                        let line = Part::of(tap(by), at.clone());
                        sums.iter_mut()
                            .zip(line.values())
                            .for_each(|(sum, &value)| *sum += value.into());
                    }
                    out.iter_mut()
                        .zip(&*sums)
                        .for_each(|(out, sum)| *out = T::from_f64(sum / count));
                },
            );
        },
    );
}

/// Sum over `2 * half + 1` lines of `of` a value.
pub(crate) fn sum<'a, T: Copy + Default + 'a>(
    half: usize,
    tap: impl Fn(isize) -> ArrayView1<'a, T>,
    of: impl Fn(T) -> f64,
    out: &mut [f64],
) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        move || {
            let out = out;
            parts(
                out,
                #[inline(always)]
                |at, out| {
                    out.fill(0.0);
                    for by in -(half as isize)..=half as isize {
                        let line = Part::of(tap(by), at.clone());
                        out.iter_mut()
                            .zip(line.values())
                            .for_each(|(sum, &value)| *sum += of(value));
                    }
                },
            );
        },
    );
}

/// What `finish` makes of the sums of `N` channels over `2 * half + 1` lines.
pub(crate) fn summed<'a, T: Sample, const N: usize>(
    half: usize,
    tap: impl Fn(isize) -> [ArrayView1<'a, f64>; N],
    finish: impl Fn([f64; N]) -> f64,
    out: &mut [T],
) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        move || {
            let out = out;
            parts(
                out,
                #[inline(always)]
                |at, out| {
                    let mut sums = [[0.0; PART]; N];
                    for by in -(half as isize)..=half as isize {
                        for (sums, line) in sums.iter_mut().zip(tap(by)) {
                            let line = Part::of(line, at.clone());
                            sums.iter_mut()
                                .zip(line.values())
                                .for_each(|(sum, value)| *sum += value);
                        }
                    }
                    for (k, out) in out.iter_mut().enumerate() {
                        *out = T::from_f64(finish(sums.each_ref().map(|sums| sums[k])));
                    }
                },
            );
        },
    );
}

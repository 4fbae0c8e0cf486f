//! Filters across lines: what is done to one element is done to all, in whole vectors.
//!
//! Gradients and products are kept in groups: [`GROUP`] elements of one component, then of the next.
//! So a loop has few streams of memory to follow. Arrays are cut by plain loops here: the iterators
//! of the standard library stay out of line, where there are no vector instructions.

use pulp::Simd;

use super::lanes::{GROUP, Wide};
use crate::gradient::{CENTRE, SIDE};

/// Elements of a group of gradients, and of one of products.
pub(super) const GRADIENT: usize = 3 * GROUP;
pub(super) const PRODUCTS: usize = 6 * GROUP;

/// Smooths into component `AT` of groups of `EVERY` elements.
#[inline(always)]
pub(super) fn smooth<S: Simd, const EVERY: usize, const AT: usize>(
    simd: S,
    out: &mut [f64],
    before: &[f64],
    centre: &[f64],
    after: &[f64],
) {
    let out = out.as_chunks_mut::<EVERY>().0;
    let n = out.len();
    let before = &before.as_chunks::<GROUP>().0[..n];
    let centre = &centre.as_chunks::<GROUP>().0[..n];
    let after = &after.as_chunks::<GROUP>().0[..n];
    for g in 0..n {
        let out = Wide::<S>::view_mut(&mut out[g][AT * GROUP..(AT + 1) * GROUP]);
        let before = Wide::<S>::view(&before[g]);
        let centre = Wide::<S>::view(&centre[g]);
        let after = Wide::<S>::view(&after[g]);
        for k in 0..out.len() {
            let sides = Wide::new(simd, before[k]) + Wide::new(simd, after[k]);
            let centre = Wide::new(simd, centre[k]);
            out[k] = centre.mul_add(centre.all(CENTRE), sides * SIDE).lanes();
        }
    }
}

/// Subtracts into component `AT` of groups of `EVERY` elements.
#[inline(always)]
pub(super) fn difference<S: Simd, const EVERY: usize, const AT: usize>(
    simd: S,
    out: &mut [f64],
    before: &[f64],
    after: &[f64],
) {
    let out = out.as_chunks_mut::<EVERY>().0;
    let n = out.len();
    let before = &before.as_chunks::<GROUP>().0[..n];
    let after = &after.as_chunks::<GROUP>().0[..n];
    for g in 0..n {
        let out = Wide::<S>::view_mut(&mut out[g][AT * GROUP..(AT + 1) * GROUP]);
        let before = Wide::<S>::view(&before[g]);
        let after = Wide::<S>::view(&after[g]);
        for k in 0..out.len() {
            out[k] = (Wide::new(simd, after[k]) - Wide::new(simd, before[k])).lanes();
        }
    }
}

/// The six products ii, ix, is, xx, xs, ss of the lines of gradients
/// `gradient(-half)..=gradient(half)`, summed over them.
///
/// A direct sum, as the two below, and always in the same order: a running sum would depend on where
/// it began, and carry a NaN along.
#[inline(always)]
pub(super) fn sum_products<'a, S: Simd>(
    simd: S,
    out: &mut [f64],
    half: usize,
    gradient: impl Fn(isize) -> &'a [f64],
) {
    let half = half as isize;
    if half == 0 {
        return products(simd, out, [gradient(0)], false);
    }
    let first = [gradient(-half), gradient(1 - half), gradient(2 - half)];
    products(simd, out, first, false);
    for by in (3 - half..=half).step_by(2) {
        products(simd, out, [gradient(by), gradient(by + 1)], true);
    }
}

#[inline(always)]
fn products<S: Simd, const N: usize>(simd: S, out: &mut [f64], gradients: [&[f64]; N], onto: bool) {
    let out = out.as_chunks_mut::<PRODUCTS>().0;
    let n = out.len();
    let mut groups = [&[[0.0; GRADIENT]; 0][..]; N];
    for g in 0..N {
        groups[g] = &gradients[g].as_chunks::<GRADIENT>().0[..n];
    }
    for g in 0..n {
        let out = Wide::<S>::view_mut(&mut out[g]);
        let lines = out.len() / 6;
        for k in 0..lines {
            let mut sums = [Wide::new(simd, simd.splat_f64s(0.0)); 6];
            if onto {
                for product in 0..6 {
                    sums[product] = Wide::new(simd, out[product * lines + k]);
                }
            }
            for gradients in groups {
                let gradient = Wide::<S>::view(&gradients[g]);
                let inline = Wide::new(simd, gradient[k]);
                let crossline = Wide::new(simd, gradient[lines + k]);
                let sample = Wide::new(simd, gradient[2 * lines + k]);
                sums[0] = inline.mul_add(inline, sums[0]);
                sums[1] = inline.mul_add(crossline, sums[1]);
                sums[2] = inline.mul_add(sample, sums[2]);
                sums[3] = crossline.mul_add(crossline, sums[3]);
                sums[4] = crossline.mul_add(sample, sums[4]);
                sums[5] = sample.mul_add(sample, sums[5]);
            }
            for product in 0..6 {
                out[product * lines + k] = sums[product].lanes();
            }
        }
    }
}

/// One product of the lines of products `line(-half)..=line(half)`, summed.
#[inline(always)]
pub(super) fn sum_lines<'a, S: Simd>(
    simd: S,
    out: &mut [f64],
    product: usize,
    half: usize,
    line: impl Fn(isize) -> &'a [f64],
) {
    let half = half as isize;
    if half == 0 {
        return sum_groups(simd, out, product, [line(0)], false);
    }
    sum_groups(simd, out, product, [line(-half), line(1 - half), line(2 - half)], false);
    for by in (3 - half..=half).step_by(2) {
        sum_groups(simd, out, product, [line(by), line(by + 1)], true);
    }
}

#[inline(always)]
fn sum_groups<S: Simd, const N: usize>(
    simd: S,
    out: &mut [f64],
    product: usize,
    lines: [&[f64]; N],
    onto: bool,
) {
    let out = out.as_chunks_mut::<GROUP>().0;
    let n = out.len();
    let mut groups = [&[[[0.0; GROUP]; 6]; 0][..]; N];
    for g in 0..N {
        groups[g] = &lines[g].as_chunks::<GROUP>().0.as_chunks::<6>().0[..n];
    }
    for g in 0..n {
        let out = Wide::<S>::view_mut(&mut out[g]);
        for (k, lanes) in out.iter_mut().enumerate() {
            let mut sum = Wide::new(simd, Wide::<S>::view(&groups[0][g][product])[k]);
            if onto {
                sum = Wide::new(simd, *lanes) + sum;
            }
            for group in &groups[1..] {
                sum = sum + Wide::new(simd, Wide::<S>::view(&group[g][product])[k]);
            }
            *lanes = sum.lanes();
        }
    }
}

/// Each element of `line` and the 2·half that follow, summed.
#[inline(always)]
pub(super) fn sum_elements<S: Simd>(simd: S, out: &mut [f64], half: usize, line: &[f64]) {
    if half == 0 {
        return out.copy_from_slice(&line[..out.len()]);
    }
    sum_shifted(simd, out, [line, &line[1..], &line[2..]], false);
    for by in (3..=2 * half).step_by(2) {
        sum_shifted(simd, out, [&line[by..], &line[by + 1..]], true);
    }
}

#[inline(always)]
fn sum_shifted<S: Simd, const N: usize>(simd: S, out: &mut [f64], lines: [&[f64]; N], onto: bool) {
    let out = out.as_chunks_mut::<GROUP>().0;
    let n = out.len();
    let mut groups = [&[[0.0; GROUP]; 0][..]; N];
    for g in 0..N {
        groups[g] = &lines[g].as_chunks::<GROUP>().0[..n];
    }
    for g in 0..n {
        let out = Wide::<S>::view_mut(&mut out[g]);
        for (k, lanes) in out.iter_mut().enumerate() {
            let mut sum = Wide::new(simd, Wide::<S>::view(&groups[0][g])[k]);
            if onto {
                sum = Wide::new(simd, *lanes) + sum;
            }
            for group in &groups[1..] {
                sum = sum + Wide::new(simd, Wide::<S>::view(&group[g])[k]);
            }
            *lanes = sum.lanes();
        }
    }
}

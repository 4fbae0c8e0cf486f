//! Angles of lines of coordinates, in degrees and single precision.

use pulp::Simd;

use crate::tensor::Narrow;

/// atan(q)/q in degrees as a polynomial of q² for q in 0..=1, to a relative error of 1e-7.
const ARC: [f32; 8] = [
    57.295_774,
    -19.097_824,
    11.441_809,
    -8.032_571,
    5.680_471_4,
    -3.408_319_2,
    1.389_560_4,
    -0.268_904_92,
];

/// The angle, 0 to 180 degrees, of (x, y) for y ≥ 0; 0 for (0, 0).
#[inline(always)]
fn angle<S: Simd>(x: Narrow<S>, y: Narrow<S>) -> Narrow<S> {
    let zero = x.all(0.0);
    let width = x.max(zero - x);
    let ratio = width.min(y).over(width.max(y).max(x.all(f32::MIN_POSITIVE)));
    let angle = ratio * (ratio * ratio).polynomial(ARC);
    let angle = (x.all(90.0) - angle).where_or(width.less_than(y), angle);
    (x.all(180.0) - angle).where_or(x.less_than(zero), angle)
}

/// Half the angle whose sine is 2·√`squares` and whose cosine is `cosines`, up to one factor; replaces
/// `squares`.
#[inline(always)]
pub(super) fn half_angle<S: Simd>(simd: S, squares: &mut [f32], cosines: &[f32]) {
    for (square, cosine) in
        Narrow::<S>::view_mut(squares).iter_mut().zip(Narrow::<S>::view(cosines))
    {
        let half_sine = Narrow::new(simd, *square).sqrt();
        *square = (angle(Narrow::new(simd, *cosine), half_sine + half_sine) * 0.5).lanes();
    }
}

/// The direction of (x, y) in (−180, 180]; replaces `ys`.
#[inline(always)]
pub(super) fn direction<S: Simd>(simd: S, ys: &mut [f32], xs: &[f32]) {
    for (y, x) in Narrow::<S>::view_mut(ys).iter_mut().zip(Narrow::<S>::view(xs)) {
        let (x, height) = (Narrow::new(simd, *x), Narrow::new(simd, *y));
        let zero = x.all(0.0);
        let upper = angle(x, height.max(zero - height));
        let turned = (zero - upper).where_or(height.less_than(zero), upper);
        // Just below -x is 180 degrees, not -180.
        let all_round = (turned + x.all(180.0)).is_zero();
        *y = upper.where_or(all_round, turned).lanes();
    }
}

use pulp::Simd;

use super::{Chaos, EigenAttribute, Planarity};
use crate::tensor::{Eigen, Lines, Solver, Wide};

/// Attributes with their definitions.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Defined {
    pub(super) attributes: Vec<EigenAttribute>,
    pub(super) chaos: Chaos,
    pub(super) planarity: Planarity,
}

/// The line after those of the eigenvalues takes one attribute after the other.
const RATIO: usize = 3;

impl Solver for Defined {
    const ROOM: [usize; 2] = [0, 1];

    #[inline(always)]
    fn solve<S: Simd>(&self, simd: S, lines: &mut Lines) {
        let ([l0, l1, l2, l3, l4, l5], []) = lines.wide();
        let l0 = Wide::<S>::view_mut(l0);
        let n = l0.len();
        let (l1, l2) = (&mut Wide::<S>::view_mut(l1)[..n], &mut Wide::<S>::view_mut(l2)[..n]);
        let (l3, l4) = (&Wide::<S>::view(l3)[..n], &Wide::<S>::view(l4)[..n]);
        let l5 = &Wide::<S>::view(l5)[..n];
        for k in 0..n {
            let (ii, ix, is) =
                (Wide::new(simd, l0[k]), Wide::new(simd, l1[k]), Wide::new(simd, l2[k]));
            let (xx, xs, ss) =
                (Wide::new(simd, l3[k]), Wide::new(simd, l4[k]), Wide::new(simd, l5[k]));
            let [first, second, third] = Eigen::of([ii, ix, is, xx, xs, ss]).values;
            l0[k] = first.lanes();
            l1[k] = second.lanes();
            l2[k] = third.lanes();
        }
    }

    #[inline(always)]
    fn output<'l, S: Simd>(&self, simd: S, number: usize, lines: &'l mut Lines) -> &'l [f32] {
        let attribute = self.attributes[number];
        let ([l0, l1, l2, ratios, ..], []) = lines.wide();
        let l0 = Wide::<S>::view(l0);
        let n = l0.len();
        let (l1, l2) = (&Wide::<S>::view(l1)[..n], &Wide::<S>::view(l2)[..n]);
        let ratios = &mut Wide::<S>::view_mut(ratios)[..n];
        for k in 0..n {
            let values = [Wide::new(simd, l0[k]), Wide::new(simd, l1[k]), Wide::new(simd, l2[k])];
            let nothing = values[0].is_zero();
            let ratio = self.ratio(attribute, values);
            ratios[k] = ratio.all(0.0).where_or(nothing, ratio).lanes();
        }
        let [out] = lines.narrow([RATIO]);
        out
    }
}

impl Defined {
    #[inline(always)]
    fn ratio<S: Simd>(&self, attribute: EigenAttribute, values: [Wide<S>; 3]) -> Wide<S> {
        let [first, second, third] = values;
        let one = first.all(1.0);
        match attribute {
            EigenAttribute::Chaos => {
                (second + second).over(first + third) + one * self.chaos.offset()
            }
            EigenAttribute::Planarity => self.planarity(first, second),
            EigenAttribute::Line => line(second, third),
            EigenAttribute::Fault => line(second, third) * (one - self.planarity(first, second)),
        }
    }

    #[inline(always)]
    fn planarity<S: Simd>(&self, first: Wide<S>, second: Wide<S>) -> Wide<S> {
        let by = if self.planarity == Planarity::Sum { first + second } else { first };
        (first - second).over(by)
    }
}

#[inline(always)]
fn line<S: Simd>(second: Wide<S>, third: Wide<S>) -> Wide<S> {
    let sum = second + third;
    sum.all(0.0).where_or(sum.is_zero(), (second - third).over(sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::testing;

    /// With every instruction set there is.
    #[test]
    fn ratios_of_known_eigenvalues() {
        let defined = |chaos, planarity| Defined {
            attributes: EigenAttribute::ALL.to_vec(),
            chaos,
            planarity,
        };
        let sums = [7.0, 0.0, 0.0, 1.0, 0.0, 2.0];
        for got in testing::solve(defined(Chaos::Ratio, Planarity::Sum), sums) {
            assert_near(got, [0.5, 5.0 / 9.0, 1.0 / 3.0, 4.0 / 27.0]);
        }
        for got in testing::solve(defined(Chaos::Randen, Planarity::Largest), sums) {
            assert_near(got, [-0.5, 5.0 / 7.0, 1.0 / 3.0, 2.0 / 21.0]);
        }
        for got in testing::solve(defined(Chaos::Randen, Planarity::Sum), [0.0; 6]) {
            assert_eq!(got, [0.0; 4]);
        }
        let unknown = [1.0, 0.0, 0.0, f64::INFINITY, 0.0, 0.0];
        for got in testing::solve::<_, 4>(defined(Chaos::Ratio, Planarity::Sum), unknown) {
            assert!(got.iter().all(|ratio| ratio.is_nan()), "{got:?}");
        }
    }

    fn assert_near(got: [f32; 4], expected: [f32; 4]) {
        let near = got.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-7);
        assert!(near, "{got:?}, expected {expected:?}");
    }
}

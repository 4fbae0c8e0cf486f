use chunkfit_core::Shape;
use serde::{Deserialize, Serialize};

use super::design::Design;
use crate::linalg::{Cholesky, Matrix, dot, squared_distance, variance};
use crate::models::{Grow, Ties};

/// What a task of known shape needs: a bound from below for larger tasks, from above for smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Corner {
    pub(crate) block: Shape,
    pub(crate) core: Shape,
    pub(crate) bytes: f64,
}

/// Without branches: of many corners none is likelier than another.
fn fits(inner: Shape, outer: Shape) -> bool {
    let ([a, b, c], [x, y, z]) = (inner.extents(), outer.extents());
    (a <= x) & (b <= y) & (c <= z)
}

impl Corner {
    fn is_within(&self, block: Shape, core: Shape) -> bool {
        fits(self.block, block) & fits(self.core, core)
    }

    fn is_around(&self, block: Shape, core: Shape) -> bool {
        fits(block, self.block) & fits(core, self.core)
    }
}

/// `bytes` of a monotone form, kept between the corners on either side: at least the largest corner
/// within the task, at most the smallest around it. All three never decrease with the task, so neither
/// does the result. Outside every corner the form is alone.
pub(crate) fn bracket<'a>(
    corners: impl Iterator<Item = &'a Corner>,
    block: Shape,
    core: Shape,
    bytes: f64,
) -> f64 {
    let (mut low, mut high) = (0.0_f64, f64::INFINITY);
    for corner in corners {
        low = low.max(if corner.is_within(block, core) { corner.bytes } else { 0.0 });
        high = high.min(if corner.is_around(block, core) { corner.bytes } else { f64::INFINITY });
    }
    bytes.max(low).min(high.max(low))
}

/// A smooth of the relative residuals at the readings, and the degrees of freedom that it uses.
pub(super) struct Smooth {
    pub(super) values: Vec<f64>,
    pub(super) freedom: f64,
}

/// Octaves over which residuals are alike.
const OCTAVES: f64 = 1.0;

/// The residuals by a Gaussian process over the logarithms of the extents; the share of noise is the
/// likelier of a tenth and one.
pub(super) fn by_gaussian_process(design: &Design, residuals: &[f64]) -> Option<Smooth> {
    let x = logarithms(design);
    let n = residuals.len();
    let spread = variance(residuals.iter().copied());
    if spread <= 0.0 {
        return None;
    }
    let mut kernel = Matrix::zeros(n, n);
    for i in 0..n {
        for j in 0..=i {
            let distance = squared_distance(x.row(i), x.row(j));
            let value = (-0.5 * distance / (OCTAVES * OCTAVES)).exp();
            kernel.set(i, j, value);
            kernel.set(j, i, value);
        }
    }
    let mut best: Option<(f64, f64, Cholesky, Vec<f64>)> = None;
    for noise in [0.1, 1.0] {
        let mut noisy = kernel.clone();
        (0..n).for_each(|i| noisy.row_mut(i)[i] += noise);
        let factor = Cholesky::new(&noisy)?;
        let weights = factor.solve(residuals);
        let scale = dot(residuals, &weights) / n as f64;
        let likelihood = -(n as f64) * scale.ln() - factor.log_determinant();
        if best.as_ref().is_none_or(|(most, ..)| likelihood > *most) {
            best = Some((likelihood, noise, factor, weights));
        }
    }
    let (_, noise, factor, weights) = best?;
    let values = kernel.rows().map(|row| dot(row, &weights)).collect();
    let inverse_diagonal = |i: usize| {
        let mut unit = vec![0.0; n];
        unit[i] = 1.0;
        factor.forward(&mut unit);
        dot(&unit, &unit)
    };
    let freedom = n as f64 - noise * (0..n).map(inverse_diagonal).sum::<f64>();
    Some(Smooth { values, freedom })
}

/// The residuals by a tree of three splits over the logarithms of the extents.
pub(super) fn by_tree(design: &Design, residuals: &[f64]) -> Smooth {
    let x = logarithms(design);
    let rows: Vec<usize> = (0..residuals.len()).collect();
    let tree = Grow::plain(Some(3)).tree(&x, residuals, &rows, &mut Ties::First);
    let values = x.rows().map(|row| tree.value(row)).collect();
    Smooth { values, freedom: tree.leaves() as f64 }
}

/// The extents of every block in octaves; a process at rest is one voxel.
fn logarithms(design: &Design) -> Matrix {
    let octaves = |task: Option<(Shape, Shape)>| {
        task.map_or([0.0; 3], |(block, _)| block.extents().map(|n| (n as f64).log2()))
    };
    let data = design.points.iter().flat_map(|point| octaves(point.task)).collect();
    Matrix { width: 3, data }
}

/// Corners at the readings, from smoothed bytes in the order of the design; made monotone by raising.
pub(super) fn corners(design: &Design, bytes: &[f64]) -> Vec<Corner> {
    let mut out: Vec<Corner> = Vec::with_capacity(bytes.len());
    for (point, &bytes) in design.points.iter().zip(bytes) {
        let Some((block, core)) = point.task else { continue };
        let within = out.iter().filter(|corner| corner.is_within(block, core));
        let least = within.map(|corner| corner.bytes).fold(0.0, f64::max);
        out.push(Corner { block, core, bytes: bytes.max(least) });
    }
    out
}

//! The singular value decomposition.

use super::{Matrix, dot};
use crate::FitError;

/// A = U·diag(s)·Vᵀ of a centred design, with what every linear model asks of it.
///
/// One-sided Jacobi rotations: columns that differ by fifteen orders of magnitude keep their relative
/// accuracy, which bidiagonalisation loses. On the thesis' features that is the difference between a
/// metric that is right to 3e-4 and one that is wrong by 4e-3.
///
/// Reference: Demmel and Veselić, *Jacobi's method is more accurate than QR*, SIAM J. Matrix Anal. Appl.
/// 13 (1992), 1204–1245.
#[derive(Debug)]
pub(crate) struct Svd {
    /// Rows are left singular vectors, as many as singular values.
    u: Matrix,
    /// Rows are right singular vectors.
    v: Matrix,
    pub(crate) s: Vec<f64>,
}

/// Sweeps over all pairs at most; ten are usual.
const SWEEPS: usize = 60;

impl Svd {
    /// Of A or of Aᵀ, whichever is tall.
    pub(crate) fn new(model: &'static str, a: &Matrix) -> Result<Self, FitError> {
        let failed = |reason: &str| FitError::Numerical { model, reason: reason.to_owned() };
        let overflows = || failed("a singular value overflows; scale the features");
        if a.data.iter().any(|value| !value.is_finite()) {
            return Err(overflows());
        }
        let wide = a.width > a.height();
        let mut columns = if wide { a.clone() } else { a.transposed() };
        let unit = magnitude(&columns);
        columns.data.iter_mut().for_each(|value| *value /= unit);
        let (mut left, right) = rotate(columns)
            .ok_or_else(|| failed("the singular value decomposition does not converge"))?;
        let mut s: Vec<f64> = left.rows().map(|c| dot(c, c).sqrt()).collect();
        for (k, &s) in s.iter().enumerate().filter(|(_, s)| **s > 0.0) {
            left.row_mut(k).iter_mut().for_each(|u| *u /= s);
        }
        s.iter_mut().for_each(|s| *s *= unit);
        if s.iter().any(|s| !s.is_finite()) {
            return Err(overflows());
        }
        let (u, v) = if wide { (right, left) } else { (left, right) };
        Ok(Self { u, v, s })
    }

    /// Uᵀ·y.
    pub(crate) fn project(&self, y: &[f64]) -> Vec<f64> {
        self.u.rows().map(|u| dot(u, y)).collect()
    }

    /// V·z.
    pub(crate) fn combine(&self, z: &[f64]) -> Vec<f64> {
        (0..self.v.width).map(|j| self.v.column(j).zip(z).map(|(v, z)| v * z).sum()).collect()
    }

    /// Singular values at or below this are noise: max(n, p)·ε·(largest singular value).
    pub(crate) fn cutoff(&self) -> f64 {
        let largest = self.s.iter().copied().fold(0.0, f64::max);
        self.u.width.max(self.v.width) as f64 * f64::EPSILON * largest
    }
}

/// The power of two just below the largest entry: divided by it, no square overflows and no digit is lost.
fn magnitude(m: &Matrix) -> f64 {
    let largest = m.data.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let exponent = f64::INFINITY.to_bits();
    f64::from_bits(largest.to_bits() & exponent).max(f64::MIN_POSITIVE)
}

/// Rotates the given vectors, of entries below 2, until they are orthogonal; returns them and the rotation.
///
/// A vector that depends on others only shrinks, by about ε a sweep and without end: it has cancelled
/// once it is ε² of the largest entry, far below [`Svd::cutoff`].
fn rotate(mut vectors: Matrix) -> Option<(Matrix, Matrix)> {
    let n = vectors.height();
    let mut rotation = Matrix::identity(n);
    for _ in 0..SWEEPS {
        let mut moved = false;
        for p in 0..n {
            for q in p + 1..n {
                let (a, b) = vectors.two_rows(p, q);
                let (aa, bb, ab) = (dot(a, a), dot(b, b), dot(a, b));
                let cancelled = aa.min(bb) <= f64::EPSILON.powi(4);
                if cancelled || ab.abs() <= f64::EPSILON * (aa * bb).sqrt() {
                    continue;
                }
                moved = true;
                let zeta = (bb - aa) / (2.0 * ab);
                let tangent = 1.0_f64.copysign(zeta) / (zeta.abs() + zeta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                for (x, y) in [(a, b), rotation.two_rows(p, q)] {
                    for (x, y) in x.iter_mut().zip(y) {
                        (*x, *y) = (cosine * (*x - tangent * *y), cosine * (*y + tangent * *x));
                    }
                }
            }
        }
        if !moved {
            return Some((vectors, rotation));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::mean;

    fn wavy(height: usize, width: usize) -> Matrix {
        let mut m = Matrix::zeros(height, width);
        for i in 0..height {
            for j in 0..width {
                m.set(i, j, ((i * 7 + j * 3) as f64).sin() * 10_f64.powi(j as i32));
            }
        }
        m
    }

    #[test]
    fn svd_recomposes_tall_and_wide() {
        for (height, width) in [(9, 4), (4, 9), (5, 5)] {
            let a = wavy(height, width);
            let svd = Svd::new("test", &a).unwrap();
            for i in 0..height {
                for j in 0..width {
                    let sum: f64 =
                        (0..svd.s.len()).map(|k| svd.u.at(k, i) * svd.s[k] * svd.v.at(k, j)).sum();
                    let scale = svd.s.iter().copied().fold(0.0, f64::max);
                    assert!((sum - a.at(i, j)).abs() < 1e-13 * scale, "{height}×{width} {i} {j}");
                }
            }
        }
    }

    /// A volume, a surface, powers and all products of two over a small grid, centred: 14 columns from
    /// 1e3 to 1e33.
    fn monomials(height: usize) -> Matrix {
        let row = |i: usize| {
            let axis = |at: usize, step: f64| step * (1 + at) as f64;
            let (a, b, c) = (axis(i % 5, 10.0), axis(i / 5 % 4, 16.0), axis(i / 20, 64.0));
            let (v, surface) = (a * b * c, 2.0 * (a * b + b * c + a * c));
            let features = [v, v * v, surface, v * v * v];
            let products = (0..4).flat_map(|j| (j..4).map(move |k| features[j] * features[k]));
            features.into_iter().chain(products).collect::<Vec<f64>>()
        };
        let rows: Vec<Vec<f64>> = (0..height).map(row).collect();
        let mut m = Matrix::from_rows(14, rows.iter().map(Vec::as_slice));
        for j in 0..m.width {
            let centre = mean(m.column(j));
            (0..height).for_each(|i| m.set(i, j, m.at(i, j) - centre));
        }
        m
    }

    #[test]
    fn svd_of_dependent_rows_of_any_scale() {
        for height in 2..60 {
            let a = monomials(height);
            let svd = Svd::new("test", &a).unwrap();
            let norm = dot(&a.data, &a.data).sqrt();
            assert!((dot(&svd.s, &svd.s).sqrt() / norm - 1.0).abs() < 1e-13, "{height}");
            // Centred rows depend on each other: at least one vector has cancelled.
            let kept = svd.s.iter().filter(|s| **s > svd.cutoff()).count();
            assert!(kept < height.min(a.width + 1), "{height}: {kept}");
            for exponent in [-900, 600] {
                let scale = 2.0_f64.powi(exponent);
                let data = a.data.iter().map(|value| value * scale).collect();
                let scaled = Svd::new("test", &Matrix { width: a.width, data }).unwrap();
                let back: Vec<f64> = scaled.s.iter().map(|s| s / scale).collect();
                assert_eq!(back, svd.s, "{height}, 2^{exponent}");
            }
        }
    }

    #[test]
    fn svd_names_an_overflow() {
        for value in [f64::INFINITY, f64::NAN, f64::MAX] {
            let a = Matrix { width: 2, data: vec![value, 1.0, value, 2.0] };
            let why = Svd::new("test", &a).unwrap_err().to_string();
            assert!(why.contains("scale the features"), "{why}");
        }
    }

    #[test]
    fn svd_of_nothing_is_zero() {
        assert_eq!(Svd::new("test", &Matrix::zeros(3, 2)).unwrap().s, [0.0, 0.0]);
    }
}

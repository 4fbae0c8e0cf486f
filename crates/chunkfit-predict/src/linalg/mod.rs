//! The little dense linear algebra that the models need.

mod svd;

use serde::{Deserialize, Serialize};

pub(crate) use svd::Svd;

/// Rows of equal width, row after row.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Matrix {
    pub(crate) width: usize,
    pub(crate) data: Vec<f64>,
}

impl Matrix {
    pub(crate) fn zeros(height: usize, width: usize) -> Self {
        Self { width, data: vec![0.0; height * width] }
    }

    pub(crate) fn from_rows<'a>(width: usize, rows: impl IntoIterator<Item = &'a [f64]>) -> Self {
        Self { width, data: rows.into_iter().flatten().copied().collect() }
    }

    pub(crate) fn identity(n: usize) -> Self {
        let mut m = Self::zeros(n, n);
        (0..n).for_each(|i| m.set(i, i, 1.0));
        m
    }

    pub(crate) fn transposed(&self) -> Self {
        let columns = (0..self.width).flat_map(|j| self.column(j));
        Self { width: self.height(), data: columns.collect() }
    }

    /// Rows `p` < `q`.
    fn two_rows(&mut self, p: usize, q: usize) -> (&mut [f64], &mut [f64]) {
        let (low, high) = self.data.split_at_mut(q * self.width);
        (&mut low[p * self.width..][..self.width], &mut high[..self.width])
    }

    pub(crate) fn height(&self) -> usize {
        self.data.len().checked_div(self.width).unwrap_or(0)
    }

    pub(crate) fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.width..(i + 1) * self.width]
    }

    pub(crate) fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.data[i * self.width..(i + 1) * self.width]
    }

    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> + Clone {
        self.data.chunks_exact(self.width.max(1))
    }

    pub(crate) fn column(&self, j: usize) -> impl Iterator<Item = f64> + Clone + '_ {
        self.data.iter().skip(j).step_by(self.width.max(1)).copied()
    }

    pub(crate) fn at(&self, i: usize, j: usize) -> f64 {
        self.data[i * self.width + j]
    }

    pub(crate) fn set(&mut self, i: usize, j: usize, value: f64) {
        self.data[i * self.width + j] = value;
    }
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(crate) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

pub(crate) fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = values.clone().count();
    values.sum::<f64>() / n as f64
}

/// Population variance.
pub(crate) fn variance(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let centre = mean(values.clone());
    mean(values.map(|v| (v - centre) * (v - centre)))
}

/// The lower triangle L of a positive definite matrix L·Lᵀ.
#[derive(Debug, Clone)]
pub(crate) struct Cholesky {
    l: Matrix,
}

impl Cholesky {
    /// `None` when `a` is not positive definite to working precision.
    pub(crate) fn new(a: &Matrix) -> Option<Self> {
        let n = a.width;
        let mut l = Matrix::zeros(n, n);
        for i in 0..n {
            for j in 0..=i {
                let (above, current) = l.data.split_at(i * n);
                let row_j = if j == i { &current[..j] } else { &above[j * n..j * n + j] };
                let rest = a.at(i, j) - dot(&current[..j], row_j);
                if i != j {
                    l.set(i, j, rest / l.at(j, j));
                } else if rest > a.at(i, i) * (n as f64) * f64::EPSILON {
                    l.set(i, i, rest.sqrt());
                } else {
                    return None;
                }
            }
        }
        Some(Self { l })
    }

    /// Solves L·z = b in place.
    pub(crate) fn forward(&self, b: &mut [f64]) {
        for i in 0..self.l.width {
            let (done, rest) = b.split_at_mut(i);
            let row = self.l.row(i);
            rest[0] = (rest[0] - dot(&row[..i], done)) / row[i];
        }
    }

    /// Solves L·Lᵀ·x = b.
    pub(crate) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x = b.to_vec();
        self.forward(&mut x);
        for i in (0..x.len()).rev() {
            for k in i + 1..x.len() {
                x[i] -= self.l.at(k, i) * x[k];
            }
            x[i] /= self.l.at(i, i);
        }
        x
    }

    /// log |L·Lᵀ|.
    pub(crate) fn log_determinant(&self) -> f64 {
        (0..self.l.width).map(|i| 2.0 * self.l.at(i, i).ln()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cholesky_solves() {
        let a = Matrix { width: 3, data: vec![4., 2., 1., 2., 5., 3., 1., 3., 6.] };
        let chol = Cholesky::new(&a).unwrap();
        let x = chol.solve(&[1., 2., 3.]);
        for (i, want) in [1., 2., 3.].into_iter().enumerate() {
            assert!((dot(a.row(i), &x) - want).abs() < 1e-14);
        }
        assert!((chol.log_determinant() - 67_f64.ln()).abs() < 1e-14);
        let singular = Matrix { width: 2, data: vec![1., 1., 1., 1.] };
        assert!(Cholesky::new(&singular).is_none());
    }
}

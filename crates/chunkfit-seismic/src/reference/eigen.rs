/// Eigenvalues, ascending, and eigenvectors of a symmetric matrix, by cyclic Jacobi rotations.
pub(super) fn eigen(mut a: [[f64; 3]; 3]) -> [(f64, [f64; 3]); 3] {
    let mut v = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for _ in 0..30 {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if a[p][q] == 0.0 {
                continue;
            }
            let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
            let t = 1_f64.copysign(theta) / (theta.abs() + theta.hypot(1.0));
            let c = 1.0 / t.hypot(1.0);
            let s = t * c;
            for row in &mut a {
                (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
            }
            (a[p], a[q]) = (
                [0, 1, 2].map(|k| c * a[p][k] - s * a[q][k]),
                [0, 1, 2].map(|k| s * a[p][k] + c * a[q][k]),
            );
            for row in &mut v {
                (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
            }
        }
    }
    let mut pairs = [0, 1, 2].map(|n| (a[n][n], v.map(|row| row[n])));
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_a_known_matrix() {
        let pairs = eigen([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 5.0]]);
        for ((value, vector), (expected, direction)) in pairs.into_iter().zip([
            (1.0, [0.5_f64.sqrt(), -(0.5_f64.sqrt()), 0.0]),
            (3.0, [0.5_f64.sqrt(), 0.5_f64.sqrt(), 0.0]),
            (5.0, [0.0, 0.0, 1.0]),
        ]) {
            assert!((value - expected).abs() < 1e-14);
            let along: f64 = vector.iter().zip(direction).map(|(a, b)| a * b).sum();
            assert!((along.abs() - 1.0).abs() < 1e-14);
        }
    }
}

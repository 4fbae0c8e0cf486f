/// The non-negative w with `rows`·w ≥ `targets` that has the least total excess: a fit from above.
///
/// The linear program is solved in its dual, whose start is feasible without a first phase: as many
/// constraints as coefficients, as many variables as rows. `None` when no w is above every row.
pub(super) fn from_above(rows: &[Vec<f64>], targets: &[f64]) -> Option<Vec<f64>> {
    let p = rows.first()?.len();
    let n = rows.len();
    let width = n + p + 1;
    // One line per coefficient: Σ rowᵢ·λᵢ + slack = Σ rows; the last line is the objective.
    let mut table = vec![vec![0.0; width]; p + 1];
    for (j, line) in table[..p].iter_mut().enumerate() {
        for (i, row) in rows.iter().enumerate() {
            line[i] = row[j];
            line[width - 1] += row[j];
        }
        line[n + j] = 1.0;
    }
    table[p][..n].copy_from_slice(targets);
    for round in 0..50 * (n + p) {
        let Some(entering) = entering(&table[p][..width - 1], round > 10 * (n + p)) else {
            return Some((0..p).map(|j| (-table[p][n + j]).max(0.0)).collect());
        };
        let leaving = (0..p)
            .filter(|&j| table[j][entering] > 1e-12)
            .map(|j| (table[j][width - 1] / table[j][entering], j))
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))?
            .1;
        pivot(&mut table, leaving, entering);
    }
    None
}

/// The most promising column, or, against cycling, the first that helps.
fn entering(gains: &[f64], cautious: bool) -> Option<usize> {
    let mut helps = gains.iter().enumerate().filter(|(_, gain)| **gain > 1e-11);
    let best = if cautious { helps.next() } else { helps.max_by(|a, b| a.1.total_cmp(b.1)) };
    best.map(|(column, _)| column)
}

fn pivot(table: &mut [Vec<f64>], line: usize, column: usize) {
    let by = table[line][column];
    table[line].iter_mut().for_each(|v| *v /= by);
    let pivot = table[line].clone();
    for other in table.iter_mut().enumerate().filter(|(i, _)| *i != line).map(|(_, other)| other) {
        let factor = other[column];
        if factor != 0.0 {
            other.iter_mut().zip(&pivot).for_each(|(v, p)| *v -= factor * p);
        }
    }
}

#[cfg(test)]
mod tests {
    use chunkfit_core::testing::Dice;

    use super::*;

    #[test]
    fn touches_a_line_from_above() {
        let rows: Vec<Vec<f64>> = [1.0, 2.0, 5.0, 9.0].map(|v| vec![1.0, v]).into();
        let y = [3.0, 5.0, 10.0, 19.0];
        let w = from_above(&rows, &y).unwrap();
        assert!((w[0] - 1.0).abs() < 1e-12 && (w[1] - 2.0).abs() < 1e-12, "{w:?}");
    }

    /// No corner of the feasible set is better: every pair of tight constraints is tried.
    #[test]
    fn is_the_best_corner() {
        for seed in 0..200 {
            let mut dice = Dice::new(seed);
            let n = dice.between(1, 8);
            let mut draw = || f64::from(dice.amplitude()).abs() + 0.05;
            let rows: Vec<Vec<f64>> = (0..n).map(|_| vec![draw(), draw()]).collect();
            let y: Vec<f64> = (0..n).map(|_| draw()).collect();
            let excess = |w: [f64; 2]| {
                let above = |(row, y): (&Vec<f64>, &f64)| row[0] * w[0] + row[1] * w[1] - y;
                let all: Vec<f64> = rows.iter().zip(&y).map(above).collect();
                let ok = w[0] >= -1e-9 && w[1] >= -1e-9 && all.iter().all(|e| *e >= -1e-9);
                if ok { all.iter().sum() } else { f64::INFINITY }
            };
            let w = from_above(&rows, &y).unwrap();
            let got = excess([w[0], w[1]]);
            let mut lines: Vec<([f64; 2], f64)> =
                rows.iter().zip(&y).map(|(r, y)| ([r[0], r[1]], *y)).collect();
            lines.extend([([1.0, 0.0], 0.0), ([0.0, 1.0], 0.0)]);
            for (a, ya) in &lines {
                for (b, yb) in &lines {
                    let det = a[0] * b[1] - a[1] * b[0];
                    let corner = [(ya * b[1] - yb * a[1]) / det, (a[0] * yb - b[0] * ya) / det];
                    if det.abs() > 1e-9 {
                        assert!(got <= excess(corner) + 1e-8, "{seed}: {w:?} {corner:?}");
                    }
                }
            }
        }
    }
}

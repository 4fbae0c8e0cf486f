//! Rows side by side in the lanes of vectors, and back.

use pulp::{Simd, WithSimd, bytemuck};

use super::side_by_side::MOST_LANES;

/// Elements of each row that are turned at a time.
const TILE: usize = 4;

/// Copies `rows` of one length into `line`, one row per lane, each times its scale: vector `k` holds
/// element `k` of all. Lanes without a row repeat the first; vectors after the last element become 0.
pub(super) struct Gather<'a> {
    pub(super) rows: &'a [&'a [f32]],
    /// One for each lane.
    pub(super) scales: &'a [f32],
    pub(super) line: &'a mut [f32],
}

impl WithSimd for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [first, ..] = *self.rows else { return };
        let (line, after) = S::as_mut_simd_f32s(self.line).0.split_at_mut(first.len());
        after.fill(simd.splat_f32s(0.0));
        let (tiles, rest) = line.as_chunks_mut::<TILE>();
        let row = |lane: usize| self.rows.get(lane).unwrap_or(&first).as_chunks::<TILE>();
        // All slices have the length of `tiles`, so that no index needs a check.
        let n_tiles = tiles.len();
        let rows: [_; MOST_LANES] = std::array::from_fn(|lane| &row(lane).0[..n_tiles]);
        let scale = turned(simd, |lane| [self.scales[lane]; TILE])[0];
        for (number, tile) in tiles.iter_mut().enumerate() {
            *tile = turned(simd, |lane| rows[lane][number]).map(|v| simd.mul_f32s(v, scale));
        }
        if rest.is_empty() {
            return;
        }
        let ends = turned(simd, |lane| {
            let mut piece = [0.0; TILE];
            piece[..rest.len()].copy_from_slice(row(lane).1);
            piece
        });
        for (out, value) in rest.iter_mut().zip(ends) {
            *out = simd.mul_f32s(value, scale);
        }
    }
}

/// As many vectors as a tile has elements, from the piece of each lane.
#[inline(always)]
fn turned<S: Simd>(simd: S, piece: impl Fn(usize) -> [f32; TILE]) -> [S::f32s; TILE] {
    let mut packed = [simd.splat_f32s(0.0); TILE];
    let pieces = bytemuck::cast_slice_mut::<_, f32>(&mut packed).as_chunks_mut::<TILE>().0;
    for (lane, out) in pieces.iter_mut().enumerate() {
        *out = piece(lane);
    }
    simd.deinterleave_shfl_f32s(packed)
}

/// Copies the first `n` vectors of `line` into `rows`, lane by lane, each row of `n` elements.
pub(super) struct Scatter<'a> {
    pub(super) n: usize,
    pub(super) line: &'a [f32],
    pub(super) rows: &'a mut [f32],
}

impl WithSimd for Scatter<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (tiles, rest) = S::as_simd_f32s(self.line).0[..self.n].as_chunks::<TILE>();
        let n_tiles = tiles.len();
        let mut rows = self.rows.chunks_exact_mut(self.n);
        let mut rows: [_; MOST_LANES] = std::array::from_fn(|_| {
            let (tiles, end) = rows.next().unwrap_or_default().as_chunks_mut::<TILE>();
            (tiles.get_mut(..n_tiles).unwrap_or_default(), end)
        });
        for (number, tile) in tiles.iter().enumerate() {
            let packed = simd.interleave_shfl_f32s(*tile);
            let pieces = bytemuck::cast_slice::<_, f32>(&packed).as_chunks::<TILE>().0;
            for (piece, (tiles, _)) in pieces.iter().zip(&mut rows) {
                tiles[number] = *piece;
            }
        }
        if rest.is_empty() {
            return;
        }
        let mut tile = [simd.splat_f32s(0.0); TILE];
        tile[..rest.len()].copy_from_slice(rest);
        let packed = simd.interleave_shfl_f32s(tile);
        let pieces = bytemuck::cast_slice::<_, f32>(&packed).as_chunks::<TILE>().0;
        for (piece, (_, end)) in pieces.iter().zip(&mut rows) {
            end.copy_from_slice(&piece[..end.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::side_by_side::lanes;
    use super::*;
    use crate::testing::every_arch;

    #[test]
    fn rows_come_back() {
        for arch in every_arch() {
            let lanes = lanes(arch);
            for (n, n_rows) in [(1, 1), (4, lanes), (11, lanes.div_ceil(2)), (19, lanes)] {
                let values: Vec<f32> = (0..n * n_rows).map(|v| v as f32).collect();
                let rows: Vec<_> = values.chunks(n).collect();
                let scales: Vec<_> = (0..lanes).map(|row| (row + 1) as f32).collect();
                let mut line = vec![f32::NAN; (n + 3) * lanes];
                arch.dispatch(Gather { rows: &rows, scales: &scales, line: &mut line });
                assert!(line[n * lanes..].iter().all(|v| *v == 0.0));
                let mut back = vec![f32::NAN; n * lanes];
                arch.dispatch(Scatter { n, line: &line, rows: &mut back });
                for (index, &value) in back.iter().enumerate() {
                    let row = index / n;
                    let from = if row < n_rows { index } else { index % n };
                    let expected = values[from] * (row + 1) as f32;
                    assert_eq!(value, expected, "{n} x {n_rows}, {index}");
                }
            }
        }
    }
}

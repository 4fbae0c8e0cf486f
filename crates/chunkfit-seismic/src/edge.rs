//! The boundary mode of every operator: SciPy's `reflect`, d c b a | a b c d | d c b a.

/// The element of an axis of `n` that position `index` shows, however far outside it lies.
///
/// Kernels reflect at the faces of their block. At a face of the volume the block is clipped, so
/// that is the face of the volume; at any other face the halo is wide enough that no position that
/// matters lies outside.
pub(crate) fn reflect(index: isize, n: usize) -> usize {
    let n = n as isize;
    let within = index.rem_euclid(2 * n);
    (if within < n { within } else { 2 * n - 1 - within }) as usize
}

/// Fills what lies outside `n` elements that `line` holds from position `start` on.
pub(crate) fn reflect_around<T: Copy>(line: &mut [T], start: usize, n: usize) {
    let outside = (0..start).chain((start + n).min(line.len())..line.len());
    for position in outside {
        line[position] = line[start + reflect(position as isize - start as isize, n)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_period_two_n() {
        let seen: Vec<usize> = (-7..8).map(|k| reflect(k, 3)).collect();
        assert_eq!(seen, [0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
        assert!((-5..5).all(|k| reflect(k, 1) == 0));
    }

    #[test]
    fn fills_both_sides() {
        let mut line = [9, 9, 9, 1, 2, 9, 9];
        reflect_around(&mut line, 3, 2);
        assert_eq!(line, [2, 2, 1, 1, 2, 2, 1]);
    }
}

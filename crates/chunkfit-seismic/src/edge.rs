//! The boundary mode of every operator: SciPy's `reflect`, d c b a | a b c d | d c b a.

use std::ops::Range;

/// The element of an axis of `n` that position `index` shows, however far outside it lies.
///
/// Kernels reflect at the faces of their block. At a face of the volume the block is clipped, so
/// that is the face of the volume; at any other face the halo is wide enough that no position that
/// matters lies outside.
#[inline]
pub(crate) fn reflect(index: isize, n: usize) -> usize {
    // Most lie inside, and a division costs as much as some elements of a line.
    if let Ok(inside) = usize::try_from(index)
        && inside < n
    {
        return inside;
    }
    let n = n as isize;
    let within = index.rem_euclid(2 * n);
    (if within < n { within } else { 2 * n - 1 - within }) as usize
}

/// Fills what lies outside the elements that are `known`.
pub(crate) fn reflect_around<T: Copy>(line: &mut [T], known: Range<usize>) {
    for (outside, shown) in around(known, line.len()) {
        line[outside] = line[shown];
    }
}

/// The same for lines of `length` elements, one after the other.
pub(crate) fn reflect_lines_around<T: Copy>(lines: &mut [T], length: usize, known: Range<usize>) {
    for (outside, shown) in around(known, lines.len() / length) {
        lines.copy_within(shown * length..(shown + 1) * length, outside * length);
    }
}

/// The positions of `n` that are not known, and what they show.
fn around(known: Range<usize>, n: usize) -> impl Iterator<Item = (usize, usize)> {
    let Range { start, end } = known;
    (0..start).chain(end..n).map(move |outside| {
        (outside, start + reflect(outside as isize - start as isize, end - start))
    })
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
        reflect_around(&mut line, 3..5);
        assert_eq!(line, [2, 2, 1, 1, 2, 2, 1]);
        let mut line = [9, 9, 9, 9, 1, 2, 3, 4, 9, 9];
        reflect_lines_around(&mut line, 2, 2..4);
        assert_eq!(line, [3, 4, 1, 2, 1, 2, 3, 4, 3, 4]);
    }
}

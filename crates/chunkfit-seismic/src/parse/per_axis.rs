//! One value for all axes, or three: `3` or `3x3x1`.

use std::fmt::Display;
use std::str::FromStr;

/// The values along inline, crossline and sample.
pub(crate) fn read<T: FromStr + Copy>(text: &str) -> Option<[T; 3]> {
    let values: Vec<T> =
        text.split('x').map(|part| part.trim().parse().ok()).collect::<Option<_>>()?;
    match values[..] {
        [all] => Some([all; 3]),
        [inline, crossline, sample] => Some([inline, crossline, sample]),
        _ => None,
    }
}

/// Text that [`read`] turns into `values` again.
pub(crate) fn write<T: Display + PartialEq>(values: &[T; 3]) -> String {
    let [inline, crossline, sample] = values;
    if inline == crossline && crossline == sample {
        inline.to_string()
    } else {
        format!("{inline}x{crossline}x{sample}")
    }
}

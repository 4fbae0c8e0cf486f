//! Memory for results.

use ndarray::{Array, Dimension};

use crate::filter::Sample;

/// From this size on, huge pages are asked for: what an allocator maps apart from its heap.
#[cfg(target_os = "linux")]
const LARGE: usize = 4 << 20;

/// An array of zeros whose pages do not exist yet, huge ones where the system grants them: the first
/// touch of 4 KiB pages costs more than most kernels.
pub(crate) fn fresh<T: Sample, D: Dimension>(shape: D) -> Array<T, D> {
    let array = Array::from_elem(shape, T::default());
    #[cfg(target_os = "linux")]
    ask_for_huge_pages(&array);
    array
}

#[cfg(target_os = "linux")]
fn ask_for_huge_pages<T, D: Dimension>(array: &Array<T, D>) {
    use rustix::mm::{Advice, madvise};

    let bytes = size_of_val(array.as_slice().unwrap_or_default());
    if bytes < LARGE {
        return;
    }
    let page = rustix::param::page_size();
    let start = array.as_ptr().cast::<u8>();
    let skip = start.align_offset(page);
    let length = bytes.saturating_sub(skip) / page * page;
    // A system that has no huge pages says so, and small ones are as good.
    #[expect(unsafe_code, reason = "advice about memory has no safe form")]
    // SAFETY: the range lies within the array. The advice changes the size of its pages, not what
    // they hold.
    let _unavailable =
        unsafe { madvise(start.add(skip).cast_mut().cast(), length, Advice::LinuxHugepage) };
}

#[cfg(test)]
mod tests {
    use ndarray::Dim;

    use super::*;

    #[test]
    fn is_zero_at_any_size() {
        for shape in [[0, 3, 4], [2, 3, 5], [3, 7, 100_003]] {
            let array = fresh::<f32, _>(Dim(shape));
            assert_eq!(array.shape(), shape);
            assert!(array.iter().all(|value| value.to_bits() == 0));
        }
    }
}

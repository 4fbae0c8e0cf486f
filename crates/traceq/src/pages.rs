//! Pages whose number is known: the truth of the self-test.

#![expect(unsafe_code, reason = "mapping memory is unsafe by its interface")]

use std::ptr::{NonNull, null_mut};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

use crate::procfs::page_bytes;

/// An anonymous private mapping without huge pages, resident only where it was touched.
#[derive(Debug)]
pub(crate) struct Pages {
    begin: NonNull<u8>,
    bytes: usize,
}

impl Pages {
    /// Maps `bytes`, rounded up to whole pages by the kernel. `None` where it refuses.
    pub(crate) fn map(bytes: usize) -> Option<Self> {
        // SAFETY: a new mapping at a place of the kernel's choice overlaps nothing.
        let begin = unsafe {
            mmap_anonymous(null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
        };
        let begin = NonNull::new(begin.ok()?.cast::<u8>())?;
        // SAFETY: the range was mapped above; the advice changes no content. A kernel without huge
        // pages refuses it, and needs none.
        let _ = unsafe { madvise(begin.as_ptr().cast(), bytes, Advice::LinuxNoHugepage) };
        Some(Self { begin, bytes })
    }

    /// Makes every page resident.
    pub(crate) fn touch(&self) {
        for at in (0..self.bytes).step_by(page_bytes() as usize) {
            // SAFETY: `at` lies inside the mapping, which is writable and ours alone.
            unsafe { self.begin.as_ptr().add(at).write_volatile(1) };
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: mapped in `map` with this length, and no reference into it was handed out.
        let _ = unsafe { munmap(self.begin.as_ptr().cast(), self.bytes) };
    }
}

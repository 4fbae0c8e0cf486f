//! Pages whose number is known.

#![expect(unsafe_code, reason = "mapping memory is unsafe by its interface")]

use std::ptr::{NonNull, null_mut};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

use crate::procfs::page_bytes;

/// Transparent huge pages, as the kernel shows the setting.
pub(crate) fn huge_pages() -> Option<String> {
    let setting = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled");
    setting.ok().map(|setting| setting.trim().to_owned())
}

/// An anonymous private mapping without huge pages, resident only where it was touched.
#[derive(Debug)]
pub(crate) struct Pages {
    begin: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the mapping belongs to nobody else, and no reference into it exists.
unsafe impl Send for Pages {}

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

    /// Where it begins.
    pub(crate) fn address(&self) -> usize {
        self.begin.as_ptr().addr()
    }

    /// Makes the pages of a part resident, of the whole with [`touch_all`](Self::touch_all).
    pub(crate) fn touch(&self, from: usize, bytes: usize) {
        let end = from.saturating_add(bytes).min(self.bytes);
        for at in (from..end).step_by(page_bytes() as usize) {
            // SAFETY: `at` lies inside the mapping, which is writable and ours alone.
            unsafe { self.begin.as_ptr().add(at).write_volatile(1) };
        }
    }

    /// Makes every page resident.
    pub(crate) fn touch_all(&self) {
        self.touch(0, self.bytes);
    }

    /// Makes the whole pages of a part resident in one call, which is cheaper than a fault for each.
    pub(crate) fn populate(&self, from: usize, bytes: usize) {
        let bytes = bytes.min(self.bytes.saturating_sub(from));
        let part = self.begin.as_ptr().wrapping_add(from).cast();
        // SAFETY: the part lies inside the mapping, into which no reference was handed out.
        if unsafe { madvise(part, bytes, Advice::LinuxPopulateWrite) }.is_err() {
            // Before Linux 5.14.
            self.touch(from, bytes);
        }
    }

    /// Makes the whole pages of a part not resident; they stay mapped.
    pub(crate) fn give_up(&self, from: usize, bytes: usize) {
        let bytes = bytes.min(self.bytes.saturating_sub(from));
        // SAFETY: the range lies inside the mapping, into which no reference was handed out. A kernel
        // that refuses leaves the pages as they are.
        let _ = unsafe {
            madvise(self.begin.as_ptr().wrapping_add(from).cast(), bytes, Advice::LinuxDontNeed)
        };
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: mapped in `map` with this length, and no reference into it was handed out.
        let _ = unsafe { munmap(self.begin.as_ptr().cast(), self.bytes) };
    }
}

//! Memory whose resident size is known to the page.

#![expect(unsafe_code, reason = "mapping memory is unsafe by its interface")]

use std::ptr::null_mut;

pub(crate) const KIB: usize = 1024;
pub(crate) const MIB: usize = 1024 * KIB;

/// A mapping without huge pages, every page touched.
pub(crate) struct Block {
    begin: *mut libc::c_void,
    bytes: usize,
}

/// Maps and touches `bytes`.
pub(crate) fn fill(bytes: usize) -> Block {
    let (rights, kind) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new private mapping of the kernel's choice; advised and written inside its length.
    unsafe {
        let begin = libc::mmap(null_mut(), bytes, rights, kind, -1, 0);
        assert_ne!(begin, libc::MAP_FAILED);
        libc::madvise(begin, bytes, libc::MADV_NOHUGEPAGE);
        for at in (0..bytes).step_by(4 * KIB) {
            begin.cast::<u8>().add(at).write_volatile(1);
        }
        Block { begin, bytes }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: mapped in `fill` with this length.
        unsafe { libc::munmap(self.begin, self.bytes) };
    }
}

//! The global allocator that counts.

#![expect(unsafe_code, reason = "an allocator is unsafe by its trait")]

use std::alloc::{GlobalAlloc, Layout, System};

use super::counter;

/// A global allocator that counts live and peak bytes and leaves the work to `A`.
///
/// Install it in a program or test binary with `#[global_allocator]`; see [`heap`](crate::heap).
/// Without that nothing of it is in the program. The hooks do not allocate, take no lock, and work in
/// thread destructors and after `fork`.
#[derive(Debug, Default)]
pub struct TraceqAlloc<A = System> {
    inner: A,
}

impl TraceqAlloc<System> {
    /// Counts what the system's allocator serves.
    pub const fn system() -> Self {
        Self::new(System)
    }
}

impl<A> TraceqAlloc<A> {
    /// Counts what `inner` serves.
    pub const fn new(inner: A) -> Self {
        Self { inner }
    }
}

// SAFETY: every call is passed on unchanged to `inner`, whose contract is the caller's; the counting
// beside it never allocates, unwinds or touches the blocks. No layout exceeds `isize::MAX` bytes, so
// the casts keep the sign.
unsafe impl<A: GlobalAlloc> GlobalAlloc for TraceqAlloc<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise, passed on.
        let block = unsafe { self.inner.alloc(layout) };
        if !block.is_null() {
            counter::grow(layout.size() as i64);
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.size() >= counter::LARGE {
            counter::before_large_free();
        }
        // SAFETY: the caller's promise, passed on.
        unsafe { self.inner.dealloc(block, layout) };
        counter::shrink(layout.size() as i64);
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise, passed on.
        let block = unsafe { self.inner.alloc_zeroed(layout) };
        if !block.is_null() {
            counter::grow(layout.size() as i64);
        }
        block
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if layout.size() >= counter::LARGE && new_size < layout.size() {
            counter::before_large_free();
        }
        // SAFETY: the caller's promise, passed on.
        let moved = unsafe { self.inner.realloc(block, layout, new_size) };
        if !moved.is_null() {
            let change = new_size as i64 - layout.size() as i64;
            if change >= 0 { counter::grow(change) } else { counter::shrink(-change) }
        }
        moved
    }
}

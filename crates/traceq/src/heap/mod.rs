//! Exact live and peak bytes of the Rust heap.
//!
//! ```
//! use traceq::{TraceqAlloc, heap};
//!
//! #[global_allocator]
//! static ALLOC: TraceqAlloc = TraceqAlloc::system();
//!
//! let before = heap::live_bytes().ok_or("not installed")?;
//! let kept = vec![0_u8; 1000];
//! assert_eq!(heap::live_bytes(), Some(before + 1000));
//! drop(kept);
//! # Ok::<(), &str>(())
//! ```
//!
//! Counted are the bytes that the program requests: what the allocator adds (rounding, headers, free
//! lists) is not in the number, and neither are C libraries, thread stacks and mapped files. A
//! `realloc` counts the difference of the sizes; that it may hold old and new for a moment is a matter
//! of the allocator below, and shows in the resident set.
//!
//! **How exact.** Each thread counts for itself and hands on its balance when it has moved by
//! [`FLUSH_BYTES`], so a call costs no atomic operation. While a program has one thread, all numbers
//! are exact. With more, process-wide numbers are exact within [`bound_bytes`]; the marks of a single
//! thread ([`Scope::ThreadHeap`](crate::Scope::ThreadHeap)) stay exact.
//!
//! **Whose bytes.** A free is booked to the thread and the region in which it happens, also when
//! another one allocated: no header is put before the program's blocks to remember their origin.

mod alloc;
mod counter;
mod mark;

pub use alloc::TraceqAlloc;
pub use counter::FLUSH_BYTES;
pub(crate) use mark::{HeapMark, Marked};

/// Live bytes of the process's Rust heap; `None` where [`TraceqAlloc`] is not installed.
///
/// Other threads' batches are not in it, so with several threads it is exact within [`bound_bytes`],
/// and never shown below 0.
pub fn live_bytes() -> Option<u64> {
    counter::installed().then(|| counter::settle().max(0).unsigned_abs())
}

/// Highest live bytes since the program began; `None` where [`TraceqAlloc`] is not installed.
pub fn peak_bytes() -> Option<u64> {
    counter::installed().then(|| {
        counter::settle();
        mark::process_peak()
    })
}

/// How far process-wide numbers may be from the truth, in bytes: 0 while the program has had one
/// thread, else `(threads + 1) ×` [`FLUSH_BYTES`] for the most threads that were alive together.
pub fn bound_bytes() -> u64 {
    match counter::most_threads() {
        0 | 1 => 0,
        threads => (threads + 1) * FLUSH_BYTES,
    }
}

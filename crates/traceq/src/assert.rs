//! Assertions on peaks, for tests.

use crate::region::Region;
use crate::{Unit, enabled};

/// Which peak [`assert_peak!`](crate::assert_peak) looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeakOf {
    /// Requested bytes of the process's heap.
    Heap,
    /// Requested bytes of the calling thread.
    ThreadHeap,
    /// Resident set of the process.
    Rss,
}

/// Runs a block and panics if its peak, above what there was before, reaches a limit. The block's
/// value is the macro's.
///
/// | form | peak | in a test binary that |
/// |---|---|---|
/// | `< 10 MiB`, `heap < 10 MiB` | process's heap | runs nothing beside |
/// | `thread heap < 10 MiB` | this thread's heap | runs other tests; the block starts no threads |
/// | `rss < 10 MiB` | resident set | runs nothing beside |
///
/// The heap forms need [`TraceqAlloc`](crate::TraceqAlloc) as `#[global_allocator]`. Units are `B`,
/// `KiB`, `MiB` and `GiB`.
///
/// ```
/// # #[global_allocator]
/// # static ALLOC: traceq::TraceqAlloc = traceq::TraceqAlloc::system();
/// use traceq::assert_peak;
///
/// let n = assert_peak!(< 10 KiB, {
///     let volume = vec![0_f32; 5 * 7 * 11];
///     volume.len()
/// });
/// assert_eq!(n, 385);
/// ```
///
/// ```should_panic
/// # #[global_allocator]
/// # static ALLOC: traceq::TraceqAlloc = traceq::TraceqAlloc::system();
/// traceq::assert_peak!(heap < 1 KiB, vec![0_f32; 5 * 7 * 11]);
/// ```
///
/// # Panics
/// If the peak is not below the limit, or if it cannot be measured: absent is not passed.
#[macro_export]
macro_rules! assert_peak {
    (@ $of:ident, $limit:literal, $unit:ident, $body:expr) => {
        $crate::assert::below(
            $crate::assert::PeakOf::$of,
            ($limit as f64 * $crate::assert_peak!(@unit $unit)) as u64,
            || $body,
        )
    };
    (@unit B) => { 1.0 };
    (@unit KiB) => { 1024.0 };
    (@unit MiB) => { 1_048_576.0 };
    (@unit GiB) => { 1_073_741_824.0 };
    (< $limit:literal $unit:ident, $body:expr $(,)?) => {
        $crate::assert_peak!(@ Heap, $limit, $unit, $body)
    };
    (heap < $limit:literal $unit:ident, $body:expr $(,)?) => {
        $crate::assert_peak!(@ Heap, $limit, $unit, $body)
    };
    (thread heap < $limit:literal $unit:ident, $body:expr $(,)?) => {
        $crate::assert_peak!(@ ThreadHeap, $limit, $unit, $body)
    };
    (rss < $limit:literal $unit:ident, $body:expr $(,)?) => {
        $crate::assert_peak!(@ Rss, $limit, $unit, $body)
    };
}

/// What [`assert_peak!`](crate::assert_peak) calls, for limits that are not literals.
///
/// # Panics
/// If the peak is not below `limit_bytes`, or cannot be measured.
#[track_caller]
pub fn below<T>(of: PeakOf, limit_bytes: u64, f: impl FnOnce() -> T) -> T {
    let region = match of {
        PeakOf::Rss => Region::enter("assert_peak"),
        PeakOf::Heap | PeakOf::ThreadHeap => Region::enter_heap("assert_peak"),
    };
    let value = f();
    let report = region.close();
    let (name, peak, bound, hint) = match of {
        PeakOf::Heap => (
            "heap of the process",
            report.heap.map(|heap| heap.bytes()),
            report.heap_bound_bytes,
            "make TraceqAlloc the #[global_allocator] of this binary",
        ),
        PeakOf::ThreadHeap => (
            "heap of this thread",
            report.thread_heap.map(|heap| heap.peak_bytes),
            Some(0),
            "make TraceqAlloc the #[global_allocator] of this binary",
        ),
        PeakOf::Rss => (
            "resident set of the process",
            report.rss.map(|rss| rss.bytes()),
            report.counter_bound_bytes,
            "/proc/self/clear_refs must be writable",
        ),
    };
    let show = |bytes| Unit::Auto.show(bytes);
    match peak {
        Some(peak) if peak < limit_bytes => value,
        Some(peak) => panic!(
            "peak of {} ({peak} bytes, {name}, ± {}) is not below the limit of {} ({limit_bytes} \
             bytes)",
            show(peak),
            show(bound.unwrap_or(0)),
            show(limit_bytes),
        ),
        None if !enabled() => panic!("peak of the {name} was not measured: regions are off"),
        None => panic!("peak of the {name} was not measured: {hint}"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    #[should_panic(expected = "make TraceqAlloc the #[global_allocator]")]
    fn absent_is_not_passed() {
        assert_peak!(< 10 GiB, ());
    }

    #[test]
    fn resident_limit_holds_and_gives_the_value() {
        assert_eq!(assert_peak!(rss < 1 GiB, { 3 + 4 }), 7);
    }

    #[test]
    #[should_panic(expected = "is not below the limit of 16 KiB (16384 bytes)")]
    fn resident_limit_is_named() {
        assert_peak!(rss < 16 KiB, std::hint::black_box(vec![1_u8; 16 << 20]));
    }
}

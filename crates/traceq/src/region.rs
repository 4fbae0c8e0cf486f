//! Regions: measure a piece of code.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use crate::heap::{self, HeapMark, Marked};
use crate::ledger::{self, Ticket};
use crate::probe::usage;
use crate::{Faults, Growth, Kind, Reading, RegionReport, Scope, Source, ThreadGrowth};

static ENABLED: AtomicBool = AtomicBool::new(true);

/// Switches all regions of this program on or off. They begin switched on.
///
/// Off, a region costs one relaxed load, and its report says that nothing was measured.
pub fn set_enabled(on: bool) {
    ENABLED.store(on, Relaxed);
}

/// Whether regions measure.
#[inline]
pub fn enabled() -> bool {
    ENABLED.load(Relaxed)
}

/// Runs `f` and says what it took.
///
/// ```
/// let (total, report) = traceq::measure(|| {
///     let volume = vec![1_u8; 5 * 7 * 11 << 10];
///     volume.iter().map(|&v| u64::from(v)).sum::<u64>()
/// });
/// assert_eq!(total, 385 << 10);
/// if let Some(rss) = report.rss {
///     println!("{} bytes above {}", rss.bytes(), rss.baseline.bytes);
/// }
/// ```
#[inline]
pub fn measure<T>(f: impl FnOnce() -> T) -> (T, RegionReport) {
    if !enabled() {
        return (f(), RegionReport::nothing(Cow::Borrowed("measure")));
    }
    let region = Region::enter("measure");
    let value = f();
    (value, region.close())
}

/// A region that is open until [`close`](Region::close).
///
/// Regions may be nested and may be open in several threads; each sees the highest level of the
/// process while it was open. Dropping one without closing it ends it and gives no report.
#[derive(Debug)]
#[must_use = "a region is over when it is dropped"]
pub struct Region {
    name: Cow<'static, str>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    begun: Instant,
    faults: Option<Faults>,
    rss: Option<Ticket>,
    heap: Option<HeapMark>,
    /// The heap of a thread is measured where it is used.
    not_send: PhantomData<*const ()>,
}

impl Region {
    /// Begins a region.
    #[inline]
    pub fn enter(name: impl Into<Cow<'static, str>>) -> Self {
        let mut region = Self { name: name.into(), open: None };
        if enabled() {
            region.begin(true);
        }
        region
    }

    /// Begins a region that counts the heap only: a microsecond instead of a hundred, and
    /// nobody's high-water mark is reset.
    #[inline]
    pub fn enter_heap(name: impl Into<Cow<'static, str>>) -> Self {
        let mut region = Self { name: name.into(), open: None };
        if enabled() {
            region.begin(false);
        }
        region
    }

    /// Looks at the exact resident set, for this region and all others that are open.
    ///
    /// The kernel's mark is kept in batches, so memory that is given back may be hidden by less than
    /// [`counter_bound_bytes`](crate::counter_bound_bytes()). Called just before that, by a program
    /// that unmaps memory itself, this makes the peak exact. [`TraceqAlloc`](crate::TraceqAlloc) does
    /// it by itself before large blocks are freed. Costs a few microseconds.
    pub fn look(&self) {
        if self.open.as_ref().is_some_and(|open| open.rss.is_some()) {
            ledger::look();
        }
    }

    #[cold]
    #[inline(never)]
    fn begin(&mut self, resident: bool) {
        self.open = Some(Open::begin(resident));
    }

    /// Ends the region.
    #[inline]
    pub fn close(mut self) -> RegionReport {
        let name = std::mem::take(&mut self.name);
        if self.open.is_some() { self.end(name) } else { RegionReport::nothing(name) }
    }

    #[cold]
    #[inline(never)]
    fn end(&mut self, name: Cow<'static, str>) -> RegionReport {
        match self.open.take() {
            Some(open) => open.end(name),
            None => RegionReport::nothing(name),
        }
    }
}

impl Drop for Region {
    #[inline]
    fn drop(&mut self) {
        // Looked at before it is moved: switched off, that is all there is to do.
        if self.open.is_some() {
            let _ = self.end(Cow::Borrowed(""));
        }
    }
}

impl Open {
    fn begin(resident: bool) -> Self {
        let begun = Instant::now();
        let rss = resident.then(ledger::enter).and_then(Result::ok);
        let faults = resident.then(usage).and_then(|usage| Some(usage.ok()?.1));
        // Last, so that what the lines above request is not in it.
        let heap = HeapMark::open();
        Self { begun, faults, rss, heap, not_send: PhantomData }
    }

    fn end(self, name: Cow<'static, str>) -> RegionReport {
        let (heap, thread_heap) = self.heap.map_or((None, None), HeapMark::close);
        let faults = self.faults.and_then(|before| Some(usage().ok()?.1.since(before)));
        let seen = self.rss.and_then(|ticket| ledger::exit(ticket).ok().flatten());
        let wall = self.begun.elapsed();
        RegionReport {
            wall: Some(wall),
            heap: heap.map(heap_growth),
            thread_heap: thread_heap.map(ThreadGrowth::from),
            rss: seen.map(|seen| seen.rss),
            rss_bounds: seen.map(|seen| seen.bounds),
            levels: seen.map(|seen| seen.levels),
            faults,
            shared: seen.is_some_and(|seen| seen.shared),
            heap_bound_bytes: heap.map(|_| heap::bound_bytes()),
            counter_bound_bytes: seen.map(|_| ledger::bound()),
            ..RegionReport::nothing(name)
        }
    }
}

impl RegionReport {
    pub(crate) fn nothing(name: Cow<'static, str>) -> Self {
        Self {
            name,
            wall: None,
            heap: None,
            thread_heap: None,
            rss: None,
            rss_bounds: None,
            levels: None,
            faults: None,
            shared: false,
            heap_bound_bytes: None,
            counter_bound_bytes: None,
        }
    }
}

impl From<Marked> for ThreadGrowth {
    fn from(marked: Marked) -> Self {
        Self {
            peak_bytes: (marked.peak - marked.start).max(0).unsigned_abs(),
            end_bytes: marked.end - marked.start,
        }
    }
}

/// What other threads have not handed on may leave a level below 0; the differences are right.
pub(crate) fn heap_growth(marked: Marked) -> Growth {
    let shift = (-marked.start).max(0);
    let reading = |bytes: i64, kind| Reading {
        bytes: (bytes + shift).max(0).unsigned_abs(),
        scope: Scope::Heap,
        kind,
        source: Source::Heap,
    };
    Growth {
        baseline: reading(marked.start, Kind::Current),
        peak: reading(marked.peak, Kind::Peak),
        end: reading(marked.end, Kind::Current),
    }
}

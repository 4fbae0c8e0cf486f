//! High-water marks of the heap that can be open at the same time, in any order.
//!
//! Every open mark, of the process or of one thread, is raised at each hand-over; so no mark is reset
//! and none has to be restored. Both kinds live in small fixed tables: opening one does not allocate.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use super::counter;

const PROCESS_MARKS: usize = 64;
const THREAD_MARKS: usize = 32;

/// Slot 0 is the mark since the program began; the others belong to open regions.
static MARKS: [AtomicI64; PROCESS_MARKS] = [const { AtomicI64::new(0) }; PROCESS_MARKS];
static OPEN: AtomicU64 = AtomicU64::new(1);

/// Raises all open marks of the process to `candidate`.
pub(super) fn raise_process(candidate: i64) {
    let mut open = OPEN.load(Relaxed);
    while open != 0 {
        let mark = &MARKS[open.trailing_zeros() as usize];
        // Mostly below the mark: look first, so that its cache line stays shared.
        if candidate > mark.load(Relaxed) {
            mark.fetch_max(candidate, Relaxed);
        }
        open &= open - 1;
    }
}

pub(super) fn process_peak() -> u64 {
    MARKS[0].load(Relaxed).max(0).unsigned_abs()
}

fn open_process(level: i64) -> Option<usize> {
    let mut open = OPEN.load(Relaxed);
    loop {
        let slot = open.trailing_ones() as usize;
        if slot == PROCESS_MARKS {
            return None;
        }
        match OPEN.compare_exchange_weak(open, open | 1 << slot, Relaxed, Relaxed) {
            Ok(_) => {
                // Others may raise the old value between the two steps, by less than the bound.
                MARKS[slot].store(level, Relaxed);
                return Some(slot);
            }
            Err(now) => open = now,
        }
    }
}

fn close_process(slot: usize) -> i64 {
    OPEN.fetch_and(!(1 << slot), Relaxed);
    MARKS[slot].load(Relaxed)
}

/// The open marks of one thread.
pub(super) struct ThreadMarks {
    open: Cell<u32>,
    high: [Cell<i64>; THREAD_MARKS],
}

impl ThreadMarks {
    pub(super) const fn new() -> Self {
        Self { open: Cell::new(0), high: [const { Cell::new(0) }; THREAD_MARKS] }
    }

    pub(super) fn raise(&self, candidate: i64) {
        let mut open = self.open.get();
        while open != 0 {
            let high = &self.high[open.trailing_zeros() as usize];
            high.set(high.get().max(candidate));
            open &= open - 1;
        }
    }

    fn open(&self, level: i64) -> Option<usize> {
        let slot = self.open.get().trailing_ones() as usize;
        self.high.get(slot)?.set(level);
        self.open.set(self.open.get() | 1 << slot);
        Some(slot)
    }

    fn close(&self, slot: usize) -> i64 {
        self.open.set(self.open.get() & !(1 << slot));
        self.high[slot].get()
    }
}

/// A mark of the process and of the calling thread, from now until [`HeapMark::close`].
#[derive(Debug)]
pub(crate) struct HeapMark {
    process: Option<(usize, i64)>,
    thread: Option<(usize, i64)>,
    /// The thread's slot is meaningless elsewhere.
    not_send: PhantomData<*const ()>,
}

/// What a [`HeapMark`] saw: levels in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marked {
    pub(crate) start: i64,
    pub(crate) peak: i64,
    pub(crate) end: i64,
}

impl HeapMark {
    /// `None` where the allocator is not installed.
    pub(crate) fn open() -> Option<Self> {
        counter::installed().then(|| {
            counter::with_settled(|local, live| Self {
                process: open_process(live).map(|slot| (slot, live)),
                thread: local.marks.open(local.net()).map(|slot| (slot, local.net())),
                not_send: PhantomData,
            })
        })
    }

    /// The marks of the process and of the thread; `None` where its table was full.
    pub(crate) fn close(mut self) -> (Option<Marked>, Option<Marked>) {
        self.take()
    }

    fn take(&mut self) -> (Option<Marked>, Option<Marked>) {
        counter::with_settled(|local, live| {
            let process = self.process.take().map(|(slot, start)| Marked {
                start,
                peak: close_process(slot),
                end: live,
            });
            let thread = self.thread.take().map(|(slot, start)| Marked {
                start,
                peak: local.marks.close(slot),
                end: local.net(),
            });
            (process, thread)
        })
    }
}

impl Drop for HeapMark {
    fn drop(&mut self) {
        self.take();
    }
}

//! Pages that are given up and taken again, to bring a batched counter to a known state.

use crate::pages::Pages;

/// Four batches of pages. Giving up two moves the counter of anonymous memory on this CPU by more than
/// one, in one step: the kernel then adds to the sum all that the CPU held back. Taking them again is
/// two whole batches, so the CPU holds back nothing afterwards.
#[derive(Debug)]
pub(crate) struct Spare {
    pages: Pages,
    from: usize,
    bytes: usize,
}

/// Pages under one table of the page tables: they are given up in one step.
const TABLE_BYTES: usize = 2 << 20;

impl Spare {
    /// `None` where a batch is too large for that (more than 64 CPUs), or without memory.
    pub(crate) fn map(batch_bytes: u64) -> Option<Self> {
        let bytes = usize::try_from(4 * batch_bytes).ok()?;
        if bytes > TABLE_BYTES {
            return None;
        }
        let pages = Pages::map(2 * bytes)?;
        // A border between two tables lies in one half at most.
        let place = pages.address() % TABLE_BYTES;
        let from = if place + bytes <= TABLE_BYTES { 0 } else { bytes };
        let spare = Self { pages, from, bytes };
        spare.pages.populate(spare.from, spare.bytes);
        Some(spare)
    }

    /// Empties what this CPU holds back of the counter. The resident set is the same before and after,
    /// and never higher in between.
    pub(crate) fn settle(&self) {
        self.without_first(self.bytes / 2, || ());
    }

    /// Does something while the resident set is lower by these pages.
    pub(crate) fn without<T>(&self, f: impl FnOnce() -> T) -> T {
        self.without_first(self.bytes, f)
    }

    fn without_first<T>(&self, bytes: usize, f: impl FnOnce() -> T) -> T {
        self.pages.give_up(self.from, bytes);
        let value = f();
        self.pages.populate(self.from, bytes);
        value
    }
}

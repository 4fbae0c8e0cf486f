//! How far the resident set rose in one region: what follows from all readings together.
//!
//! No single counter tells the peak of memory that was given back. The kernel's mark misses no moment
//! but counts in batches; an exact level is exact at the moment of reading only; and between two
//! readings the level cannot rise by more than the pages that were faulted in. Together they enclose
//! the peak.

use crate::procfs::page_bytes;

/// An exact level of the process, and its page faults until then.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Level {
    pub(crate) resident: u64,
    /// The part of it that is files and shared memory: one fault may bring in several such pages.
    pub(crate) shared: u64,
    pub(crate) faults: u64,
}

/// What the kernel says about the highest level.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    /// The stored mark, by its own batched ledger.
    Stored(u64),
    /// It is hidden by the present level, which is exact, and higher.
    Below(u64),
}

/// How far the batched counters may be off, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slack {
    /// By how much one counter may have moved without its mark, on all CPUs.
    pub(crate) bound: u64,
    /// The same for a thread that moves at most once.
    pub(crate) likely: u64,
    /// Whether a fault may bring in more than a page of anonymous memory.
    pub(crate) huge_faults: bool,
}

/// The growth of a region, in bytes above its baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Enclosed {
    pub(crate) least: u64,
    pub(crate) growth: u64,
    pub(crate) most: u64,
}

/// One open region.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rise {
    /// By the ledger of the mark.
    batched: u64,
    start: Level,
    last: Level,
    /// Largest growth of an exact level.
    seen: i64,
    /// Largest growth of the mark, like subtracted from like; 0 where it was hidden.
    stored: i64,
    /// The most that the mark may have grown.
    mark: i64,
    /// What the faults allow.
    ceiling: i64,
}

impl Rise {
    pub(crate) fn new(batched: u64, start: Level) -> Self {
        Self { batched, start, last: start, seen: 0, stored: 0, mark: 0, ceiling: 0 }
    }

    pub(crate) fn baseline(&self) -> u64 {
        self.start.resident
    }

    /// An exact level, now.
    pub(crate) fn look(&mut self, now: Level) {
        let pages = now.faults.saturating_sub(self.last.faults).saturating_mul(page_bytes());
        let brought_in = signed(pages) + (signed(now.shared) - signed(self.last.shared)).max(0);
        let before = signed(self.last.resident) - signed(self.start.resident);
        self.ceiling = self.ceiling.max(before.saturating_add(brought_in));
        self.seen = self.seen.max(signed(now.resident) - signed(self.start.resident));
        self.last = now;
    }

    /// The mark, now.
    pub(crate) fn raise(&mut self, mark: Mark) {
        let batched = signed(self.batched);
        match mark {
            Mark::Stored(bytes) => {
                self.stored = self.stored.max(signed(bytes) - batched);
                self.mark = self.mark.max(self.stored);
            }
            Mark::Below(level) => {
                self.mark = self.mark.max(signed(level) - batched);
                self.seen = self.seen.max(signed(level) - signed(self.start.resident));
            }
        }
    }

    /// Whether the level may have been higher than it was seen: more was faulted in since it was last
    /// known than is there now.
    pub(crate) fn may_hide(&self) -> bool {
        self.ceiling > self.seen
    }

    /// The growth is the exact level where that was highest. Otherwise the mark is, and what it may
    /// hide is filled up as far as the faults allow, if they settle it: a region that took its pages
    /// once, and gave them back, is then exact. If it faulted in much more, the mark stands.
    pub(crate) fn enclose(&self, slack: Slack) -> Enclosed {
        let (bound, likely) = (signed(slack.bound), signed(slack.likely));
        let settled = !slack.huge_faults
            && (self.stored..=self.stored.saturating_add(likely)).contains(&self.ceiling);
        let growth = match self.stored >= self.seen {
            true if settled => self.ceiling,
            true => self.stored,
            false => self.seen,
        };
        let by_mark = self.mark.saturating_add(bound);
        let most = if slack.huge_faults { by_mark } else { by_mark.min(self.ceiling) };
        let least = self.seen.max(self.stored - bound).min(growth);
        let bytes = |growth: i64| growth.max(0).unsigned_abs();
        Enclosed { least: bytes(least), growth: bytes(growth), most: bytes(most.max(growth)) }
    }
}

/// No resident set comes near 2⁶³ bytes.
fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1024;
    const SLACK: Slack = Slack { bound: 256 * KIB, likely: 248 * KIB, huge_faults: false };

    /// A level above a baseline of 1000 KiB; faults are those of the region.
    fn level(above_kib: u64, faults: u64) -> Level {
        Level { resident: (1000 + above_kib) * KIB, shared: 0, faults: 50 + faults }
    }

    fn rise() -> Rise {
        Rise::new(960 * KIB, level(0, 0))
    }

    fn stored(kib: u64) -> Mark {
        Mark::Stored(kib * KIB)
    }

    fn kib(enclosed: Enclosed) -> (u64, u64, u64) {
        (enclosed.least / KIB, enclosed.growth / KIB, enclosed.most / KIB)
    }

    #[test]
    fn pages_taken_once_and_given_back_are_counted_by_their_faults() {
        // 75 pages; the mark saw two batches of 32. Its ledger stands 40 KiB lower.
        let mut region = rise();
        region.look(level(0, 300 * KIB / page_bytes()));
        assert!(region.may_hide());
        region.raise(stored(960 + 256));
        assert_eq!(kib(region.enclose(SLACK)), (0, 300, 300));
        let huge = Slack { huge_faults: true, ..SLACK };
        assert_eq!(kib(region.enclose(huge)), (0, 256, 256 + 256));
    }

    #[test]
    fn many_faults_settle_nothing_and_the_mark_stands() {
        let mut region = rise();
        region.look(level(0, 4000 * KIB / page_bytes()));
        region.raise(stored(960 + 512));
        assert_eq!(kib(region.enclose(SLACK)), (512 - 256, 512, 512 + 256));
    }

    #[test]
    fn a_level_that_was_looked_at_is_exact_and_nothing_can_hide_behind_it() {
        let mut region = rise();
        region.look(level(300, 300 * KIB / page_bytes()));
        // Freed, and 8 KiB touched since.
        region.look(level(0, 308 * KIB / page_bytes()));
        region.raise(stored(960 + 256));
        assert_eq!(kib(region.enclose(SLACK)), (300, 300, 308));
    }

    #[test]
    fn memory_still_held_is_exact() {
        let mut region = rise();
        region.look(level(300, 300 * KIB / page_bytes()));
        assert!(!region.may_hide());
        region.raise(Mark::Below(1300 * KIB));
        assert_eq!(kib(region.enclose(SLACK)), (300, 300, 300));
        region.raise(Mark::Below(900 * KIB));
        assert_eq!(region.enclose(SLACK).growth, 300 * KIB, "a lower mark takes nothing back");
    }

    #[test]
    fn pages_of_files_come_several_at_a_fault() {
        let mut region = rise();
        region.look(Level { shared: 64 * KIB, ..level(64, 4) });
        region.raise(Mark::Below(1064 * KIB));
        assert_eq!(kib(region.enclose(SLACK)), (64, 64, 64 + 4 * page_bytes() / KIB));
    }
}

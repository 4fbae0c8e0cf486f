//! What a victim does, step by step, and how many bytes that must take.

use serde::{Deserialize, Serialize};

/// One thing that a victim does. Sizes are in KiB, and whole pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Maps private anonymous memory.
    Map { slot: usize, kib: u64, pages: PageSize },
    /// Requests memory from an allocator.
    Malloc { slot: usize, kib: u64, allocator: Allocator },
    /// Requests zeroed memory from the system's allocator.
    Calloc { slot: usize, kib: u64 },
    /// Writes to every page of the first `kib`.
    Touch { slot: usize, kib: u64 },
    /// Reads from every page of the first `kib`.
    Look { slot: usize, kib: u64 },
    /// Tells the kernel that the contents are not needed.
    Advise { slot: usize, advice: Advice },
    /// Gives the memory back.
    Free { slot: usize },
    /// Does nothing.
    Sleep { us: u64 },
    /// Touches and gives back 1 MiB, `rounds` times: work for the processor.
    Work { rounds: u64 },
    /// Waits until the moment `at_us` after the start, then maps and touches memory, keeps it for
    /// `us` from when nine tenths are touched, and gives it back.
    Spike { at_us: u64, kib: u64, us: u64 },
    /// `n` threads map and touch `kib` each, wait for each other, and give it back.
    Threads { n: usize, kib: u64 },
    /// The same between a reset of the high-water mark and a reading of it, by both ledgers.
    Ledgers { n: usize, kib: u64, pages: PageSize },
    /// Starts this program anew with other steps, and waits for it.
    Child { steps: Vec<Self>, start: Start },
    /// Reads a file from its beginning.
    ReadFile { path: String, how: ReadHow, kib: u64 },
    /// Writes `kib` into a new file, which is removed at the end.
    WriteFile { path: String, kib: u64 },
    /// Holds the lock that a sampler in a thread needs, as native code holds an interpreter's.
    Lock { ms: u64 },
    /// Starts a shell that reads this process' memory again and again, as monitors by hand do.
    Shell { every_ms: u64 },
    /// Begins a measured region.
    Open,
    /// Ends it.
    Close,
    /// Reads every counter.
    Check,
}

/// What pages a mapping may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PageSize {
    /// As the machine is set.
    AsSet,
    /// Small ones only.
    Small,
    /// Huge ones where they fit.
    Huge,
}

/// Whose `malloc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Allocator {
    /// The C library's, as it comes.
    System,
    /// The C library's, with a fixed threshold between its heap and mappings.
    Steady,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Advice {
    /// The kernel may take the pages when it is short of memory.
    Free,
    /// The kernel takes the pages now.
    DontNeed,
}

/// How a child is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Start {
    /// `posix_spawn`, which shares the parent's memory until the child executes.
    Spawn,
    /// `fork` and `exec`.
    Fork,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReadHow {
    /// Into one small buffer.
    Read,
    /// Through a mapping, every page touched.
    Map,
    /// Past the page cache.
    Direct,
}

/// Bytes that a victim must hold after a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Truth {
    /// Requested from the allocator, or mapped, and not given back.
    pub(crate) live: u64,
    /// Pages of its own that were written.
    pub(crate) touched: u64,
    /// Pages of mapped files that were touched.
    pub(crate) file: u64,
}

impl Truth {
    pub(crate) fn resident(self) -> u64 {
        self.touched + self.file
    }
}

#[derive(Clone, Copy, Default)]
struct Slot {
    live: u64,
    touched: u64,
}

/// The truth after each step, and the highest of each during all of them.
///
/// Pages given back with [`Advice::Free`] count until the kernel takes them; children do not count.
pub(crate) fn truths(steps: &[Step]) -> (Vec<Truth>, Truth) {
    let mut slots = [Slot::default(); SLOTS];
    let mut file = 0;
    let mut peak = Truth::default();
    let after = steps
        .iter()
        .map(|step| {
            let mut moment = 0;
            match *step {
                Step::Map { slot, kib, .. }
                | Step::Malloc { slot, kib, .. }
                | Step::Calloc { slot, kib } => {
                    slots[slot] = Slot { live: kib << 10, touched: 0 };
                }
                Step::Touch { slot, kib } => {
                    slots[slot].touched = slots[slot].touched.max(kib << 10);
                }
                Step::Advise { slot, advice: Advice::DontNeed } => slots[slot].touched = 0,
                Step::Free { slot } => slots[slot] = Slot::default(),
                Step::Work { .. } => moment = 1 << 20,
                Step::Spike { kib, .. } => moment = kib << 10,
                Step::Threads { n, kib } | Step::Ledgers { n, kib, .. } => {
                    moment = ((n as u64) * kib) << 10;
                }
                Step::ReadFile { how: ReadHow::Map, kib, .. } => file += kib << 10,
                Step::Look { .. }
                | Step::Advise { advice: Advice::Free, .. }
                | Step::Sleep { .. }
                | Step::Child { .. }
                | Step::ReadFile { .. }
                | Step::WriteFile { .. }
                | Step::Lock { .. }
                | Step::Shell { .. }
                | Step::Open
                | Step::Close
                | Step::Check => {}
            }
            let now = Truth {
                live: slots.iter().map(|slot| slot.live).sum(),
                touched: slots.iter().map(|slot| slot.touched).sum(),
                file,
            };
            peak.live = peak.live.max(now.live + moment);
            peak.touched = peak.touched.max(now.touched + moment);
            peak.file = peak.file.max(now.file);
            now
        })
        .collect();
    (after, peak)
}

/// Pieces of memory that a victim can hold at once.
pub(crate) const SLOTS: usize = 64;

/// A slot mapped with small pages and touched whole.
pub(crate) fn held(slot: usize, kib: u64) -> [Step; 2] {
    [Step::Map { slot, kib, pages: PageSize::Small }, Step::Touch { slot, kib }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_truth_follows_from_the_steps() {
        let steps = [
            Step::Map { slot: 0, kib: 64, pages: PageSize::Small },
            Step::Touch { slot: 0, kib: 16 },
            Step::Look { slot: 0, kib: 64 },
            Step::Spike { at_us: 0, kib: 100, us: 1 },
            Step::Malloc { slot: 1, kib: 8, allocator: Allocator::System },
            Step::Touch { slot: 1, kib: 8 },
            Step::Advise { slot: 0, advice: Advice::Free },
            Step::Advise { slot: 0, advice: Advice::DontNeed },
            Step::Free { slot: 1 },
        ];
        let (after, peak) = truths(&steps);
        let touched: Vec<u64> = after.iter().map(|truth| truth.touched >> 10).collect();
        assert_eq!(touched, [0, 16, 16, 16, 16, 24, 24, 8, 0]);
        let live: Vec<u64> = after.iter().map(|truth| truth.live >> 10).collect();
        assert_eq!(live, [64, 64, 64, 64, 72, 72, 72, 72, 64]);
        assert_eq!((peak.touched >> 10, peak.live >> 10), (116, 164));
    }
}

//! What a region took.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::{Reading, Unit};

/// What a region took. Everything that could not be read is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RegionReport {
    /// The region's name.
    pub name: Cow<'static, str>,
    /// Wall-clock time.
    #[serde(rename = "wall_s", serialize_with = "seconds")]
    pub wall: Option<Duration>,
    /// Requested bytes of the process's heap, exact within [`heap_bound_bytes`](Self::heap_bound_bytes).
    pub heap: Option<Growth>,
    /// Requested bytes of the thread that ran the region, exact.
    pub thread_heap: Option<ThreadGrowth>,
    /// Resident set of the process: the highest level that the kernel's high-water mark, the exact
    /// levels that were read and the page faults agree on. [`rss_bounds`](Self::rss_bounds) says how
    /// sure that is.
    pub rss: Option<Growth>,
    /// Between what the growth of `rss` must lie.
    pub rss_bounds: Option<GrowthBounds>,
    /// What the resident set was made of when the region ended.
    pub levels: Option<Levels>,
    /// Page faults of the process during the region.
    pub faults: Option<Faults>,
    /// Another thread had a region open at the same time: `rss`, `levels`, `faults` and `heap` hold
    /// the bytes of both, which cannot be told apart. `thread_heap` is the region's alone.
    pub shared: bool,
    /// Error bound of `heap`, see [`heap::bound_bytes`](crate::heap::bound_bytes).
    pub heap_bound_bytes: Option<u64>,
    /// Error bound of each counter in `rss`, see
    /// [`counter_bound_bytes`](crate::counter_bound_bytes()).
    pub counter_bound_bytes: Option<u64>,
}

/// A level before, at its highest, and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Growth {
    /// The level when the region began.
    pub baseline: Reading,
    /// The highest level while it was open.
    pub peak: Reading,
    /// The level when it ended.
    pub end: Reading,
}

/// Between what a growth must lie, peak less baseline.
///
/// The kernel keeps the mark in batches ([`counter_bound_bytes`](crate::counter_bound_bytes())), so
/// memory that was given back before the end may be hidden; but no more of it than was faulted in since
/// the level was last known exactly. Where huge pages are `always` on, faults bound nothing, and the
/// batches alone do. A program that asks for huge pages itself (`MADV_HUGEPAGE`) may exceed the upper
/// one by what they round up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GrowthBounds {
    /// Not lower than this.
    pub at_least_bytes: u64,
    /// Not higher than this.
    pub at_most_bytes: u64,
}

impl Growth {
    /// Peak less baseline, in bytes: what the region took.
    pub fn bytes(&self) -> u64 {
        self.peak.bytes.saturating_sub(self.baseline.bytes)
    }
}

/// Heap bytes that one thread requested, less what it freed, relative to the region's begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ThreadGrowth {
    /// The highest balance.
    pub peak_bytes: u64,
    /// The balance at the end: above 0 where the region leaves blocks behind, below 0 where it freed
    /// older ones.
    pub end_bytes: i64,
}

/// What a process's resident set is made of, in bytes. Current levels of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Levels {
    /// Anonymous pages.
    pub anon_bytes: Option<u64>,
    /// Pages of mapped files.
    pub file_bytes: Option<u64>,
    /// Shared memory.
    pub shmem_bytes: Option<u64>,
    /// Anonymous pages that were swapped out; not part of the resident set.
    pub swap_bytes: Option<u64>,
}

/// Page faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// Served from memory.
    pub minor: u64,
    /// Served from storage: page cache or swap.
    pub major: u64,
}

impl Faults {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            minor: self.minor.saturating_sub(before.minor),
            major: self.major.saturating_sub(before.major),
        }
    }
}

fn seconds<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(to)
}

impl fmt::Display for RegionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |bytes| Unit::Auto.show(bytes);
        let mut parts = Vec::new();
        let within = |bound: Option<u64>| match bound {
            Some(bound) => format!(" (± {})", show(bound)),
            None => String::new(),
        };
        if let Some(heap) = &self.heap {
            parts.push(format!(
                "heap peak +{}{}",
                show(heap.bytes()),
                within(self.heap_bound_bytes)
            ));
        }
        if let Some(rss) = &self.rss {
            let bounds = self.rss_bounds.map_or(String::new(), |bounds| {
                let (down, up) = (
                    rss.bytes().saturating_sub(bounds.at_least_bytes),
                    bounds.at_most_bytes.saturating_sub(rss.bytes()),
                );
                format!(" (− {}, + {})", show(down), show(up))
            });
            parts.push(format!("resident peak +{}{bounds}", show(rss.bytes())));
        }
        if self.shared {
            parts.push("shared with concurrent regions".to_owned());
        }
        if let Some(wall) = self.wall {
            parts.push(format!("{wall:.3?}"));
        }
        if parts.is_empty() {
            parts.push("not measured".to_owned());
        }
        write!(f, "{}: {}", self.name, parts.join(", "))
    }
}

//! All counters of this process at one moment.

use std::collections::BTreeMap;

use memcage::Usage;
use serde::{Deserialize, Serialize};
use traceq::probe::{Backend, Cgroup};
use traceq::{MemoryProbe, Target};

/// Bytes by counter; a counter that cannot be read is not in it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Levels(pub(crate) BTreeMap<String, u64>);

impl Levels {
    pub(crate) fn get(&self, counter: &str) -> Option<u64> {
        self.0.get(counter).copied()
    }

    /// How much a counter rose since `before`; negative where it fell.
    pub(crate) fn rise(&self, before: &Self, counter: &str) -> Option<f64> {
        Some(self.get(counter)? as f64 - before.get(counter)? as f64)
    }
}

impl From<Usage> for Levels {
    fn from(usage: Usage) -> Self {
        let parts = [(GROUP_ANON, usage.anon_bytes), (GROUP_CACHE, usage.file_bytes)];
        Self(parts.map(|(name, bytes)| (name.to_owned(), bytes)).into())
    }
}

/// Anonymous memory of this process.
pub(crate) const ANON: &str = "anon";
/// Level of the group's own charge.
pub(crate) const GROUP_NOW: &str = "cgroup_now";
/// Anonymous memory of the group, which the supervisor reads.
pub(crate) const GROUP_ANON: &str = "cgroup_anon";
/// Page cache of the group, which the supervisor reads.
pub(crate) const GROUP_CACHE: &str = "cgroup_cache";

/// Every counter, opened once.
pub(crate) struct Counters {
    probes: Vec<(&'static str, Box<dyn MemoryProbe>)>,
}

impl Counters {
    pub(crate) fn open() -> Self {
        // `ALL` begins with the heap: the others may allocate.
        let mut probes: Vec<(&'static str, Box<dyn MemoryProbe>)> = Backend::ALL
            .into_iter()
            .filter_map(|backend| Some((backend.name(), backend.open(Target::Own).ok()?)))
            .collect();
        if let Ok(probe) = Cgroup::current(Target::Own) {
            probes.push((GROUP_NOW, Box::new(probe)));
        }
        let mut counters = Self { probes };
        // Buffers that grow with the first reading are no part of what is measured.
        let _ = counters.read();
        counters
    }

    pub(crate) fn read(&mut self) -> Levels {
        let mut levels = BTreeMap::new();
        for (name, probe) in &mut self.probes {
            if let Ok(reading) = probe.read() {
                levels.insert((*name).to_owned(), reading.bytes);
            }
        }
        levels.extend(anonymous().map(|bytes| (ANON.to_owned(), bytes)));
        Levels(levels)
    }
}

/// Of the resident set, what no file stands behind.
fn anonymous() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_that_are_there_are_above_0() {
        let levels = Counters::open().read();
        for counter in ["statm", "status", "smaps", "rusage", "hwm"] {
            assert!(levels.get(counter).is_some_and(|bytes| bytes > 1 << 20), "{counter}");
        }
        assert!(levels.get(ANON) < levels.get("status"));
        // This test program has no counting allocator.
        assert_eq!(levels.get("heap"), None);
        assert_eq!(levels.rise(&levels, "statm"), Some(0.0));
        assert_eq!(levels.rise(&levels, "heap"), None);
    }
}

//! All counters of this process at one moment.

use std::collections::BTreeMap;
use std::fs;

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

/// Level of the group's own charge.
pub(crate) const GROUP_NOW: &str = "cgroup_now";
/// Anonymous memory of the group.
pub(crate) const GROUP_ANON: &str = "cgroup_anon";
/// Page cache of the group.
pub(crate) const GROUP_CACHE: &str = "cgroup_cache";

/// Every counter, opened once.
pub(crate) struct Counters {
    probes: Vec<(&'static str, Box<dyn MemoryProbe>)>,
    group_stat: Option<String>,
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
        let mut counters = Self { probes, group_stat: group_stat() };
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
        if let Some(text) = self.group_stat.as_ref().and_then(|path| fs::read_to_string(path).ok())
        {
            let field = |names: &[&str]| {
                text.lines().find_map(|line| {
                    let (name, bytes) = line.split_once(' ')?;
                    names.contains(&name).then(|| bytes.parse().ok()).flatten()
                })
            };
            // Version 1 calls them rss and cache, version 2 anon and file.
            let found =
                [(GROUP_ANON, field(&["anon", "rss"])), (GROUP_CACHE, field(&["file", "cache"]))];
            let found =
                found.into_iter().filter_map(|(name, bytes)| Some((name.to_owned(), bytes?)));
            levels.extend(found);
        }
        Levels(levels)
    }
}

/// Where the group of this process tells what its memory is made of, at the usual mount points.
fn group_stat() -> Option<String> {
    let membership = fs::read_to_string("/proc/self/cgroup").ok()?;
    let v1 = membership.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        fields.next()?.split(',').any(|name| name == "memory").then(|| fields.next()).flatten()
    });
    let path = match v1 {
        Some(group) => format!("/sys/fs/cgroup/memory{group}/memory.stat"),
        None => {
            let group = membership.lines().find_map(|line| line.strip_prefix("0::"))?;
            format!("/sys/fs/cgroup{group}/memory.stat")
        }
    };
    fs::exists(&path).ok()?.then_some(path)
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
        // This test program has no counting allocator.
        assert_eq!(levels.get("heap"), None);
        assert_eq!(levels.rise(&levels, "statm"), Some(0.0));
        assert_eq!(levels.rise(&levels, "heap"), None);
    }
}

//! What the columns of a profile mean: whose bytes, and whether a level or a mark.

use serde::Serialize;
use traceq::profile::{
    CGROUP, CGROUP_LEVEL, HWM, KERNEL, MACHINE_PRESSURE, PRESSURE, PROCESSES, PSUTIL, Profile,
    RESOURCE, TRACEMALLOC, TREE, TREE_SHARED,
};
use traceq::{Kind, Scope};

/// What a column means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Meaning {
    /// For people.
    pub(crate) label: &'static str,
    pub(crate) scope: Scope,
    pub(crate) kind: Kind,
}

/// The meaning of a column; `None` for one that this version does not know.
pub(crate) fn meaning(column: &str) -> Option<Meaning> {
    let (label, scope, kind) = match column {
        KERNEL => ("resident set, kernel", Scope::Process, Kind::Current),
        PSUTIL => ("resident set, psutil or sysinfo", Scope::Process, Kind::Current),
        "status_memory_usage" => ("resident set, status", Scope::Process, Kind::Current),
        "smaps_memory_usage" => ("resident set, page tables", Scope::Process, Kind::Current),
        HWM => ("high-water mark", Scope::Process, Kind::Peak),
        RESOURCE => ("high-water mark, ru_maxrss", Scope::Process, Kind::Peak),
        TRACEMALLOC => ("live heap", Scope::Heap, Kind::Current),
        TREE => ("resident sets, summed", Scope::Tree, Kind::Current),
        TREE_SHARED => ("shared and file part of them", Scope::Tree, Kind::Current),
        PROCESSES => ("processes", Scope::Tree, Kind::Current),
        CGROUP_LEVEL => ("charged to the group", Scope::Cgroup, Kind::Current),
        PRESSURE => ("µs lost for want of memory", Scope::Cgroup, Kind::Current),
        MACHINE_PRESSURE => ("µs lost for want of memory", Scope::Machine, Kind::Current),
        CGROUP => ("highest charge of the group", Scope::Cgroup, Kind::Peak),
        _ => return None,
    };
    Some(Meaning { label, scope, kind })
}

/// What people call a scope.
pub(crate) fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Process => "process",
        Scope::Tree => "tree",
        Scope::Cgroup => "cgroup",
        Scope::Machine => "machine",
        Scope::Heap | Scope::ThreadHeap => "heap",
    }
}

/// What the highest value of a column is: a sampled level is only a lower bound.
pub(crate) fn peak_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Peak => "peak, a mark",
        Kind::Current => "highest sample, a lower bound",
    }
}

/// The column whose peak says most about the run, among those that `profiles` all have.
///
/// The mark of the process, which has no sampling error; but for a run of several processes that of
/// the group, or the sum.
pub(crate) fn best<'a>(
    profiles: impl Iterator<Item = &'a Profile> + Clone,
) -> Option<&'static str> {
    let alone = [RESOURCE, HWM, CGROUP, KERNEL, PSUTIL, TREE, TRACEMALLOC];
    let several = [CGROUP, TREE, RESOURCE, HWM, KERNEL, PSUTIL, TRACEMALLOC];
    let n_processes = profiles.clone().filter_map(|profile| profile.peak(PROCESSES)).max();
    let order = if n_processes.is_some_and(|n| n > 1) { several } else { alone };
    order.into_iter().find(|name| profiles.clone().all(|profile| profile.peak(name).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(columns: &[(&str, u64)]) -> Profile {
        let mut profile = Profile::default();
        profile.push(1, "x", columns.iter().map(|(name, value)| (*name, Some(*value))));
        profile
    }

    #[test]
    fn the_best_column_is_common_and_covers_all_processes() {
        let alone = profile(&[(KERNEL, 1), (HWM, 1), (CGROUP, 1), (PROCESSES, 1)]);
        let several = profile(&[(KERNEL, 1), (HWM, 1), (CGROUP, 1), (PROCESSES, 3)]);
        let old = profile(&[(KERNEL, 1)]);
        assert_eq!(best([&alone, &alone].into_iter()), Some(HWM));
        assert_eq!(best([&alone, &several].into_iter()), Some(CGROUP));
        assert_eq!(best([&alone, &old].into_iter()), Some(KERNEL));
        assert_eq!(best([&profile(&[("x", 1)])].into_iter()), None);
    }
}

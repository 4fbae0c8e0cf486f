use rustix::process::{Resource, getrlimit};

use crate::group::{Group, Home};
use crate::proc::Proc;
use crate::{CageError, Mib};

/// How much memory this process and its children may still take.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allowance {
    /// Bytes.
    pub bytes: u64,
    /// The tightest bound, as a phrase for people.
    pub bound_by: String,
}

/// The smallest of what the machine, the groups that we are in, and the process limits leave.
///
/// - **Machine**: `MemAvailable`, the kernel's estimate of what can be had without swapping.
/// - **Each group** with a limit, up to the root: the limit minus what is charged there, by us or
///   others, except idle file cache (`inactive_file`), which the kernel takes back first. The same
///   idea as `MemAvailable`. Limits of ancestors that a container hides are known on v1 only.
/// - **Process limits** on address space and data, whole: each new process starts from nothing.
///
/// It is a reading of now; others may take what is left.
///
/// # Errors
///
/// When `/proc/meminfo` cannot be read. Groups that cannot be read bound nothing.
pub fn allowance() -> Result<Allowance, CageError> {
    let proc = Proc::real();
    let home = Home::find(&proc).ok();
    let limits = [("address space", Resource::As), ("data", Resource::Data)]
        .map(|(name, resource)| (name, getrlimit(resource).current));
    smallest(&proc, home.as_ref(), &limits)
}

/// Processors that we may use: the affinity mask, and the quota of the groups that we are in.
#[must_use]
pub fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn smallest(
    proc: &Proc,
    home: Option<&Home>,
    limits: &[(&str, Option<u64>)],
) -> Result<Allowance, CageError> {
    let machine =
        proc.kib_field("meminfo", "MemAvailable").map_err(|source| CageError::Proc { source })?;
    let mut bounds = vec![Allowance { bytes: machine, bound_by: "memory of the machine".into() }];
    if let Some(home) = home {
        bounds.extend(home.ancestors().filter_map(|group| left_in(&group, None)));
        let own = Group::existing(home.version, home.dir.clone());
        bounds.extend(home.limit_with_hidden().and_then(|limit| left_in(&own, Some(limit))));
    }
    for (name, limit) in limits {
        if let Some(bytes) = *limit {
            bounds.push(Allowance { bytes, bound_by: format!("{name} limit of each process") });
        }
    }
    let first = bounds.remove(0);
    Ok(bounds.into_iter().fold(
        first,
        |least, other| {
            if other.bytes < least.bytes { other } else { least }
        },
    ))
}

/// What is left of the limit of `group`, or of `limit` as known from elsewhere.
fn left_in(group: &Group, limit: Option<u64>) -> Option<Allowance> {
    let limit = limit.or_else(|| group.limit().ok().flatten())?;
    let usage = group.usage().unwrap_or(0);
    let busy = usage.saturating_sub(group.idle_cache().unwrap_or(0));
    let bound_by = format!(
        "limit of {} in {} {}, of which {} are in use",
        Mib(limit),
        group.version(),
        group.dir().display(),
        Mib(busy)
    );
    Some(Allowance { bytes: limit.saturating_sub(busy), bound_by })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::group::Version;
    use crate::proc::tests::fake;

    const MEMINFO: &str = "MemTotal: 900 kB\nMemFree: 100 kB\nMemAvailable: 500 kB\n";
    const KIB: u64 = 1024;

    fn group(dir: &Path, files: &[(&str, String)]) {
        fs::create_dir_all(dir).unwrap();
        for (name, text) in files {
            fs::write(dir.join(name), text).unwrap();
        }
    }

    fn v2(dir: &Path, max: &str, current: u64, cache: u64) {
        group(
            dir,
            &[
                ("memory.max", max.to_owned()),
                ("memory.current", current.to_string()),
                ("memory.stat", format!("anon 1\ninactive_file {cache}\n")),
            ],
        );
    }

    #[test]
    fn the_machine_bounds_what_nothing_else_does() {
        let (_dir, proc) = fake(&[("meminfo", MEMINFO)]);
        let found = smallest(&proc, None, &[("data", None)]).unwrap();
        assert_eq!(found.bytes, 500 * KIB);
        assert_eq!(found.bound_by, "memory of the machine");
        let (_dir, proc) = fake(&[("meminfo", "MemTotal: 900 kB\n")]);
        assert!(smallest(&proc, None, &[]).unwrap_err().to_string().contains("MemAvailable"));
    }

    #[test]
    fn every_group_above_counts() {
        let (_dir, proc) = fake(&[("meminfo", MEMINFO)]);
        let mount = tempfile::tempdir().unwrap();
        let job = mount.path().join("job");
        v2(&job, &(400 * KIB).to_string(), 150 * KIB, 50 * KIB);
        v2(&job.join("step"), "max", 20 * KIB, 0);
        let dir = job.join("step");
        let home = Home { version: Version::V2, mount: mount.path().to_owned(), dir };
        let found = smallest(&proc, Some(&home), &[]).unwrap();
        assert_eq!(found.bytes, 300 * KIB);
        assert!(found.bound_by.contains("/job,"), "{}", found.bound_by);
        // The inner group is tighter now, and overdrawn.
        v2(&home.dir, &(10 * KIB).to_string(), 20 * KIB, 0);
        assert_eq!(smallest(&proc, Some(&home), &[]).unwrap().bytes, 0);
    }

    #[test]
    fn hidden_limits_of_v1_count() {
        let (_dir, proc) = fake(&[("meminfo", MEMINFO)]);
        let mount = tempfile::tempdir().unwrap();
        let stat = format!("hierarchical_memory_limit {}\ntotal_inactive_file 0\n", 200 * KIB);
        group(
            mount.path(),
            &[
                ("memory.limit_in_bytes", "9223372036854771712\n".into()),
                ("memory.usage_in_bytes", (30 * KIB).to_string()),
                ("memory.stat", stat),
            ],
        );
        let dir = mount.path().to_owned();
        let home = Home { version: Version::V1, mount: dir.clone(), dir };
        assert_eq!(smallest(&proc, Some(&home), &[]).unwrap().bytes, 170 * KIB);
    }

    #[test]
    fn process_limits_count_whole() {
        let (_dir, proc) = fake(&[("meminfo", MEMINFO)]);
        let limits = [("address space", None), ("data", Some(70 * KIB))];
        let found = smallest(&proc, None, &limits).unwrap();
        assert_eq!(
            (found.bytes, found.bound_by.as_str()),
            (70 * KIB, "data limit of each process")
        );
    }

    #[test]
    fn this_machine_allows_something() {
        assert!(allowance().unwrap().bytes > 0);
        assert!(cpus() >= 1);
    }
}

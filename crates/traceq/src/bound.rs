//! How far a batched resident-set counter may be from the truth.

use std::path::Path;

use crate::procfs::{KeptFile, PROC, Target, page_bytes};

/// Largest error of one batched resident-set counter of this process, in bytes.
///
/// The kernel counts resident pages (anonymous, file, shared memory: one counter each) per CPU and
/// adds them up in batches. Up to Linux 6.1 every thread may hold back 64 pages; from 6.2 every CPU
/// `max(32, 2 · CPUs)` pages: 256 KiB on 2 CPUs, 2 MiB on 16. The stored high-water mark, `stat` and
/// `ru_maxrss` carry this error on every kernel; `status` and `statm` lost it in 6.16.
pub fn counter_bound_bytes() -> u64 {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let threads = match kernel_version(&release) {
        Some(version) if version < (6, 2) => threads_of(Path::new(PROC), Target::Own),
        _ => None,
    };
    let pages = match threads {
        Some(threads) => threads * 64,
        None => batched_pages(online_cpus(Path::new("/sys"))),
    };
    pages * page_bytes()
}

fn batched_pages(cpus: u64) -> u64 {
    cpus * batch_pages(cpus)
}

/// What one CPU, or before Linux 6.2 one thread, may hold back of a counter, in bytes.
pub(crate) fn batch_bytes() -> u64 {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let pages = match kernel_version(&release) {
        Some(version) if version < (6, 2) => 64,
        _ => batch_pages(online_cpus(Path::new("/sys"))),
    };
    pages * page_bytes()
}

fn batch_pages(cpus: u64) -> u64 {
    (2 * cpus).max(32)
}

/// `6.18.44-fc` → `(6, 18)`.
pub(crate) fn kernel_version(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn threads_of(proc: &Path, target: Target) -> Option<u64> {
    let mut file = KeptFile::of(target, proc, "status").ok()?;
    let text = file.text().ok()?.as_str();
    text.lines().find_map(|line| line.strip_prefix("Threads:"))?.trim().parse().ok()
}

/// The CPUs that the kernel runs on, not those this process may use: batches follow the former.
fn online_cpus(sys: &Path) -> u64 {
    let listed = std::fs::read_to_string(sys.join("devices/system/cpu/online")).ok();
    listed
        .and_then(|list| count_list(list.trim()))
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |cpus| cpus.get() as u64))
}

/// `0-3,8` → 5.
fn count_list(list: &str) -> Option<u64> {
    list.split(',')
        .map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
            last.checked_sub(first).map(|span| span + 1)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procfs::fake;

    #[test]
    fn bound_grows_with_the_square_of_many_cpus() {
        assert_eq!(batched_pages(2) * 4096, 256 << 10);
        assert_eq!(batched_pages(16) * 4096, 2 << 20);
        assert_eq!(batched_pages(64) * 4096, 32 << 20);
        assert_eq!(batched_pages(128) * 4096, 128 << 20);
    }

    #[test]
    fn lists_and_versions_are_read_or_refused() {
        assert_eq!(count_list("0-3,8"), Some(5));
        assert_eq!(count_list("3-1"), None);
        assert_eq!(count_list(""), None);
        assert_eq!(kernel_version("6.1.0-rc1"), Some((6, 1)));
        assert_eq!(kernel_version("linux"), None);
    }

    #[test]
    fn threads_and_cpus_come_from_the_given_tree() {
        let root = fake::tree(&[
            ("5/status", "Name:\tx\nThreads:\t7\n"),
            ("devices/system/cpu/online", "0-63\n"),
        ]);
        assert_eq!(threads_of(root.path(), Target::Pid(5)), Some(7));
        assert_eq!(threads_of(root.path(), Target::Pid(6)), None);
        assert_eq!(online_cpus(root.path()), 64);
    }
}

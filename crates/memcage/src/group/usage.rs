use std::io;

use super::{Group, Version, malformed, number, read, value};

/// What the memory of an inmate and its descendants consists of, at one moment.
///
/// Read from several counters one after the other, so the parts need not add up exactly. The kernel
/// brings the parts up to date in batches of 64 pages for each processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// All that is charged, in bytes.
    pub current_bytes: u64,
    /// Anonymous memory in bytes: heaps, stacks, private writable pages.
    pub anon_bytes: u64,
    /// Page cache in bytes, shared memory and files of memory file systems included. The kernel takes
    /// most of it back when memory runs short.
    pub file_bytes: u64,
    /// That part of the page cache, in bytes, that only swap could take back: shared memory and files
    /// of memory file systems.
    pub shmem_bytes: Option<u64>,
    /// Memory in the kernel, in bytes: page tables, stacks, network buffers. Linux 5.18 on v2.
    pub kernel_bytes: Option<u64>,
    /// What is swapped out, in bytes. `None` where the kernel does not account swap.
    pub swap_bytes: Option<u64>,
}

impl Usage {
    pub(super) fn of(group: &Group) -> io::Result<Self> {
        let file = group.dir().join("memory.stat");
        let text = read(&file)?;
        let must = |key| value(&text, key).ok_or_else(|| malformed(&file, key));
        let alone = |name: &str| number(&group.dir().join(name)).ok();
        let current_bytes = group.usage()?;
        Ok(match group.version() {
            // Without `total_`, groups below would not count.
            Version::V1 => Self {
                current_bytes,
                anon_bytes: must("total_rss")?,
                file_bytes: must("total_cache")?,
                shmem_bytes: value(&text, "total_shmem"),
                kernel_bytes: alone("memory.kmem.usage_in_bytes"),
                swap_bytes: value(&text, "total_swap"),
            },
            Version::V2 => Self {
                current_bytes,
                anon_bytes: must("anon")?,
                file_bytes: must("file")?,
                shmem_bytes: value(&text, "shmem"),
                kernel_bytes: value(&text, "kernel"),
                swap_bytes: alone("memory.swap.current"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn usage(version: Version, files: &[(&str, &str)]) -> io::Result<Usage> {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        Usage::of(&Group::existing(version, dir.path().to_owned()))
    }

    #[test]
    fn both_versions_are_read() {
        let v1 = usage(
            Version::V1,
            &[
                ("memory.stat", "cache 1\nrss 2\ntotal_cache 30\ntotal_rss 40\ntotal_shmem 5\n"),
                ("memory.usage_in_bytes", "80\n"),
                ("memory.kmem.usage_in_bytes", "10\n"),
            ],
        );
        let expected = Usage {
            current_bytes: 80,
            anon_bytes: 40,
            file_bytes: 30,
            shmem_bytes: Some(5),
            kernel_bytes: Some(10),
            swap_bytes: None,
        };
        assert_eq!(v1.unwrap(), expected);
        let v2 = usage(
            Version::V2,
            &[
                ("memory.stat", "anon 40\nfile 30\nkernel 10\nkernel_stack 3\nshmem 5\n"),
                ("memory.current", "80\n"),
                ("memory.swap.current", "7\n"),
            ],
        );
        assert_eq!(v2.unwrap(), Usage { swap_bytes: Some(7), ..expected });
    }

    #[test]
    fn absent_is_not_zero() {
        let stat = [("memory.stat", "anon 40\nfile 30\n"), ("memory.current", "80\n")];
        let read = usage(Version::V2, &stat).unwrap();
        assert_eq!((read.kernel_bytes, read.shmem_bytes, read.swap_bytes), (None, None, None));
        assert!(usage(Version::V1, &stat).is_err());
        assert!(usage(Version::V2, &[("memory.stat", "anon 40\nfile 30\n")]).is_err());
    }
}

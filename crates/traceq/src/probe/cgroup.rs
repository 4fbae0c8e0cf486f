//! What the kernel charges to a control group, versions 1 and 2, read only.

use std::path::{Path, PathBuf};

use crate::procfs::{KeptFile, PROC, Target};
use crate::{Kind, MemoryProbe, ProbeError, Reading, Scope, Source};

/// Bytes charged to a control group: anonymous memory, page cache, shared memory and kernel memory
/// of all its processes.
///
/// The peak is that of the group's life, or since whoever owns the group reset it; this probe only
/// reads. Charges are taken in per-CPU stocks, so a number may be up to 256 KiB per CPU too high, and
/// a peak saturates at the group's limit.
#[derive(Debug)]
pub struct Cgroup {
    file: KeptFile,
    kind: Kind,
    source: Source,
}

impl Cgroup {
    /// The peak of the group that `target` belongs to.
    ///
    /// # Errors
    /// [`ProbeError::Unavailable`] where no memory controller is mounted, [`ProbeError::File`] where
    /// the file is missing: the root group, or version 2 before Linux 5.19.
    pub fn peak(target: Target) -> Result<Self, ProbeError> {
        Group::of(target, Path::new("/"))?.open(Kind::Peak)
    }

    /// The level of the group that `target` belongs to.
    ///
    /// # Errors
    /// As [`Cgroup::peak`].
    pub fn current(target: Target) -> Result<Self, ProbeError> {
        Group::of(target, Path::new("/"))?.open(Kind::Current)
    }

    /// The peak or the level of the group with this folder, of either version.
    ///
    /// # Errors
    /// [`ProbeError::File`] where the folder has no such file.
    pub fn at(folder: &Path, kind: Kind) -> Result<Self, ProbeError> {
        let v1 = folder.join("memory.usage_in_bytes").exists();
        let source = if v1 { Source::CgroupV1 } else { Source::CgroupV2 };
        Group { folder: folder.to_owned(), source }.open(kind)
    }
}

impl MemoryProbe for Cgroup {
    fn read(&mut self) -> Result<Reading, ProbeError> {
        let bytes = self.file.text()?.number()?;
        Ok(Reading { bytes, scope: Scope::Cgroup, kind: self.kind, source: self.source })
    }
}

pub(super) struct Group {
    pub(super) folder: PathBuf,
    source: Source,
}

impl Group {
    /// Finds the group by `/proc/PID/cgroup` and where it is mounted, below `root`.
    pub(super) fn of(target: Target, root: &Path) -> Result<Self, ProbeError> {
        let proc = root.join(PROC.trim_start_matches('/'));
        let membership = proc_text(target.folder(&proc).join("cgroup"))?;
        let mounts = proc_text(proc.join("self/mountinfo"))?;
        // Where both versions are mounted, the memory controller belongs to one of them: to the first
        // if it is listed there.
        let v1 = membership.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let controllers = fields.next()?;
            controllers.split(',').any(|c| c == "memory").then(|| fields.next()).flatten()
        });
        let v2 = membership.lines().find_map(|line| line.strip_prefix("0::"));
        let found = match (v1, v2) {
            (Some(path), _) => Mount::find(&mounts, "cgroup", Some("memory"))
                .map(|mount| (mount.folder(path), Source::CgroupV1)),
            (None, Some(path)) => Mount::find(&mounts, "cgroup2", None)
                .map(|mount| (mount.folder(path), Source::CgroupV2)),
            (None, None) => None,
        };
        let (folder, source) = found.ok_or(ProbeError::Unavailable {
            counter: Source::CgroupV2,
            why: "no memory controller is mounted here",
        })?;
        let folder = root.join(folder.strip_prefix("/").unwrap_or(&folder));
        Ok(Self { folder, source })
    }

    fn open(self, kind: Kind) -> Result<Cgroup, ProbeError> {
        let name = match (self.source, kind) {
            (Source::CgroupV1, Kind::Peak) => "memory.max_usage_in_bytes",
            (Source::CgroupV1, Kind::Current) => "memory.usage_in_bytes",
            (_, Kind::Peak) => "memory.peak",
            (_, Kind::Current) => "memory.current",
        };
        let file = KeptFile::open(self.folder.join(name))?;
        Ok(Cgroup { file, kind, source: self.source })
    }
}

/// Paths of groups may hold any characters, so these two files are read as they are.
fn proc_text(path: PathBuf) -> Result<String, ProbeError> {
    std::fs::read_to_string(&path).map_err(|e| ProbeError::file("read", &path, e))
}

/// One line of `mountinfo`: which part of a hierarchy is visible, and where.
struct Mount<'a> {
    root: &'a str,
    point: &'a str,
}

impl<'a> Mount<'a> {
    fn find(mounts: &'a str, kind: &str, option: Option<&str>) -> Option<Self> {
        mounts.lines().find_map(|line| {
            let (front, back) = line.split_once(" - ")?;
            let mut front = front.split(' ').skip(3);
            let (root, point) = (front.next()?, front.next()?);
            let mut back = back.split(' ');
            let is_kind = back.next()? == kind;
            let options = back.nth(1)?;
            let has_option = option.is_none_or(|o| options.split(',').any(|have| have == o));
            (is_kind && has_option).then_some(Self { root, point })
        })
    }

    /// Inside a container the visible root is usually the group itself.
    fn folder(&self, group: &str) -> PathBuf {
        let below = Path::new(group).strip_prefix(self.root).unwrap_or(Path::new(group));
        Path::new(self.point).join(below.strip_prefix("/").unwrap_or(below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procfs::fake;

    const HYBRID: &str = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                          41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    fn read(root: &Path, pid: u32, kind: Kind) -> Result<Reading, ProbeError> {
        Group::of(Target::Pid(pid), root)?.open(kind)?.read()
    }

    #[test]
    fn version_1_is_found_in_a_hybrid_tree() {
        let root = fake::tree(&[
            ("proc/self/mountinfo", HYBRID),
            ("proc/5/cgroup", "4:cpu,memory:/a/b\n0::/\n"),
            ("sys/fs/cgroup/memory/a/b/memory.max_usage_in_bytes", "4096\n"),
            ("sys/fs/cgroup/memory/a/b/memory.usage_in_bytes", "1024\n"),
        ]);
        let peak = read(root.path(), 5, Kind::Peak).unwrap();
        assert_eq!((peak.bytes, peak.source, peak.scope), (4096, Source::CgroupV1, Scope::Cgroup));
        assert_eq!(read(root.path(), 5, Kind::Current).unwrap().bytes, 1024);
        let folder = root.path().join("sys/fs/cgroup/memory/a/b");
        assert_eq!(Cgroup::at(&folder, Kind::Peak).unwrap().read().unwrap(), peak);
    }

    #[test]
    fn version_2_is_found_below_a_container_root() {
        let root = fake::tree(&[
            ("proc/self/mountinfo", "41 31 0:38 /pod /cg rw shared:1 - cgroup2 cgroup2 rw\n"),
            ("proc/5/cgroup", "0::/pod/task:1\n"),
            ("cg/task:1/memory.peak", "8192\n"),
        ]);
        let peak = read(root.path(), 5, Kind::Peak).unwrap();
        assert_eq!((peak.bytes, peak.source, peak.kind), (8192, Source::CgroupV2, Kind::Peak));
        assert!(matches!(read(root.path(), 5, Kind::Current), Err(ProbeError::File { .. })));
    }

    #[test]
    fn missing_and_malformed_trees_say_so() {
        let root = fake::tree(&[
            ("proc/self/mountinfo", HYBRID),
            ("proc/5/cgroup", "1:cpu:/\n"),
            ("proc/6/cgroup", "4:memory:/x\n"),
            ("sys/fs/cgroup/memory/x/memory.max_usage_in_bytes", "max\n"),
        ]);
        let read = |pid| read(root.path(), pid, Kind::Peak);
        assert!(matches!(read(5), Err(ProbeError::Unavailable { .. })));
        assert!(matches!(read(6), Err(ProbeError::Malformed { .. })));
        assert!(matches!(read(7), Err(ProbeError::File { .. })));
    }
}

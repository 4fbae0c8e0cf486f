use std::path::{Path, PathBuf};

use super::{Group, Version, v1, v2};
use crate::proc::Proc;

/// The group of the memory controller that a process is in, as seen through the mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) version: Version,
    /// Where the hierarchy is mounted.
    pub(crate) mount: PathBuf,
    pub(crate) dir: PathBuf,
}

impl Home {
    /// Finds the group of the calling process, or says why there is none.
    pub(crate) fn find(proc: &Proc) -> Result<Self, String> {
        let mounts = proc.text("self/mountinfo").map_err(|error| error.to_string())?;
        let groups = proc.text("self/cgroup").map_err(|error| error.to_string())?;
        let mut reasons = Vec::new();
        // A controller is in one hierarchy only. Where v1 has it, the v2 mount beside it has not.
        for mount in mounts.lines().filter_map(Mount::parse) {
            match mount.home(&groups) {
                Ok(home) => return Ok(home),
                Err(why) => reasons.push(why),
            }
        }
        if reasons.is_empty() {
            reasons.push("no cgroup file system is mounted".to_owned());
        }
        Err(reasons.join("; "))
    }

    /// This group and those above it that can be seen, the nearest first.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = Group> {
        self.dir
            .ancestors()
            .take_while(|dir| dir.starts_with(&self.mount))
            .map(|dir| Group::existing(self.version, dir.to_owned()))
    }

    /// The smallest limit of this group and all above, or none.
    pub(crate) fn limit(&self) -> Option<u64> {
        let visible = self.ancestors().filter_map(|group| group.limit().ok().flatten());
        visible.chain(self.limit_with_hidden()).min()
    }

    /// The smallest limit as the kernel sums it up, also of groups that are not visible. Only on v1.
    pub(crate) fn limit_with_hidden(&self) -> Option<u64> {
        match self.version {
            Version::V1 => v1::limit_with_ancestors(&self.dir).ok().flatten(),
            Version::V2 => None,
        }
    }
}

/// One line of `mountinfo` that is about control groups with a memory controller.
struct Mount<'a> {
    version: Version,
    /// The part of the hierarchy that is mounted.
    root: &'a Path,
    point: &'a Path,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(3);
        let (root, point) = (Path::new(left.next()?), Path::new(left.next()?));
        let mut right = right.split(' ');
        let version = match right.next()? {
            "cgroup" if right.nth(1)?.split(',').any(|option| option == "memory") => Version::V1,
            "cgroup2" => Version::V2,
            _ => return None,
        };
        Some(Self { version, root, point })
    }

    fn home(&self, groups: &str) -> Result<Home, String> {
        let own = groups.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let (controllers, path) = (parts.next()?, parts.next()?);
            let ours = match self.version {
                Version::V1 => controllers.split(',').any(|name| name == "memory"),
                Version::V2 => controllers.is_empty(),
            };
            ours.then_some(Path::new(path))
        });
        let own = own.ok_or_else(|| format!("/proc/self/cgroup has no {} line", self.version))?;
        let inner = own.strip_prefix(self.root).map_err(|_| {
            let (own, root) = (own.display(), self.root.display());
            format!("our {} group {own} is outside of the mounted part {root}", self.version)
        })?;
        let dir = self.point.join(inner);
        if !dir.is_dir() {
            return Err(format!("our {} group {} is not visible", self.version, dir.display()));
        }
        if self.version == Version::V2 && !v2::has_memory(&dir).unwrap_or(false) {
            return Err(format!("{} has no memory controller", dir.display()));
        }
        Ok(Home { version: self.version, mount: self.point.to_owned(), dir })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::proc::tests::fake;

    /// A home from two files, in which `@` stands for a folder that has the group `job/step`.
    fn home(
        mounts: &str,
        groups: &str,
        controllers: &str,
    ) -> (tempfile::TempDir, Result<Home, String>) {
        let dir = tempfile::tempdir().unwrap();
        let group = dir.path().join("job/step");
        fs::create_dir_all(&group).unwrap();
        fs::write(group.join("cgroup.controllers"), controllers).unwrap();
        let mounts = mounts.replace('@', dir.path().to_str().unwrap());
        let (_proc, proc) = fake(&[("self/mountinfo", &mounts), ("self/cgroup", groups)]);
        let home = Home::find(&proc);
        (dir, home)
    }

    const HYBRID: &str = "23 1 0:5 / /proc rw - proc proc rw\n\
        41 31 0:38 / @ rw,relatime - cgroup2 cgroup2 rw\n\
        35 31 0:32 / @ rw,relatime shared:3 - cgroup cgroup rw,memory\n";

    #[test]
    fn hybrid_layout_has_the_controller_on_v1() {
        let (dir, home) = home(HYBRID, "4:cpu,memory:/job/step\n0::/job/step\n", "\n");
        let home = home.unwrap();
        assert_eq!(home.version, Version::V1);
        assert_eq!(home.dir, dir.path().join("job/step"));
        let dirs: Vec<_> = home.ancestors().map(|group| group.dir().to_owned()).collect();
        assert_eq!(dirs, [home.dir, dir.path().join("job"), dir.path().to_owned()]);
    }

    #[test]
    fn unified_layout() {
        let mounts = "41 31 0:38 / @ rw - cgroup2 cgroup2 rw,nsdelegate\n";
        let (dir, found) = home(mounts, "0::/job/step\n", "cpu memory\n");
        let found = found.unwrap();
        assert_eq!((found.version, &found.dir), (Version::V2, &dir.path().join("job/step")));
        let (_dir, found) = home(mounts, "0::/job/step\n", "cpu\n");
        assert!(found.unwrap_err().contains("no memory controller"));
    }

    #[test]
    fn a_container_sees_a_part_of_the_hierarchy() {
        let mounts = "35 31 0:32 /box/7 @ ro - cgroup cgroup rw,memory\n";
        let (dir, found) = home(mounts, "4:memory:/box/7/job/step\n", "\n");
        assert_eq!(found.unwrap().dir, dir.path().join("job/step"));
        let (_dir, found) = home(mounts, "4:memory:/box/8\n", "\n");
        assert!(found.unwrap_err().contains("outside"));
        let (_dir, found) = home(mounts, "4:memory:/box/7/other\n", "\n");
        assert!(found.unwrap_err().contains("not visible"));
    }

    #[test]
    fn the_smallest_limit_above_counts() {
        let (dir, found) =
            home("41 1 0:38 / @ rw - cgroup2 none rw\n", "0::/job/step\n", "memory\n");
        let found = found.unwrap();
        assert_eq!(found.limit(), None);
        fs::write(found.dir.join("memory.max"), "max\n").unwrap();
        fs::write(dir.path().join("job/memory.max"), "4096000\n").unwrap();
        assert_eq!(found.limit(), Some(4_096_000));
    }

    #[test]
    fn nothing_mounted() {
        let (_dir, found) = home("23 1 0:5 / /proc rw - proc proc rw\n", "0::/\n", "\n");
        assert!(found.unwrap_err().contains("no cgroup file system"));
        let (_dir, found) = home("garbage\n35 31 0:32\n", "0::/\n", "\n");
        assert!(found.is_err());
    }
}

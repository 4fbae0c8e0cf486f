use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Group, Home, Version, move_into, v2};
use crate::CageError;

/// The groups of one cage: where they are, how they are made and how they are removed.
///
/// ```text
/// home                 the group we came from
/// ├── NAME-PID-N-out   v2 only: us and the janitor, since a v2 group with limited children is empty
/// └── NAME-PID-N       the cage, with the limit of all together
///     ├── self         us, once we have entered
///     └── inmate-M     one inmate each, with its own limit
/// ```
///
/// A nest is paths only. The janitor has the same value, and removes the groups as we would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nest {
    version: Version,
    home: PathBuf,
    cage: PathBuf,
    out: Option<PathBuf>,
}

const SELF: &str = "self";

impl Nest {
    /// Chooses places below `home`. Changes nothing; says why it cannot be.
    pub(crate) fn plan(home: &Home, name: &str) -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let own = std::process::id();
        let cage = loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let cage = home.dir.join(format!("{name}-{own}-{number}"));
            if !cage.exists() {
                break cage;
            }
        };
        let mut out = None;
        if home.version == Version::V2 && !v2::is_root(&home.dir) {
            refuse_company(&home.dir, own)?;
            let mut path = cage.clone().into_os_string();
            path.push("-out");
            out = Some(PathBuf::from(path));
        }
        Ok(Self { version: home.version, home: home.dir.clone(), cage, out })
    }

    /// Makes the groups and returns the cage's. `helper` is moved out of the way together with us.
    ///
    /// On failure, what was made is removed.
    pub(crate) fn build(&self, helper: Option<u32>) -> Result<Group, CageError> {
        let built = self.try_build(helper);
        if built.is_err() {
            let _ = self.remove();
        }
        built
    }

    fn try_build(&self, helper: Option<u32>) -> Result<Group, CageError> {
        if let Some(out) = &self.out {
            Group::create(self.version, out.clone())?;
            for pid in helper.into_iter().chain([std::process::id()]) {
                move_into(self.version, out, pid)?;
            }
        }
        if self.version == Version::V2 {
            hand_down(&self.home)?;
        }
        let cage = Group::create(self.version, self.cage.clone())?;
        // Without the controller the folder is there, and no limit.
        cage.limit().map_err(CageError::group("read the limit of", &self.cage))?;
        if self.version == Version::V2 {
            hand_down(&self.cage)?;
        }
        Ok(cage.with_alarm())
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// The group that the cage is below.
    pub(crate) fn home(&self) -> Group {
        Group::existing(self.version, self.home.clone())
    }

    /// Makes the group of inmate `number`.
    pub(crate) fn cell(&self, number: u32) -> Result<Group, CageError> {
        let cell = Group::create(self.version, self.cage.join(format!("inmate-{number}")))?;
        cell.die_together();
        Ok(cell.with_alarm())
    }

    /// Moves the calling process into the cage.
    pub(crate) fn enter(&self) -> Result<(), CageError> {
        let dir = self.cage.join(SELF);
        if !dir.exists() {
            Group::create(self.version, dir.clone())?;
        }
        move_into(self.version, &dir, std::process::id())
    }

    /// Kills the inmates, moves those in `self` back to where they came from, removes the groups.
    ///
    /// Those in `self` are the program that entered and ordinary children of it: not ours to kill.
    /// What is not there is passed over, so this may be called at any time, and again.
    pub(crate) fn remove(&self) -> Result<(), CageError> {
        let group = |dir: &Path| Group::existing(self.version, dir.to_owned());
        let own = self.cage.join(SELF);
        for cell in super::children(&self.cage).unwrap_or_default() {
            if cell != own {
                group(&cell).kill()?;
            }
        }
        self.move_all(&own, self.out.as_ref().unwrap_or(&self.home));
        group(&self.cage).remove()?;
        if let Some(out) = self.out.as_ref().filter(|out| out.exists()) {
            // Fails when the controller was never handed down.
            let _ = v2::take_memory(&self.home);
            self.move_all(out, &self.home);
            group(out).remove()?;
        }
        Ok(())
    }

    /// Who cannot be moved is dying, or makes the removal of its group fail.
    fn move_all(&self, from: &Path, to: &Path) {
        for pid in super::processes(from) {
            let _ = move_into(self.version, to, pid);
        }
    }

    /// As arguments of a command.
    pub(crate) fn to_args(&self) -> Vec<OsString> {
        let version = match self.version {
            Version::V1 => "v1",
            Version::V2 => "v2",
        };
        let mut args = vec![version.into(), self.home.clone().into(), self.cage.clone().into()];
        args.extend(self.out.clone().map(OsString::from));
        args
    }

    /// The reverse of [`to_args`](Self::to_args).
    pub(crate) fn from_args(args: &[OsString]) -> Option<Self> {
        let (version, home, cage, out) = match args {
            [version, home, cage] => (version, home, cage, None),
            [version, home, cage, out] => (version, home, cage, Some(PathBuf::from(out))),
            _ => return None,
        };
        let version = match version {
            name if name == OsStr::new("v1") => Version::V1,
            name if name == OsStr::new("v2") => Version::V2,
            _ => return None,
        };
        Some(Self { version, home: home.into(), cage: cage.into(), out })
    }
}

/// On v2, only a group without processes may have children with limits. We can leave our group;
/// others in it are not ours to move.
fn refuse_company(home: &Path, own: u32) -> Result<(), String> {
    let members = v2::members(home).map_err(|error| error.to_string())?;
    match members.iter().filter(|&&pid| pid != own).count() {
        0 => Ok(()),
        others => Err(format!(
            "{others} other processes are in our group {}; start the program alone in a group: \
             systemd-run --user --scope -p Delegate=yes PROGRAM",
            home.display()
        )),
    }
}

/// Gives the memory controller to the groups below `dir` unless they have it.
fn hand_down(dir: &Path) -> Result<(), CageError> {
    let given = v2::gives_memory(dir).map_err(CageError::group("read the controllers of", dir))?;
    if given {
        return Ok(());
    }
    v2::give_memory(dir).map_err(CageError::group("hand the memory controller down from", dir))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn v2_home(members: &str) -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("cgroup.type", "domain\n"),
            ("cgroup.controllers", "memory\n"),
            ("cgroup.subtree_control", "\n"),
            ("cgroup.procs", members),
        ] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let path = dir.path().to_owned();
        (dir, Home { version: Version::V2, mount: path.clone(), dir: path })
    }

    #[test]
    fn survives_the_command_line() {
        let (_dir, home) = v2_home(&format!("{}\n", std::process::id()));
        let nest = Nest::plan(&home, "test").unwrap();
        assert!(nest.out.is_some());
        assert_eq!(Nest::from_args(&nest.to_args()), Some(nest.clone()));
        let bare = Nest { out: None, version: Version::V1, ..nest };
        assert_eq!(Nest::from_args(&bare.to_args()), Some(bare));
        assert_eq!(Nest::from_args(&["v3".into(), "/a".into(), "/b".into()]), None);
        assert_eq!(Nest::from_args(&[]), None);
    }

    #[test]
    fn on_v2_other_processes_in_our_group_are_a_reason_not_to() {
        let (_dir, home) = v2_home(&format!("{}\n1\n0\n", std::process::id()));
        let reason = Nest::plan(&home, "test").unwrap_err();
        assert!(reason.starts_with("2 other processes"), "{reason}");
        assert!(reason.contains("systemd-run"), "{reason}");
    }

    #[test]
    fn the_root_of_v2_may_have_processes() {
        let (dir, home) = v2_home("1\n2\n");
        fs::remove_file(dir.path().join("cgroup.type")).unwrap();
        assert_eq!(Nest::plan(&home, "test").unwrap().out, None);
    }

    #[test]
    fn plain_folders_do_not_make_a_nest() {
        let (dir, home) = v2_home(&format!("{}\n", std::process::id()));
        let nest = Nest::plan(&home, "test").unwrap();
        let error = nest.build(None).unwrap_err();
        assert!(matches!(error, CageError::Group { .. }), "{error}");
        assert!(!dir.path().join("cgroup.kill").exists());
    }

    #[test]
    fn numbers_are_not_used_twice() {
        let (_dir, home) = v2_home("");
        assert_ne!(Nest::plan(&home, "test").unwrap(), Nest::plan(&home, "test").unwrap());
    }
}

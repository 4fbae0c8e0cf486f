//! The resident sets of a process and all its descendants, summed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::cgroup::Group;
use crate::procfs::{KeptFile, PROC, Target};
use crate::{Kind, MemoryProbe, ProbeError, Reading, Scope, Source};

/// Sum of the resident sets of several processes, from one `statm` each.
///
/// A page that several processes map counts once for each of them: an upper bound of what they hold
/// together at that moment, and as a sampled level a lower bound of their peak. Who belongs to them is
/// looked up when the machine has given out a new process number, at most
/// [every 5 ms](Tree::look_every), so a reading costs about one microsecond per process otherwise.
#[derive(Debug)]
pub struct Tree {
    pid: u32,
    members: Members,
    known: Vec<(u32, KeptFile)>,
    loadavg: KeptFile,
    newest: Option<u32>,
    looked: Option<Instant>,
    look_every: Duration,
    proc: PathBuf,
}

/// Shorter-lived processes are likely to fall between two samples anyway.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What several processes hold together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TreeLevels {
    /// Resident bytes.
    pub resident_bytes: u64,
    /// The part of them that is shared memory or pages of files; the rest is anonymous.
    pub shared_bytes: u64,
    /// Number of processes.
    pub n_processes: u64,
    /// Resident bytes of the first process by itself; `None` once it has ended.
    pub own_bytes: Option<u64>,
}

/// How the processes are found.
#[derive(Debug)]
enum Members {
    /// Children, and their children. One whose parent has ended before it was seen is not found.
    Descendants,
    /// All in the group, whoever their parents are.
    Group(PathBuf),
}

impl Tree {
    /// The process and its living descendants.
    ///
    /// # Errors
    /// [`ProbeError::Gone`] for a process that has ended, [`ProbeError::File`] otherwise.
    pub fn of_descendants(pid: u32) -> Result<Self, ProbeError> {
        Self::open_at(pid, Members::Descendants, Path::new(PROC))
    }

    /// All processes of the control group that the process is in.
    ///
    /// # Errors
    /// As [`Cgroup::current`](super::Cgroup::current).
    pub fn of_group(pid: u32) -> Result<Self, ProbeError> {
        let group = Group::of(Target::Pid(pid), Path::new("/"))?;
        Self::open_at(pid, Members::Group(group.folder), Path::new(PROC))
    }

    fn open_at(pid: u32, members: Members, proc: &Path) -> Result<Self, ProbeError> {
        let loadavg = KeptFile::open(proc.join("loadavg"))?;
        let own = KeptFile::of(Target::Pid(pid), proc, "statm")?;
        let known = vec![(pid, own)];
        Ok(Self {
            pid,
            members,
            known,
            loadavg,
            newest: None,
            looked: None,
            look_every: LOOK_EVERY,
            proc: proc.to_owned(),
        })
    }

    /// Sets how often at most it is looked up who belongs to them; 5 ms unless set. A process that lives
    /// shorter may be missed.
    #[must_use]
    pub fn look_every(mut self, every: Duration) -> Self {
        self.look_every = every;
        self
    }

    /// Reads the levels.
    ///
    /// # Errors
    /// [`ProbeError::Gone`] when all have ended, [`ProbeError::Malformed`].
    pub fn levels(&mut self) -> Result<TreeLevels, ProbeError> {
        // Before anything is read, so that who comes later changes it again.
        let grown = self.may_have_grown()?;
        let mut sum = TreeLevels::default();
        let mut failed = None;
        // The dead go first: their numbers may have been given to others.
        let first = self.pid;
        self.known.retain_mut(|(pid, statm)| {
            let before = sum.resident_bytes;
            let stays = keep(sum.add(statm), &mut failed);
            if stays && *pid == first {
                sum.own_bytes = Some(sum.resident_bytes - before);
            }
            stays
        });
        if grown {
            for pid in self.found() {
                if self.known.iter().any(|(known, _)| *known == pid) {
                    continue;
                }
                let Ok(mut statm) = KeptFile::of(Target::Pid(pid), &self.proc, "statm") else {
                    continue;
                };
                if keep(sum.add(&mut statm), &mut failed) {
                    self.known.push((pid, statm));
                }
            }
        }
        match failed {
            Some(error) => Err(error),
            None if self.known.is_empty() => Err(ProbeError::Gone { pid: self.pid }),
            None => Ok(sum),
        }
    }

    /// Whether the machine has given out a process number since the last look.
    fn may_have_grown(&mut self) -> Result<bool, ProbeError> {
        if self.looked.is_some_and(|looked| looked.elapsed() < self.look_every) {
            return Ok(false);
        }
        self.looked = Some(Instant::now());
        let newest = newest(&mut self.loadavg)?;
        Ok(self.newest.replace(newest) != Some(newest))
    }

    fn found(&self) -> Vec<u32> {
        match &self.members {
            // A group that is gone has no members.
            Members::Group(folder) => read_numbers(&folder.join("cgroup.procs")),
            Members::Descendants => {
                let mut queue: Vec<u32> = self.known.iter().map(|(pid, _)| *pid).collect();
                let mut at = 0;
                while let Some(parent) = queue.get(at).copied() {
                    at += 1;
                    let tasks = std::fs::read_dir(self.proc.join(format!("{parent}/task")));
                    for task in tasks.into_iter().flatten().flatten() {
                        for child in read_numbers(&task.path().join("children")) {
                            if !queue.contains(&child) {
                                queue.push(child);
                            }
                        }
                    }
                }
                queue
            }
        }
    }
}

impl TreeLevels {
    fn add(&mut self, statm: &mut KeptFile) -> Result<(), ProbeError> {
        let text = statm.text()?;
        let [size, resident, shared] = text.first_pages()?;
        // A zombie still has the file, with a virtual size of 0.
        if size == 0 {
            return Err(text.gone("a virtual size above 0"));
        }
        self.resident_bytes += resident;
        self.shared_bytes += shared;
        self.n_processes += 1;
        Ok(())
    }
}

impl MemoryProbe for Tree {
    fn read(&mut self) -> Result<Reading, ProbeError> {
        let bytes = self.levels()?.resident_bytes;
        Ok(Reading { bytes, scope: Scope::Tree, kind: Kind::Current, source: Source::Statm })
    }
}

/// Whether a process stays on the list; a failure that is not its end is kept for the caller.
fn keep(read: Result<(), ProbeError>, failed: &mut Option<ProbeError>) -> bool {
    match read {
        Ok(()) => true,
        Err(ProbeError::Gone { .. }) => false,
        Err(error) => {
            *failed = Some(error);
            true
        }
    }
}

/// The process number given out last: every new process changes it.
fn newest(loadavg: &mut KeptFile) -> Result<u32, ProbeError> {
    let text = loadavg.text()?;
    let last = text.as_str().split_ascii_whitespace().last();
    last.and_then(|number| number.parse().ok())
        .ok_or_else(|| text.malformed("the newest process number"))
}

fn read_numbers(path: &Path) -> Vec<u32> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::procfs::{fake, page_bytes};

    fn write(root: &Path, path: &str, text: &str) {
        std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        std::fs::write(root.join(path), text).unwrap();
    }

    #[test]
    fn descendants_of_all_threads_are_summed_and_looked_up_when_a_number_was_given_out() {
        let root = fake::tree(&[
            ("loadavg", "0.1 0.1 0.1 1/9 30\n"),
            ("5/statm", "900 10 4 1 0 9 0\n"),
            ("5/task/5/children", "6 "),
            ("5/task/8/children", "7 "),
            ("6/statm", "900 20 5 1 0 9 0\n"),
            ("6/task/6/children", ""),
            ("7/statm", "0 0 0 0 0 0 0\n"),
        ]);
        let mut tree = Tree::open_at(5, Members::Descendants, root.path()).unwrap();
        tree.look_every = Duration::ZERO;
        assert_eq!(tree.levels().unwrap().own_bytes, Some(10 * page_bytes()));
        let pages = |levels: TreeLevels| {
            let page = page_bytes();
            (levels.resident_bytes / page, levels.shared_bytes / page, levels.n_processes)
        };
        assert_eq!(pages(tree.levels().unwrap()), (30, 9, 2), "the zombie does not count");
        write(root.path(), "6/task/6/children", "9 ");
        write(root.path(), "9/statm", "900 40 0 1 0 9 0\n");
        assert_eq!(pages(tree.levels().unwrap()), (30, 9, 2));
        write(root.path(), "loadavg", "0.1 0.1 0.1 1/9 31\n");
        assert_eq!(pages(tree.levels().unwrap()), (70, 9, 3));
        write(root.path(), "6/statm", "many\n");
        assert!(matches!(tree.levels(), Err(ProbeError::Malformed { .. })));
        for pid in [5, 6, 9] {
            write(root.path(), &format!("{pid}/statm"), "0 0 0 0 0 0 0\n");
        }
        assert!(matches!(tree.levels(), Err(ProbeError::Gone { pid: 5 })));
    }

    #[test]
    fn a_group_has_members_whoever_their_parents_are() {
        let root = fake::tree(&[
            ("loadavg", "0.1 0.1 0.1 1/9 30\n"),
            ("5/statm", "900 10 4 1 0 9 0\n"),
            ("6/statm", "900 20 4 1 0 9 0\n"),
            ("group/cgroup.procs", "5\n6\n"),
        ]);
        let members = Members::Group(root.path().join("group"));
        let mut tree = Tree::open_at(5, members, root.path()).unwrap();
        tree.look_every = Duration::ZERO;
        assert_eq!(tree.levels().unwrap().n_processes, 2);
        write(root.path(), "loadavg", "no number\n");
        assert!(matches!(tree.levels(), Err(ProbeError::Malformed { .. })));
    }

    #[test]
    fn a_real_shell_has_a_child() {
        let script = "cat; :";
        let mut shell =
            Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).spawn().unwrap();
        let mut tree = Tree::of_descendants(shell.id()).unwrap();
        while tree.levels().unwrap().n_processes < 2 {
            std::thread::yield_now();
        }
        assert_eq!(tree.read().unwrap().scope, Scope::Tree);
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert!(matches!(tree.levels(), Err(ProbeError::Gone { .. })));
    }
}

//! What is read about the command while it runs.

use std::time::Duration;

use anyhow::bail;
use memcage::Mechanism;
use traceq::probe::{self, Cgroup, Hwm, Tree, TreeLevels};
use traceq::profile::{CGROUP, CGROUP_LEVEL, HWM, KERNEL, PROCESSES, TREE, TREE_SHARED};
use traceq::sampler::Sampler;
use traceq::{MemoryProbe, ProbeError, Target};

use crate::args::Backend;

/// The sampler of a run.
#[derive(Debug)]
pub(super) struct Gauges {
    /// `None` where the command ended before anything could be opened.
    pub(super) sampler: Option<Sampler>,
    /// What was left out, and why.
    pub(super) absent: Vec<(&'static str, String)>,
}

/// In the usual set, what is read seldom is read at every so-many-th sample, all at the same one: most
/// samples then read one file, and files read one after the other cost less than the first.
#[derive(Clone, Copy, Debug)]
struct Turns {
    every: u64,
    n: u64,
}

impl Turns {
    /// Of the group's level, and of the look who belongs to the tree.
    const LEVEL: u64 = 5;
    /// Of marks, which miss nothing in between.
    const MARK: u64 = 10;

    fn every(every: u64) -> Self {
        Self { every, n: 0 }
    }

    fn come(&mut self) -> bool {
        self.n += 1;
        (self.n - 1).is_multiple_of(self.every)
    }
}

/// A mark that is read now and then: it misses nothing in between, and costs more than its level.
struct Mark<P> {
    probe: P,
    highest: u64,
    turns: Turns,
}

impl<P: MemoryProbe> Mark<P> {
    fn new(probe: P, turns: Turns) -> Self {
        Self { probe, highest: 0, turns }
    }

    /// Reads it in its turn, and where the level shows that it has risen by an eighth: a run that dies
    /// while it grows has left a mark near its end.
    fn read_beside(&mut self, level: Option<u64>) -> Result<Option<u64>, ProbeError> {
        let risen = level.is_some_and(|bytes| bytes > self.highest + self.highest / 8);
        if !(self.turns.come() || risen) {
            return Ok(None);
        }
        self.highest = self.probe.read()?.bytes;
        Ok(Some(self.highest))
    }
}

const NO_GROUP: &str = "the command has no control group of its own here; see `traceq doctor`";

/// Whether the command is in a group that has nobody else.
fn has_own_group(mechanism: &Mechanism) -> bool {
    !matches!(mechanism, Mechanism::DataLimit { .. })
}

/// Refuses, before the command starts, what cannot be read however it goes.
pub(super) fn check(asked: &[Backend], mechanism: &Mechanism) -> anyhow::Result<()> {
    if asked.contains(&Backend::Cgroup) && !has_own_group(mechanism) {
        bail!("--backend cgroup: {NO_GROUP}");
    }
    Ok(())
}

impl Gauges {
    /// Opens what was asked for, where the failure of one is an error; or all that is usual, as far as
    /// it is there.
    pub(super) fn open(
        pid: u32,
        asked: &[Backend],
        mechanism: &Mechanism,
        every: Duration,
    ) -> anyhow::Result<Self> {
        let grouped = has_own_group(mechanism);
        let mut gauges = Self { sampler: None, absent: Vec::new() };
        let mut sampler = match Sampler::open(Target::Pid(pid), &[], every) {
            Ok(sampler) => sampler,
            Err(ProbeError::Gone { .. }) => return Ok(gauges),
            Err(error) => return Err(error.into()),
        };
        if asked.is_empty() {
            for (name, added) in [
                ("tree", add_processes(&mut sampler, pid, grouped, every)),
                ("cgroup", add_group(&mut sampler, pid, grouped, Turns::LEVEL)),
            ] {
                match added {
                    Ok(()) => {}
                    Err(Failed::Ended) => return Ok(gauges),
                    Err(Failed::Absent(why)) => gauges.absent.push((name, why)),
                }
            }
        }
        for (at, &backend) in asked.iter().enumerate() {
            if asked[..at].contains(&backend) {
                continue;
            }
            match add(&mut sampler, backend, pid, grouped) {
                Ok(()) => {}
                Err(Failed::Ended) => return Ok(gauges),
                Err(Failed::Absent(why)) => bail!("--backend {}: {why}", name(backend)),
            }
        }
        gauges.sampler = Some(sampler);
        Ok(gauges)
    }
}

enum Failed {
    Ended,
    Absent(String),
}

impl From<ProbeError> for Failed {
    fn from(error: ProbeError) -> Self {
        match error {
            ProbeError::Gone { .. } => Self::Ended,
            error => Self::Absent(error.to_string()),
        }
    }
}

/// The command itself and all its processes together: one file of each, and now and then the mark.
fn add_processes(
    sampler: &mut Sampler,
    pid: u32,
    grouped: bool,
    every: Duration,
) -> Result<(), Failed> {
    // Half a period less, so that a sample that is early by a little still looks.
    let seldom = every.saturating_mul(2 * Turns::LEVEL as u32 - 1) / 2;
    let mut tree = open_tree(pid, grouped)?.look_every(seldom.min(MOST_SELDOM));
    let mut hwm = Mark::new(Hwm::open(Target::Pid(pid))?, Turns::every(Turns::MARK));
    sampler.add(&[TREE, TREE_SHARED, PROCESSES, KERNEL, HWM], move |levels| {
        let found = tree.levels()?;
        levels[..3].copy_from_slice(&columns(found));
        levels[3] = found.own_bytes;
        levels[4] = hwm.read_beside(found.own_bytes)?;
        Ok(())
    });
    Ok(())
}

/// Of a slow sampler, who belongs to the tree is looked up no more seldom than this.
const MOST_SELDOM: Duration = Duration::from_millis(50);

/// Level and mark of the group.
fn add_group(sampler: &mut Sampler, pid: u32, grouped: bool, turns: u64) -> Result<(), Failed> {
    if !grouped {
        return Err(Failed::Absent(NO_GROUP.to_owned()));
    }
    let target = Target::Pid(pid);
    let mut level = Cgroup::current(target)?;
    let mut level_turns = Turns::every(turns);
    let mut peak = Mark::new(Cgroup::peak(target)?, Turns::every(Turns::MARK));
    sampler.add(&[CGROUP_LEVEL, CGROUP], move |levels| {
        if level_turns.come() {
            levels[0] = Some(level.read()?.bytes);
        }
        levels[1] = peak.read_beside(levels[0])?;
        Ok(())
    });
    Ok(())
}

fn open_tree(pid: u32, grouped: bool) -> Result<Tree, ProbeError> {
    if grouped { Tree::of_group(pid) } else { Tree::of_descendants(pid) }
}

fn columns(found: TreeLevels) -> [Option<u64>; 3] {
    [found.resident_bytes, found.shared_bytes, found.n_processes].map(Some)
}

fn add(sampler: &mut Sampler, backend: Backend, pid: u32, grouped: bool) -> Result<(), Failed> {
    let target = Target::Pid(pid);
    match backend {
        // Read once, at the end.
        Backend::Rusage => {}
        Backend::Tree => {
            let mut tree = open_tree(pid, grouped)?;
            sampler.add(&[TREE, TREE_SHARED, PROCESSES], move |levels| {
                levels.copy_from_slice(&columns(tree.levels()?));
                Ok(())
            });
        }
        Backend::Cgroup => add_group(sampler, pid, grouped, 1)?,
        Backend::Kernel => add_probe(sampler, probe::Backend::Statm, target)?,
        Backend::Status => add_probe(sampler, probe::Backend::Status, target)?,
        Backend::Smaps => add_probe(sampler, probe::Backend::Smaps, target)?,
        Backend::Sysinfo => add_probe(sampler, probe::Backend::Sysinfo, target)?,
        Backend::Hwm => add_probe(sampler, probe::Backend::Hwm, target)?,
    }
    Ok(())
}

fn add_probe(
    sampler: &mut Sampler,
    backend: probe::Backend,
    target: Target,
) -> Result<(), ProbeError> {
    let mut probe = backend.open(target)?;
    sampler.add(&[backend.column()], move |levels| {
        levels[0] = Some(probe.read()?.bytes);
        Ok(())
    });
    Ok(())
}

fn name(backend: Backend) -> &'static str {
    match backend {
        Backend::Kernel => "kernel",
        Backend::Status => "status",
        Backend::Smaps => "smaps",
        Backend::Sysinfo => "sysinfo",
        Backend::Hwm => "hwm",
        Backend::Tree => "tree",
        Backend::Cgroup => "cgroup",
        Backend::Rusage => "rusage",
    }
}

#[cfg(test)]
mod tests {
    use traceq::{Kind, Reading, Scope, Source};

    use super::*;

    /// Counts how often it is read.
    struct Rising(u64);

    impl MemoryProbe for Rising {
        fn read(&mut self) -> Result<Reading, ProbeError> {
            self.0 += 1;
            let (scope, kind, source) = (Scope::Process, Kind::Peak, Source::Hwm);
            Ok(Reading { bytes: 100 * self.0, scope, kind, source })
        }
    }

    #[test]
    fn a_mark_is_read_at_every_tenth_sample_and_when_the_level_passes_it() {
        let mut mark = Mark::new(Rising(0), Turns::every(10));
        let read: Vec<Option<u64>> = (0..21)
            .map(|n| mark.read_beside(Some(if n < 5 { 50 } else { 150 })).unwrap())
            .collect();
        let at = |value| read.iter().position(|found| *found == Some(value));
        assert_eq!((at(100), at(200), at(300), at(400)), (Some(0), Some(5), Some(10), Some(20)));
        assert_eq!(read.iter().flatten().count(), 4);
    }
}

//! Resident set through the `sysinfo` crate.

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::{Kind, MemoryProbe, ProbeError, Reading, Scope, Source, Target};

/// Resident set through the `sysinfo` crate: the same counter as [`Statm`](crate::probe::Statm), at
/// several times its cost. It stands for the tools that read memory through a library.
#[derive(Debug)]
pub struct Sysinfo {
    system: System,
    pid: Pid,
}

impl Sysinfo {
    /// # Errors
    /// [`ProbeError::Unavailable`] where `sysinfo` does not know the system, [`ProbeError::Gone`] for
    /// a process that has ended.
    pub fn open(target: Target) -> Result<Self, ProbeError> {
        let unavailable = |_| ProbeError::Unavailable {
            counter: Source::Sysinfo,
            why: "the sysinfo crate cannot read this system",
        };
        let pid = match target {
            Target::Own => std::process::id(),
            Target::Pid(pid) => pid,
        };
        let system = System::new().map_err(unavailable)?;
        let mut probe = Self { system, pid: Pid::from_u32(pid) };
        probe.read()?;
        Ok(probe)
    }
}

impl MemoryProbe for Sysinfo {
    fn read(&mut self) -> Result<Reading, ProbeError> {
        // Memory of one process only: the defaults walk every thread of every process.
        let what = ProcessRefreshKind::nothing().with_memory().without_tasks();
        let which = [self.pid];
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&which), true, what);
        match self.system.process(self.pid).map(sysinfo::Process::memory) {
            Some(bytes) if bytes > 0 => Ok(Reading {
                bytes,
                scope: Scope::Process,
                kind: Kind::Current,
                source: Source::Sysinfo,
            }),
            _ => Err(ProbeError::Gone { pid: self.pid.as_u32() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_this_process_and_not_a_dead_one() {
        assert!(Sysinfo::open(Target::Own).unwrap().read().unwrap().bytes > 1 << 20);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(matches!(Sysinfo::open(Target::Pid(pid)), Err(ProbeError::Gone { .. })));
    }
}

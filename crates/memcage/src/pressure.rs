//! Time lost for want of memory, as the kernel sums it up ("pressure stall information").

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::group::Group;
use crate::proc::{Proc, pressure_totals};

/// How long processes stood still because memory had to be freed or read back first.
///
/// Differences of the kernel's totals, so they are exact to a microsecond; unlike its averages they do
/// not lag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pressure {
    /// Whose processes.
    pub scope: PressureScope,
    /// At least one of them stood still.
    pub some: Duration,
    /// All that had something to do stood still.
    pub full: Duration,
}

/// Whose processes a [`Pressure`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PressureScope {
    /// The inmate and its descendants. Needs cgroup v2.
    Inmate,
    /// All of this machine, others' included.
    Machine,
}

/// Tells the pressure since it was set up.
#[derive(Debug)]
pub(crate) struct Barometer {
    scope: PressureScope,
    file: PathBuf,
    start: (Duration, Duration),
}

impl Barometer {
    /// Sets one up in `group` if that is given and has one, and else for the machine, if that has one.
    pub(crate) fn set_up(group: Option<&Group>, proc: &Proc) -> Option<Self> {
        let inner = group.and_then(Group::pressure_file).map(|file| (PressureScope::Inmate, file));
        let outer = (PressureScope::Machine, proc.path("pressure/memory"));
        inner.into_iter().chain([outer]).find_map(|(scope, file)| {
            // Where the kernel was told not to count, the file is there and cannot be read.
            let start = pressure_totals(&fs::read_to_string(&file).ok()?)?;
            Some(Self { scope, file, start })
        })
    }

    /// What was added since, or nothing if that can no longer be read.
    pub(crate) fn read(&self) -> Option<Pressure> {
        let (some, full) = pressure_totals(&fs::read_to_string(&self.file).ok()?)?;
        Some(Pressure {
            scope: self.scope,
            some: some.saturating_sub(self.start.0),
            full: full.saturating_sub(self.start.1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Version;
    use crate::proc::tests::fake;

    fn text(some: u64, full: u64) -> String {
        format!("some avg10=0.00 total={some}\nfull avg10=0.00 total={full}\n")
    }

    fn micros(pressure: Pressure) -> (PressureScope, u128, u128) {
        (pressure.scope, pressure.some.as_micros(), pressure.full.as_micros())
    }

    #[test]
    fn the_group_comes_before_the_machine() {
        let (dir, proc) =
            fake(&[("pressure/memory", &text(70, 30)), ("memory.pressure", &text(5, 3))]);
        let group = |version| Group::existing(version, dir.path().to_owned());
        let inner = Barometer::set_up(Some(&group(Version::V2)), &proc).unwrap();
        let outer = Barometer::set_up(Some(&group(Version::V1)), &proc).unwrap();
        fs::write(dir.path().join("memory.pressure"), text(9, 4)).unwrap();
        fs::write(dir.path().join("pressure/memory"), text(170, 31)).unwrap();
        assert_eq!(micros(inner.read().unwrap()), (PressureScope::Inmate, 4, 1));
        assert_eq!(micros(outer.read().unwrap()), (PressureScope::Machine, 100, 1));
        // A group that is gone does not become the machine.
        fs::remove_file(dir.path().join("memory.pressure")).unwrap();
        assert_eq!(inner.read(), None);
        let now = Barometer::set_up(Some(&group(Version::V2)), &proc).unwrap();
        assert_eq!(micros(now.read().unwrap()), (PressureScope::Machine, 0, 0));
    }

    #[test]
    fn what_does_not_count_is_absent() {
        let (_dir, proc) = fake(&[]);
        assert!(Barometer::set_up(None, &proc).is_none());
        let (_dir, proc) = fake(&[("pressure/memory", "some avg10=0.00 total=5\n")]);
        assert!(Barometer::set_up(None, &proc).is_none());
    }
}

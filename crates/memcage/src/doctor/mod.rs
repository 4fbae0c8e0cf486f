//! What this machine can do for us, tried out.

mod group;

use std::io;
use std::process::{Command, Stdio};

use rustix::process::{Resource, getrlimit, setrlimit};
use serde::Serialize;

use crate::confinement::Mask;
use crate::end::reap;
use crate::group::Home;
use crate::proc::{Proc, pressure_totals};
use crate::{Mib, resident};

/// One thing that this machine can or cannot do for us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Capability {
    /// What it is.
    pub name: &'static str,
    /// Whether it is there.
    pub available: bool,
    /// What was tried and seen.
    pub evidence: String,
}

impl Capability {
    /// `Ok` and `Err` say what was seen.
    fn new(name: &'static str, seen: Result<String, String>) -> Self {
        let available = seen.is_ok();
        Self { name, available, evidence: seen.unwrap_or_else(|reason| reason) }
    }
}

/// Tries out everything that this crate relies on, and says what was seen.
///
/// Makes a group and removes it again; needs no [`init`](crate::init). Resets the mark behind
/// [`resident::peak_bytes`]. On v2 this process is moved to another group and back.
#[must_use]
pub fn doctor() -> Vec<Capability> {
    let home = Home::find(&Proc::real());
    let controller = match &home {
        Ok(home) => Ok(format!("{}, our group is {}", home.version, home.dir.display())),
        Err(reason) => Err(reason.clone()),
    };
    let mut found = vec![Capability::new("memory controller", controller)];
    found.extend(group::try_group(home));
    found.push(Capability::new("peak of a process", mark_resets()));
    found.push(Capability::new("pressure of the machine", pressure(&Proc::real())));
    found.push(Capability::new("faults and processor time", cost()));
    found.push(Capability::new("processors", processors()));
    found.push(Capability::new("data limit", data_limit()));
    found.push(Capability::new("descendants without groups", descendants(&Proc::real())));
    found
}

fn mark_resets() -> Result<String, String> {
    let try_it = || -> io::Result<(u64, u64)> {
        let before = resident::peak_bytes()?;
        resident::reset_peak()?;
        Ok((before, resident::peak_bytes()?))
    };
    let (before, after) = try_it().map_err(|error| error.to_string())?;
    let slack = Mib(resident::counter_slack_bytes());
    let (before, after) = (Mib(before), Mib(after));
    Ok(format!("VmHWM was {before} and {after} after a reset; each counter exact to {slack}"))
}

fn pressure(proc: &Proc) -> Result<String, String> {
    let text = proc.text("pressure/memory").map_err(|error| error.to_string())?;
    stalled(&text)
}

/// The totals in a pressure file.
fn stalled(text: &str) -> Result<String, String> {
    let (some, full) = pressure_totals(text).ok_or("no totals of \"some\" and \"full\"")?;
    Ok(format!("some stood still for {some:?}, all for {full:?}"))
}

fn cost() -> Result<String, String> {
    let child = Command::new("true").stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let child = child.map_err(|error| format!("no program `true` to try it on: {error}"))?;
    let (_, work) = reap(child.id()).map_err(|error| error.to_string())?;
    let (major, minor) = (work.major_faults, work.minor_faults);
    let time = work.user_time + work.system_time;
    Ok(format!("wait4 told {major} major and {minor} minor faults and {time:?} of `true`"))
}

fn processors() -> Result<String, String> {
    let own = Mask::own().map_err(|error| error.to_string())?;
    own.apply().map_err(|error| error.to_string())?;
    Ok(format!("the set of ours, {:?}, was taken and read back", own.cpus()))
}

fn data_limit() -> Result<String, String> {
    let limit = getrlimit(Resource::Data);
    setrlimit(Resource::Data, limit).map_err(|error| error.to_string())?;
    let bytes =
        |bound: Option<u64>| bound.map_or("none".to_owned(), |bytes| Mib(bytes).to_string());
    Ok(format!("now {}, at most {}", bytes(limit.current), bytes(limit.maximum)))
}

fn descendants(proc: &Proc) -> Result<String, String> {
    let pid = std::process::id();
    proc.text(&format!("{pid}/task/{pid}/children")).map_err(|error| error.to_string())?;
    Ok("/proc lists the children of a thread".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::tests::fake;

    #[test]
    fn what_is_absent_says_so() {
        let (_dir, proc) = fake(&[("pressure/memory", "")]);
        assert!(pressure(&proc).is_err());
        assert!(descendants(&proc).is_err());
        let (_dir, proc) = fake(&[("pressure/memory", "some avg10=0.00 total=5\nfull total=0\n")]);
        assert_eq!(pressure(&proc).unwrap(), "some stood still for 5µs, all for 0ns");
    }

    #[test]
    fn each_finding_has_evidence() {
        let found = doctor();
        assert!(found.iter().all(|one| !one.evidence.is_empty()), "{found:#?}");
        for name in ["peak of a process", "faults and processor time", "processors"] {
            assert!(found.iter().any(|one| one.name == name && one.available), "{found:#?}");
        }
    }
}

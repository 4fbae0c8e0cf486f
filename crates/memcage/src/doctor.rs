use std::fs::File;
use std::io::{self, Write};

use rustix::process::{Resource, getrlimit, setrlimit};
use serde::Serialize;

use crate::group::{Group, Home, Nest, Version};
use crate::proc::Proc;
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
    found.extend(try_group(home));
    found.push(Capability::new("peak of a process", mark_resets()));
    found.push(Capability::new("pressure", pressure(&Proc::real())));
    found.push(Capability::new("data limit", data_limit()));
    found.push(Capability::new("descendants without groups", descendants(&Proc::real())));
    found
}

/// Tries something on a group; both sides say what was seen.
type Trial = fn(&Group) -> Result<String, String>;

/// What can be done with a group.
const QUESTIONS: [(&str, Trial); 6] = [
    ("group with a limit", limit_takes),
    ("peak of a group", peak_resets),
    ("count of kills for memory", kills_counted),
    ("which limit was hit", alarms_counted),
    ("kill of a group", group_kill),
    ("swap cap", swap_capped),
];

fn try_group(home: Result<Home, String>) -> Vec<Capability> {
    let nest = home.and_then(|home| Nest::plan(&home, "memcage-doctor"));
    let group = nest.as_ref().map_err(Clone::clone).and_then(|nest| {
        let built = nest.build(None).and_then(|_| nest.cell(0));
        built.map_err(|error| error.to_string())
    });
    let mut found: Vec<_> = QUESTIONS
        .iter()
        .map(|(name, ask)| {
            let seen = group.as_ref().map_err(Clone::clone).and_then(ask);
            Capability::new(name, seen)
        })
        .collect();
    drop(group);
    if let Some(Err(error)) = nest.ok().map(|nest| nest.remove()) {
        found.push(Capability::new("removal of a group", Err(error.to_string())));
    }
    found
}

const TRIED: u64 = 64 << 20;

fn limit_takes(group: &Group) -> Result<String, String> {
    group.set_limit(TRIED).map_err(|error| error.to_string())?;
    Ok(format!("made {} and read {} back", group.dir().display(), Mib(TRIED)))
}

fn peak_resets(group: &Group) -> Result<String, String> {
    let peak = group.peak().map_err(|error| error.to_string())?;
    let reset = File::options()
        .write(true)
        .open(group.peak_file())
        .and_then(|mut file| file.write_all(b"0"));
    let name = group.peak_file();
    let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(match reset {
        Ok(()) => format!("{name} reads {peak} and can be reset"),
        Err(error) => format!("{name} reads {peak}; cannot be reset ({error}), so one group each"),
    })
}

fn kills_counted(group: &Group) -> Result<String, String> {
    let kills = group.oom_kills().map_err(|error| error.to_string())?;
    Ok(format!("oom_kill reads {kills} in a new group"))
}

fn alarms_counted(group: &Group) -> Result<String, String> {
    group.alarms().map_err(|error| error.to_string())?;
    Ok(match group.version() {
        Version::V1 => "the kernel took an eventfd on memory.oom_control".to_owned(),
        Version::V2 => "oom in memory.events.local can be read".to_owned(),
    })
}

fn group_kill(group: &Group) -> Result<String, String> {
    let file = group.dir().join("cgroup.kill");
    if file.exists() {
        return Ok("cgroup.kill is there".to_owned());
    }
    group.door().map_err(|error| error.to_string())?;
    Ok("no cgroup.kill; by signals to all in cgroup.procs until none is left".to_owned())
}

fn swap_capped(group: &Group) -> Result<String, String> {
    let file = group.swap_file().ok_or("the kernel does not account swap")?;
    let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!("{name} reads {} with a limit of {TRIED}", text.trim()))
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
    let line = text.lines().next().unwrap_or_default();
    if line.starts_with("some ") { Ok(line.to_owned()) } else { Err("no \"some\" line".to_owned()) }
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
        let found = try_group(Err("no rights".to_owned()));
        assert_eq!(found.len(), QUESTIONS.len());
        assert!(found.iter().all(|one| !one.available && one.evidence == "no rights"));
        let (_dir, proc) = fake(&[("pressure/memory", "")]);
        assert!(pressure(&proc).is_err());
        assert!(descendants(&proc).is_err());
        let (_dir, proc) = fake(&[("pressure/memory", "some avg10=0.00 total=5\nfull total=0\n")]);
        assert_eq!(pressure(&proc).unwrap(), "some avg10=0.00 total=5");
    }

    #[test]
    fn each_finding_has_evidence() {
        let found = doctor();
        assert!(found.iter().all(|one| !one.evidence.is_empty()), "{found:#?}");
        assert!(found.iter().any(|one| one.name == "peak of a process" && one.available));
    }
}

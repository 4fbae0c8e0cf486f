//! What can be done with a control group.

use super::{Capability, stalled};
use crate::Mib;
use crate::group::{Group, Home, Marks, Nest, Usage, Version};

/// Tries something on a group; both sides say what was seen.
type Trial = fn(&Group) -> Result<String, String>;

/// What can be done with a group.
const QUESTIONS: [(&str, Trial); 11] = [
    ("group with a limit", limit_takes),
    ("soft limit", soft_limit_takes),
    ("peak of a group", peak_read),
    ("reset of that peak", peak_resets),
    ("peak of swap", swap_peak),
    ("split of the memory", usage_splits),
    ("pressure of a group", group_pressure),
    ("count of kills for memory", kills_counted),
    ("which limit was hit", alarms_counted),
    ("kill of a group", group_kill),
    ("swap cap", swap_capped),
];

pub(super) fn try_group(home: Result<Home, String>) -> Vec<Capability> {
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

fn peak_read(group: &Group) -> Result<String, String> {
    let peak = group.peak().map_err(|error| error.to_string())?;
    Ok(format!("reads {peak} in a new group"))
}

fn peak_resets(group: &Group) -> Result<String, String> {
    let mut marks = Marks::of(group);
    marks.reset().map_err(|error| error.to_string())?;
    let peak = marks.peak().map_err(|error| error.to_string())?;
    Ok(format!("took a reset, and reads {peak} since"))
}

fn swap_peak(group: &Group) -> Result<String, String> {
    let peak = Marks::of(group).swap_peak().map_err(|error| error.to_string())?;
    Ok(match group.version() {
        Version::V1 => format!("memsw and memory differ by {peak} at their peaks: a lower bound"),
        Version::V2 => format!("memory.swap.peak reads {peak}"),
    })
}

fn usage_splits(group: &Group) -> Result<String, String> {
    let usage = group.split().map_err(|error| error.to_string())?;
    let kernel = usage.kernel_bytes.map_or("unknown".to_owned(), |bytes| bytes.to_string());
    let Usage { current_bytes, anon_bytes, file_bytes, .. } = usage;
    Ok(format!("{current_bytes} charged: anon {anon_bytes}, file {file_bytes}, kernel {kernel}"))
}

fn group_pressure(group: &Group) -> Result<String, String> {
    let file = group.pressure_file().ok_or("cgroup v1 has none; the machine's is used instead")?;
    stalled(&std::fs::read_to_string(file).map_err(|error| error.to_string())?)
}

fn soft_limit_takes(group: &Group) -> Result<String, String> {
    group.set_soft_limit(TRIED).map_err(|error| error.to_string())?;
    Ok(format!("memory.high took {} and reads it back", Mib(TRIED)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_rights_each_answer_is_why() {
        let found = try_group(Err("no rights".to_owned()));
        assert_eq!(found.len(), QUESTIONS.len());
        assert!(found.iter().all(|one| !one.available && one.evidence == "no rights"));
    }
}

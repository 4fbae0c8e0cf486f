//! What is left when a program with a cage is killed: nothing.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::Case;
use crate::groups::{alive, cage, eventually, groups_left};
use crate::victim::victim;

pub(crate) const ALL: &[Case] = &[
    ("keeper::killed_outside_its_cage", || killed(0)),
    ("keeper::killed_inside_its_cage", || killed(1)),
    ("keeper::killed_without_groups", || killed(2)),
    ("keeper::killed_without_groups_inside", || killed(3)),
    ("keeper::the_janitor_survives_ctrl_c", the_janitor_survives_ctrl_c),
    ("keeper::the_janitor_ends_with_its_cage", the_janitor_ends_with_its_cage),
    ("keeper::without_a_janitor_no_inmate", without_a_janitor_no_inmate),
];

/// Children of process `pid`.
fn children(pid: u32) -> Vec<u32> {
    let list = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(list).unwrap_or_default();
    text.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

fn is_janitor(pid: u32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.starts_with(b"memcage-jan"))
}

/// A program with a cage in the way of `number`, and all processes that belong to it.
fn keeper(number: usize) -> (Child, Vec<u32>) {
    let mut command = victim(&format!("keeper {number}"));
    let mut keeper = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let inmates: Vec<u32> = line.split_whitespace().map(|word| word.parse().unwrap()).collect();
    assert_eq!(inmates.len(), 2, "{line:?}");
    let mut all = children(keeper.id());
    assert!(inmates.iter().all(|pid| all.contains(pid)));
    assert_eq!(all.iter().filter(|&&pid| is_janitor(pid)).count(), 1);
    assert!(eventually(|| children(inmates[1]).len() == 2));
    all.extend(children(inmates[1]));
    (keeper, all)
}

/// On v2 a keeper needs a group without this test in it; only the root group has room for both.
fn is_company_refused() -> bool {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let refused = !groups.contains(":memory:") && groups.trim_end() != "0::/";
    if refused {
        println!("skipped: this test and the keeper are in one group");
    }
    refused
}

fn killed(number: usize) {
    if number < 2 && (cage(None).is_none() || is_company_refused()) {
        return;
    }
    let (mut keeper, all) = keeper(number);
    assert_eq!(groups_left().is_empty(), number >= 2);
    keeper.kill().unwrap();
    keeper.wait().unwrap();
    assert!(eventually(|| !all.iter().any(|&pid| alive(pid))), "{all:?}");
    assert!(eventually(|| groups_left().is_empty()), "{:?}", groups_left());
}

fn the_janitor_survives_ctrl_c() {
    use std::os::unix::process::CommandExt;
    let mut command = victim("keeper 0");
    let mut keeper = command.process_group(0).stdout(Stdio::piped()).spawn().unwrap();
    BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    let janitor = children(keeper.id()).into_iter().find(|&pid| is_janitor(pid)).unwrap();
    // As a terminal does it: to the whole process group.
    let group = Pid::from_child(&keeper);
    kill_process_group(group, Signal::INT).unwrap();
    keeper.wait().unwrap();
    assert!(eventually(|| groups_left().is_empty()), "{:?}", groups_left());
    assert!(eventually(|| !alive(janitor)));
}

fn own_janitors() -> Vec<u32> {
    let own = std::process::id();
    let threads = std::fs::read_dir(format!("/proc/{own}/task")).unwrap().flatten();
    let lists =
        threads.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let all: Vec<u32> = lists
        .flat_map(|text| text.split_whitespace().map(|w| w.parse().unwrap()).collect::<Vec<_>>())
        .collect();
    all.into_iter().filter(|&pid| is_janitor(pid)).collect()
}

fn the_janitor_ends_with_its_cage() {
    let Some(cage) = cage(None) else { return };
    let janitors = own_janitors();
    assert_eq!(janitors.len(), 1);
    let status = std::fs::read_to_string(format!("/proc/{}/status", janitors[0])).unwrap();
    let resident = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    let own = status.lines().find(|line| line.starts_with("RssAnon")).unwrap();
    println!("janitor: {resident}, {own}");
    cage.close().unwrap();
    assert!(!alive(janitors[0]));
    assert_eq!(groups_left(), Vec::<PathBuf>::new());
}

fn without_a_janitor_no_inmate() {
    let Some(cage) = cage(None) else { return };
    let janitor = own_janitors()[0].to_string();
    std::process::Command::new("kill").args(["-9", &janitor]).status().unwrap();
    assert!(eventually(|| cage.spawn(&mut victim("exit 0"), None).is_err()));
    let error = cage.spawn(&mut victim("exit 0"), None).unwrap_err();
    assert!(error.to_string().contains("janitor process has ended"), "{error}");
    // The cage still cleans up after itself.
    cage.close().unwrap();
    assert_eq!(groups_left(), Vec::<PathBuf>::new());
}

//! What this program does when a case has started it as a child.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use memcage::{Cage, resident};

/// The first argument of a child.
pub(crate) const ARGUMENT: &str = "__victim";

/// This program as a child that does `deeds`: name and number in turn.
pub(crate) fn victim(deeds: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg(ARGUMENT).args(deeds.split(' ')).stderr(Stdio::null());
    command
}

/// Does what the arguments say.
pub(crate) fn act(deeds: &[String]) {
    let mut held = Vec::new();
    for deed in deeds.chunks(2) {
        let number: usize = deed[1].parse().unwrap();
        match deed[0].as_str() {
            "touch" => held.push(vec![1u8; number << 20]),
            "free" => held.truncate(number),
            "map" => drop(Vec::<u8>::with_capacity(number << 20)),
            "sleep" => sleep(Duration::from_millis(number as u64)),
            "spin" => spin(Duration::from_millis(number as u64)),
            "cpus" => say(&own_cpus()),
            "exit" => std::process::exit(number as i32),
            "panic" => panic!("as told"),
            "say" => say(&number.to_string()),
            "listen" => drop(std::io::stdin().read(&mut [0; 1])),
            "grow" => grow(number),
            "cache" => fill_cache(number),
            "family" => family(number),
            "keeper" => keeper(number),
            "peaks" => peaks(number),
            other => panic!("no deed {other}"),
        }
    }
}

fn say(text: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{text}").unwrap();
    out.flush().unwrap();
}

/// Computes until it has had this much processor time.
fn spin(time: Duration) {
    let used = || {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::try_from(now).unwrap()
    };
    while used() < time {
        std::hint::spin_loop();
    }
}

/// The processors that this process may run on, as the kernel lists them.
fn own_cpus() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.unwrap().trim().to_owned()
}

/// Takes a MiB at a time, slowly enough to be watched.
fn grow(mib: usize) {
    let mut held = Vec::new();
    for _ in 0..mib {
        held.push(vec![1u8; 1 << 20]);
        sleep(Duration::from_millis(1));
    }
    drop(held);
}

/// Reads and writes a file larger than the limit: page cache is charged, and given back.
fn fill_cache(mib: usize) {
    let mut file = tempfile::tempfile_in("/var/tmp").unwrap();
    let block = vec![7u8; 1 << 20];
    for _ in 0..mib {
        file.write_all(&block).unwrap();
    }
}

/// Has two children that hold `mib` each, and outlive it if it is killed alone.
fn family(mib: usize) {
    let mut children: Vec<_> = (0..2)
        .map(|_| victim(&format!("touch {mib} sleep 60000")).stdout(Stdio::null()).spawn().unwrap())
        .collect();
    let ids: Vec<_> = children.iter().map(|child| child.id().to_string()).collect();
    say(&ids.join(" "));
    for child in &mut children {
        child.wait().unwrap();
    }
}

/// Keeps a cage with two inmates, tells who is who, and waits to be killed. An odd number means
/// that it enters the cage itself; 2 or 3 that it uses no groups.
fn keeper(number: usize) {
    let total = Some(512 << 20);
    let cage = match number {
        0 | 1 => Cage::new("memcage-test", total),
        _ => Cage::without_cgroups("memcage-test", total),
    };
    let cage = cage.unwrap();
    if number % 2 == 1 {
        cage.enter().unwrap();
    }
    let still = |deeds| cage.spawn(victim(deeds).stdout(Stdio::null()), None).unwrap();
    let inmates = [still("sleep 60000"), still("family 1")];
    sleep(Duration::from_millis(200));
    let ids: Vec<_> = inmates.iter().map(|inmate| inmate.id().to_string()).collect();
    say(&ids.join(" "));
    sleep(Duration::from_secs(60));
}

/// Prints the peak after a reset following `mib` touched and freed, and after touching them again.
fn peaks(mib: usize) {
    resident::steady_allocator();
    drop(vec![1u8; mib << 20]);
    let before = resident::peak_bytes().unwrap();
    resident::reset_peak().unwrap();
    let reset = resident::peak_bytes().unwrap();
    drop(vec![1u8; mib << 20]);
    let again = resident::peak_bytes().unwrap();
    let current = resident::current_bytes().unwrap();
    say(&format!("{before} {reset} {again} {current}"));
}

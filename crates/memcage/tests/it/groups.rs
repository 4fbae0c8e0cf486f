//! Limits by control groups. Without rights to them, each case says so and is skipped.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use memcage::{Cage, CageError, Death, Limit, Mechanism, Verdict};

use crate::Case;
use crate::victim::victim;

pub(crate) const ALL: &[Case] = &[
    ("groups::over_the_limit_is_out_of_memory", over_the_limit_is_out_of_memory),
    ("groups::under_the_limit_survives_with_its_peak", under_the_limit_survives_with_its_peak),
    ("groups::a_kill_from_outside_is_a_signal", a_kill_from_outside_is_a_signal),
    ("groups::exit_codes_and_panics", exit_codes_and_panics),
    ("groups::a_total_limits_all_together", a_total_limits_all_together),
    ("groups::own_limit_under_a_total", own_limit_under_a_total),
    ("groups::the_limit_of_an_outer_cage", the_limit_of_an_outer_cage),
    ("groups::cache_beyond_the_limit_is_no_death", cache_beyond_the_limit_is_no_death),
    ("groups::a_child_that_ignores_its_input", a_child_that_ignores_its_input),
    ("groups::kill_reaches_descendants", kill_reaches_descendants),
    ("groups::a_grandchild_out_of_memory", a_grandchild_out_of_memory),
    ("groups::a_limit_too_small_to_start", a_limit_too_small_to_start),
    ("groups::a_program_that_is_not_there", a_program_that_is_not_there),
    ("groups::a_command_may_be_used_again", a_command_may_be_used_again),
    ("groups::close_moves_us_back", close_moves_us_back),
    ("groups::close_with_inmates_inside", close_with_inmates_inside),
    ("groups::two_threads_spawn_at_once", two_threads_spawn_at_once),
    ("groups::the_mechanism_is_the_expected_one", the_mechanism_is_the_expected_one),
    ("groups::doctor_agrees", doctor_agrees),
];

pub(crate) const MIB: u64 = 1 << 20;

/// A cage of groups, or none and a line that says why.
pub(crate) fn cage(total: Option<u64>) -> Option<Cage> {
    let cage = Cage::new("memcage-test", total).unwrap();
    if let Mechanism::DataLimit { reason } = cage.mechanism() {
        println!("skipped: {reason}");
        return None;
    }
    Some(cage)
}

/// Our group of the memory controller.
fn own_group() -> PathBuf {
    let text = fs::read_to_string("/proc/self/cgroup").unwrap();
    let v1 = text.lines().find_map(|line| line.split_once(":memory:")).map(|(_, path)| path);
    let (mount, path) = match v1 {
        Some(path) => ("/sys/fs/cgroup/memory", path),
        None => ("/sys/fs/cgroup", text.lines().find_map(|l| l.strip_prefix("0::")).unwrap()),
    };
    Path::new(mount).join(path.trim_start_matches('/'))
}

/// Groups of this test anywhere below ours.
pub(crate) fn groups_left() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![own_group()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.file_name().to_string_lossy().starts_with("memcage-") {
                    found.push(entry.path());
                }
                folders.push(entry.path());
            }
        }
    }
    found
}

pub(crate) fn alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Waits some seconds for `what`.
pub(crate) fn eventually(what: impl Fn() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(5);
    while Instant::now() < end {
        if what() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    what()
}

/// Runs `command` alone in a cage without a total.
fn run(command: &mut Command, limit: u64) -> Option<Death> {
    let cage = cage(None)?;
    let death = cage.spawn(command, Some(limit)).unwrap().wait().unwrap();
    cage.close().unwrap();
    assert_eq!(groups_left(), Vec::<PathBuf>::new());
    Some(death)
}

/// Who prepares a machine for these tests says what must be found there, for no case to be skipped.
fn the_mechanism_is_the_expected_one() {
    let Ok(expected) = std::env::var("MEMCAGE_EXPECT") else { return };
    let cage = Cage::new("memcage-test", None).unwrap();
    let found = cage.mechanism().to_string();
    assert!(found.starts_with(&expected), "expected {expected}, found {found}");
}

fn over_the_limit_is_out_of_memory() {
    let Some(death) = run(&mut victim("touch 200"), 64 * MIB) else { return };
    assert_eq!(death.verdict, Verdict::OutOfMemory { limit_bytes: 64 * MIB }, "{death}");
    assert_eq!((death.limit, death.oom_kills), (Some(Limit::Inmate), Some(1)), "{death}");
    assert_eq!(death.status.signal(), Some(9));
    let peak = death.peak_bytes.unwrap();
    assert!((63 * MIB..=64 * MIB).contains(&peak), "{death}");
    assert!(!death.evidence.contains('\n'));
}

fn under_the_limit_survives_with_its_peak() {
    let Some(death) = run(&mut victim("touch 40 free 0 touch 10"), 64 * MIB) else { return };
    assert_eq!(death.verdict, Verdict::Exited { code: 0 }, "{death}");
    assert_eq!((death.limit, death.oom_kills), (None, Some(0)));
    // Its own start costs some 100 KiB, and each processor may hold 256 KiB in stock.
    let over = death.peak_bytes.unwrap().checked_sub(40 * MIB).unwrap();
    assert!(over <= MIB + 256 * 1024 * memcage::cpus() as u64, "{death}");
}

fn a_kill_from_outside_is_a_signal() {
    let Some(cage) = cage(None) else { return };
    let mut inmate = cage.spawn(&mut victim("touch 8 sleep 60000"), Some(64 * MIB)).unwrap();
    let killed = Command::new("kill").args(["-9", &inmate.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let death = inmate.wait().unwrap();
    assert_eq!(death.verdict, Verdict::Signal { signal: 9 }, "{death}");
    assert!(death.evidence.contains("oom_kill did not rise"), "{death}");
    // Asking again tells the same.
    assert_eq!(inmate.wait().unwrap().to_string(), death.to_string());
    let mut inmate = cage.spawn(&mut victim("sleep 60000"), None).unwrap();
    inmate.kill().unwrap();
    assert_eq!(inmate.wait().unwrap().verdict, Verdict::Signal { signal: 9 });
}

fn exit_codes_and_panics() {
    let Some(death) = run(&mut victim("exit 3"), 64 * MIB) else { return };
    assert_eq!(death.verdict, Verdict::Exited { code: 3 }, "{death}");
    let death = run(&mut victim("panic 0"), 64 * MIB).unwrap();
    assert_eq!(death.verdict, Verdict::Exited { code: 101 }, "{death}");
    // What a shell makes of signal 9 is no proof.
    let death = run(Command::new("sh").args(["-c", "exit 137"]), 64 * MIB).unwrap();
    assert_eq!(death.verdict, Verdict::Exited { code: 137 }, "{death}");
}

fn a_total_limits_all_together() {
    let Some(cage) = cage(Some(96 * MIB)) else { return };
    let quiet = || victim("touch 60 say 1 listen 0");
    let mut first =
        cage.spawn(quiet().stdin(Stdio::piped()).stdout(Stdio::piped()), Some(80 * MIB)).unwrap();
    first.take_stdout().unwrap().read_exact(&mut [0]).unwrap();
    // Marked to go first, so that the case is certain.
    let mut second =
        cage.spawn(quiet().stdin(Stdio::piped()).stdout(Stdio::null()), Some(80 * MIB)).unwrap();
    fs::write(format!("/proc/{}/oom_score_adj", second.id()), "1000").unwrap();
    let death = second.wait().unwrap();
    assert_eq!(death.verdict, Verdict::OutOfMemory { limit_bytes: 96 * MIB }, "{death}");
    assert_eq!(death.limit, Some(Limit::Total), "{death}");
    drop(first.take_stdin());
    let death = first.wait().unwrap();
    assert_eq!(death.verdict, Verdict::Exited { code: 0 }, "{death}");
    cage.close().unwrap();
}

fn own_limit_under_a_total() {
    let Some(cage) = cage(Some(256 * MIB)) else { return };
    for _ in 0..2 {
        let death = cage.spawn(&mut victim("touch 100"), Some(32 * MIB)).unwrap().wait().unwrap();
        assert_eq!(death.verdict, Verdict::OutOfMemory { limit_bytes: 32 * MIB }, "{death}");
        assert_eq!(death.limit, Some(Limit::Inmate));
    }
}

fn the_limit_of_an_outer_cage() {
    let Some(outer) = cage(Some(128 * MIB)) else { return };
    outer.enter().unwrap();
    let inner = cage(None).unwrap();
    let death = inner.spawn(&mut victim("touch 400"), Some(300 * MIB)).unwrap().wait().unwrap();
    assert_eq!(death.limit, Some(Limit::Above), "{death}");
    let Verdict::OutOfMemory { limit_bytes } = death.verdict else { panic!("{death}") };
    // What the kernel enforces: the outer total without what this process held when it entered.
    assert!((96 * MIB..128 * MIB).contains(&limit_bytes), "{death}");
    inner.close().unwrap();
    outer.close().unwrap();
    assert_eq!(groups_left(), Vec::<PathBuf>::new());
}

fn cache_beyond_the_limit_is_no_death() {
    if !Path::new("/var/tmp").exists() {
        println!("skipped: no /var/tmp, so no file system on a disk");
        return;
    }
    let Some(death) = run(&mut victim("cache 96 touch 16"), 32 * MIB) else { return };
    assert_eq!(death.verdict, Verdict::Exited { code: 0 }, "{death}");
    // A peak saturates at the limit.
    assert!(death.peak_bytes.unwrap() <= 32 * MIB, "{death}");
}

fn a_child_that_ignores_its_input() {
    let Some(cage) = cage(None) else { return };
    let mut command = victim("sleep 50");
    let mut inmate = cage.spawn(command.stdin(Stdio::piped()), None).unwrap();
    assert_eq!(inmate.wait().unwrap().verdict, Verdict::Exited { code: 0 });
    // One that waits for its input gets its end.
    let mut command = victim("listen 0 exit 7");
    let mut inmate = cage.spawn(command.stdin(Stdio::piped()), None).unwrap();
    assert_eq!(inmate.wait().unwrap().verdict, Verdict::Exited { code: 7 });
}

/// The numbers of the children that a `family` tells of.
pub(crate) fn told(inmate: &mut memcage::Inmate) -> Vec<u32> {
    let mut line = String::new();
    BufReader::new(inmate.take_stdout().unwrap()).read_line(&mut line).unwrap();
    line.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

fn kill_reaches_descendants() {
    let Some(cage) = cage(None) else { return };
    let mut inmate = cage.spawn(victim("family 1").stdout(Stdio::piped()), None).unwrap();
    let family = told(&mut inmate);
    assert_eq!(family.len(), 2);
    inmate.kill().unwrap();
    assert!(eventually(|| !family.iter().any(|&pid| alive(pid))));
    assert_eq!(inmate.wait().unwrap().verdict, Verdict::Signal { signal: 9 });
    // Descendants that outlive an inmate end with it.
    let mut inmate = cage.spawn(victim("family 1").stdout(Stdio::piped()), None).unwrap();
    let family = told(&mut inmate);
    Command::new("kill").args(["-9", &inmate.id().to_string()]).status().unwrap();
    inmate.wait().unwrap();
    assert!(eventually(|| !family.iter().any(|&pid| alive(pid))));
    // And with a cage that is only dropped.
    let mut inmate = cage.spawn(victim("family 1").stdout(Stdio::piped()), None).unwrap();
    let family = told(&mut inmate);
    drop(cage);
    assert!(eventually(|| !family.iter().any(|&pid| alive(pid))));
    assert_eq!(groups_left(), Vec::<PathBuf>::new());
}

fn a_grandchild_out_of_memory() {
    // The shell survives its child and reports it by an exit code.
    let exe = std::env::current_exe().unwrap();
    let line = format!("{} __victim touch 200; exit $?", exe.display());
    let Some(death) = run(Command::new("sh").args(["-c", &line]).stderr(Stdio::null()), 64 * MIB)
    else {
        return;
    };
    assert_eq!(death.verdict, Verdict::OutOfMemory { limit_bytes: 64 * MIB }, "{death}");
    let line = format!("{} __victim touch 200; exit 0", exe.display());
    let death =
        run(Command::new("sh").args(["-c", &line]).stderr(Stdio::null()), 64 * MIB).unwrap();
    if death.status.success() {
        assert_eq!(death.verdict, Verdict::Exited { code: 0 }, "{death}");
        assert!(death.evidence.contains("1 process below it"), "{death}");
    }
}

fn a_limit_too_small_to_start() {
    let Some(death) = run(&mut victim("exit 0"), 4096) else { return };
    assert_eq!(death.verdict, Verdict::OutOfMemory { limit_bytes: 4096 }, "{death}");
    let cage = cage(None).unwrap();
    let error = cage.spawn(&mut victim("exit 0"), Some(100)).unwrap_err();
    assert!(matches!(error, CageError::LimitTooSmall { limit_bytes: 100, .. }), "{error}");
}

fn a_program_that_is_not_there() {
    let Some(cage) = cage(None) else { return };
    let error = cage.spawn(&mut Command::new("/no/such/program"), Some(MIB)).unwrap_err();
    assert!(error.to_string().starts_with("cannot start /no/such/program"), "{error}");
    cage.close().unwrap();
    assert_eq!(groups_left(), Vec::<PathBuf>::new());
}

fn a_command_may_be_used_again() {
    let Some(cage) = cage(None) else { return };
    let mut command = victim("touch 40");
    let limits = [(64, true), (32, false), (48, true)];
    for (limit, survives) in limits {
        let death = cage.spawn(&mut command, Some(limit * MIB)).unwrap().wait().unwrap();
        assert_eq!(death.status.success(), survives, "{limit} MiB: {death}");
    }
    cage.close().unwrap();
    assert!(command.status().unwrap().success());
}

fn close_moves_us_back() {
    let before = own_group();
    let Some(cage) = cage(Some(200 * MIB)) else { return };
    cage.enter().unwrap();
    assert!(own_group().starts_with(&before));
    assert_ne!(own_group(), before);
    // An ordinary child of ours moves with us and lives.
    let mut ordinary = victim("listen 0").stdin(Stdio::piped()).spawn().unwrap();
    cage.enter().unwrap();
    cage.close().unwrap();
    assert_eq!(own_group(), before);
    assert!(ordinary.wait().unwrap().success());
    assert_eq!(groups_left(), Vec::<PathBuf>::new());
}

fn close_with_inmates_inside() {
    let Some(cage) = cage(None) else { return };
    let mut inmate = cage.spawn(&mut victim("sleep 60000"), Some(64 * MIB)).unwrap();
    cage.close().unwrap();
    let death = inmate.wait().unwrap();
    assert_eq!(death.verdict, Verdict::Signal { signal: 9 });
    // Its group is gone, and absent is not 0.
    assert_eq!((death.peak_bytes, death.oom_kills), (None, None));
}

fn two_threads_spawn_at_once() {
    let Some(cage) = cage(Some(400 * MIB)) else { return };
    std::thread::scope(|scope| {
        for over in [false, true] {
            let cage = &cage;
            scope.spawn(move || {
                for _ in 0..8 {
                    let deeds = if over { "touch 64" } else { "touch 4" };
                    let mut inmate = cage.spawn(&mut victim(deeds), Some(24 * MIB)).unwrap();
                    let death = inmate.wait().unwrap();
                    let oom = matches!(death.verdict, Verdict::OutOfMemory { .. });
                    assert_eq!((oom, death.limit.is_some()), (over, over), "{death}");
                    assert!(!over || death.limit == Some(Limit::Inmate), "{death}");
                }
            });
        }
    });
    cage.close().unwrap();
}

fn doctor_agrees() {
    let Some(cage) = cage(None) else { return };
    drop(cage);
    let found = memcage::doctor();
    let missing: Vec<_> = found.iter().filter(|one| !one.available).collect();
    println!("{found:#?}");
    let everywhere = ["memory controller", "group with a limit", "peak of a group", "processors"];
    // The kernel of the virtual machine has these; on v1 they do not exist.
    let v2 = ["reset of that peak", "soft limit", "pressure of a group"];
    let v2 = v2.iter().filter(|_| std::env::var_os("MEMCAGE_EXPECT").is_some());
    for name in everywhere.iter().chain(v2) {
        assert!(!missing.iter().any(|one| one.name == *name), "{missing:?}");
    }
    assert_eq!(groups_left(), Vec::<PathBuf>::new());
}

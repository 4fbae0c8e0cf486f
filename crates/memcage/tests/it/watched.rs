//! Limits by data limit and watchdog, and readings of the process itself. These need no rights.

use std::process::Stdio;

use memcage::{Cage, Limit, Mechanism, Verdict};

use crate::Case;
use crate::groups::{MIB, alive, eventually, told};
use crate::victim::victim;

pub(crate) const ALL: &[Case] = &[
    ("watched::the_data_limit_refuses", the_data_limit_refuses),
    ("watched::below_the_limit_survives", below_the_limit_survives),
    ("watched::the_watchdog_sees_descendants", the_watchdog_sees_descendants),
    ("watched::the_watchdog_keeps_the_total", the_watchdog_keeps_the_total),
    ("watched::a_kill_from_outside_is_a_signal", a_kill_from_outside_is_a_signal),
    ("watched::close_kills", close_kills),
    ("watched::resetting_the_peak", resetting_the_peak),
];

fn cage(total: Option<u64>) -> Cage {
    let cage = Cage::without_cgroups("memcage-test", total).unwrap();
    assert!(matches!(cage.mechanism(), Mechanism::DataLimit { .. }));
    assert_eq!(cage.mechanism().to_string(), "data limit with watchdog (as asked for)");
    cage
}

fn the_data_limit_refuses() {
    let cage = cage(None);
    let death = cage.spawn(&mut victim("touch 200"), Some(64 * MIB)).unwrap().wait().unwrap();
    // The allocator's error handler aborts.
    assert_eq!(death.verdict, Verdict::Signal { signal: 6 }, "{death}");
    assert!(death.evidence.contains("data limit of 64.0 MiB"), "{death}");
    assert_eq!(death.peak_bytes, None);
    // The total bounds each process, too.
    let cage = self::cage(Some(64 * MIB));
    let death = cage.spawn(&mut victim("map 100"), None).unwrap().wait().unwrap();
    assert_eq!(death.verdict, Verdict::Signal { signal: 6 }, "{death}");
    // Not even enough to start: some death, and no hang.
    let tiny = cage.spawn(&mut victim("exit 0"), Some(4096));
    assert!(tiny.is_err() || !tiny.unwrap().wait().unwrap().status.success());
    cage.close().unwrap();
}

fn below_the_limit_survives() {
    let cage = cage(None);
    let mut inmate = cage.spawn(&mut victim("touch 40 sleep 100"), Some(64 * MIB)).unwrap();
    let death = inmate.wait().unwrap();
    assert_eq!(death.verdict, Verdict::Exited { code: 0 }, "{death}");
    assert!(death.evidence.contains("seen 4"), "{death}");
    let death = cage.spawn(&mut victim("exit 3"), None).unwrap().wait().unwrap();
    assert_eq!(death.verdict, Verdict::Exited { code: 3 });
    let death = cage.spawn(&mut victim("panic 0"), Some(64 * MIB)).unwrap().wait().unwrap();
    assert_eq!(death.verdict, Verdict::Exited { code: 101 });
}

fn the_watchdog_sees_descendants() {
    let cage = cage(None);
    // Each of two grandchildren stays below the data limit; together they are over.
    let mut command = victim("family 40");
    let mut inmate = cage.spawn(command.stdout(Stdio::piped()), Some(64 * MIB)).unwrap();
    let family = told(&mut inmate);
    let death = inmate.wait().unwrap();
    assert_eq!(death.verdict, Verdict::OutOfMemory { limit_bytes: 64 * MIB }, "{death}");
    assert_eq!(death.limit, Some(Limit::Inmate));
    assert!(death.evidence.contains("the watchdog saw"), "{death}");
    assert!(eventually(|| !family.iter().any(|&pid| alive(pid))));
}

fn the_watchdog_keeps_the_total() {
    let cage = cage(Some(96 * MIB));
    let mut small = cage.spawn(&mut victim("touch 40 sleep 60000"), None).unwrap();
    let mut large = cage.spawn(&mut victim("grow 80 sleep 60000"), None).unwrap();
    let death = large.wait().unwrap();
    assert_eq!(death.verdict, Verdict::OutOfMemory { limit_bytes: 96 * MIB }, "{death}");
    assert_eq!(death.limit, Some(Limit::Total));
    assert!(alive(small.id()));
    small.kill().unwrap();
    assert_eq!(small.wait().unwrap().verdict, Verdict::Signal { signal: 9 });
}

fn a_kill_from_outside_is_a_signal() {
    let cage = cage(None);
    let mut inmate = cage.spawn(&mut victim("sleep 60000"), Some(64 * MIB)).unwrap();
    let id = inmate.id().to_string();
    std::process::Command::new("kill").args(["-9", &id]).status().unwrap();
    let death = inmate.wait().unwrap();
    assert_eq!(death.verdict, Verdict::Signal { signal: 9 }, "{death}");
    assert!(death.evidence.contains("not killed by the watchdog"), "{death}");
}

fn close_kills() {
    let cage = cage(Some(200 * MIB));
    cage.enter().unwrap();
    let mut inmate = cage.spawn(victim("family 1").stdout(Stdio::piped()), None).unwrap();
    let family = told(&mut inmate);
    cage.close().unwrap();
    assert_eq!(inmate.wait().unwrap().verdict, Verdict::Signal { signal: 9 });
    assert!(eventually(|| !family.iter().any(|&pid| alive(pid))));
}

fn resetting_the_peak() {
    let out = victim("peaks 64").output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let read: Vec<u64> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let [before, reset, again, current] = read[..] else { panic!("{text}") };
    let slack = MIB + memcage::resident::counter_slack_bytes();
    assert!(before >= 64 * MIB, "{text}");
    assert!(reset < 16 * MIB, "freed memory counts: {text}");
    assert!(again.abs_diff(reset + 64 * MIB) <= slack, "{text}");
    assert!(current < 16 * MIB, "freed memory counts: {text}");
}

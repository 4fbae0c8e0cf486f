//! What can be read of an inmate while it runs and after its end.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use memcage::{Cage, CageError, Confinement, Inmate, Mechanism, PressureScope, Verdict};

use crate::Case;
use crate::groups::{MIB, cage};
use crate::victim::victim;

pub(crate) const ALL: &[Case] = &[
    ("readings::a_peak_is_reset_while_it_runs", a_peak_is_reset_while_it_runs),
    ("readings::the_split_names_the_memory", the_split_names_the_memory),
    ("readings::swap_is_told_apart", swap_is_told_apart),
    ("readings::work_counts_descendants", work_counts_descendants),
    ("readings::first_touches_are_minor_faults", first_touches_are_minor_faults),
    ("readings::a_wait_may_time_out", a_wait_may_time_out),
    ("readings::pressure_says_whose", pressure_says_whose),
    ("readings::a_soft_limit_slows_and_does_not_kill", a_soft_limit_slows_and_does_not_kill),
    ("readings::without_groups_little_is_known", without_groups_little_is_known),
];

/// One step of an inmate that says and listens: what it says, when it has.
fn hear(out: &mut impl BufRead) -> String {
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    line
}

fn on_v1(cage: &Cage) -> bool {
    *cage.mechanism() == Mechanism::CgroupV1
}

/// What a start, and stocks of each processor, may add to what a victim touches.
fn slack() -> u64 {
    2 * MIB + 256 * 1024 * memcage::cpus() as u64
}

fn near(bytes: u64, mib: u64) -> bool {
    (mib * MIB..mib * MIB + slack()).contains(&bytes)
}

fn talking(deeds: &str, cage: &Cage) -> (Inmate, impl BufRead, impl Write) {
    let mut command = victim(deeds);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut inmate = cage.spawn(piped, Some(256 * MIB)).unwrap();
    let out = BufReader::new(inmate.take_stdout().unwrap());
    let to = inmate.take_stdin().unwrap();
    (inmate, out, to)
}

fn a_peak_is_reset_while_it_runs() {
    let Some(cage) = cage(None) else { return };
    let deeds =
        "touch 96 free 0 say 1 listen 0 touch 24 free 0 say 2 listen 0 touch 8 say 3 listen 0";
    let (mut inmate, mut out, mut to) = talking(deeds, &cage);
    hear(&mut out);
    let whole = inmate.peak_bytes().unwrap();
    assert!(near(whole, 96), "{whole}");
    let current = inmate.current_bytes().unwrap();
    assert!(current < 8 * MIB, "{current}");
    inmate.reset_peak().unwrap();
    let reset = inmate.peak_bytes().unwrap();
    assert!(reset < 8 * MIB, "{reset}");
    for mib in [24, 8] {
        to.write_all(b"!").unwrap();
        hear(&mut out);
        let peak = inmate.peak_bytes().unwrap();
        println!("touched {mib} MiB: {} KiB over", (peak as i64 - (mib * MIB) as i64) / 1024);
        assert!(near(peak, mib), "{mib}: {peak}");
        inmate.reset_peak().unwrap();
    }
    drop(to);
    let death = inmate.wait().unwrap();
    // The whole life counts here, and nothing else.
    assert_eq!(death.peak_bytes, Some(whole), "{death}");
    assert!(inmate.peak_bytes().is_err());
    assert!(inmate.reset_peak().is_err());
}

fn the_split_names_the_memory() {
    let Some(cage) = cage(None) else { return };
    let (inmate, mut out, _to) = talking("touch 48 say 1 listen 0", &cage);
    hear(&mut out);
    let usage = inmate.usage().unwrap();
    assert!(usage.anon_bytes.abs_diff(48 * MIB) < slack(), "{usage:?}");
    assert!(usage.file_bytes < 4 * MIB, "{usage:?}");
    assert!(usage.kernel_bytes.unwrap() < 2 * MIB, "{usage:?}");
    let parts = usage.anon_bytes + usage.file_bytes + usage.kernel_bytes.unwrap();
    assert!(usage.current_bytes.abs_diff(parts) < slack(), "{usage:?}");
    println!("{usage:?}");
}

fn swap_is_told_apart() {
    let Some(cage) = cage(None) else { return };
    let death = cage.spawn(&mut victim("touch 8"), Some(64 * MIB)).unwrap().wait().unwrap();
    // Under a limit there is no swap.
    match death.swap_peak_bytes {
        None => println!("skipped: the kernel keeps no mark of swap"),
        Some(peak) => assert_eq!(peak, 0),
    }
}

fn work_counts_descendants() {
    let spin = Duration::from_millis(150);
    let deeds = format!("spin {}", spin.as_millis());
    let exe = std::env::current_exe().unwrap();
    let line = format!("{} __victim {deeds}; exit 0", exe.display());
    for cage in [Cage::new("memcage-test", None), Cage::without_cgroups("memcage-test", None)] {
        let cage = cage.unwrap();
        for command in [&mut victim(&deeds), Command::new("sh").args(["-c", &line])] {
            let death = cage.spawn(command, None).unwrap().wait().unwrap();
            assert_eq!(death.verdict, Verdict::Exited { code: 0 }, "{death}");
            let time = death.work.user_time + death.work.system_time;
            assert!((spin..20 * spin).contains(&time), "{:?}", death.work);
        }
        let death = cage.spawn(&mut victim("sleep 150"), None).unwrap().wait().unwrap();
        assert!(death.work.user_time < spin, "{:?}", death.work);
    }
}

fn first_touches_are_minor_faults() {
    let Some(cage) = cage(None) else { return };
    let faults =
        |deeds| cage.spawn(&mut victim(deeds), None).unwrap().wait().unwrap().work.minor_faults;
    let huge = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled");
    if huge.is_ok_and(|setting| setting.contains("[always]")) {
        println!("skipped: one fault brings many pages on this machine");
        return;
    }
    let more = faults("touch 32") - faults("exit 0");
    assert!(more.abs_diff(32 * MIB / 4096) < 200, "{more}");
}

fn a_wait_may_time_out() {
    for cage in [Cage::new("memcage-test", None), Cage::without_cgroups("memcage-test", None)] {
        let cage = cage.unwrap();
        let mut command = victim("listen 0 exit 4");
        let mut inmate = cage.spawn(command.stdin(Stdio::piped()), None).unwrap();
        for _ in 0..3 {
            assert!(inmate.wait_timeout(Duration::from_millis(20)).unwrap().is_none());
        }
        drop(inmate.take_stdin());
        let death = inmate.wait_timeout(Duration::from_secs(60)).unwrap().unwrap();
        assert_eq!(death.verdict, Verdict::Exited { code: 4 }, "{death}");
        let again = inmate.wait_timeout(Duration::ZERO).unwrap().unwrap();
        assert_eq!(again.to_string(), inmate.wait().unwrap().to_string());
        assert_eq!(again.to_string(), death.to_string());
    }
}

fn pressure_says_whose() {
    let Some(cage) = cage(None) else { return };
    let mut inmate = cage.spawn(&mut victim("touch 8"), Some(64 * MIB)).unwrap();
    let death = inmate.wait().unwrap();
    let Some(pressure) = death.pressure else {
        println!("skipped: this kernel counts no pressure");
        return;
    };
    if on_v1(&cage) {
        assert_eq!(pressure.scope, PressureScope::Machine);
    } else {
        // Nothing had to be reclaimed for it.
        assert_eq!((pressure.scope, pressure.some), (PressureScope::Inmate, Duration::ZERO));
    }
    assert!(pressure.full <= pressure.some);
    assert_eq!(inmate.pressure().is_some(), on_v1(&cage), "its group is gone");
}

fn a_soft_limit_slows_and_does_not_kill() {
    let Some(cage) = cage(None) else { return };
    let confinement = Confinement::from(Some(128 * MIB)).slowed_above(32 * MIB);
    let spawned = cage.spawn(&mut victim("touch 64 sleep 60000"), confinement);
    if on_v1(&cage) {
        println!("skipped: cgroup v1 has no soft limit");
        assert!(matches!(spawned, Err(CageError::Unsupported { .. })), "{spawned:?}");
        return;
    }
    let mut inmate = spawned.unwrap();
    assert!(inmate.wait_timeout(Duration::from_secs(2)).unwrap().is_none(), "it was killed");
    let slow = inmate.current_bytes().unwrap();
    assert!((32 * MIB..64 * MIB).contains(&slow), "{slow}");
    let pressure = inmate.pressure().unwrap();
    println!("2 s after the start: {slow} bytes, {pressure:?}");
    assert_eq!(pressure.scope, PressureScope::Inmate);
    assert!(pressure.some > Duration::from_millis(200), "{pressure:?}");
    inmate.kill().unwrap();
    let death = inmate.wait().unwrap();
    assert_eq!(death.verdict, Verdict::Signal { signal: 9 }, "{death}");
    assert!(death.pressure.unwrap().some >= pressure.some, "{:?}", death.pressure);
}

fn without_groups_little_is_known() {
    let cage = Cage::without_cgroups("memcage-test", None).unwrap();
    let mut inmate = cage.spawn(&mut victim("sleep 60000"), None).unwrap();
    let refused = [
        inmate.peak_bytes().unwrap_err(),
        inmate.reset_peak().unwrap_err(),
        inmate.current_bytes().unwrap_err(),
        inmate.usage().unwrap_err(),
        cage.spawn(&mut victim("exit 0"), Confinement::default().slowed_above(MIB)).unwrap_err(),
    ];
    for error in refused {
        assert!(error.to_string().contains("needs c"), "{error}");
        assert!(matches!(error, CageError::Unsupported { .. }), "{error}");
    }
    inmate.kill().unwrap();
    let death = inmate.wait().unwrap();
    assert_eq!((death.peak_bytes, death.swap_peak_bytes), (None, None));
    assert!(death.pressure.is_none_or(|found| found.scope == PressureScope::Machine));
}

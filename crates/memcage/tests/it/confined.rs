//! Processors, and the room that is left for inmates when their parent enters.

use std::io::Read;
use std::process::Stdio;

use memcage::{Cage, CageError, Confinement, Limit, Verdict};

use crate::Case;
use crate::groups::{MIB, cage};
use crate::victim::victim;

pub(crate) const ALL: &[Case] = &[
    ("confined::an_inmate_stays_on_its_processor", an_inmate_stays_on_its_processor),
    ("confined::absent_processors_are_an_error", absent_processors_are_an_error),
    ("confined::entering_takes_room", entering_takes_room),
    ("confined::no_room_to_enter", no_room_to_enter),
];

fn cages() -> [Cage; 2] {
    [Cage::new("memcage-test", None), Cage::without_cgroups("memcage-test", None)]
        .map(Result::unwrap)
}

/// The processors that a list such as `0-2,5` names.
fn listed(text: &str) -> Vec<usize> {
    let number = |word: &str| word.trim().parse::<usize>().unwrap();
    let range = |word: &str| match word.split_once('-') {
        Some((first, last)) => number(first)..number(last) + 1,
        None => number(word)..number(word) + 1,
    };
    text.split(',').flat_map(range).collect()
}

fn ours() -> Vec<usize> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    listed(status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap())
}

fn an_inmate_stays_on_its_processor() {
    for cage in cages() {
        for allowed in ours().into_iter().map(|cpu| vec![cpu]).chain([ours()]) {
            let confinement = Confinement::default().on_cpus(allowed.clone());
            let mut command = victim("cpus 0");
            let mut inmate = cage.spawn(command.stdout(Stdio::piped()), confinement).unwrap();
            let mut text = String::new();
            inmate.take_stdout().unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(inmate.wait().unwrap().verdict, Verdict::Exited { code: 0 });
            assert_eq!(listed(&text), allowed);
        }
        // The command is not confined by what was asked for once.
        let mut command = victim("cpus 0");
        command.stdout(Stdio::piped());
        drop(cage.spawn(&mut command, Confinement::default().on_cpus([ours()[0]])).unwrap());
        let free = command.output().unwrap();
        assert_eq!(listed(&String::from_utf8(free.stdout).unwrap()), ours());
    }
}

fn absent_processors_are_an_error() {
    for cage in cages() {
        for cpus in [vec![], vec![1000], vec![ours()[0], 1000], vec![1 << 20]] {
            let confinement = Confinement::from(Some(64 * MIB)).on_cpus(cpus.clone());
            let error = cage.spawn(&mut victim("exit 0"), confinement).unwrap_err();
            assert!(
                matches!(&error, CageError::Cpus { cpus: named, .. } if *named == cpus),
                "{error}"
            );
        }
    }
}

fn entering_takes_room() {
    let fits_beside = |enter: bool, mib: u64| {
        let cage = cage(Some(256 * MIB))?;
        let held = vec![1u8; 64 << 20];
        if enter {
            cage.enter().unwrap();
            // Inside already, so nothing more is taken.
            cage.enter().unwrap();
        }
        let death = cage.spawn(&mut victim(&format!("touch {mib}")), None).unwrap().wait().unwrap();
        drop(held);
        cage.close().unwrap();
        Some(death)
    };
    // The pages were charged elsewhere before.
    let Some(death) = fits_beside(false, 208) else { return };
    assert_eq!(death.verdict, Verdict::Exited { code: 0 }, "{death}");
    let death = fits_beside(true, 208).unwrap();
    assert_eq!(death.verdict, Verdict::OutOfMemory { limit_bytes: 256 * MIB }, "{death}");
    assert_eq!(death.limit, Some(Limit::Total));
    let peak = death.peak_bytes.unwrap();
    println!("room beside 64 MiB in 256 MiB: {} KiB", peak / 1024);
    // Less is left where earlier cases left something in this process. On v2 the dying may charge a
    // little beyond the limit (1.6 MiB seen).
    assert!((144 * MIB..=200 * MIB).contains(&peak), "{death}");
    let death = fits_beside(true, 128).unwrap();
    assert_eq!(death.verdict, Verdict::Exited { code: 0 }, "{death}");
}

fn no_room_to_enter() {
    let Some(cage) = cage(Some(64 * MIB)) else { return };
    let held = vec![1u8; 96 << 20];
    let error = cage.enter().unwrap_err();
    assert!(
        matches!(error, CageError::TotalTooSmall { total_bytes, .. } if total_bytes == 64 * MIB)
    );
    assert!(error.to_string().contains("raise the total"), "{error}");
    drop(held);
    // Nothing has changed, and there is room now.
    let death = cage.spawn(&mut victim("touch 48"), None).unwrap().wait().unwrap();
    assert_eq!(death.verdict, Verdict::Exited { code: 0 }, "{death}");
    cage.enter().unwrap();
    cage.close().unwrap();
}

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::Mib;
use crate::end::Work;
use crate::pressure::Pressure;

/// How an inmate ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It was killed because memory ran out: the kernel's counter of such kills rose in its group, or
    /// the watchdog killed it.
    OutOfMemory {
        /// The limit that was hit, in bytes; [`Death::limit`] says which.
        limit_bytes: u64,
    },
    /// It was killed by a signal, and not for memory.
    Signal {
        /// The signal's number.
        signal: i32,
    },
    /// It ended by itself.
    Exited {
        /// Its exit code.
        code: i32,
    },
}

/// Which limit was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// The inmate's own.
    Inmate,
    /// The total of the cage.
    Total,
    /// One of a group above the cage, set by somebody else.
    Above,
    /// The memory of the machine.
    Machine,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inmate => "its own limit",
            Self::Total => "the total limit of the cage",
            Self::Above => "a limit above the cage",
            Self::Machine => "the memory of the machine",
        })
    }
}

/// What is known about a dead inmate.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Death {
    /// How it ended, from the kernel's evidence.
    pub verdict: Verdict,
    /// What the system reported to the parent.
    pub status: ExitStatus,
    /// The evidence, as one line for people.
    pub evidence: String,
    /// Highest memory of the inmate and its descendants, in bytes, page cache and kernel memory
    /// included. `None` without control groups. Resets of the peak do not change it.
    pub peak_bytes: Option<u64>,
    /// Most that was swapped out at a time, in bytes; on v1 a lower bound (the peak of memory with swap
    /// minus the peak of memory). `None` where the kernel keeps no such mark: without control groups,
    /// on v2 before Linux 6.5, and on v1 without swap accounting.
    pub swap_peak_bytes: Option<u64>,
    /// Processes of this inmate that the kernel killed for memory. `None` where it does not tell.
    pub oom_kills: Option<u64>,
    /// Which limit was hit, when it was [`Verdict::OutOfMemory`].
    pub limit: Option<Limit>,
    /// Time lost for want of memory during its life. `None` where the kernel does not count it.
    pub pressure: Option<Pressure>,
    /// Page faults and processor time.
    pub work: Work,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.status, self.evidence)
    }
}

/// What is known of the end of an inmate, however it was held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub(crate) status: ExitStatus,
    pub(crate) work: Work,
    pub(crate) pressure: Option<Pressure>,
}

/// What was found in the group of a dead inmate.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GroupFacts {
    pub(crate) peak_bytes: Option<u64>,
    pub(crate) swap_peak_bytes: Option<u64>,
    pub(crate) oom_kills: Option<u64>,
    /// The limit that was hit, should it have been killed for memory.
    pub(crate) limit: Option<(Limit, u64)>,
}

/// What the watchdog knows about a dead inmate.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WatchFacts {
    /// Highest resident set seen; a lower bound of the peak.
    pub(crate) seen_bytes: u64,
    pub(crate) data_limit: Option<u64>,
    pub(crate) sentence: Option<Sentence>,
}

/// Why the watchdog killed an inmate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sentence {
    pub(crate) limit: Limit,
    pub(crate) limit_bytes: u64,
    /// The resident set over that limit.
    pub(crate) resident_bytes: u64,
}

/// Judges by the counters of a control group.
pub(crate) fn by_group(end: End, facts: GroupFacts) -> Death {
    let End { status, work, pressure } = end;
    let GroupFacts { peak_bytes, swap_peak_bytes, oom_kills, limit } = facts;
    let peak = peak_bytes.map_or("peak unknown".to_owned(), |peak| format!("peak {}", Mib(peak)));
    let killed = status.signal() == Some(SIGKILL);
    let failed = status.code().is_some_and(|code| code != 0);
    let (verdict, limit, evidence) = match (oom_kills, limit) {
        // A shell in between turns the signal into an exit code, but not into success.
        (Some(kills @ 1..), Some((limit, limit_bytes))) if killed || failed => {
            let line = format!(
                "the kernel killed {} for memory: {limit}, {}, was hit; {peak}",
                processes(kills),
                Mib(limit_bytes)
            );
            (Verdict::OutOfMemory { limit_bytes }, Some(limit), line)
        }
        (Some(0), _) if killed => {
            (plain(status), None, format!("oom_kill did not rise, so not for memory; {peak}"))
        }
        (None, _) if killed => {
            (plain(status), None, format!("the kernel does not count kills for memory; {peak}"))
        }
        (Some(kills @ 1..), _) => {
            let line =
                format!("the kernel killed {} below it for memory; {peak}", processes(kills));
            (plain(status), None, line)
        }
        _ => (plain(status), None, peak),
    };
    Death {
        verdict,
        status,
        evidence,
        peak_bytes,
        swap_peak_bytes,
        oom_kills,
        limit,
        pressure,
        work,
    }
}

/// Judges by what the watchdog saw and did.
pub(crate) fn by_watchdog(end: End, facts: WatchFacts) -> Death {
    let End { status, work, pressure } = end;
    let killed = status.signal() == Some(SIGKILL);
    let seen = format!("highest resident set seen {}", Mib(facts.seen_bytes));
    let (verdict, limit, evidence) = match (facts.sentence, facts.data_limit) {
        (Some(Sentence { limit, limit_bytes, resident_bytes }), _) if killed => {
            let (resident, most) = (Mib(resident_bytes), Mib(limit_bytes));
            let line = format!("the watchdog saw {resident} resident, over {limit} of {most}");
            (Verdict::OutOfMemory { limit_bytes }, Some(limit), line)
        }
        (None, _) if killed => (plain(status), None, format!("not killed by the watchdog; {seen}")),
        (_, Some(limit)) if !status.success() => {
            let line = format!("its data limit of {} refuses more memory; {seen}", Mib(limit));
            (plain(status), None, line)
        }
        _ => (plain(status), None, seen),
    };
    let (peak_bytes, swap_peak_bytes, oom_kills) = (None, None, None);
    Death {
        verdict,
        status,
        evidence,
        peak_bytes,
        swap_peak_bytes,
        oom_kills,
        limit,
        pressure,
        work,
    }
}

const SIGKILL: i32 = 9;

/// The verdict from the status alone.
fn plain(status: ExitStatus) -> Verdict {
    match (status.code(), status.signal()) {
        (Some(code), _) => Verdict::Exited { code },
        (None, signal) => Verdict::Signal { signal: signal.unwrap_or(0) },
    }
}

fn processes(count: u64) -> String {
    if count == 1 { "1 process".to_owned() } else { format!("{count} processes") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KILLED: i32 = 9;
    const EXIT_137: i32 = 137 << 8;

    fn group(status: i32, oom_kills: Option<u64>) -> Death {
        let limit = Some((Limit::Inmate, 64 << 20));
        let facts = GroupFacts { peak_bytes: Some(64 << 20), oom_kills, limit, ..<_>::default() };
        by_group(end(status), facts)
    }

    fn end(status: i32) -> End {
        let status = ExitStatus::from_raw(status);
        End { status, work: Work::default(), pressure: None }
    }

    #[test]
    fn what_is_absent_stays_absent() {
        let death = by_group(end(0), GroupFacts::default());
        assert_eq!((death.peak_bytes, death.swap_peak_bytes), (None, None));
        assert_eq!((death.oom_kills, death.pressure), (None, None));
        let death = by_watchdog(end(0), WatchFacts::default());
        assert_eq!((death.peak_bytes, death.swap_peak_bytes), (None, None));
    }

    #[test]
    fn signal_nine_and_the_counter_make_out_of_memory() {
        let death = group(KILLED, Some(1));
        assert_eq!(death.verdict, Verdict::OutOfMemory { limit_bytes: 64 << 20 });
        assert_eq!(death.limit, Some(Limit::Inmate));
        assert_eq!(
            death.to_string(),
            "signal: 9 (SIGKILL), the kernel killed 1 process for memory: its own limit, 64.0 MiB, \
             was hit; peak 64.0 MiB"
        );
    }

    #[test]
    fn signal_nine_alone_does_not() {
        let death = group(KILLED, Some(0));
        assert_eq!(death.verdict, Verdict::Signal { signal: 9 });
        assert!(death.evidence.contains("oom_kill did not rise"), "{}", death.evidence);
        let death = group(KILLED, None);
        assert_eq!((death.verdict, death.oom_kills), (Verdict::Signal { signal: 9 }, None));
        assert!(death.evidence.contains("does not count"), "{}", death.evidence);
    }

    #[test]
    fn an_exit_code_is_no_evidence() {
        assert_eq!(group(EXIT_137, Some(0)).verdict, Verdict::Exited { code: 137 });
        assert_eq!(group(EXIT_137, None).verdict, Verdict::Exited { code: 137 });
        // The child of a shell was killed.
        assert!(matches!(group(EXIT_137, Some(1)).verdict, Verdict::OutOfMemory { .. }));
        // Success is success.
        let death = group(0, Some(2));
        assert_eq!(death.verdict, Verdict::Exited { code: 0 });
        assert!(death.evidence.contains("2 processes below it"), "{}", death.evidence);
        // An abort is an abort.
        assert_eq!(group(6, Some(0)).verdict, Verdict::Signal { signal: 6 });
    }

    #[test]
    fn the_watchdog_says_why() {
        let status = end(KILLED);
        let sentence =
            Sentence { limit: Limit::Total, limit_bytes: 8 << 20, resident_bytes: 9 << 20 };
        let facts = WatchFacts { seen_bytes: 5 << 20, data_limit: None, sentence: Some(sentence) };
        let death = by_watchdog(status, facts);
        assert_eq!(death.verdict, Verdict::OutOfMemory { limit_bytes: 8 << 20 });
        assert_eq!((death.limit, death.peak_bytes), (Some(Limit::Total), None));
        let death = by_watchdog(status, WatchFacts { sentence: None, ..facts });
        assert_eq!(death.verdict, Verdict::Signal { signal: 9 });
        // It ended by itself before the watchdog struck.
        let death = by_watchdog(end(0), facts);
        assert_eq!(death.verdict, Verdict::Exited { code: 0 });
        let facts = WatchFacts { data_limit: Some(64 << 20), sentence: None, ..facts };
        let death = by_watchdog(end(6), facts);
        assert_eq!(death.verdict, Verdict::Signal { signal: 6 });
        assert!(death.evidence.contains("data limit of 64.0 MiB"), "{}", death.evidence);
    }
}

//! Time for timelines: absolute deadlines, and stamps that never go backwards.

use std::time::{Duration, SystemTime};

use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// One reading of the wall clock, then the monotonic clock only: stamps that look like dates and
/// differ like durations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anchor {
    unix_ns: u64,
    begun_ns: u64,
}

impl Anchor {
    pub(crate) fn now() -> Self {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { unix_ns: nanos(unix), begun_ns: monotonic_ns() }
    }

    /// The stamp of a moment of [`monotonic_ns`].
    pub(crate) fn stamp(self, at_ns: u64) -> u64 {
        self.unix_ns + at_ns.saturating_sub(self.begun_ns)
    }
}

/// Nanoseconds since an arbitrary moment.
pub(crate) fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

/// Sleeps until [`monotonic_ns`] is `at_ns`, whatever happens in between.
pub(crate) fn sleep_until(at_ns: u64) {
    let seconds = (at_ns / 1_000_000_000) as i64;
    let until = Timespec { tv_sec: seconds, tv_nsec: (at_ns % 1_000_000_000) as _ };
    // The only failure left is an interruption by a signal; the deadline stays.
    while clock_nanosleep_absolute(ClockId::Monotonic, &until) == Err(rustix::io::Errno::INTR) {}
}

pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_kept_and_stamps_follow() {
        let anchor = Anchor::now();
        let begin = monotonic_ns();
        sleep_until(begin + 2_000_000);
        let end = monotonic_ns();
        assert!(end >= begin + 2_000_000);
        assert_eq!(anchor.stamp(end) - anchor.stamp(begin), end - begin);
        sleep_until(begin);
    }
}

//! The end of another process: noticed at once, and read before it is reaped.

#![expect(unsafe_code, reason = "rustix has no waitid that returns resource usage")]

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::Serialize;

use crate::probe::from_rusage;
use crate::{Faults, Kind, ProbeError, Reading, Scope, Source};

/// Waits for the end of a process without reaping it, so its counters can still be read.
///
/// ```
/// use traceq::ExitWatch;
///
/// let mut child = std::process::Command::new("true").spawn()?;
/// let watch = ExitWatch::open(child.id())?;
/// let usage = watch.usage()?; // waits
/// assert!(usage.peak.bytes > 0);
/// assert!(child.wait()?.success());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ExitWatch {
    pidfd: OwnedFd,
    pid: u32,
}

/// What a child had taken when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExitUsage {
    /// Highest resident set of one process: the largest of the child and of the descendants that were
    /// waited for. Exact within [`counter_bound_bytes`](crate::counter_bound_bytes), but never below
    /// what the process that started the child held at that moment.
    pub peak: Reading,
    /// Page faults of the child and of the descendants that were waited for.
    pub faults: Faults,
    /// Their processor time, in user and kernel mode.
    pub cpu: Duration,
}

impl ExitWatch {
    /// Begins to watch the process with this number, which must not have been reaped.
    ///
    /// # Errors
    /// [`ProbeError::Gone`] where there is no such process, [`ProbeError::System`] before Linux 5.3.
    pub fn open(pid: u32) -> Result<Self, ProbeError> {
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let number = number.ok_or(ProbeError::Gone { pid })?;
        match pidfd_open(number, PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Self { pidfd, pid }),
            Err(Errno::SRCH) => Err(ProbeError::Gone { pid }),
            Err(errno) => Err(ProbeError::System { call: "pidfd_open", source: errno.into() }),
        }
    }

    /// Waits until the process has ended, at most for `timeout`; true where it has ended.
    ///
    /// # Errors
    /// [`ProbeError::System`].
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool, ProbeError> {
        let timeout = timeout.map(|time| Timespec::try_from(time).unwrap_or(FOREVER));
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::INTR) => Ok(false),
            Err(errno) => Err(ProbeError::System { call: "poll", source: errno.into() }),
        }
    }

    /// Sends a signal; to nobody where the process has been reaped, whoever has its number now.
    ///
    /// # Errors
    /// [`ProbeError::Gone`] or [`ProbeError::System`].
    pub fn signal(&self, signal: i32) -> Result<(), ProbeError> {
        let failed = |errno: Errno| match errno {
            Errno::SRCH => ProbeError::Gone { pid: self.pid },
            _ => ProbeError::System { call: "pidfd_send_signal", source: errno.into() },
        };
        let signal = Signal::from_named_raw(signal).ok_or_else(|| failed(Errno::INVAL))?;
        pidfd_send_signal(&self.pidfd, signal).map_err(failed)
    }

    /// Waits until the process, a child of the calling one, has ended, and says what it had taken. It
    /// is left to be reaped by whoever started it.
    ///
    /// # Errors
    /// [`ProbeError::System`] where it is not a child, or was reaped already.
    pub fn usage(&self) -> Result<ExitUsage, ProbeError> {
        let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
        let nothing = std::ptr::null_mut::<libc::siginfo_t>();
        loop {
            // SAFETY: the kernel takes a null `siginfo`; `usage` is a writable `rusage`, which the call
            // fills when it returns 0, in the layout of the C library.
            let done = unsafe {
                libc::syscall(
                    libc::SYS_waitid,
                    libc::P_PID,
                    self.pid,
                    nothing,
                    libc::WEXITED | libc::WNOWAIT,
                    usage.as_mut_ptr(),
                )
            };
            if done == 0 {
                break;
            }
            let source = std::io::Error::last_os_error();
            if source.kind() != std::io::ErrorKind::Interrupted {
                return Err(ProbeError::System { call: "waitid", source });
            }
        }
        // SAFETY: the call above returned 0.
        let usage = unsafe { usage.assume_init() };
        let (bytes, faults) = from_rusage(&usage);
        let time = |part: libc::timeval| {
            Duration::from_secs(part.tv_sec.unsigned_abs())
                + Duration::from_micros(part.tv_usec.unsigned_abs())
        };
        Ok(ExitUsage {
            peak: Reading {
                bytes,
                scope: Scope::Process,
                kind: Kind::Peak,
                source: Source::Rusage,
            },
            faults,
            cpu: time(usage.ru_utime) + time(usage.ru_stime),
        })
    }
}

/// Longer than any process lives, and no number that a kernel could refuse.
const FOREVER: Timespec = Timespec { tv_sec: 1 << 40, tv_nsec: 0 };

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_child_is_awaited_read_and_still_to_be_reaped() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let watch = ExitWatch::open(child.id()).unwrap();
        assert!(!watch.wait(Some(Duration::ZERO)).unwrap());
        drop(child.stdin.take());
        assert!(watch.wait(None).unwrap());
        let usage = watch.usage().unwrap();
        assert_eq!(usage, watch.usage().unwrap(), "reading reaps nothing");
        assert!(usage.peak.bytes > 0 && usage.faults.minor > 0, "{usage:?}");
        assert!(child.wait().unwrap().success());
        assert!(matches!(watch.usage(), Err(ProbeError::System { call: "waitid", .. })));
        assert!(watch.signal(libc::SIGTERM).is_err());
    }

    #[test]
    fn signals_arrive_and_nonsense_is_refused() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let watch = ExitWatch::open(child.id()).unwrap();
        assert!(watch.signal(-3).is_err());
        watch.signal(libc::SIGKILL).unwrap();
        assert!(watch.wait(None).unwrap());
        assert!(!child.wait().unwrap().success());
        assert!(matches!(ExitWatch::open(u32::MAX), Err(ProbeError::Gone { .. })));
        assert!(ExitWatch::open(std::process::id()).unwrap().usage().is_err());
    }
}

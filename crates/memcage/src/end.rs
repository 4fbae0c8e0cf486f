//! Waiting for the end of a child, and what it had cost by then.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, waitid};

/// What an inmate has cost, together with those descendants that were waited for.
///
/// Descendants that nobody waited for, such as those killed together with it, are missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Work {
    /// Page faults that waited for a disk: what was read for the first time, and what came back after
    /// the kernel had taken it away.
    pub major_faults: u64,
    /// Page faults that did not: mostly first touches of memory.
    pub minor_faults: u64,
    /// Processor time in the program.
    pub user_time: Duration,
    /// Processor time in the kernel for it.
    pub system_time: Duration,
    /// The highest resident set of any one of its processes, in bytes. The fork shows in it: it is never
    /// less than the resident set of the parent at the start.
    pub resident_peak_bytes: u64,
}

/// Waits until child `pid` has ended, without reaping it.
pub(crate) fn await_end(pid: u32) -> io::Result<()> {
    loop {
        match waitid(WaitId::Pid(number(pid)?), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Err(Errno::INTR) => {}
            done => return Ok(done.map(|_| ())?),
        }
    }
}

/// Waits at most `timeout` until child `pid` has ended, and tells whether it has. Does not reap it.
pub(crate) fn ended_within(pid: u32, timeout: Duration) -> io::Result<bool> {
    let process = pidfd_open(number(pid)?, PidfdFlags::empty())?;
    let end = Instant::now().checked_add(timeout);
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        // Longer than the system can count is forever.
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut [PollFd::new(&process, PollFlags::IN)], left.as_ref()) {
            Err(Errno::INTR) => {}
            done => return Ok(done? > 0),
        }
    }
}

/// Waits until child `pid` has ended, and reaps it.
///
/// The standard library reaps without asking for the cost.
pub(crate) fn reap(pid: u32) -> io::Result<(ExitStatus, Work)> {
    let pid = number(pid)?.as_raw_nonzero().get();
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    loop {
        #[expect(unsafe_code, reason = "no library offers wait4")]
        // SAFETY: both pointers are to live values of the right types, which the call only fills.
        let reaped = unsafe { libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()) };
        if reaped == pid {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    #[expect(unsafe_code, reason = "as above")]
    // SAFETY: it consists of integers, and was zeroed and then filled.
    let usage = unsafe { usage.assume_init() };
    let work = Work {
        major_faults: usage.ru_majflt.unsigned_abs(),
        minor_faults: usage.ru_minflt.unsigned_abs(),
        user_time: duration(usage.ru_utime),
        system_time: duration(usage.ru_stime),
        resident_peak_bytes: usage.ru_maxrss.unsigned_abs() * 1024,
    };
    Ok((ExitStatus::from_raw(status), work))
}

fn duration(time: libc::timeval) -> Duration {
    Duration::from_secs(time.tv_sec.unsigned_abs())
        + Duration::from_micros(time.tv_usec.unsigned_abs())
}

fn number(pid: u32) -> io::Result<Pid> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    #[expect(clippy::zombie_processes, reason = "it is reaped by what is tested")]
    fn a_child_is_awaited_and_its_cost_told() {
        let mut child = Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; read x; exit 5"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        assert!(!ended_within(child.id(), Duration::from_millis(5)).unwrap());
        drop(child.stdin.take());
        await_end(child.id()).unwrap();
        assert!(ended_within(child.id(), Duration::ZERO).unwrap());
        assert!(ended_within(child.id(), Duration::MAX).unwrap());
        let (status, work) = reap(child.id()).unwrap();
        assert_eq!(status.code(), Some(5));
        assert!(work.user_time > Duration::from_millis(1), "{work:?}");
        assert!(work.minor_faults > 20, "{work:?}");
        // It is gone.
        assert_eq!(reap(child.id()).unwrap_err().raw_os_error(), Some(libc::ECHILD));
        assert!(await_end(child.id()).is_err());
        assert!(ended_within(child.id(), Duration::ZERO).is_err());
    }
}

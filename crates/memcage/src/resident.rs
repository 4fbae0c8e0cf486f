//! The resident set of the calling process: now, and its high-water mark.
//!
//! The mark (`VmHWM`) is kept by the kernel: no transient is missed, however short. Resetting it
//! makes it the peak of what follows. There is one mark per process, so one part of a program should
//! own the resets, and parallel tasks in one process cannot be told apart.
//!
//! ```
//! use memcage::resident;
//!
//! resident::reset_peak()?;
//! let volume = vec![1u8; 8 << 20];
//! assert!(resident::peak_bytes()? >= 8 << 20);
//! # drop(volume);
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fs::File;
use std::io::{self, Write};

use crate::proc::{Proc, field, page_bytes};

/// Sets the high-water mark of the resident set to the present level.
///
/// # Errors
///
/// Where `/proc/self/clear_refs` cannot be written: Linux before 4.0, or a `/proc` that is read-only.
pub fn reset_peak() -> io::Result<()> {
    File::options().write(true).open("/proc/self/clear_refs")?.write_all(b"5")
}

/// The high-water mark of the resident set, in bytes, since the start or the last [`reset_peak`].
///
/// # Errors
///
/// When `/proc/self/status` cannot be read.
pub fn peak_bytes() -> io::Result<u64> {
    Proc::real().kib_field("self/status", "VmHWM")
}

/// The resident set now, in bytes.
///
/// # Errors
///
/// When `/proc/self/status` cannot be read.
pub fn current_bytes() -> io::Result<u64> {
    Proc::real().kib_field("self/status", "VmRSS")
}

/// Bytes by which one of the kernel's counters behind the resident set can be off.
///
/// The kernel adds page counts in batches. Since Linux 6.2 a counter is off by less than CPUs ×
/// max(32, 2 × CPUs) pages, before by threads × 64 pages. A resident set is the sum of three counters
/// (anonymous, file, shared); a task that only computes moves the first.
///
/// Where `/proc` cannot be read, two processors and Linux 6.2 are assumed.
#[must_use]
pub fn counter_slack_bytes() -> u64 {
    slack_pages(&Proc::real()).unwrap_or(64) * page_bytes()
}

fn slack_pages(proc: &Proc) -> io::Result<u64> {
    if proc.kernel()? >= (6, 2) {
        let cpus = proc.online_cpus()?;
        return Ok(cpus * 32.max(2 * cpus));
    }
    let status = proc.text("self/status")?;
    let threads = field(&status, "Threads").and_then(|count| count.parse::<u64>().ok());
    Ok(threads.unwrap_or(1) * 64)
}

/// Makes the allocator of the C library give freed arrays back to the kernel at once.
///
/// For glibc: blocks of 128 KiB or more are mapped one by one (the threshold would rise to 32 MiB by
/// itself), the top of the heap is trimmed at 128 KiB, and all threads share one arena. So what one
/// task leaves behind does not count toward the next one's peak. Call it before threads start.
/// Does nothing with another C library.
pub fn steady_allocator() {
    #[cfg(target_env = "gnu")]
    {
        const THRESHOLD: libc::c_int = 128 << 10;
        for (option, value) in [
            (libc::M_MMAP_THRESHOLD, THRESHOLD),
            (libc::M_TRIM_THRESHOLD, THRESHOLD),
            (libc::M_ARENA_MAX, 1),
        ] {
            #[expect(unsafe_code, reason = "the only way to tune the allocator of glibc")]
            // SAFETY: mallopt takes two integers by value, locks the allocator itself, and reports
            // values that it does not know.
            unsafe {
                libc::mallopt(option, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::tests::fake;

    fn cpus(count: usize) -> String {
        (0..count).map(|n| format!("cpu{n} 1 2 3\n")).collect()
    }

    #[test]
    fn slack_follows_kernel_and_processors() {
        let pages = |release: &str, stat: &str| {
            let status = "Threads:\t3\n";
            let files =
                [("sys/kernel/osrelease", release), ("stat", stat), ("self/status", status)];
            slack_pages(&fake(&files).1)
        };
        let mib = |pages: u64| pages * 4096 / (1 << 20);
        assert_eq!(pages("6.18.1", &cpus(2)).unwrap(), 64);
        assert_eq!(mib(pages("6.2.0", &cpus(16)).unwrap()), 2);
        assert_eq!(mib(pages("7.0.0", &cpus(128)).unwrap()), 128);
        assert_eq!(pages("6.1.99", &cpus(16)).unwrap(), 3 * 64);
        assert!(pages("6.18.1", "intr 1\n").is_err());
        assert!(pages("none", &cpus(2)).is_err());
    }

    #[test]
    fn the_mark_is_not_below_the_level() {
        assert!(peak_bytes().unwrap() > 0);
        assert!(current_bytes().unwrap() > 0);
        assert!(counter_slack_bytes() >= 64 * 4096);
    }
}

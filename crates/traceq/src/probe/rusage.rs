//! `getrusage`: the peak since the process began, and page faults.

#![expect(unsafe_code, reason = "rustix has no getrusage")]

use crate::{Faults, Kind, MemoryProbe, ProbeError, Reading, Scope, Source};

/// Highest resident set in bytes, and page faults so far, of the calling process.
pub(crate) fn usage() -> Result<(u64, Faults), ProbeError> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: `usage` is a writable `rusage`, which the call fills when it returns 0.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) != 0 {
            let source = std::io::Error::last_os_error();
            return Err(ProbeError::System { call: "getrusage", source });
        }
        usage.assume_init()
    };
    Ok(from_rusage(&usage))
}

/// Highest resident set in bytes, and page faults.
pub(crate) fn from_rusage(usage: &libc::rusage) -> (u64, Faults) {
    let faults =
        Faults { minor: usage.ru_minflt.unsigned_abs(), major: usage.ru_majflt.unsigned_abs() };
    (usage.ru_maxrss.unsigned_abs().saturating_mul(1024), faults)
}

/// `ru_maxrss` of the calling process: the highest resident set of the *process*, not of its image.
///
/// A spawned program inherits its parent's peak as a floor, and the mark cannot be reset reliably.
/// Prefer [`Hwm`](crate::probe::Hwm).
#[derive(Clone, Copy, Debug)]
pub struct Rusage;

impl MemoryProbe for Rusage {
    fn read(&mut self) -> Result<Reading, ProbeError> {
        let (bytes, _) = usage()?;
        Ok(Reading { bytes, scope: Scope::Process, kind: Kind::Peak, source: Source::Rusage })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_is_in_bytes_and_faults_count() {
        let (before, faults) = usage().unwrap();
        assert!(before > 1 << 20 && before < 1 << 40, "{before} B");
        let touched = std::hint::black_box(vec![1_u8; 8 << 20]);
        let (after, later) = usage().unwrap();
        assert!(after >= before && later.minor > faults.minor, "{} pages", touched.len() / 4096);
    }
}

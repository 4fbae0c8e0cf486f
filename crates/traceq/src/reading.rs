//! What a memory number is: bytes, scope, kind and where it was read.

use serde::Serialize;

/// Whose bytes were counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Resident pages of one process.
    Process,
    /// Resident pages of a process and its descendants.
    Tree,
    /// What the kernel charges to a control group: anonymous memory, page cache, shared memory and
    /// kernel memory.
    Cgroup,
    /// All processes of the machine.
    Machine,
    /// Bytes that a process requested from its Rust allocator and has not given back.
    Heap,
    /// The part of [`Scope::Heap`] that one thread requested, less what the same thread freed.
    ThreadHeap,
}

/// Whether a number is a level or a high-water mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The level at the moment of reading.
    Current,
    /// The highest level since the mark was last reset.
    Peak,
}

/// The counter that a number was read from.
///
/// Two numbers may be subtracted only if their sources share a ledger: since Linux 6.16 `status` and
/// `statm` sum the counters of all CPUs, while `stat`, `ru_maxrss` and the stored high-water mark are
/// batched (see [`counter_bound_bytes`](crate::counter_bound_bytes)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `/proc/PID/statm`.
    Statm,
    /// `/proc/PID/status`, `VmRSS`.
    Status,
    /// `/proc/PID/stat`, field 24.
    Stat,
    /// `/proc/PID/smaps_rollup`, `Rss`: a walk over the page tables.
    SmapsRollup,
    /// `/proc/PID/status`, `VmHWM`.
    Hwm,
    /// `getrusage(RUSAGE_SELF)`, `ru_maxrss`.
    Rusage,
    /// The `sysinfo` crate.
    Sysinfo,
    /// [`TraceqAlloc`](crate::TraceqAlloc).
    Heap,
    /// A control group of version 1.
    CgroupV1,
    /// A control group of version 2.
    CgroupV2,
}

/// One memory number with all that is needed to read it. Absent is `None`, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Reading {
    /// The number, in bytes.
    pub bytes: u64,
    /// Whose bytes.
    pub scope: Scope,
    /// Level or high-water mark.
    pub kind: Kind,
    /// Read from where.
    pub source: Source,
}

/// A backend: one counter, opened once, read many times.
///
/// What cannot be read is an error that names the file; a probe never answers 0 for "unknown".
///
/// ```
/// use traceq::{Kind, MemoryProbe, Target, probe::Statm};
///
/// let mut probe = Statm::open(Target::Own)?;
/// let now = probe.read()?;
/// assert!(now.bytes > 0);
/// assert_eq!(now.kind, Kind::Current);
/// # Ok::<(), traceq::ProbeError>(())
/// ```
pub trait MemoryProbe {
    /// Reads the counter once.
    ///
    /// # Errors
    /// [`ProbeError`](crate::ProbeError): the counter cannot be read, is not in the expected form, or
    /// its process is gone.
    fn read(&mut self) -> Result<Reading, crate::ProbeError>;
}

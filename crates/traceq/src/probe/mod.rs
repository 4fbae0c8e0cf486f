//! The backends: one counter each, behind [`MemoryProbe`].
//!
//! | probe | reads | kind | the original's name |
//! |---|---|---|---|
//! | [`Status`], [`Statm`], [`SmapsRollup`] | `/proc/PID/…` | current | kernel |
//! | `Sysinfo` (feature `sysinfo`) | the `sysinfo` crate | current | psutil |
//! | [`Tree`] | `statm` of a process and its descendants | current | – |
//! | [`Rusage`] | `ru_maxrss` of the calling process | peak | resource |
//! | [`HeapLive`], [`HeapPeak`] | [`TraceqAlloc`](crate::TraceqAlloc) | both | tracemalloc |
//! | [`Hwm`] | `VmHWM`, resettable | peak | – |
//! | [`Cgroup`] | `memory.peak` or `max_usage_in_bytes` | both | – |
//!
//! A sampled level is a lower bound; only the high-water marks are peaks.

mod cgroup;
mod heap;
mod hwm;
mod kernel;
mod rusage;
#[cfg(feature = "sysinfo")]
mod sysinfo;
mod tree;

pub use cgroup::Cgroup;
pub use heap::{HeapLive, HeapPeak};
pub use hwm::Hwm;
pub(crate) use hwm::ResetFile;
pub use kernel::{SmapsRollup, Statm, Status};
pub use rusage::Rusage;
pub(crate) use rusage::{from_rusage, usage};
#[cfg(feature = "sysinfo")]
pub use sysinfo::Sysinfo;
pub use tree::{Tree, TreeLevels};

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{MemoryProbe, ProbeError, Target};

/// The backends by name, as settings and command lines choose them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Backend {
    /// [`Statm`]: the cheapest exact level.
    Statm,
    /// [`Status`].
    Status,
    /// [`SmapsRollup`].
    Smaps,
    /// `Sysinfo`, behind the feature `sysinfo`.
    Sysinfo,
    /// [`Rusage`]; the calling process only.
    Rusage,
    /// [`HeapLive`]; the calling process only.
    Heap,
    /// [`Hwm`].
    Hwm,
    /// [`Cgroup::peak`].
    Cgroup,
}

impl Backend {
    /// All of them, cheapest first.
    pub const ALL: [Self; 8] = [
        Self::Heap,
        Self::Rusage,
        Self::Statm,
        Self::Status,
        Self::Hwm,
        Self::Cgroup,
        Self::Sysinfo,
        Self::Smaps,
    ];

    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Statm => "statm",
            Self::Status => "status",
            Self::Smaps => "smaps",
            Self::Sysinfo => "sysinfo",
            Self::Rusage => "rusage",
            Self::Heap => "heap",
            Self::Hwm => "hwm",
            Self::Cgroup => "cgroup",
        }
    }

    /// Its column in a [`Profile`](crate::profile::Profile): the original's name where it had one.
    pub fn column(self) -> &'static str {
        match self {
            Self::Statm => crate::profile::KERNEL,
            Self::Sysinfo => crate::profile::PSUTIL,
            Self::Rusage => crate::profile::RESOURCE,
            Self::Heap => crate::profile::TRACEMALLOC,
            Self::Status => "status_memory_usage",
            Self::Smaps => "smaps_memory_usage",
            Self::Hwm => crate::profile::HWM,
            Self::Cgroup => crate::profile::CGROUP,
        }
    }

    /// Opens the probe for `target`.
    ///
    /// # Errors
    /// [`ProbeError`] where the counter is absent, or cannot be read for another process.
    pub fn open(self, target: Target) -> Result<Box<dyn MemoryProbe>, ProbeError> {
        let own_only = |counter| match target {
            Target::Own => Ok(()),
            Target::Pid(pid) if pid == std::process::id() => Ok(()),
            Target::Pid(_) => Err(ProbeError::Unavailable {
                counter,
                why: "it counts the calling process only; use statm or hwm for another one",
            }),
        };
        Ok(match self {
            Self::Statm => Box::new(Statm::open(target)?),
            Self::Status => Box::new(Status::open(target)?),
            Self::Smaps => Box::new(SmapsRollup::open(target)?),
            Self::Hwm => Box::new(Hwm::open(target)?),
            Self::Cgroup => Box::new(Cgroup::peak(target)?),
            Self::Rusage => {
                own_only(crate::Source::Rusage)?;
                Box::new(Rusage)
            }
            Self::Heap => {
                own_only(crate::Source::Heap)?;
                Box::new(HeapLive::open()?)
            }
            #[cfg(feature = "sysinfo")]
            Self::Sysinfo => Box::new(Sysinfo::open(target)?),
            #[cfg(not(feature = "sysinfo"))]
            Self::Sysinfo => {
                return Err(ProbeError::Unavailable {
                    counter: crate::Source::Sysinfo,
                    why: "traceq was built without the feature `sysinfo`",
                });
            }
        })
    }
}

impl FromStr for Backend {
    type Err = UnknownBackend;

    fn from_str(name: &str) -> Result<Self, UnknownBackend> {
        Self::ALL
            .into_iter()
            .find(|backend| backend.name() == name)
            .ok_or_else(|| UnknownBackend { name: name.to_owned() })
    }
}

/// No backend has this name.
#[derive(Debug, thiserror::Error)]
#[error(
    "no backend is called {name:?}; there are statm, status, smaps, sysinfo, rusage, heap, hwm and cgroup"
)]
pub struct UnknownBackend {
    /// The name.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for backend in Backend::ALL {
            assert_eq!(backend.name().parse::<Backend>().unwrap(), backend);
            assert_eq!(
                serde_json::to_string(&backend).unwrap(),
                format!("{:?}", backend.name()),
                "serde and the command line agree"
            );
        }
        assert!("psutil".parse::<Backend>().is_err());
    }

    #[test]
    fn own_counters_refuse_another_process() {
        for backend in [Backend::Rusage, Backend::Heap] {
            assert!(matches!(
                backend.open(Target::Pid(1)).map(|_| ()),
                Err(ProbeError::Unavailable { .. })
            ));
        }
    }
}

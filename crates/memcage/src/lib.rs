//! Runs a child process under a hard memory limit; tells its exact peak and why it died.
//!
//! A [`Cage`] is a place for child processes with an optional limit on everything inside. A child is
//! an [`Inmate`] with a limit of its own. When it is dead, a [`Death`] says whether the kernel killed
//! it for memory, which limit was hit, and how much it took. The verdict rests on the kernel's
//! counters: signal 9 alone is not "out of memory". It also has the pressure, the page faults and the
//! processor time. A [`Confinement`] adds a soft limit and processors to the limit.
//!
//! ```standalone_crate
//! use std::process::Command;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     memcage::init();
//!     let cage = memcage::Cage::new("example", None)?;
//!     let mut inmate = cage.spawn(Command::new("sh").args(["-c", "exit 3"]), Some(64 << 20))?;
//!     let death = inmate.wait()?;
//!     assert!(matches!(death.verdict, memcage::Verdict::Exited { code: 3 }), "{death}");
//!     println!("{death}");
//!     cage.close()?;
//!     Ok(())
//! }
//! ```
//!
//! # How the limit is enforced
//!
//! | [`Mechanism`] | limit of an inmate | limit of all together | soft limit |
//! |---|---|---|---|
//! | cgroup v2, memory controller delegated | `memory.max`, no swap | the same, of the parent group | `memory.high` |
//! | cgroup v1 | `memory.limit_in_bytes`, swap included | the same | – |
//! | no rights | data limit of each process, watchdog on the resident sets | watchdog | – |
//!
//! Groups are made below the group that this process is in, so an outer limit keeps its hold. Each
//! limit is read back.
//!
//! # What is read
//!
//! What cannot be read is absent, and never 0.
//!
//! | of an inmate with its descendants | cgroup v2 | cgroup v1 | no rights |
//! |---|---|---|---|
//! | peak | `memory.peak` (Linux 5.19) | `memory.max_usage_in_bytes` | – |
//! | peak since a reset | the same, by an open file (6.12) | the same, after a write | – |
//! | peak of swap | `memory.swap.peak` (6.5) | a lower bound | – |
//! | level, and its split | `memory.current`, `memory.stat` | the same of v1 | – |
//! | pressure | of the inmate | of the machine | of the machine |
//! | faults, processor time | `wait4` | `wait4` | `wait4` |
//!
//! Levels and peaks of groups include page cache and kernel memory, and a page shared by several groups
//! is charged once, to the one that touched it first. So a peak is an upper bound of what a program
//! needs, and [`Inmate::usage`] tells how much is cache.
//!
//! # Helpers
//!
//! A *janitor*, a copy of this program, waits at a pipe. When this process dies, even by `kill -9`, it
//! kills what is left and removes the groups. It lives outside the cage, in a session of its own, and
//! takes 2.6 MiB, most of it the program text that it shares with its parent.
//! Because it is this program executed once more, `main` must call [`init`] first; [`Cage::new`]
//! refuses otherwise. A test program of the standard harness has no `main` of its own and cannot.
//!
//! Inmates are forked from this process and enter their group before they execute anything. A fork
//! copies page tables, so keep the parent small: a start takes 4 ms from a small parent, and 100 ms
//! more for each GiB that it holds (measured on 2 virtual CPUs, Linux 6.18).
//!
//! # What it does not do
//!
//! No containers, name spaces or shares of processor time. It samples no series of levels. It runs on Linux only.

mod allowance;
mod block;
mod cage;
mod confinement;
mod doctor;
mod end;
mod entry;
mod error;
mod group;
mod inmate;
mod janitor;
mod pressure;
mod proc;
pub mod resident;
mod verdict;
mod watchdog;

pub use allowance::{Allowance, allowance, cpus};
pub use cage::{Cage, Mechanism};
pub use confinement::Confinement;
pub use doctor::{Capability, doctor};
pub use end::Work;
pub use error::CageError;
pub use group::Usage;
pub use inmate::Inmate;
pub use pressure::{Pressure, PressureScope};
pub use verdict::{Death, Limit, Verdict};

/// Does the work of a helper and **exits**, if this process was started as one; returns otherwise.
///
/// Call it first in `main`, before arguments are parsed or threads started. Costs microseconds.
pub fn init() {
    if let Some(code) = janitor::serve_if_called() {
        std::process::exit(code);
    }
}

/// A number of bytes for people, in MiB.
struct Mib(u64);

impl std::fmt::Display for Mib {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1} MiB", self.0 as f64 / f64::from(1 << 20))
    }
}

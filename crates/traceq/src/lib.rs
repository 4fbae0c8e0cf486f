//! How many bytes did that take?
//!
//! `traceq` measures the memory of a piece of Rust code, of this process, or of another one, and says
//! how far each number may be off. A number without scope and kind does not exist here: a [`Reading`]
//! is bytes, whose ([`Scope`]), level or peak ([`Kind`]) and read from where ([`Source`]). What cannot
//! be read is `None` or an error, never 0.
//!
//! ```
//! use traceq::{TraceqAlloc, measure};
//!
//! // Optional: counts the heap to the byte. Without it, `report.heap` is `None`.
//! #[global_allocator]
//! static ALLOC: TraceqAlloc = TraceqAlloc::system();
//!
//! let (volume, report) = measure(|| vec![1_f32; 50 * 70 * 110]);
//! assert_eq!(report.heap.map(|heap| heap.bytes()), Some(4 * 50 * 70 * 110));
//! println!("{report}"); // measure: heap peak +1.5 MiB (± 0 B), resident peak +1.5 MiB (− 0 B, + 4 KiB), …
//! # drop(volume);
//! ```
//!
//! | to learn | use |
//! |---|---|
//! | what a piece of code takes | [`measure`], [`Region`], `RegionLayer` (feature `tracing`) |
//! | that it never takes more | [`assert_peak!`] in tests |
//! | the heap, to the byte | [`TraceqAlloc`], [`heap`] |
//! | one counter, now | [`probe`], behind [`MemoryProbe`] |
//! | how another process develops | [`sampler`], run in a process of its own |
//! | what a child had taken when it ended | [`ExitWatch`] |
//! | what was recorded | [`profile`], and `prof` (feature `prof`) for `.prof` files and journals |
//! | how good all this is here | [`selftest()`], [`counter_bound_bytes`] |
//!
//! **What is exact.** The heap of one thread, to the byte. The resident growth of a region of one
//! thread, to the page: where the memory is still held when it ends, where it was taken once and given
//! back, and where [`TraceqAlloc`] or [`Region::look`] saw it before it went. Memory that a region takes
//! and unmaps many times by itself is found by the kernel's high-water mark alone: no spike is missed,
//! however short, but the mark is kept in batches, so it may be low by less than
//! [`counter_bound_bytes`]. Every report says between what the growth must lie ([`GrowthBounds`]).
//! Sampled levels are lower bounds.
//!
//! **What it does not do.** It sets no limits and reads no reasons of death: that is `memcage`. It keeps
//! no call stacks and does not say which line allocated: memray, heaptrack and dhat do. It counts Rust's
//! allocator, not C's; the resident set has both. Concurrent regions share one resident set, which
//! nobody can divide: the report says `shared`. Linux only.

pub mod assert;
mod bound;
mod clock;
mod error;
mod exit;
pub mod heap;
#[cfg(feature = "tracing")]
mod layer;
mod ledger;
mod pages;
pub mod probe;
mod procfs;
#[cfg(feature = "prof")]
pub mod prof;
pub mod profile;
mod reading;
mod region;
mod report;
mod rise;
pub mod sampler;
mod selftest;
#[cfg(feature = "config")]
mod settings;
mod spare;
mod unit;

pub use bound::counter_bound_bytes;
pub use error::ProbeError;
pub use exit::{ExitUsage, ExitWatch};
pub use heap::TraceqAlloc;
#[cfg(feature = "tracing")]
pub use layer::RegionLayer;
pub use ledger::process_peak;
pub use procfs::Target;
pub use reading::{Kind, MemoryProbe, Reading, Scope, Source};
pub use region::{Region, enabled, measure, set_enabled};
pub use report::{Faults, Growth, GrowthBounds, Levels, RegionReport, ThreadGrowth};
pub use selftest::{Check, Outcome, Selftest, SelftestOptions, selftest};
#[cfg(feature = "config")]
pub use settings::{Settings, SettingsError};
pub use unit::{NotAQuantity, Unit, parse_bytes, parse_duration};

//! Experiments that anyone can repeat: what memory measurements get wrong and by how much, and what a
//! shape tells of a peak.
//!
//! | program | question |
//! |---|---|
//! | `exp00_pitfalls` | which eleven mistakes do measurements of memory make, and how large are they? |
//! | `exp01_profilers` | do eight ways to profile, a high-water mark and a control group agree? |
//! | `exp02_predict` | does the shape of an input tell the peak, beyond the shapes that were measured? |
//! | `exp02_validate` | do bounds hold, and small blocks tell of large targets? what would others have asked for? |
//!
//! ```sh
//! cargo run --release -p chunkfit-examples --bin exp00_pitfalls -- --quick --out results/exp00
//! ```
//!
//! `victim` is a victim alone, for profilers of any make: `cargo xtask bench profilers` runs it.
//!
//! Each has three phases that also run alone: `generate` makes input files, `profile` measures and
//! writes rows as CSV, `analyze` makes tables, figures and `report.html` from the rows.
//!
//! Measured are *victims*: fresh processes that do what a schedule says, and nothing else, so that
//! their memory is known beforehand; and the seismic operators, for which the kernel's high-water mark
//! is the reference. Each runs in a control group of its own. What a machine cannot show is listed as
//! absent.
//!
//! What this does not do: it asserts no times, and it changes no setting of the machine.

mod actor;
mod blocks;
mod figures;
mod levels;
mod machine;
mod observer;
mod operator;
mod options;
mod pitfalls;
mod plain;
mod prediction;
mod profilers;
mod progress;
mod protocol;
mod report;
mod schedule;
mod stats;
mod supervisor;
mod tables;
mod validation;
mod victim;

pub use pitfalls::run as exp00_pitfalls;
pub use prediction::run as exp02_predict;
pub use profilers::run as exp01_profilers;
pub use validation::main as exp02_validate;
pub use victim::serve_if_called;

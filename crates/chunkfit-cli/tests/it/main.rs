//! The command, as a user runs it.

#![expect(clippy::unwrap_used, reason = "a case fails by panicking")]

mod bad_input;
mod demo;
mod interrupted;
mod model;
mod plan;
mod predict;
mod python;
mod real_files;
mod support;

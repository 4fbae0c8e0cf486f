//! Integration tests of the seismic operators.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod complex_trace;
mod contract;
mod filters;
mod golden;
mod gst;
mod names;
mod oracle;
mod property;
mod verify;
mod whole;
mod wide;
mod windows;

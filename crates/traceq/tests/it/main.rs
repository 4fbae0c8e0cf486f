//! Integration tests that may run side by side.

#![cfg_attr(
    any(feature = "prof", feature = "tracing"),
    expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")
)]

#[cfg(feature = "prof")]
mod hostile;
#[cfg(feature = "prof")]
mod journal;
#[cfg(feature = "prof")]
mod prof;
#[cfg(feature = "tracing")]
mod spans;

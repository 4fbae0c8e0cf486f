//! Integration tests that may run side by side.

#[cfg(feature = "prof")]
mod hostile;
#[cfg(feature = "prof")]
mod journal;
#[cfg(feature = "prof")]
mod prof;
#[cfg(feature = "tracing")]
mod spans;

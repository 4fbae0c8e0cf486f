//! Integration tests of the seismic operators.

mod contract;
mod golden;
mod oracle;
mod property;
mod verify;

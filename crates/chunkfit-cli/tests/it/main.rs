//! The command, as a user runs it.

mod bad_input;
mod demo;
mod interrupted;
mod plan;
mod python;
mod real_files;
mod support;

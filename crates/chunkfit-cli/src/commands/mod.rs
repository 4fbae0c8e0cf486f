//! One function per subcommand.

mod demo;
mod doctor;
mod fit;
mod info;
mod operators;
mod plan;
mod predict;
mod profile;
mod run;

use std::fmt;

pub(crate) use demo::demo;
pub(crate) use doctor::doctor;
pub(crate) use fit::fit;
pub(crate) use info::info;
pub(crate) use operators::operators;
pub(crate) use plan::plan;
pub(crate) use predict::predict;
pub(crate) use profile::profile;
pub(crate) use run::run;

/// Somebody asked this command to end, and it did.
#[derive(Debug)]
pub(crate) struct Stopped(String);

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Stopped {}

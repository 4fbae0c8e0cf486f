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

pub(crate) use demo::demo;
pub(crate) use doctor::doctor;
pub(crate) use fit::fit;
pub(crate) use info::info;
pub(crate) use operators::operators;
pub(crate) use plan::plan;
pub(crate) use predict::predict;
pub(crate) use profile::profile;
pub(crate) use run::run;

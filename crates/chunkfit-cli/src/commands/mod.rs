//! One function per subcommand.

mod demo;
mod doctor;
mod info;
mod operators;
mod plan;
mod run;

pub(crate) use demo::demo;
pub(crate) use doctor::doctor;
pub(crate) use info::info;
pub(crate) use operators::operators;
pub(crate) use plan::plan;
pub(crate) use run::run;

//! The command, as a user runs it.

mod compare;
mod export;
mod find_limit;
mod help;
mod overhead;
mod plot;
mod run;
mod show;
mod support;
mod survive;

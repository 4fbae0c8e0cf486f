//! Tests of the planner from outside.

mod cases;
mod counting;
mod file;
mod limits;
mod oracle;
mod properties;
mod rules;
mod splitting;

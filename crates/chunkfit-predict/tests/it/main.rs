//! Tests of the predictor from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot build its input has failed")]

mod data;
mod drift;
mod guard;
mod ladder;
mod models;
mod online;
mod saved;
mod search;
mod table;
mod thesis;

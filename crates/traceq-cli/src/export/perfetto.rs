//! Counter tracks in the Chrome trace-event format, which ui.perfetto.dev and chrome://tracing read.
//!
//! Reference: *Trace Event Format*, Google, sections Metadata (`M`), Counter (`C`) and Instant (`i`)
//! events. Times are in microseconds.

use serde_json::{Map, Value, json};
use traceq::profile::{Profile, TREE, TREE_SHARED};

/// The number of the one process of the trace.
const PID: u32 = 1;

pub(super) fn convert(profile: &Profile, file: &str) -> anyhow::Result<Vec<u8>> {
    let title = super::title(profile, file);
    let mut events = vec![
        json!({"ph": "M", "name": "process_name", "pid": PID, "tid": 0, "args": {"name": title}}),
        json!({"ph": "M", "name": "thread_name", "pid": PID, "tid": 1, "args": {"name": "run"}}),
    ];
    let since = super::since_first(profile);
    let micros = |row| since(row) as f64 / 1e3;
    for column in profile.columns() {
        let name = super::label(column.name());
        let unit = if column.is_bytes() { "bytes" } else { "count" };
        for (row, value) in column.values().iter().enumerate() {
            if let Some(value) = value {
                events.push(counter(&name, micros(row), &[(unit, *value)]));
            }
        }
    }
    // Stacked in chrome://tracing, side by side in Perfetto.
    if let (Some(all), Some(shared)) = (profile.column(TREE), profile.column(TREE_SHARED)) {
        for (row, pair) in all.values().iter().zip(shared.values()).enumerate() {
            if let (Some(all), Some(shared)) = pair {
                let parts =
                    [("anonymous", all.saturating_sub(*shared)), ("file and shared", *shared)];
                events.push(counter("what the tree holds", micros(row), &parts));
            }
        }
    }
    if let Some((row, bytes)) = super::summit(profile) {
        events.push(json!({
            "ph": "i", "s": "p", "name": "peak", "pid": PID, "tid": 1, "ts": micros(row),
            "args": {"bytes": bytes}
        }));
    }
    let metadata: Map<String, Value> =
        profile.metadata().map(|(key, value)| (key.to_owned(), value.into())).collect();
    Ok(serde_json::to_vec(&json!({
        "displayTimeUnit": "ms",
        "otherData": metadata,
        "traceEvents": events,
    }))?)
}

fn counter(name: &str, micros: f64, values: &[(&str, u64)]) -> Value {
    let args: Map<String, Value> =
        values.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    json!({"ph": "C", "name": name, "pid": PID, "tid": 0, "ts": micros, "args": args})
}

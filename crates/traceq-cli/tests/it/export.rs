use serde_json::Value;

use crate::support::{ends, fixtures, json, profile};

const MIB: f64 = 1_048_576.0;

/// The fields that the Firefox Profiler requires of a processed profile, version 55, and that the
/// accumulated counts are the levels.
#[test]
fn the_firefox_profile_has_what_its_reader_requires() {
    let folder = tempfile::tempdir().unwrap();
    profile(&folder.path().join("a.prof"), 4 << 20);
    ends(0, folder.path(), &["export", "a.prof", "--to", "firefox"]);
    let text = std::fs::read(folder.path().join("a.firefox.json")).unwrap();
    let firefox: Value = serde_json::from_slice(&text).unwrap();
    let meta = &firefox["meta"];
    for key in ["interval", "startTime", "version", "preprocessedProfileVersion", "processType"] {
        assert!(meta[key].is_number(), "meta.{key}");
    }
    assert!(meta["categories"][0]["name"].is_string() && meta["markerSchema"].is_array());
    assert_eq!(meta["startTime"].as_f64(), Some(1.7e12));
    assert!(firefox["libs"].is_array());
    let thread = &firefox["threads"][0];
    for key in ["processType", "processStartupTime", "registerTime", "name", "isMainThread", "tid"]
    {
        assert!(!thread[key].is_null(), "threads[0].{key}");
    }
    for table in ["samples", "stackTable", "frameTable", "funcTable", "markers"] {
        assert!(thread[table]["length"].is_number(), "threads[0].{table}");
    }
    let markers = thread["markers"]["data"].as_array().unwrap();
    assert!(markers.iter().any(|data| data["type"] == "traceq"));
    tables_are_whole(thread);
    let counters = firefox["counters"].as_array().unwrap();
    assert_eq!(counters.len(), 2);
    for counter in counters {
        assert_eq!(
            (&counter["category"], &counter["mainThreadIndex"]),
            (&"Memory".into(), &0.into())
        );
        assert_eq!(counter["pid"], thread["pid"]);
        let samples = &counter["samples"];
        let count = samples["count"].as_array().unwrap();
        assert_eq!(samples["length"], count.len());
        let times = if samples["time"].is_array() { "time" } else { "timeDeltas" };
        assert_eq!(samples[times].as_array().unwrap().len(), count.len());
    }
    let count = counters[0]["samples"]["count"].as_array().unwrap();
    let levels: Vec<f64> = count
        .iter()
        .scan(0.0, |sum, delta| {
            *sum += delta.as_f64()?;
            Some(*sum / MIB)
        })
        .collect();
    assert_eq!(levels, [1.0, 2.0, 4.0, 3.0]);
}

/// Each table is a length and columns of that length, and what points into another table points inside.
fn tables_are_whole(thread: &Value) {
    let n = |table: &str| thread[table]["length"].as_u64().expect("a table of the format");
    let strings = thread["stringArray"].as_array().expect("a table of the format");
    assert!(strings.iter().all(Value::is_string));
    let tables = [
        "samples",
        "stackTable",
        "frameTable",
        "funcTable",
        "markers",
        "resourceTable",
        "nativeSymbols",
    ];
    for table in tables {
        let columns = thread[table].as_object().expect("a table of the format").iter();
        for (name, column) in columns.filter(|(_, column)| column.is_array()) {
            assert_eq!(
                column.as_array().expect("a table of the format").len() as u64,
                n(table),
                "{table}.{name}"
            );
        }
    }
    for (table, column, into) in [
        ("samples", "stack", n("stackTable")),
        ("stackTable", "frame", n("frameTable")),
        ("stackTable", "prefix", n("stackTable")),
        ("frameTable", "func", n("funcTable")),
        ("funcTable", "name", strings.len() as u64),
        ("markers", "name", strings.len() as u64),
    ] {
        for index in thread[table][column].as_array().expect("a table of the format") {
            assert!(
                index.is_null() || index.as_u64().expect("a table of the format") < into,
                "{table}.{column}: {index}"
            );
        }
    }
    // The times of a marker are there or not as its phase has it: 0 a moment, 1 an interval.
    let column =
        |name: &str| thread["markers"][name].as_array().expect("a table of the format").clone();
    let (phases, starts, ends) = (column("phase"), column("startTime"), column("endTime"));
    for ((phase, start), end) in phases.iter().zip(&starts).zip(&ends) {
        assert!(start.is_number() && (phase == 0 || (phase == 1 && end.is_number())), "{phase}");
    }
}

/// By the rules of the Trace Event Format: a phase, a name, a process and a time for each event.
#[test]
fn the_perfetto_trace_is_made_of_counter_events() {
    let folder = tempfile::tempdir().unwrap();
    profile(&folder.path().join("a.prof"), 4 << 20);
    let trace = json(folder.path(), &["export", "a.prof", "--to", "perfetto", "-o", "-"]);
    let events = trace["traceEvents"].as_array().unwrap();
    for event in events {
        assert!(event["ph"].is_string() && event["name"].is_string() && event["pid"].is_number());
        assert!(event["ph"] == "M" || event["ts"].is_number(), "{event}");
        assert!(event["args"].is_object());
        let allowed = match event["ph"].as_str().unwrap() {
            "M" => &["ph", "name", "pid", "tid", "args"][..],
            "C" => &["ph", "name", "pid", "tid", "ts", "args"],
            "i" => &["ph", "name", "pid", "tid", "ts", "args", "s"],
            other => panic!("an event of phase {other}"),
        };
        assert!(event.as_object().unwrap().keys().all(|key| allowed.contains(&key.as_str())));
        // A counter's arguments are its series: numbers only.
        let series = event["args"].as_object().unwrap();
        assert!(event["ph"] != "C" || series.values().all(Value::is_number), "{event}");
        assert!(event["ph"] != "M" || series["name"].is_string(), "{event}");
        assert!(event["ph"] != "i" || ["g", "p", "t"].iter().any(|s| event["s"] == *s), "{event}");
        assert!(event["ts"].is_null() || event["ts"].as_f64().unwrap() >= 0.0, "{event}");
    }
    let counts: Vec<_> = events.iter().filter(|event| event["ph"] == "C").collect();
    assert_eq!(counts.len(), 4 + 3);
    assert_eq!(
        (counts[2]["ts"].as_f64(), &counts[2]["args"]["bytes"]),
        (Some(20_000.0), &(4 << 20).into())
    );
    assert!(events.iter().any(|event| event["ph"] == "i" && event["ts"] == 20_000.0));
    assert_eq!(trace["otherData"]["command"], "made up");
}

#[test]
fn the_table_has_a_row_per_sample() {
    let folder = tempfile::tempdir().unwrap();
    profile(&folder.path().join("a.prof"), 4 << 20);
    let (text, _) = ends(0, folder.path(), &["export", "a.prof", "--to", "csv", "-o", "-"]);
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let heading = table.headers().unwrap().clone();
    assert_eq!(heading.get(2), Some("kernel_memory_usage_bytes"));
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    let cells = |column: usize| rows.iter().map(|row| row[column].to_owned()).collect::<Vec<_>>();
    assert_eq!(cells(0)[3], "0.030000000");
    assert_eq!(cells(2), ["1048576", "2097152", "4194304", "3145728"]);
    assert_eq!(cells(3)[0], "", "absent is empty, not 0");
}

#[test]
fn old_and_empty_profiles_export_too() {
    let out = tempfile::tempdir().unwrap();
    for file in ["a.prof", "b.prof", "e.prof", "empty.prof"] {
        for format in ["firefox", "perfetto", "csv"] {
            let to = out.path().join("x");
            let line = ["export", file, "--to", format, "-o", to.to_str().unwrap()];
            ends(0, &fixtures(), &line);
            assert!(to.metadata().unwrap().len() > 0, "{file} to {format}");
        }
    }
}

//! Memory tracks for the Firefox Profiler, in its processed format.

use std::time::Duration;

use fxprof_processed_profile::{
    CategoryHandle, GraphColor, MarkerFieldFlags, MarkerFieldFormat, MarkerLocations, MarkerTiming,
    Profile as Firefox, ReferenceTimestamp, SamplingInterval, StaticSchemaMarker,
    StaticSchemaMarkerField, StringHandle, Timestamp,
};
use traceq::profile::{CGROUP, CGROUP_LEVEL, Clock, KERNEL, PSUTIL, Profile, TREE, TREE_SHARED};

pub(super) fn convert(profile: &Profile, file: &str) -> anyhow::Result<Vec<u8>> {
    let title = super::title(profile, file);
    let begin = match profile.clock() {
        Clock::UnixNanos => profile.times_ns().iter().min().copied().unwrap_or(0),
        // Not a date, so none is made up.
        Clock::BootMillis => 0,
    };
    let begin = ReferenceTimestamp::from_duration_since_unix_epoch(Duration::from_nanos(begin));
    let mut firefox = Firefox::new(title, begin, interval(profile));
    firefox.set_os_name("Linux");
    firefox.set_symbolicated(true);

    let since = super::since_first(profile);
    let at = |row| Timestamp::from_nanos_since_reference(since(row));
    let zero = Timestamp::from_nanos_since_reference(0);
    let end = profile.duration().unwrap_or_default().as_nanos();
    let end = Timestamp::from_nanos_since_reference(u64::try_from(end).unwrap_or(u64::MAX));
    let process = firefox.add_process(title, 1, zero);
    firefox.set_process_end_time(process, end);
    let thread = firefox.add_thread(process, 1, zero, true);
    firefox.set_thread_name(thread, "run");
    firefox.set_thread_end_time(thread, end);
    firefox.add_initial_visible_thread(thread);
    firefox.add_initial_selected_thread(thread);

    for column in profile.columns().iter().filter(|column| column.is_bytes()) {
        let label = super::label(column.name());
        let counter = firefox.add_counter(process, &label, "Memory", column.name());
        firefox.set_counter_color(counter, color(column.name()));
        let mut before = 0.0;
        for (row, bytes) in column.values().iter().enumerate() {
            if let Some(bytes) = bytes {
                let bytes = *bytes as f64;
                firefox.add_counter_sample(counter, at(row), bytes - before, 0);
                before = bytes;
            }
        }
    }

    let mut note = |name: &str, text: &str, timing| {
        let (name, text) = (firefox.intern_string(name), firefox.intern_string(text));
        firefox.add_marker(thread, timing, Note { name, text });
    };
    note("run", title, MarkerTiming::Interval(zero, end));
    if let Some((row, bytes)) = super::summit(profile) {
        let text = traceq::Unit::Auto.show(bytes).to_string();
        note("peak", &text, MarkerTiming::Instant(at(row)));
    }
    if let Some(evidence) = profile.get("evidence") {
        note("end", evidence, MarkerTiming::Instant(end));
    }
    Ok(serde_json::to_vec(&firefox)?)
}

/// The nominal period, or the mean of what was recorded.
fn interval(profile: &Profile) -> SamplingInterval {
    let nominal = profile.get("period_nominal_s").and_then(|s| s.parse::<f64>().ok());
    let nominal = nominal.and_then(|s| Duration::try_from_secs_f64(s).ok());
    let steps = u32::try_from(profile.len().saturating_sub(1)).unwrap_or(u32::MAX).max(1);
    let period = nominal.unwrap_or(profile.duration().unwrap_or_default() / steps);
    SamplingInterval::from_nanos(u64::try_from(period.as_nanos()).unwrap_or(u64::MAX).max(1))
}

fn color(column: &str) -> GraphColor {
    match column {
        TREE | KERNEL | PSUTIL => GraphColor::Blue,
        TREE_SHARED => GraphColor::Teal,
        CGROUP | CGROUP_LEVEL => GraphColor::Orange,
        _ => GraphColor::Grey,
    }
}

/// A line of text at a moment, or over a time.
#[derive(Clone, Debug)]
struct Note {
    name: StringHandle,
    text: StringHandle,
}

impl StaticSchemaMarker for Note {
    const UNIQUE_MARKER_TYPE_NAME: &'static str = "traceq";
    const LOCATIONS: MarkerLocations = MarkerLocations::MARKER_CHART
        .union(MarkerLocations::MARKER_TABLE)
        .union(MarkerLocations::TIMELINE_OVERVIEW);
    const CHART_LABEL: Option<&'static str> = Some("{marker.data.text}");
    const TABLE_LABEL: Option<&'static str> = Some("{marker.name} - {marker.data.text}");
    const FIELDS: &'static [StaticSchemaMarkerField] = &[StaticSchemaMarkerField {
        key: "text",
        label: "What",
        format: MarkerFieldFormat::String,
        flags: MarkerFieldFlags::SEARCHABLE,
    }];

    fn name(&self, _profile: &mut Firefox) -> StringHandle {
        self.name
    }

    fn category(&self, _profile: &mut Firefox) -> CategoryHandle {
        CategoryHandle::OTHER
    }

    fn string_field_value(&self, _field_index: u32) -> StringHandle {
        self.text
    }

    /// There is no field of numbers.
    fn number_field_value(&self, _field_index: u32) -> f64 {
        f64::NAN
    }
}

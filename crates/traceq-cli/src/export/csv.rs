//! A table: a row per sample, a column per counter, units in the heading.

use traceq::profile::Profile;

/// Columns are `time_s` since the first row, `time_ns` of the profile's clock, the counters, and the
/// signature. An empty cell was not recorded.
pub(super) fn convert(profile: &Profile) -> anyhow::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut heading = vec!["time_s".to_owned(), "time_ns".to_owned()];
    heading.extend(profile.columns().iter().map(|column| {
        if column.is_bytes() {
            format!("{}_bytes", column.name())
        } else {
            column.name().to_owned()
        }
    }));
    heading.push("signature".to_owned());
    table.write_record(&heading)?;
    let since = super::since_first(profile);
    for (row, time) in profile.times_ns().iter().enumerate() {
        let mut cells = vec![format!("{:.9}", since(row) as f64 / 1e9), time.to_string()];
        cells.extend(profile.columns().iter().map(|column| {
            column.values().get(row).copied().flatten().map_or_else(String::new, |v| v.to_string())
        }));
        cells.push(profile.signature(row).unwrap_or_default().to_owned());
        table.write_record(&cells)?;
    }
    Ok(table.into_inner()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_values_are_empty_and_not_0() {
        let mut profile = Profile::default();
        profile.push(1_000_000_000, "a, b", [("kernel_memory_usage", Some(4096)), ("n", None)]);
        profile.push(1_500_000_000, "c", [("n", Some(3))]);
        let text = String::from_utf8(convert(&profile).unwrap()).unwrap();
        assert_eq!(
            text,
            "time_s,time_ns,kernel_memory_usage_bytes,n,signature\n\
             0.000000000,1000000000,4096,,\"a, b\"\n\
             0.500000000,1500000000,,3,c\n"
        );
    }
}

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use chunkfit_core::{AxisLabel, OutputSpec, Shape};
use ndarray::ArrayView2;
use serde_json::{Map, Value, json};

use super::plain::{PlainArray, write_json};
use super::{METADATA, ZarrError};
use crate::IoError;

/// Inlines of one chunk of `trace_mask`, `cdp_x` and `cdp_y`.
pub const TRACE_ROWS: usize = 64;

const MASK: &str = "trace_mask";
const CDP: [&str; 2] = ["cdp_x", "cdp_y"];

/// A store to make.
#[derive(Debug, Clone)]
pub struct StoreSpec<'a> {
    /// Shape of every output.
    pub volume: Shape,
    /// Storage chunk of every output.
    pub chunk: Shape,
    /// The outputs: one array each, of the name, unit and description given.
    pub outputs: &'a [OutputSpec],
    /// Coordinates of the three axes.
    pub axes: &'a [AxisLabel; 3],
    /// What MDIO calls the kind of data: `PostStack3DTime`.
    pub name: &'a str,
    /// More attributes of the group.
    pub attributes: Map<String, Value>,
    /// Whether there are CDP coordinates, to be written with [`write_coordinates`].
    pub coordinates: bool,
}

/// Makes the store at `path`: metadata and axes. The outputs read as NaN, the mask as false, until
/// they are written.
///
/// # Errors
///
/// When there is a store already, a name or an axis does not fit, or the file system says no.
pub fn create(path: &Path, spec: &StoreSpec<'_>) -> Result<(), IoError> {
    if path.join(METADATA).exists() {
        return Err(ZarrError::Exists.at(path));
    }
    check(spec).map_err(|error| error.at(path))?;
    let shape = spec.volume.extents();
    let dimensions = spec.axes.each_ref().map(|axis| &*axis.name);
    for output in spec.outputs {
        let mut attributes = Map::new();
        attributes.insert("long_name".to_owned(), json!(output.description));
        if let Some(unit) = &output.unit {
            attributes.insert("units".to_owned(), json!(unit));
        }
        if spec.coordinates {
            attributes.insert("coordinates".to_owned(), json!(CDP.join(" ")));
        }
        PlainArray::create(
            path.join(&*output.name),
            &shape,
            &spec.chunk.extents(),
            "float32",
            json!("NaN"),
            &dimensions,
            attributes,
        )?;
    }
    for axis in spec.axes {
        write_axis(path, axis)?;
    }
    let traces = &shape[..2];
    let rows = [TRACE_ROWS, shape[1]];
    let mut map_arrays = vec![(MASK, "bool", json!(false), Map::new())];
    if spec.coordinates {
        let metres = Map::from_iter([
            ("units".to_owned(), json!("m")),
            ("unitsV1".to_owned(), json!({ "length": "m" })),
        ]);
        map_arrays.extend(CDP.map(|name| (name, "float64", json!("NaN"), metres.clone())));
    }
    for (name, data_type, fill, attributes) in map_arrays {
        let folder = path.join(name);
        PlainArray::create(folder, traces, &rows, data_type, fill, &dimensions[..2], attributes)?;
    }
    // The group comes last, so that a store with it is complete.
    let mut attributes = Map::from_iter([
        ("apiVersion".to_owned(), json!("1.1.3")),
        ("createdOn".to_owned(), json!(timestamp(SystemTime::now()))),
        ("name".to_owned(), json!(spec.name)),
        (
            "attributes".to_owned(),
            json!({
                "surveyType": "3D",
                "gatherType": "stacked",
                "defaultVariableName": spec.outputs.first().map(|output| &output.name),
            }),
        ),
    ]);
    attributes.extend(spec.attributes.clone());
    write_json(path, &json!({ "zarr_format": 3, "node_type": "group", "attributes": attributes }))
}

fn check(spec: &StoreSpec<'_>) -> Result<(), ZarrError> {
    for (axis, expected) in spec.axes.iter().zip(spec.volume.extents()) {
        let got = axis.values.len();
        if got != expected {
            return Err(ZarrError::AxisLength { axis: axis.name.clone(), got, expected });
        }
    }
    let mut taken: Vec<&str> = spec.axes.iter().map(|axis| &*axis.name).collect();
    taken.extend([MASK, CDP[0], CDP[1]]);
    for output in spec.outputs {
        let name = &*output.name;
        let plain =
            !name.is_empty() && !name.starts_with(['.', '_']) && !name.contains(['/', '\\']);
        if !plain || taken.contains(&name) {
            return Err(ZarrError::Name { name: name.to_owned() });
        }
        taken.push(name);
    }
    Ok(())
}

/// Writes an axis as one chunk, in whole numbers where they are.
fn write_axis(path: &Path, axis: &AxisLabel) -> Result<(), IoError> {
    let n = [axis.values.len()];
    let mut attributes = Map::new();
    if let Some(unit) = &axis.unit {
        let quantity = if axis.name == "time" { "time" } else { "length" };
        attributes.insert("units".to_owned(), json!(unit));
        attributes.insert("unitsV1".to_owned(), json!({ quantity: unit }));
    }
    let whole: Option<Vec<i32>> = axis
        .values
        .iter()
        .map(|&value| Some(value as i32).filter(|&whole| f64::from(whole) == value))
        .collect();
    let (data_type, fill, bytes): (_, _, Vec<u8>) = match whole {
        Some(whole) => (
            "int32",
            json!(i32::MAX),
            whole.iter().flat_map(|number| number.to_le_bytes()).collect(),
        ),
        None => {
            let bytes = axis.values.iter().flat_map(|number| number.to_le_bytes()).collect();
            ("float64", json!("NaN"), bytes)
        }
    };
    PlainArray::create(path.join(&axis.name), &n, &n, data_type, fill, &[&axis.name], attributes)?
        .write_chunk(&[0], &bytes)
}

/// Writes which traces there are, for the inlines from `first_inline` on: an array (inline,
/// crossline). Call it for [`TRACE_ROWS`] inlines at a time, or fewer at the end.
///
/// # Errors
///
/// When the rows are others than that, or cannot be written.
pub fn write_mask(
    path: &Path,
    first_inline: usize,
    mask: ArrayView2<'_, bool>,
) -> Result<(), IoError> {
    write_rows(path, MASK, "bool", first_inline, mask, false, |live| [u8::from(live)])
}

/// Writes CDP coordinates in metres, as [`write_mask`] writes the mask.
///
/// # Errors
///
/// As for [`write_mask`].
pub fn write_coordinates(
    path: &Path,
    first_inline: usize,
    x: ArrayView2<'_, f64>,
    y: ArrayView2<'_, f64>,
) -> Result<(), IoError> {
    for (name, values) in CDP.into_iter().zip([x, y]) {
        write_rows(path, name, "float64", first_inline, values, f64::NAN, f64::to_le_bytes)?;
    }
    Ok(())
}

fn write_rows<T: Copy, const W: usize>(
    path: &Path,
    name: &'static str,
    data_type: &str,
    first: usize,
    values: ArrayView2<'_, T>,
    fill: T,
    bytes_of: impl Fn(T) -> [u8; W],
) -> Result<(), IoError> {
    let array = PlainArray::open(path.join(name), data_type)?;
    let (rows, columns) = values.dim();
    let fits = first.is_multiple_of(TRACE_ROWS)
        && matches!(array.shape[..], [all, n] if n == columns
            && rows == TRACE_ROWS.min(all.saturating_sub(first)) && rows > 0);
    if !fits {
        let shape = array.shape;
        return Err(ZarrError::Rows { array: name, first, rows, shape }.at(path));
    }
    let mut bytes = Vec::with_capacity(TRACE_ROWS * columns * W);
    bytes.extend(values.iter().flat_map(|&value| bytes_of(value)));
    let padding = (TRACE_ROWS - rows) * columns;
    bytes.extend(std::iter::repeat_n(bytes_of(fill), padding).flatten());
    array.write_chunk(&[first / TRACE_ROWS, 0], &bytes)
}

/// UTC, as ISO 8601 has it: `2024-02-29T23:59:59Z`.
fn timestamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year}-{month:02}-{:02}T{hour:02}:{minute:02}:{:02}Z", days + 1, second % 60)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn timestamps_know_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
        ] {
            assert_eq!(timestamp(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}

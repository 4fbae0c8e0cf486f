use chunkfit_core::{Axis, AxisLabel, Shape, TraceOrder};
use serde::{Deserialize, Serialize, Serializer};

use crate::ByteOrder;

/// What is in a file, for people and for scripts. What a format does not have is `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Info {
    /// `SEG-Y`, `npy` or `Zarr v3`.
    pub format: &'static str,
    /// Inlines, crosslines and samples.
    pub shape: [usize; 3],
    /// Size of the file; of a Zarr array, of its decoded voxels.
    pub bytes: u64,
    /// Type of a stored sample.
    pub sample_format: String,
    /// Order of the bytes of a sample.
    pub byte_order: Option<ByteOrder>,
    /// Traces in the volume.
    pub traces: usize,
    /// Pairs of line numbers without a trace.
    pub missing_traces: usize,
    /// Inline numbers.
    pub inline: AxisInfo,
    /// Crossline numbers.
    pub crossline: AxisInfo,
    /// Sample interval in microseconds.
    #[serde(serialize_with = "shortest_option")]
    pub dt_us: Option<f64>,
    /// Time of the first sample in milliseconds.
    #[serde(serialize_with = "shortest_option")]
    pub t0_ms: Option<f64>,
    /// The array of a Zarr group.
    pub variable: Option<String>,
    /// Voxels of a stored chunk.
    pub chunk: Option<[usize; 3]>,
    /// Where the line numbers are in a trace header.
    pub line_bytes: Option<LineBytes>,
    /// How the traces follow each other.
    pub trace_order: Option<TraceOrder>,
    /// The revision that the file claims, which is a hint only.
    pub revision: Option<String>,
    /// `EBCDIC` or `ASCII`.
    pub text_encoding: Option<&'static str>,
    /// Extended text headers.
    pub extended_texts: Option<u64>,
    /// The lines of the text header that say something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<String>,
    /// What looks odd, and which option to change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The coordinates of one axis.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AxisInfo {
    /// Smallest coordinate.
    #[serde(serialize_with = "shortest")]
    pub min: f64,
    /// Largest coordinate.
    #[serde(serialize_with = "shortest")]
    pub max: f64,
    /// Distance of neighbours; `None` for a single line or where it varies.
    #[serde(serialize_with = "shortest_option")]
    pub step: Option<f64>,
}

/// First bytes of line numbers in a trace header, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineBytes {
    /// Of the inline number.
    pub inline: usize,
    /// Of the crossline number.
    pub crossline: usize,
}

impl Info {
    /// What can be said about any volume: its shape and coordinates.
    pub(crate) fn new(format: &'static str, shape: Shape, axes: &[AxisLabel; 3]) -> Self {
        let [inline, crossline, sample] = axes;
        let of_time = |value: Option<f64>| value.filter(|_| sample.name == "time");
        Self {
            format,
            shape: shape.extents(),
            bytes: 0,
            sample_format: String::new(),
            byte_order: None,
            traces: shape[Axis::Inline] * shape[Axis::Crossline],
            missing_traces: 0,
            inline: AxisInfo::of(inline),
            crossline: AxisInfo::of(crossline),
            dt_us: of_time(AxisInfo::of(sample).step.map(|ms| ms * 1000.0)),
            t0_ms: of_time(sample.values.first().copied()),
            variable: None,
            chunk: None,
            line_bytes: None,
            trace_order: None,
            revision: None,
            text_encoding: None,
            extended_texts: None,
            text: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// Writes whole numbers, such as line numbers, without a fraction.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn shortest<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
    let whole = *value as i64;
    if whole as f64 == *value { to.serialize_i64(whole) } else { to.serialize_f64(*value) }
}

fn shortest_option<S: Serializer>(value: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => shortest(value, to),
        None => to.serialize_none(),
    }
}

impl AxisInfo {
    fn of(axis: &AxisLabel) -> Self {
        let values = &axis.values;
        let steps = || values.windows(2).map(|pair| pair[1] - pair[0]);
        let step =
            steps().next().filter(|first| steps().all(|s| (s - first).abs() <= 1e-9 * first.abs()));
        Self {
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            step,
        }
    }
}

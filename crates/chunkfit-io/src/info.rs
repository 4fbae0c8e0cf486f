use chunkfit_core::{Axis, AxisLabel, Shape, TraceOrder};
use serde::Serialize;

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
    pub sample_format: &'static str,
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
    pub dt_us: Option<f64>,
    /// Time of the first sample in milliseconds.
    pub t0_ms: Option<f64>,
    /// The array of a Zarr group.
    pub variable: Option<String>,
    /// Voxels of a stored chunk.
    pub chunk: Option<[usize; 3]>,
    /// First bytes of the inline and the crossline number in a trace header, counted from 1.
    pub line_bytes: Option<[usize; 2]>,
    /// How the traces follow each other.
    pub trace_order: Option<TraceOrder>,
    /// The revision that the file claims, which is a hint only.
    pub revision: Option<String>,
    /// `EBCDIC` or `ASCII`.
    pub text_encoding: Option<&'static str>,
    /// Extended text headers.
    pub extended_text_headers: Option<u64>,
    /// The lines of the text header that say something.
    pub text: Vec<String>,
    /// What looks odd, and which option to change.
    pub warnings: Vec<String>,
}

/// The coordinates of one axis.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AxisInfo {
    /// Smallest coordinate.
    pub min: f64,
    /// Largest coordinate.
    pub max: f64,
    /// Distance of neighbours; `None` for a single line or where it varies.
    pub step: Option<f64>,
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
            sample_format: "",
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
            extended_text_headers: None,
            text: Vec::new(),
            warnings: Vec::new(),
        }
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

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use chunkfit_core::{
    Axis, AxisLabel, ByteSize, Region, Shape, Source, StorageError, StorageLayout,
};
use ndarray::{Array2, ArrayViewMut3, Axis as ArrayAxis, s};
use serde::{Deserialize, Serialize};

use super::geometry::{Geometry, Stretch};
use super::header::{Failure, Fields, FileHeader, TRACE_HEADER};
use super::scan::scan;
use super::{Fill, SegyOptions};
use crate::error::{check_request, failed_read};
use crate::records::Records;
use crate::stamp::Stamp;
use crate::{Coordinates, Info, IoError, LineBytes};

/// What opens a SEG-Y file again without a pass over its trace headers.
///
/// Holds the line numbers, 4 bytes each, and 32 bytes per run of traces: one run for a file that
/// fills its grid, about one per inline for a survey with ragged edges, and one per trace for a file
/// in no order at all.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SegyDescriptor {
    stamp: Stamp,
    records: Records,
    geometry: Geometry,
    fill: Fill,
    has_coordinates: bool,
    dt_us: Option<f64>,
    t0_ms: f64,
    notes: Notes,
}

/// What is of interest to people only.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Notes {
    line_bytes: LineBytes,
    format_code: u16,
    revision: [u8; 2],
    is_ebcdic: bool,
    extended_texts: u64,
    text: Vec<String>,
    warnings: Vec<String>,
}

impl SegyDescriptor {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.stamp.path()
    }

    fn shape(&self) -> Option<Shape> {
        let [inlines, crosslines] = self.geometry.extents();
        Shape::new([inlines, crosslines, self.records.samples]).ok()
    }

    fn axes(&self) -> [AxisLabel; 3] {
        let lines = |name: &str, numbers: &[i32]| AxisLabel {
            name: name.to_owned(),
            unit: None,
            values: numbers.iter().copied().map(f64::from).collect(),
        };
        let samples = self.records.samples;
        let sample = match self.dt_us {
            None => AxisLabel::indices("sample", samples),
            Some(dt_us) => AxisLabel {
                name: "time".to_owned(),
                unit: Some("ms".to_owned()),
                values: (0..samples).map(|k| self.t0_ms + k as f64 * dt_us / 1000.0).collect(),
            },
        };
        [
            lines("inline", self.geometry.inline.values()),
            lines("crossline", self.geometry.crossline.values()),
            sample,
        ]
    }
}

/// A post-stack SEG-Y file.
///
/// ```no_run
/// use chunkfit_io::segy::{SegyOptions, SegySource};
///
/// let options = SegyOptions { il_byte: 5, xl_byte: 21, ..SegyOptions::default() };
/// let survey = SegySource::open("survey.sgy".as_ref(), &options)?;
/// println!("{} traces are missing", survey.missing_traces());
/// # Ok::<(), chunkfit_io::IoError>(())
/// ```
#[derive(Debug)]
pub struct SegySource {
    file: File,
    descriptor: SegyDescriptor,
    shape: Shape,
    axes: [AxisLabel; 3],
}

impl SegySource {
    /// Opens the file at `path`: reads its headers and the header of every trace.
    ///
    /// **Memory.** 32 bytes per run of traces (see [`SegyDescriptor`]), and a buffer of 256 KiB.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is no post-stack volume: see [`SegyError`](super::SegyError).
    pub fn open(path: &Path, options: &SegyOptions) -> Result<Self, IoError> {
        let (file, stamp) = Stamp::open(path)?;
        let described = describe(&file, stamp, options).map_err(|failure| match failure {
            Failure::Read(source) => IoError::Read { path: path.to_owned(), source },
            Failure::Content(error) => {
                IoError::Segy { path: path.to_owned(), source: Box::new(error) }
            }
        })?;
        Self::new(file, described)
    }

    /// Opens a file that was open before, without looking at its headers.
    ///
    /// # Errors
    ///
    /// When it cannot be read or changed since, or the descriptor was tampered with.
    pub fn from_descriptor(descriptor: &SegyDescriptor) -> Result<Self, IoError> {
        let file = descriptor.stamp.reopen()?;
        Self::new(file, descriptor.clone())
    }

    fn new(file: File, descriptor: SegyDescriptor) -> Result<Self, IoError> {
        let damaged = |problem| {
            let path = descriptor.path().to_owned();
            Err(IoError::Descriptor { path, problem })
        };
        let records = &descriptor.records;
        let width = (records.samples as u64).checked_mul(records.element.bytes() as u64);
        let record = width.and_then(|width| width.checked_add(records.lead as u64));
        let end = record
            .and_then(|record| record.checked_mul(records.count))
            .and_then(|all| all.checked_add(records.start));
        if end.is_none_or(|end| end > descriptor.stamp.bytes()) {
            return damaged("its traces go beyond the end of the file");
        }
        if !descriptor.geometry.is_sound(records.count) {
            return damaged("its runs of traces do not fit the grid");
        }
        let Some(shape) = descriptor.shape() else {
            return damaged("its shape is empty or too large");
        };
        let axes = descriptor.axes();
        Ok(Self { file, shape, axes, descriptor })
    }

    /// What opens this file again.
    #[must_use]
    pub fn descriptor(&self) -> SegyDescriptor {
        self.descriptor.clone()
    }

    /// Places of the grid without a trace.
    #[must_use]
    pub fn missing_traces(&self) -> usize {
        let [inlines, crosslines] = self.descriptor.geometry.extents();
        inlines * crosslines - self.descriptor.geometry.traces() as usize
    }

    /// What is in the file.
    #[must_use]
    pub fn info(&self) -> Info {
        let SegyDescriptor { stamp, records, geometry, dt_us, t0_ms, notes, .. } = &self.descriptor;
        let [major, minor] = notes.revision;
        Info {
            bytes: stamp.bytes(),
            sample_format: format!("{} (format {})", records.element.name(), notes.format_code),
            byte_order: Some(records.order),
            traces: geometry.traces() as usize,
            missing_traces: self.missing_traces(),
            dt_us: *dt_us,
            t0_ms: dt_us.map(|_| *t0_ms),
            line_bytes: Some(notes.line_bytes),
            trace_order: Some(geometry.order),
            revision: Some(format!("{major}.{minor}")),
            text_encoding: Some(if notes.is_ebcdic { "EBCDIC" } else { "ASCII" }),
            extended_texts: Some(notes.extended_texts),
            text: notes.text.clone(),
            warnings: notes.warnings.clone(),
            ..Info::new("SEG-Y", self.shape, &self.axes)
        }
    }

    /// Which places of the inlines `rows` have a trace, as an array (inline, crossline).
    #[must_use]
    pub fn live(&self, rows: Range<usize>) -> Array2<bool> {
        let mut live = Array2::from_elem((rows.len(), self.shape[Axis::Crossline]), false);
        self.for_each_place(rows, 0..self.shape[Axis::Crossline], |[i, x], _| live[[i, x]] = true);
        live
    }

    /// CDP coordinates (bytes 181 and 185, with the scalar at 71) of the traces of the inlines `rows`,
    /// as two arrays (inline, crossline), with NaN where there is no trace; `None` when no trace of
    /// the file has any.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn coordinates(&self, rows: Range<usize>) -> Result<Option<Coordinates>, IoError> {
        let SegyDescriptor { stamp, records, has_coordinates, .. } = &self.descriptor;
        if !has_coordinates {
            return Ok(None);
        }
        let extents = (rows.len(), self.shape[Axis::Crossline]);
        let mut x = Array2::from_elem(extents, f64::NAN);
        let mut y = x.clone();
        let mut outcome: io::Result<()> = Ok(());
        self.for_each_place(rows, 0..extents.1, |at, trace| {
            let mut header = [0; TRACE_HEADER];
            if let Err(error) = self.file.read_exact_at(&mut header, records.offset(trace)) {
                outcome = Err(error);
                return;
            }
            let header = Fields::of_trace(&header, records.order);
            x[at] = header.scaled(f64::from(header.i32(181)), 71);
            y[at] = header.scaled(f64::from(header.i32(185)), 71);
        });
        outcome.map_err(|source| IoError::Read { path: stamp.path().to_owned(), source })?;
        Ok(Some((x, y)))
    }

    /// Calls `visit` with the place, from the first of `rows` and `columns`, and the trace.
    fn for_each_place(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        mut visit: impl FnMut([usize; 2], u64),
    ) {
        let geometry = &self.descriptor.geometry;
        let transposed = geometry.transposed;
        let (lines, along) = if transposed { (columns, rows) } else { (rows, columns) };
        for (line, index) in lines.enumerate() {
            for Stretch { at, len, traces } in geometry.stretches(index, along.clone()) {
                let Some((first, step)) = traces else { continue };
                for by in 0..len {
                    let place = [line, at - along.start + by];
                    let place = if transposed { [place[1], place[0]] } else { place };
                    visit(place, first.wrapping_add_signed(by as i64 * step));
                }
            }
        }
    }

    /// Lines and places along a line, in file order, of a region of `shape`.
    fn in_file_order<T>(&self, inlines: T, crosslines: T) -> (T, T) {
        if self.descriptor.geometry.transposed {
            (crosslines, inlines)
        } else {
            (inlines, crosslines)
        }
    }
}

/// Everything about a file that is kept.
fn describe(file: &File, stamp: Stamp, options: &SegyOptions) -> Result<SegyDescriptor, Failure> {
    let header = FileHeader::read(file, stamp.bytes(), options)?;
    let scan = scan(file, &header.records, options)?;
    let mut warnings = header.warnings;
    warnings.extend(scan.warnings);
    Ok(SegyDescriptor {
        stamp,
        records: header.records,
        geometry: scan.geometry,
        fill: options.fill,
        has_coordinates: scan.has_coordinates,
        dt_us: header.dt_us,
        t0_ms: header.t0_ms,
        notes: Notes {
            line_bytes: LineBytes { inline: options.il_byte, crossline: options.xl_byte },
            format_code: header.format.code(),
            revision: header.revision,
            is_ebcdic: header.is_ebcdic,
            extended_texts: header.extended_texts,
            text: header.text,
            warnings,
        },
    })
}

impl Source for SegySource {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn layout(&self) -> StorageLayout {
        let SegyDescriptor { records, geometry, .. } = &self.descriptor;
        StorageLayout::Traces {
            order: geometry.order,
            header_bytes: records.lead,
            sample_bytes: records.element.bytes(),
        }
    }

    fn axes(&self) -> &[AxisLabel; 3] {
        &self.axes
    }

    /// One read buffer: the traces of one line of the region in file order, at most 512 KiB.
    fn read_scratch(&self, shape: Shape) -> ByteSize {
        let (_, along) = self.in_file_order(shape[Axis::Inline], shape[Axis::Crossline]);
        ByteSize::of::<u8>(self.descriptor.records.buffer_bytes(along, shape[Axis::Sample]))
    }

    fn read(
        &self,
        region: &Region,
        mut out: ArrayViewMut3<'_, f32>,
    ) -> Result<ByteSize, StorageError> {
        let SegyDescriptor { stamp, records, geometry, fill, .. } = &self.descriptor;
        check_request(stamp.path(), self.shape, region, out.shape())?;
        let extents = region.shape();
        let (lines, along) =
            self.in_file_order(region.range(Axis::Inline), region.range(Axis::Crossline));
        let mut buffer = vec![0; records.buffer_bytes(along.len(), extents[Axis::Sample])];
        let (line_axis, _) = self.in_file_order(ArrayAxis(0), ArrayAxis(1));
        let mut fetched = 0;
        for (line, mut traces) in lines.zip(out.axis_iter_mut(line_axis)) {
            for Stretch { at, len, traces: run } in geometry.stretches(line, along.clone()) {
                let at = at - along.start;
                let mut rows = traces.slice_mut(s![at..at + len, ..]);
                match run {
                    None => rows.fill(fill.value()),
                    Some((first, step)) => {
                        fetched += records
                            .read(
                                &self.file,
                                first,
                                step,
                                region.range(Axis::Sample),
                                rows,
                                &mut buffer,
                            )
                            .map_err(|error| failed_read(stamp.path(), region, error))?;
                    }
                }
            }
        }
        Ok(ByteSize::new(fetched))
    }
}

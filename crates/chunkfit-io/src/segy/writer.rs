use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use chunkfit_core::{Axis, Shape};
use ndarray::ArrayView2;

use super::error::SegyError;
use super::header::{FILE_HEADER, TRACE_HEADER};
use super::{SampleFormat, text};
use crate::IoError;

/// What a written survey looks like: its shape, line numbers, interval and place on the map.
///
/// ```
/// use chunkfit_core::Shape;
/// use chunkfit_io::segy::SegyLayout;
///
/// let layout = SegyLayout { dt_us: 2000, ..SegyLayout::new(Shape::new([5, 7, 11])?) };
/// assert_eq!((layout.first_inline, layout.first_crossline), (1000, 2000));
/// # Ok::<(), chunkfit_core::ShapeError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SegyLayout {
    /// Inlines, crosslines and samples.
    pub shape: Shape,
    /// Number of the first inline; the others follow in steps of 1.
    pub first_inline: i32,
    /// Number of the first crossline; the others follow in steps of 1.
    pub first_crossline: i32,
    /// Sample interval in microseconds.
    pub dt_us: u16,
    /// Distance of neighbouring lines, along both axes, in centimetres.
    pub spacing_cm: i32,
    /// What the text header says about the data.
    pub title: String,
}

impl SegyLayout {
    /// A survey of `shape`: inlines from 1000, crosslines from 2000, 4 ms, 25 m.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        Self {
            shape,
            first_inline: 1000,
            first_crossline: 2000,
            dt_us: 4000,
            spacing_cm: 2500,
            title: "Post-stack volume, written by chunkfit".to_owned(),
        }
    }

    /// Bytes of one trace with its header.
    fn record(&self) -> usize {
        TRACE_HEADER + size_of::<f32>() * self.shape[Axis::Sample]
    }

    /// Traces of one write.
    fn together(&self) -> usize {
        (BUFFER / self.record()).clamp(1, self.shape[Axis::Crossline])
    }

    fn text(&self) -> Vec<u8> {
        let [inlines, crosslines, samples] = self.shape.extents();
        let lines = [
            self.title.clone(),
            String::new(),
            format!(
                "{inlines} inlines from {}, {crosslines} crosslines from {}",
                self.first_inline, self.first_crossline
            ),
            format!("{samples} samples of {} ms", f64::from(self.dt_us) / 1000.0),
            String::new(),
            "Trace header, bytes from 1:".to_owned(),
            "189-192 inline number, 193-196 crossline number".to_owned(),
            "181-184 X, 185-188 Y of the CDP in metres, with the scalar in 71-72".to_owned(),
            "115-116 samples, 117-118 interval in microseconds, 109-110 delay 0".to_owned(),
            "Samples: format 5, IEEE floats of 32 bits, big-endian".to_owned(),
        ];
        let mut all = lines.to_vec();
        all.resize(38, String::new());
        all.extend(["SEG Y REV1".to_owned(), "END TEXTUAL HEADER".to_owned()]);
        text::encode(&all)
    }

    fn file_header(&self) -> Vec<u8> {
        let [_, crosslines, samples] = self.shape.extents();
        let mut header = self.text();
        header.resize(FILE_HEADER, 0);
        let mut put = |position: usize, value: u16| {
            header[position - 1..][..2].copy_from_slice(&value.to_be_bytes());
        };
        put(3213, u16::try_from(crosslines).unwrap_or(u16::MAX));
        put(3217, self.dt_us);
        put(3221, samples as u16);
        put(3225, SampleFormat::F32.code());
        put(3227, 1);
        // Horizontally stacked.
        put(3229, 4);
        // Metres.
        put(3255, 1);
        put(3501, 0x0100);
        // All traces are alike.
        put(3503, 1);
        header
    }

    fn trace_header(&self, inline: usize, crossline: usize) -> [u8; TRACE_HEADER] {
        let [_, crosslines, samples] = self.shape.extents();
        let mut header = [0; TRACE_HEADER];
        let mut put = |position: usize, value: &[u8]| {
            header[position - 1..][..value.len()].copy_from_slice(value);
        };
        let number = (inline * crosslines + crossline + 1) as i32;
        put(1, &number.to_be_bytes());
        put(5, &number.to_be_bytes());
        put(21, &(crossline as i32 + 1).to_be_bytes());
        // A trace of seismic data, of one stacked.
        put(29, &1_i16.to_be_bytes());
        put(33, &1_i16.to_be_bytes());
        // Coordinates are centimetres: lengths.
        put(71, &(-100_i16).to_be_bytes());
        put(89, &1_i16.to_be_bytes());
        put(115, &(samples as u16).to_be_bytes());
        put(117, &self.dt_us.to_be_bytes());
        put(181, &(crossline as i32 * self.spacing_cm).to_be_bytes());
        put(185, &(inline as i32 * self.spacing_cm).to_be_bytes());
        put(189, &(self.first_inline + inline as i32).to_be_bytes());
        put(193, &(self.first_crossline + crossline as i32).to_be_bytes());
        header
    }

    /// Checks that all numbers fit the headers.
    fn check(&self) -> Result<(), SegyError> {
        let [inlines, crosslines, samples] = self.shape.extents();
        if u16::try_from(samples).is_err() {
            return Err(SegyError::TooManySamples { samples });
        }
        if !(1..=32767).contains(&self.dt_us) {
            return Err(SegyError::IntervalRange { dt_us: self.dt_us });
        }
        let last = |first: i32, n: usize| -> Option<()> {
            let n = i32::try_from(n).ok()?;
            first.checked_add(n)?;
            n.checked_mul(self.spacing_cm)?;
            Some(())
        };
        let traces = inlines.checked_mul(crosslines).and_then(|n| i32::try_from(n).ok());
        match (last(self.first_inline, inlines), last(self.first_crossline, crosslines), traces) {
            (Some(()), Some(()), Some(_)) => Ok(()),
            _ => Err(SegyError::TooLarge),
        }
    }
}

/// Writes a survey of revision 1 in IEEE floats, big-endian, one inline at a time and in any order.
///
/// The file appears under its name when it is complete; until then it is `NAME.partial`, which is
/// removed when the writer is dropped.
///
/// **Memory.** One buffer of at most 512 KiB or one trace.
#[derive(Debug)]
pub struct SegyWriter {
    /// `None` once the file is complete.
    file: Option<File>,
    path: PathBuf,
    partial: PathBuf,
    layout: SegyLayout,
    buffer: Vec<u8>,
    written: Vec<bool>,
}

/// Bytes of one write, where a trace is not longer.
const BUFFER: usize = 512 << 10;

impl SegyWriter {
    /// Begins the file at `path`, which replaces one that is there.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or a number of the layout does not fit the headers.
    pub fn create(path: &Path, layout: &SegyLayout) -> Result<Self, IoError> {
        layout.check().map_err(|error| content(path, error))?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let partial = path.with_file_name(name);
        let failed = |source| IoError::Write { path: partial.clone(), source };
        let file = File::create(&partial).map_err(failed)?;
        let this = Self {
            file: Some(file),
            path: path.to_owned(),
            partial,
            layout: layout.clone(),
            buffer: Vec::with_capacity(layout.together() * layout.record()),
            written: vec![false; layout.shape[Axis::Inline]],
        };
        this.write_at(&layout.file_header(), 0)?;
        Ok(this)
    }

    /// Writes inline number `index`, counted from 0: an array (crossline, sample).
    ///
    /// # Errors
    ///
    /// When the array does not fit the survey, or the file cannot be written.
    pub fn write_inline(
        &mut self,
        index: usize,
        inline: ArrayView2<'_, f32>,
    ) -> Result<(), IoError> {
        let [inlines, crosslines, samples] = self.layout.shape.extents();
        if index >= inlines || inline.dim() != (crosslines, samples) {
            let got = [inline.nrows(), inline.ncols()];
            let expected = self.layout.shape.extents();
            return Err(content(&self.path, SegyError::WrongInline { index, got, expected }));
        }
        let together = self.layout.together();
        let mut at = (FILE_HEADER + index * crosslines * self.layout.record()) as u64;
        let mut buffer = std::mem::take(&mut self.buffer);
        for first in (0..crosslines).step_by(together) {
            buffer.clear();
            for crossline in first..crosslines.min(first + together) {
                buffer.extend(self.layout.trace_header(index, crossline));
                let samples_at = buffer.len();
                buffer.resize(samples_at + size_of::<f32>() * samples, 0);
                let words = buffer[samples_at..].as_chunks_mut::<4>().0;
                for (word, value) in words.iter_mut().zip(inline.row(crossline)) {
                    *word = value.to_be_bytes();
                }
            }
            self.write_at(&buffer, at)?;
            at += buffer.len() as u64;
        }
        self.buffer = buffer;
        self.written[index] = true;
        Ok(())
    }

    /// Completes the file: makes it durable and gives it its name.
    ///
    /// # Errors
    ///
    /// When an inline was never written, or the file cannot be completed.
    pub fn finish(mut self) -> Result<(), IoError> {
        let missing = self.written.iter().filter(|written| !**written).count();
        if missing > 0 {
            let all = self.written.len();
            return Err(content(&self.path, SegyError::Incomplete { missing, all }));
        }
        if let Some(file) = &self.file {
            file.sync_all().map_err(|source| self.failed(source))?;
        }
        std::fs::rename(&self.partial, &self.path)
            .map_err(|source| IoError::Write { path: self.path.clone(), source })?;
        self.file = None;
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> Result<(), IoError> {
        match &self.file {
            Some(file) => file.write_all_at(bytes, at).map_err(|source| self.failed(source)),
            None => Ok(()),
        }
    }

    fn failed(&self, source: std::io::Error) -> IoError {
        IoError::Write { path: self.partial.clone(), source }
    }
}

impl Drop for SegyWriter {
    fn drop(&mut self) {
        if self.file.is_some() {
            // Nobody can be told, and a leftover does no harm.
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}

fn content(path: &Path, error: SegyError) -> IoError {
    IoError::Segy { path: path.to_owned(), source: Box::new(error) }
}

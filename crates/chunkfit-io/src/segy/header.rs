use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::error::SegyError;
use super::text::{self, Encoding};
use super::{SampleFormat, SegyOptions};
use crate::ByteOrder;
use crate::records::Records;

/// Bytes of the text header and the binary header.
pub(crate) const FILE_HEADER: usize = 3600;
/// Bytes of one trace header.
pub(crate) const TRACE_HEADER: usize = 240;
/// Bytes of one text header.
const TEXT: usize = 3200;

/// Bytes of a header whose positions count from 1 as the standard counts them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
    order: ByteOrder,
    /// The position of the first byte.
    first: usize,
}

impl<'a> Fields<'a> {
    /// The fields of a trace header, which counts from 1.
    pub(crate) const fn of_trace(bytes: &'a [u8], order: ByteOrder) -> Self {
        Self { bytes, order, first: 1 }
    }

    /// The bytes at `position`, most significant first; zeros beyond the end.
    fn at<const W: usize>(&self, position: usize) -> [u8; W] {
        let mut value = [0; W];
        let start = position - self.first;
        if let Some(bytes) = self.bytes.get(start..start + W) {
            value.copy_from_slice(bytes);
        }
        if self.order == ByteOrder::Little {
            value.reverse();
        }
        value
    }

    pub(crate) fn u16(&self, position: usize) -> u16 {
        u16::from_be_bytes(self.at(position))
    }

    pub(crate) fn i16(&self, position: usize) -> i16 {
        i16::from_be_bytes(self.at(position))
    }

    pub(crate) fn u32(&self, position: usize) -> u32 {
        u32::from_be_bytes(self.at(position))
    }

    pub(crate) fn i32(&self, position: usize) -> i32 {
        i32::from_be_bytes(self.at(position))
    }

    pub(crate) fn u64(&self, position: usize) -> u64 {
        u64::from_be_bytes(self.at(position))
    }

    pub(crate) fn f64(&self, position: usize) -> f64 {
        f64::from_be_bytes(self.at(position))
    }

    /// A value with its scalar: negative divides, positive multiplies, 0 means 1.
    pub(crate) fn scaled(&self, value: f64, scalar: usize) -> f64 {
        match self.i16(scalar) {
            0 => value,
            divisor @ ..0 => value / -f64::from(divisor),
            factor => value * f64::from(factor),
        }
    }
}

/// What the headers of a file, the trace headers of all but the first trace excepted, say.
#[derive(Debug)]
pub(crate) struct FileHeader {
    pub(crate) records: Records,
    pub(crate) format: SampleFormat,
    pub(crate) revision: [u8; 2],
    pub(crate) is_ebcdic: bool,
    pub(crate) text: Vec<String>,
    pub(crate) extended_texts: u64,
    /// Sample interval in microseconds.
    pub(crate) dt_us: Option<f64>,
    /// Time of the first sample in milliseconds.
    pub(crate) t0_ms: f64,
    pub(crate) warnings: Vec<String>,
}

/// Why a header could not be had: the file, or what is in it.
#[derive(Debug)]
pub(crate) enum Failure {
    Read(io::Error),
    Content(SegyError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl<E: Into<SegyError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Content(error.into())
    }
}

impl FileHeader {
    /// Reads the headers of a file of `bytes` bytes.
    ///
    /// No number in a header is trusted: what is allocated is bounded by constants, and the number of
    /// traces and samples by the size of the file.
    pub(crate) fn read(file: &File, bytes: u64, options: &SegyOptions) -> Result<Self, Failure> {
        if bytes < FILE_HEADER as u64 {
            return Err(SegyError::TooShort { bytes }.into());
        }
        let mut header = [0; FILE_HEADER];
        file.read_exact_at(&mut header, 0)?;
        let (text, binary) = header.split_at(TEXT);
        let order = match options.byte_order {
            Some(order) if options.format.is_some() => order,
            Some(order) => check_order(binary, order)?,
            None => byte_order(binary, options.format).ok_or_else(|| not_segy(&header, bytes))?,
        };
        let binary = Fields { bytes: binary, order, first: TEXT + 1 };
        let format = match options.format {
            Some(format) => format,
            None => SampleFormat::try_from(binary.u16(3225))?,
        };
        let revision = [binary.bytes[300], binary.bytes[301]];
        let is_rev2 = revision[0] == 2 || binary.u32(3297) == 0x0102_0304;

        let mut start = FILE_HEADER as u64;
        let extended_texts = match binary.i16(3505) {
            count @ 0.. => count as u64,
            _ => count_extended_texts(file, bytes)?,
        };
        start += extended_texts * TEXT as u64;
        let stated_start = binary.u64(3521);
        if is_rev2 && (start..bytes).contains(&stated_start) {
            start = stated_start;
        }
        let extra_headers = match (is_rev2, revision) {
            (false, _) => 0,
            (true, [2, 0]) => binary.u32(3507) as usize,
            (true, _) => usize::from(binary.u16(3507)),
        };
        let lead = TRACE_HEADER.saturating_mul(1 + extra_headers);

        let mut first = [0; TRACE_HEADER];
        if bytes.saturating_sub(start) < TRACE_HEADER as u64 {
            return Err(SegyError::NoTraces { bytes, start }.into());
        }
        file.read_exact_at(&mut first, start)?;
        let first = Fields::of_trace(&first, order);
        let samples = options.samples.unwrap_or_else(|| samples(&binary, &first, is_rev2));
        if samples == 0 {
            return Err(SegyError::NoSamples.into());
        }
        let mut end = bytes;
        if is_rev2 {
            let trailers = u64::from(binary.u32(3529));
            end = end.checked_sub(trailers * TEXT as u64).filter(|&end| end > start).unwrap_or(end);
        }
        let stated = if is_rev2 { binary.u64(3513) } else { 0 };
        let law = SizeLaw { bytes, start, end, lead, samples, width: format.bytes() };
        let count = law.traces(stated)?;
        let records = Records { start, count, lead, samples, element: format.element(), order };

        let encoding = Encoding::of(text);
        let mut warnings = Vec::new();
        let dt_us = interval(&binary, &first, is_rev2, options.dt_us, &mut warnings)?;
        Ok(Self {
            records,
            format,
            revision,
            is_ebcdic: encoding == Encoding::Ebcdic,
            text: text::lines(text, encoding),
            extended_texts,
            dt_us,
            t0_ms: first.scaled(f64::from(first.i16(109)), 215),
            warnings,
        })
    }
}

/// The byte order, by the constant of revision 2 or else by the format code; `None` when neither
/// order makes sense.
fn byte_order(binary: &[u8], format: Option<SampleFormat>) -> Option<ByteOrder> {
    let orders = [ByteOrder::Big, ByteOrder::Little];
    let fields = |order| Fields { bytes: binary, order, first: TEXT + 1 };
    let stated = orders.into_iter().find(|&order| fields(order).u32(3297) == 0x0102_0304);
    let coded = || orders.into_iter().find(|&order| (1..=16).contains(&fields(order).u16(3225)));
    stated.or_else(coded).or(format.map(|_| ByteOrder::Big))
}

/// The order asked for, unless the format code makes sense in the other order only.
fn check_order(binary: &[u8], asked: ByteOrder) -> Result<ByteOrder, SegyError> {
    let code = |order| Fields { bytes: binary, order, first: TEXT + 1 }.u16(3225);
    let other = match asked {
        ByteOrder::Big => ByteOrder::Little,
        ByteOrder::Little => ByteOrder::Big,
    };
    if (1..=16).contains(&code(other)) && !(1..=16).contains(&code(asked)) {
        return Err(SegyError::WrongOrder {
            asked,
            code: code(asked),
            other,
            other_code: code(other),
        });
    }
    Ok(asked)
}

/// Samples per trace; 0 when no header says.
fn samples(binary: &Fields<'_>, first: &Fields<'_>, is_rev2: bool) -> usize {
    let short = usize::from(binary.u16(3221));
    let long = binary.u32(3269) as usize;
    match (short, long) {
        (_, 1..) if is_rev2 => long,
        (1.., _) => short,
        (0, 1..) => long,
        (0, 0) => usize::from(first.u16(115)),
    }
}

/// The sample interval in microseconds.
fn interval(
    binary: &Fields<'_>,
    first: &Fields<'_>,
    is_rev2: bool,
    option: Option<f64>,
    warnings: &mut Vec<String>,
) -> Result<Option<f64>, SegyError> {
    let long = binary.f64(3273);
    if option.is_some() {
        return Ok(option);
    }
    if is_rev2 && (1e-3..1e9).contains(&long) {
        return Ok(Some(long));
    }
    let positive = |value: i16| Some(value).filter(|&value| value > 0);
    let (file, trace) = (positive(binary.i16(3217)), positive(first.i16(117)));
    match (file, trace) {
        (Some(file), Some(trace)) if file != trace => {
            if binary.u16(3503) != 1 {
                return Err(SegyError::Interval { file, trace });
            }
            warnings.push(format!(
                "the file header has a sample interval of {file} µs, the first trace header \
                 {trace} µs; taken is {file} µs, because the traces are said to be alike (bytes \
                 3503–3504); say --dt-ms for another"
            ));
        }
        (None, None) => warnings.push(
            "no header has a sample interval, so samples are numbered; say --dt-ms".to_owned(),
        ),
        _ => {}
    }
    Ok(file.or(trace).map(f64::from))
}

/// The number of extended text headers up to and including the one that ends them.
fn count_extended_texts(file: &File, bytes: u64) -> Result<u64, Failure> {
    let mut text = [0; TEXT];
    let most = (bytes - FILE_HEADER as u64) / TEXT as u64;
    for index in 0..most {
        file.read_exact_at(&mut text, FILE_HEADER as u64 + index * TEXT as u64)?;
        if text::ends_extended_text(&text) {
            return Ok(index + 1);
        }
    }
    Err(SegyError::EndlessText { most }.into())
}

/// Traces fill a file without a remainder.
#[derive(Debug)]
struct SizeLaw {
    bytes: u64,
    start: u64,
    end: u64,
    lead: usize,
    samples: usize,
    width: usize,
}

impl SizeLaw {
    fn record(&self, samples: usize) -> u64 {
        (self.lead as u64).saturating_add((samples as u64).saturating_mul(self.width as u64))
    }

    /// The number of traces: as stated where that fits, else as many as there are.
    fn traces(&self, stated: u64) -> Result<u64, SegyError> {
        let (body, record) = (self.end - self.start, self.record(self.samples));
        if stated > 0 && stated.checked_mul(record).is_some_and(|all| all <= body) {
            return Ok(stated);
        }
        if body.is_multiple_of(record) {
            return Ok(body / record);
        }
        Err(SegyError::Size {
            bytes: self.bytes,
            start: self.start,
            lead: self.lead,
            samples: self.samples,
            width: self.width,
            traces: body / record,
            rest: body % record,
            nearest: self.nearest(body),
        })
    }

    /// The number of samples nearest to the stated one with which the traces fill the file, two
    /// traces at least.
    fn nearest(&self, body: u64) -> Option<usize> {
        let fits = |samples: usize| {
            let record = self.record(samples);
            samples > 0 && body.is_multiple_of(record) && body / record > 1
        };
        (1..=usize::from(u16::MAX)).find_map(|distance| {
            let below = self.samples.checked_sub(distance).filter(|&samples| fits(samples));
            below.or_else(|| self.samples.checked_add(distance).filter(|&samples| fits(samples)))
        })
    }
}

/// The error for a file without a known format code: what it may be instead.
fn not_segy(header: &[u8; FILE_HEADER], bytes: u64) -> SegyError {
    let code = [header[3224], header[3225]];
    let seismic_unix = [ByteOrder::Big, ByteOrder::Little].into_iter().find_map(|order| {
        let samples = usize::from(Fields::of_trace(header, order).u16(115));
        let record = (TRACE_HEADER + 4 * samples) as u64;
        (samples > 0 && bytes.is_multiple_of(record)).then_some(samples)
    });
    match seismic_unix {
        Some(samples) => SegyError::SeismicUnix { samples },
        None => SegyError::UnknownFormat {
            big: u16::from_be_bytes(code),
            little: u16::from_le_bytes(code),
        },
    }
}

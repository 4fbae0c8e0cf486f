use std::fmt;

use super::FormatCodeError;
use crate::ByteOrder;

/// Why a SEG-Y file is not a post-stack volume that can be read or written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SegyError {
    /// Too short for the file headers.
    #[error("it has {bytes} bytes; the headers of a SEG-Y file alone take 3600")]
    TooShort {
        /// Bytes of the file.
        bytes: u64,
    },
    /// Headers, and nothing after them.
    #[error(
        "it has no traces: its {bytes} bytes end before the trace that should begin at {start}"
    )]
    NoTraces {
        /// Bytes of the file.
        bytes: u64,
        /// Where the first trace should begin.
        start: u64,
    },
    /// A Seismic Unix file.
    #[error(
        "it has no file headers and its first trace has {samples} samples: this is a Seismic Unix \
         file; convert it with `segyhdrs` and `segywrite`"
    )]
    SeismicUnix {
        /// Samples per trace.
        samples: usize,
    },
    /// No known format code in either byte order.
    #[error(
        "bytes 3225–3226 hold no sample format: {big} as big-endian, {little} as little-endian; if \
         this is SEG-Y all the same, say --format and --byte-order"
    )]
    UnknownFormat {
        /// The code, most significant byte first.
        big: u16,
        /// The code, least significant byte first.
        little: u16,
    },
    /// The byte order that was asked for makes no sense of the format code.
    #[error(
        "read as --byte-order {asked}, the sample format (bytes 3225–3226) is {code}, which is none; \
         read as {other} it is {other_code}: leave --byte-order out, or say --format too"
    )]
    WrongOrder {
        /// The order asked for.
        asked: ByteOrder,
        /// The format code in that order.
        code: u16,
        /// The other order.
        other: ByteOrder,
        /// The format code in the other order.
        other_code: u16,
    },
    /// A format code that is not read.
    #[error(transparent)]
    FormatCode(#[from] FormatCodeError),
    /// No header has the number of samples.
    #[error("no header says how many samples a trace has; say --samples")]
    NoSamples,
    /// Extended text headers without an end.
    #[error(
        "bytes 3505–3506 announce extended text headers up to an end stanza, and none of the {most} \
         text headers that fit the file is one"
    )]
    EndlessText {
        /// Text headers that fit the file.
        most: u64,
    },
    /// The traces do not fill the file.
    #[error(
        "traces do not fill the file: {bytes} bytes, data from {start} on, {lead} bytes of trace \
         header and {samples} samples of {width} bytes give {traces} traces and {rest} bytes more; {}; \
         if the sample format is wrong say --format, else the file is truncated or its traces differ \
         in length",
        match nearest {
            Some(n) => format!("with --samples {n} it would be right"),
            None => "no other number of samples fits".to_owned(),
        }
    )]
    Size {
        /// Bytes of the file.
        bytes: u64,
        /// Where the first trace begins.
        start: u64,
        /// Bytes of the headers of one trace.
        lead: usize,
        /// Samples of one trace.
        samples: usize,
        /// Bytes of one sample.
        width: usize,
        /// Whole traces.
        traces: u64,
        /// Bytes after them.
        rest: u64,
        /// The nearest number of samples with which traces fill the file.
        nearest: Option<usize>,
    },
    /// The headers disagree about the sample interval.
    #[error(
        "the file header has a sample interval of {file} µs, the first trace header {trace} µs; say \
         which with --dt-ms {} or --dt-ms {}",
        f64::from(*file) / 1000.0,
        f64::from(*trace) / 1000.0
    )]
    Interval {
        /// Microseconds in the file header.
        file: i16,
        /// Microseconds in the first trace header.
        trace: i16,
    },
    /// A line number that lies outside of the trace header.
    #[error(
        "{option} {byte} lies outside of the trace header; line numbers take 4 bytes, so give 1 to \
         {most}"
    )]
    LineByte {
        /// `--il-byte` or `--xl-byte`.
        option: &'static str,
        /// The position asked for.
        byte: usize,
        /// The last position that fits.
        most: usize,
    },
    /// Several traces at the same place which differ in offset.
    #[error(
        "it is pre-stack: inline {inline}, crossline {crossline} has several traces, and the file has \
         the offsets {} (bytes 37–40); read one with --offset {}, or stack it first",
        Offsets(offsets),
        offsets.first().copied().unwrap_or(0)
    )]
    SeveralOffsets {
        /// Inline number of the first such place.
        inline: i32,
        /// Crossline number.
        crossline: i32,
        /// The first offsets in the file.
        offsets: Vec<i32>,
    },
    /// No trace has the offset that was asked for.
    #[error("no trace has the offset {offset}; the file has {} (bytes 37–40)", Offsets(offsets))]
    NoSuchOffset {
        /// The offset asked for.
        offset: i32,
        /// The first offsets in the file.
        offsets: Vec<i32>,
    },
    /// The line numbers do not place the traces on a grid.
    #[error(
        "bytes {il_byte} and {xl_byte} do not place its traces on a grid: {problem}; if the line \
         numbers are elsewhere, say --il-byte and --xl-byte:{}",
        Candidates(candidates)
    )]
    Geometry {
        /// First byte of the inline number.
        il_byte: usize,
        /// First byte of the crossline number.
        xl_byte: usize,
        /// What is wrong.
        problem: GridProblem,
        /// What other positions hold.
        candidates: Vec<Candidate>,
    },
    /// More samples than a file of revision 1 can say.
    #[error("{samples} samples per trace are more than the 65535 that SEG-Y revision 1 can state")]
    TooManySamples {
        /// Samples asked for.
        samples: usize,
    },
    /// A sample interval that the headers cannot hold.
    #[error("a sample interval of {dt_us} µs does not fit the headers; give 1 to 32767")]
    IntervalRange {
        /// Microseconds asked for.
        dt_us: u16,
    },
    /// Line numbers or coordinates beyond 32 bits.
    #[error("line numbers or coordinates of a survey of this size do not fit 32 bits")]
    TooLarge,
    /// An inline that does not belong to the survey.
    #[error("inline index {index} of shape {got:?} does not fit a survey of {expected:?}")]
    WrongInline {
        /// Index of the inline.
        index: usize,
        /// Crosslines and samples given.
        got: [usize; 2],
        /// Inlines, crosslines and samples of the survey.
        expected: [usize; 3],
    },
    /// Inlines that were never written.
    #[error("{missing} of {all} inlines were never written")]
    Incomplete {
        /// Inlines never written.
        missing: usize,
        /// Inlines of the survey.
        all: usize,
    },
}

/// Why line numbers do not make a grid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GridProblem {
    /// All traces have the same numbers.
    #[error("all {traces} traces have inline {inline} and crossline {crossline}")]
    OnePlace {
        /// Traces.
        traces: u64,
        /// Inline number of all.
        inline: i32,
        /// Crossline number of all.
        crossline: i32,
    },
    /// Two traces have the same numbers.
    #[error(
        "traces {first} and {second} (from 0) both have inline {inline} and crossline {crossline} \
         (inlines {}..{}, crosslines {}..{})",
        ranges[0], ranges[1], ranges[2], ranges[3]
    )]
    Duplicate {
        /// Inline number of both.
        inline: i32,
        /// Crossline number of both.
        crossline: i32,
        /// The first trace.
        first: u64,
        /// The other trace.
        second: u64,
        /// Smallest and largest inline, smallest and largest crossline.
        ranges: [i32; 4],
    },
    /// The grid has many more places than there are traces.
    #[error(
        "inlines {}..{} ({} different) and crosslines {}..{} ({} different) make {cells} places for \
         {traces} traces",
        ranges[0], ranges[1], unique[0], ranges[2], ranges[3], unique[1]
    )]
    Sparse {
        /// Smallest and largest inline, smallest and largest crossline.
        ranges: [i32; 4],
        /// Different inlines and crosslines.
        unique: [usize; 2],
        /// Places of the grid.
        cells: u128,
        /// Traces.
        traces: u64,
    },
    /// The numbers look shifted or swapped, and others look right.
    #[error(
        "all {axis} numbers are multiples of 65536 ({min}..{max}), so the bytes are swapped or \
         shifted"
    )]
    Shifted {
        /// `inline` or `crossline`.
        axis: &'static str,
        /// Smallest number.
        min: i32,
        /// Largest number.
        max: i32,
    },
}

/// What a pair of positions in the trace headers holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// First bytes of the inline and the crossline number.
    pub bytes: [usize; 2],
    /// Smallest and largest inline, smallest and largest crossline.
    pub ranges: [i32; 4],
    /// Different inlines and crosslines.
    pub unique: [usize; 2],
    /// Whether they could place the traces on a grid.
    pub fits: bool,
}

struct Candidates<'a>(&'a [Candidate]);

impl fmt::Display for Candidates<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Candidate { bytes, ranges, unique, fits } in self.0 {
            write!(
                f,
                "\n  bytes {:>3} and {:>3}: {}..{} ({} different) and {}..{} ({} different){}",
                bytes[0],
                bytes[1],
                ranges[0],
                ranges[1],
                unique[0],
                ranges[2],
                ranges[3],
                unique[1],
                if *fits { "  <- could be a grid" } else { "" }
            )?;
        }
        Ok(())
    }
}

/// The most offsets that an error lists.
pub(crate) const OFFSETS_LISTED: usize = 12;

struct Offsets<'a>(&'a [i32]);

impl fmt::Display for Offsets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, offset) in self.0.iter().enumerate() {
            write!(f, "{}{offset}", if index == 0 { "" } else { ", " })?;
        }
        if self.0.len() >= OFFSETS_LISTED { f.write_str(", …") } else { Ok(()) }
    }
}

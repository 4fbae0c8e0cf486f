//! Post-stack SEG-Y: reading region by region, and writing one inline at a time.
//!
//! Byte positions count from 1, as in the standard: 3201–3600 is the binary header, 1–240 a trace
//! header. A file is opened with one pass over its trace headers, which finds where every trace lies
//! and is kept as a few runs; a [`SegyDescriptor`] opens it again without that pass.
//!
//! - **Volume.** Axes are the line numbers in ascending order, whatever the order of the traces and
//!   the steps between them. Places without a trace read as [`Fill`].
//! - **Numbers** become f32. IBM floats are converted exactly and rounded once; those beyond f32
//!   become infinite.
//! - **Headers lie**, so each can be overridden in [`SegyOptions`].
//!
//! Reference: SEG-Y revisions 0 to 2.1 of the SEG Technical Standards Committee.

mod error;
mod format;
mod geometry;
mod header;
mod lines;
mod scan;
mod source;
mod text;
mod writer;

pub use crate::ByteOrder;
pub use error::{Candidate, GridProblem, SegyError};
pub use format::{FormatCodeError, SampleFormat};
pub use source::{SegyDescriptor, SegySource};
pub use writer::{SegyLayout, SegyWriter};

use serde::{Deserialize, Serialize};

/// What places without a trace read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fill {
    /// Zeros.
    #[default]
    Zero,
    /// Not-a-number.
    Nan,
}

impl Fill {
    /// The value.
    #[must_use]
    pub const fn value(self) -> f32 {
        match self {
            Self::Zero => 0.0,
            Self::Nan => f32::NAN,
        }
    }
}

/// How to read a file whose headers are wrong, unusual or say too little.
#[derive(Debug, Clone, PartialEq)]
pub struct SegyOptions {
    /// First byte of the inline number in a trace header, counted from 1; the number takes 4 bytes.
    pub il_byte: usize,
    /// First byte of the crossline number in a trace header, counted from 1.
    pub xl_byte: usize,
    /// Byte order, instead of what the headers suggest.
    pub byte_order: Option<ByteOrder>,
    /// Sample format, instead of the file header's.
    pub format: Option<SampleFormat>,
    /// Samples per trace, instead of the file header's.
    pub samples: Option<usize>,
    /// Sample interval in microseconds, instead of the headers'.
    pub dt_us: Option<f64>,
    /// Only traces with this offset (bytes 37–40), from a pre-stack file.
    pub offset: Option<i32>,
    /// What places without a trace read as.
    pub fill: Fill,
}

impl Default for SegyOptions {
    /// Lines at bytes 189 and 193, all else from the headers, zeros for missing traces.
    fn default() -> Self {
        Self {
            il_byte: 189,
            xl_byte: 193,
            byte_order: None,
            format: None,
            samples: None,
            dt_us: None,
            offset: None,
            fill: Fill::Zero,
        }
    }
}

use serde::{Deserialize, Serialize};

use crate::element::Element;

/// The type of the samples of a SEG-Y file, by its code in bytes 3225–3226.
///
/// ```
/// use chunkfit_io::segy::SampleFormat;
///
/// assert_eq!(SampleFormat::try_from(5)?, SampleFormat::F32);
/// assert_eq!(SampleFormat::Ibm.code(), 1);
/// assert!(SampleFormat::try_from(4).is_err());
/// # Ok::<(), chunkfit_io::segy::FormatCodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SampleFormat {
    /// 1: hexadecimal floating point of the IBM 360, 4 bytes.
    Ibm,
    /// 2: integers of 4 bytes.
    I32,
    /// 3: integers of 2 bytes.
    I16,
    /// 5: IEEE single precision.
    F32,
    /// 6: IEEE double precision.
    F64,
    /// 7: integers of 3 bytes.
    I24,
    /// 8: integers of 1 byte.
    I8,
    /// 9: integers of 8 bytes.
    I64,
    /// 10: unsigned integers of 4 bytes.
    U32,
    /// 11: unsigned integers of 2 bytes.
    U16,
    /// 12: unsigned integers of 8 bytes.
    U64,
    /// 15: unsigned integers of 3 bytes.
    U24,
    /// 16: unsigned integers of 1 byte.
    U8,
}

const CODES: [(u16, SampleFormat, Element); 13] = [
    (1, SampleFormat::Ibm, Element::Ibm),
    (2, SampleFormat::I32, Element::I32),
    (3, SampleFormat::I16, Element::I16),
    (5, SampleFormat::F32, Element::F32),
    (6, SampleFormat::F64, Element::F64),
    (7, SampleFormat::I24, Element::I24),
    (8, SampleFormat::I8, Element::I8),
    (9, SampleFormat::I64, Element::I64),
    (10, SampleFormat::U32, Element::U32),
    (11, SampleFormat::U16, Element::U16),
    (12, SampleFormat::U64, Element::U64),
    (15, SampleFormat::U24, Element::U24),
    (16, SampleFormat::U8, Element::U8),
];

/// A code that names no sample format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} the codes are 1 IBM, 2 i32, 3 i16, 5 IEEE f32, 6 f64, 7 i24, 8 i8, 9 i64, 10 u32, 11 u16, \
     12 u64, 15 u24 and 16 u8; choose one with --format",
    match code {
        4 => "sample format 4, fixed point with gain, is obsolete and not read;".to_owned(),
        13 | 14 => format!("sample format {code} is reserved in the standard;"),
        _ => format!("{code} is no sample format;"),
    }
)]
pub struct FormatCodeError {
    /// The code.
    pub code: u16,
}

impl TryFrom<u16> for SampleFormat {
    type Error = FormatCodeError;

    fn try_from(code: u16) -> Result<Self, FormatCodeError> {
        let known = CODES.iter().find(|known| known.0 == code);
        known.map(|known| known.1).ok_or(FormatCodeError { code })
    }
}

impl SampleFormat {
    fn entry(self) -> (u16, Element) {
        let known = CODES.iter().find(|known| known.1 == self);
        known.map_or((1, Element::Ibm), |known| (known.0, known.2))
    }

    /// The code in the file header.
    #[must_use]
    pub fn code(self) -> u16 {
        self.entry().0
    }

    /// Bytes of one stored sample.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.element().bytes()
    }

    pub(crate) fn element(self) -> Element {
        self.entry().1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip() {
        for code in 0..=300 {
            match SampleFormat::try_from(code) {
                Ok(format) => assert_eq!(format.code(), code),
                Err(error) => assert!(error.to_string().contains(&code.to_string())),
            }
        }
    }
}

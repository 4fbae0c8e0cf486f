use std::fmt;

use ndarray::ArrayViewMut1;
use serde::{Deserialize, Serialize};

/// The order of the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ByteOrder {
    /// Most significant byte first, as the SEG-Y standard has it.
    Big,
    /// Least significant byte first.
    Little,
}

/// As on the command line: `big` or `little`.
impl fmt::Display for ByteOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Big => "big",
            Self::Little => "little",
        })
    }
}

impl ByteOrder {
    /// The order of this machine.
    #[cfg(feature = "zarr")]
    pub(crate) const NATIVE: Self =
        if cfg!(target_endian = "big") { Self::Big } else { Self::Little };
}

/// How a stored number is to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Element {
    /// Hexadecimal floating point of the IBM 360, 4 bytes.
    Ibm,
    F32,
    F64,
    I8,
    U8,
    I16,
    U16,
    I24,
    U24,
    I32,
    U32,
    I64,
    U64,
}

impl Element {
    /// Bytes of one stored number.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I24 | Self::U24 => 3,
            Self::Ibm | Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// What it is called in a report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ibm => "IBM float, 32 bits",
            Self::F32 => "IEEE float, 32 bits",
            Self::F64 => "IEEE float, 64 bits",
            Self::I8 => "integer, 8 bits",
            Self::U8 => "unsigned integer, 8 bits",
            Self::I16 => "integer, 16 bits",
            Self::U16 => "unsigned integer, 16 bits",
            Self::I24 => "integer, 24 bits",
            Self::U24 => "unsigned integer, 24 bits",
            Self::I32 => "integer, 32 bits",
            Self::U32 => "unsigned integer, 32 bits",
            Self::I64 => "integer, 64 bits",
            Self::U64 => "unsigned integer, 64 bits",
        }
    }

    /// Fills `out` with the numbers in `bytes`, rounded to f32; what does not fit becomes ±inf.
    pub(crate) fn decode(self, order: ByteOrder, bytes: &[u8], mut out: ArrayViewMut1<'_, f32>) {
        debug_assert_eq!(bytes.len(), out.len() * self.bytes());
        match out.as_slice_mut() {
            Some(values) => self.decode_slice(order, bytes, values),
            None => {
                for (one, value) in bytes.chunks_exact(self.bytes()).zip(&mut out) {
                    self.decode_slice(order, one, std::slice::from_mut(value));
                }
            }
        }
    }

    fn decode_slice(self, order: ByteOrder, bytes: &[u8], out: &mut [f32]) {
        match self {
            Self::Ibm => each(order, bytes, out, |b| ibm_to_f64(u32::from_be_bytes(b)) as f32),
            Self::F32 => each(order, bytes, out, f32::from_be_bytes),
            Self::F64 => each(order, bytes, out, |b| f64::from_be_bytes(b) as f32),
            Self::I8 => each(order, bytes, out, |b| f32::from(i8::from_be_bytes(b))),
            Self::U8 => each(order, bytes, out, |b| f32::from(u8::from_be_bytes(b))),
            Self::I16 => each(order, bytes, out, |b| f32::from(i16::from_be_bytes(b))),
            Self::U16 => each(order, bytes, out, |b| f32::from(u16::from_be_bytes(b))),
            Self::I24 => each(order, bytes, out, |[a, b, c]: [u8; 3]| {
                (i32::from_be_bytes([a, b, c, 0]) >> 8) as f32
            }),
            Self::U24 => each(order, bytes, out, |[a, b, c]: [u8; 3]| {
                u32::from_be_bytes([0, a, b, c]) as f32
            }),
            Self::I32 => each(order, bytes, out, |b| i32::from_be_bytes(b) as f32),
            Self::U32 => each(order, bytes, out, |b| u32::from_be_bytes(b) as f32),
            Self::I64 => each(order, bytes, out, |b| i64::from_be_bytes(b) as f32),
            Self::U64 => each(order, bytes, out, |b| u64::from_be_bytes(b) as f32),
        }
    }
}

/// One loop per byte order, so that each vectorises.
fn each<const W: usize>(
    order: ByteOrder,
    bytes: &[u8],
    out: &mut [f32],
    value: impl Fn([u8; W]) -> f32,
) {
    let (words, _) = bytes.as_chunks::<W>();
    match order {
        ByteOrder::Big => {
            for (out, word) in out.iter_mut().zip(words) {
                *out = value(*word);
            }
        }
        ByteOrder::Little => {
            for (out, word) in out.iter_mut().zip(words) {
                let mut word = *word;
                word.reverse();
                *out = value(word);
            }
        }
    }
}

/// The exact value of an IBM float: sign, 16^(e − 64), and a fraction of 24 bits.
pub(crate) const fn ibm_to_f64(word: u32) -> f64 {
    let fraction = (word & 0x00FF_FFFF) as f64;
    let exponent = (word >> 24) & 0x7F;
    // 16^(e − 64) · 2^−24 as the exponent field of an f64; it stays within 743..=1251.
    let scale = f64::from_bits((1023 + 4 * exponent as u64 - 256 - 24) << 52);
    let sign = if word >> 31 == 0 { 1.0 } else { -1.0 };
    sign * fraction * scale
}

#[cfg(test)]
mod tests {
    use ndarray::Array1;
    use proptest::prelude::*;

    use super::*;

    fn one(element: Element, order: ByteOrder, bytes: &[u8]) -> f32 {
        let mut out = Array1::zeros(1);
        element.decode(order, bytes, out.view_mut());
        out[0]
    }

    #[test]
    fn numbers_read_in_both_orders() {
        for (element, big, value) in [
            (Element::Ibm, vec![0x42, 0x64, 0, 0], 100.0),
            (Element::Ibm, vec![0xC2, 0x76, 0xA0, 0], -118.625),
            (Element::Ibm, vec![0, 0, 0, 0], 0.0),
            (Element::Ibm, vec![0x7F, 0xFF, 0xFF, 0xFF], f32::INFINITY),
            (Element::Ibm, vec![0xFF, 0xFF, 0xFF, 0xFF], f32::NEG_INFINITY),
            (Element::Ibm, vec![0x00, 0x10, 0, 0], 0.0),
            (Element::F32, 1.25_f32.to_be_bytes().to_vec(), 1.25),
            (Element::F64, (-0.5_f64).to_be_bytes().to_vec(), -0.5),
            (Element::F64, 1e300_f64.to_be_bytes().to_vec(), f32::INFINITY),
            (Element::I8, vec![0xFF], -1.0),
            (Element::U8, vec![0xFF], 255.0),
            (Element::I16, vec![0x80, 0x01], -32767.0),
            (Element::U16, vec![0x80, 0x01], 32769.0),
            (Element::I24, vec![0xFF, 0xFF, 0xFE], -2.0),
            (Element::U24, vec![0xFF, 0xFF, 0xFE], 16_777_214.0),
            (Element::I32, vec![0xFF, 0xFF, 0xFF, 0xF0], -16.0),
            (Element::U32, vec![0xFF, 0xFF, 0xFF, 0xFF], 4_294_967_296.0),
            (Element::I64, (-5_i64).to_be_bytes().to_vec(), -5.0),
            (Element::U64, 7_u64.to_be_bytes().to_vec(), 7.0),
        ] {
            assert_eq!(big.len(), element.bytes());
            assert_eq!(one(element, ByteOrder::Big, &big), value, "{element:?}");
            let little: Vec<u8> = big.into_iter().rev().collect();
            assert_eq!(one(element, ByteOrder::Little, &little), value, "{element:?}");
        }
    }

    #[test]
    fn rows_with_gaps_read_too() {
        let mut out = Array1::zeros(5);
        let every_other = out.slice_mut(ndarray::s![..;2]);
        Element::U8.decode(ByteOrder::Big, &[1, 2, 3], every_other);
        assert_eq!(out.to_vec(), [1.0, 0.0, 2.0, 0.0, 3.0]);
    }

    proptest! {
        #[test]
        fn ibm_agrees_with_powers(word: u32) {
            let exponent = ((word >> 24) & 0x7F) as i32 - 64;
            let fraction = f64::from(word & 0x00FF_FFFF) / f64::from(1 << 24);
            let sign = if word >> 31 == 1 { -1.0 } else { 1.0 };
            prop_assert_eq!(ibm_to_f64(word), sign * fraction * 16_f64.powi(exponent));
        }
    }
}

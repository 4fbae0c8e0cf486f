//! Bytes for people: `12.3 MiB`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The unit in which bytes are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// The largest unit that leaves a number above 1.
    #[default]
    Auto,
    /// Bytes.
    B,
    /// 2¹⁰ bytes.
    KiB,
    /// 2²⁰ bytes.
    MiB,
    /// 2³⁰ bytes.
    GiB,
}

impl Unit {
    /// Shows `bytes` in this unit.
    ///
    /// ```
    /// use traceq::Unit;
    /// assert_eq!(Unit::Auto.show(12_900_000).to_string(), "12.3 MiB");
    /// assert_eq!(Unit::KiB.show(2048).to_string(), "2 KiB");
    /// ```
    pub fn show(self, bytes: u64) -> impl fmt::Display {
        Shown { bytes, unit: self }
    }

    fn parts(self, bytes: u64) -> (f64, &'static str) {
        let unit = match (self, bytes) {
            (Self::Auto, 0..1024) => Self::B,
            (Self::Auto, 1024..0x10_0000) => Self::KiB,
            (Self::Auto, 0x10_0000..0x4000_0000) => Self::MiB,
            (Self::Auto, _) => Self::GiB,
            (fixed, _) => fixed,
        };
        match unit {
            Self::Auto | Self::B => (1.0, "B"),
            Self::KiB => (1024.0, "KiB"),
            Self::MiB => (1_048_576.0, "MiB"),
            Self::GiB => (1_073_741_824.0, "GiB"),
        }
    }
}

struct Shown {
    bytes: u64,
    unit: Unit,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = self.unit.parts(self.bytes);
        let number = self.bytes as f64 / unit;
        if number.fract() == 0.0 {
            write!(f, "{number} {name}")
        } else {
            write!(f, "{number:.1} {name}")
        }
    }
}

/// Text that is not a number with a unit.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct NotAQuantity {
    /// The text.
    pub text: String,
    /// What would be right.
    pub expected: &'static str,
}

/// Reads `64 MiB`, `64MiB`, `1.5g` or `4096` as bytes; `K`, `KB` and `KiB` all mean 2¹⁰.
///
/// # Errors
/// [`NotAQuantity`] for anything else.
pub fn parse_bytes(text: &str) -> Result<u64, NotAQuantity> {
    let unit = |name: &str| match name.to_ascii_lowercase().as_str() {
        "" | "b" => Some(1.0),
        "k" | "kb" | "kib" => Some(1024.0),
        "m" | "mb" | "mib" => Some(1_048_576.0),
        "g" | "gb" | "gib" => Some(1_073_741_824.0),
        _ => None,
    };
    parse(text, unit)
        .filter(|bytes| *bytes < u64::MAX as f64)
        .map(|bytes| bytes.round() as u64)
        .ok_or_else(|| NotAQuantity {
            text: text.to_owned(),
            expected: "a size; write it like `64 MiB`, `1.5 GiB` or `4096`",
        })
}

/// Reads `10ms`, `0.5 s` or `250us`; a number without unit is not a time.
///
/// # Errors
/// [`NotAQuantity`] for anything else, and for 0.
pub fn parse_duration(text: &str) -> Result<std::time::Duration, NotAQuantity> {
    let unit = |name: &str| match name {
        "us" | "µs" => Some(1e-6),
        "ms" => Some(1e-3),
        "s" => Some(1.0),
        _ => None,
    };
    parse(text, unit)
        .and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok())
        .filter(|time| !time.is_zero())
        .ok_or_else(|| NotAQuantity {
            text: text.to_owned(),
            expected: "a time above 0; write it like `10ms`, `250us` or `1s`",
        })
}

fn parse(text: &str, unit: impl Fn(&str) -> Option<f64>) -> Option<f64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, name) = text.split_at(end);
    Some(f64::from_str(number).ok()? * unit(name.trim())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_and_show() {
        for (text, bytes) in [("4096", 4096), ("64 MiB", 64 << 20), ("1.5g", 3 << 29), ("0", 0)] {
            assert_eq!(parse_bytes(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "MiB", "-1", "1 TiBs", "1e9", "99999999999999999999"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
        assert_eq!(Unit::Auto.show(0).to_string(), "0 B");
        assert_eq!(Unit::Auto.show(1 << 30).to_string(), "1 GiB");
        assert_eq!(Unit::GiB.show(1 << 29).to_string(), "0.5 GiB");
    }

    #[test]
    fn times_need_a_unit() {
        assert_eq!(parse_duration("10ms").unwrap().as_micros(), 10_000);
        assert_eq!(parse_duration("0.5 s").unwrap().as_millis(), 500);
        for text in ["10", "0ms", "-1s", "s", "1h"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}

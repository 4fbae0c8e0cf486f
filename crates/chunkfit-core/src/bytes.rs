use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number of bytes.
///
/// Arithmetic saturates: a prediction that overflows reads as "more than any machine has", never
/// as a small number. Serialised as a plain integer of bytes.
///
/// ```
/// use chunkfit_core::ByteSize;
///
/// let limit: ByteSize = "192MiB".parse()?;
/// assert_eq!(limit, ByteSize::mib(192));
/// assert_eq!(limit.to_string(), "192 MiB");
/// assert_eq!("1.5 GB".parse::<ByteSize>()?.as_u64(), 1_500_000_000);
/// # Ok::<(), chunkfit_core::ParseByteSizeError>(())
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ByteSize(u64);

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

impl ByteSize {
    /// No bytes.
    pub const ZERO: Self = Self(0);
    /// More than any machine has.
    pub const MAX: Self = Self(u64::MAX);

    /// `n` bytes.
    #[must_use]
    pub const fn new(n: u64) -> Self {
        Self(n)
    }

    /// `n` × 1024 bytes.
    #[must_use]
    pub const fn kib(n: u64) -> Self {
        Self(n.saturating_mul(KIB))
    }

    /// `n` × 1024² bytes.
    #[must_use]
    pub const fn mib(n: u64) -> Self {
        Self(n.saturating_mul(MIB))
    }

    /// `n` × 1024³ bytes.
    #[must_use]
    pub const fn gib(n: u64) -> Self {
        Self(n.saturating_mul(GIB))
    }

    /// The bytes of `n` elements of type `T`.
    #[must_use]
    pub const fn of<T>(n: usize) -> Self {
        Self((n as u64).saturating_mul(size_of::<T>() as u64))
    }

    /// The number of bytes.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The number of bytes as a float, for ratios.
    #[must_use]
    pub const fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// This size times a non-negative factor, rounded up.
    #[must_use]
    pub fn scale(self, factor: f64) -> Self {
        Self((self.as_f64() * factor).ceil() as u64)
    }
}

impl Add for ByteSize {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for ByteSize {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Saturates at zero.
impl Sub for ByteSize {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Mul<u64> for ByteSize {
    type Output = Self;
    fn mul(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }
}

impl Sum for ByteSize {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self::ZERO, Add::add)
    }
}

/// Binary units with three significant digits: `1.41 GiB`, `192 MiB`, `17 B`.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            n if n < KIB => return f.pad(&format!("{n} B")),
            n if n < MIB => (KIB, "KiB"),
            n if n < GIB => (MIB, "MiB"),
            n if n < TIB => (GIB, "GiB"),
            _ => (TIB, "TiB"),
        };
        let value = self.0 as f64 / unit as f64;
        let text = match value {
            _ if self.0.is_multiple_of(unit) => format!("{value:.0} {name}"),
            v if v < 9.995 => format!("{v:.2} {name}"),
            v if v < 99.95 => format!("{v:.1} {name}"),
            v => format!("{v:.0} {name}"),
        };
        f.pad(&text)
    }
}

/// Text that is not a size in bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a memory size; write a number and a unit, such as 192MiB, 4GiB or 1.5GB \
     (K, M, G and T alone are binary, as in Slurm)"
)]
pub struct ParseByteSizeError {
    text: String,
}

impl FromStr for ByteSize {
    type Err = ParseByteSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseByteSizeError { text: text.to_owned() };
        let trimmed = text.trim();
        let split =
            trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(split);
        let factor = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kib" => KIB,
            "m" | "mib" => MIB,
            "g" | "gib" => GIB,
            "t" | "tib" => TIB,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            _ => return Err(error()),
        };
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(factor).map(Self).ok_or_else(error);
        }
        let value: f64 = number.parse().map_err(|_| error())?;
        let bytes = value * factor as f64;
        if !bytes.is_finite() || bytes >= u64::MAX as f64 {
            return Err(error());
        }
        Ok(Self(bytes.round() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, bytes) in [
            ("0", 0),
            ("17", 17),
            ("4k", 4096),
            ("192 MiB", 192 << 20),
            ("4GiB", 4 << 30),
            ("4gb", 4_000_000_000),
            ("2T", 2 << 40),
            ("0.5GiB", 1 << 29),
        ] {
            assert_eq!(text.parse::<ByteSize>(), Ok(ByteSize(bytes)), "{text}");
        }
        for text in ["", "MiB", "-1", "1e9", "4 PiB", "12.3.4M", "99999999999999T", "NaN"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn saturates_instead_of_wrapping() {
        assert_eq!(ByteSize::MAX + ByteSize::kib(1), ByteSize::MAX);
        assert_eq!(ByteSize::new(1) - ByteSize::new(2), ByteSize::ZERO);
        assert_eq!(ByteSize::gib(u64::MAX), ByteSize::MAX);
    }

    #[test]
    fn prints_three_digits() {
        assert_eq!(ByteSize::new(1_509_949_440).to_string(), "1.41 GiB");
        assert_eq!(ByteSize::new(85 * MIB + 100_000).to_string(), "85.1 MiB");
        assert_eq!(format!("{:>8}", ByteSize::new(5)), "     5 B");
    }
}

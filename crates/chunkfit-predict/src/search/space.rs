use serde::{Deserialize, Serialize};

/// A hyper-parameter and where to look for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// The name, for tables and files.
    pub name: String,
    /// Its values.
    pub range: Range,
}

impl Parameter {
    /// A parameter.
    #[must_use]
    pub fn new(name: &str, range: Range) -> Self {
        Self { name: name.to_owned(), range }
    }
}

/// The values of a hyper-parameter. Limits in the wrong order are turned round.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "limits, both included")]
pub enum Range {
    /// Real numbers, each as likely.
    Uniform { low: f64, high: f64 },
    /// Positive numbers whose logarithms are equally likely.
    LogUniform { low: f64, high: f64 },
    /// Whole numbers.
    Integer { low: i64, high: i64 },
    /// The first `n` of a list; the value is an index.
    Choice { n: usize },
}

impl Range {
    /// The value at a place between 0 and 1.
    #[must_use]
    pub fn at(&self, place: f64) -> f64 {
        let place = place.clamp(0.0, 1.0);
        let between = |low: f64, high: f64| low + place * (high - low);
        match *self {
            Self::Uniform { low, high } => between(low, high),
            Self::LogUniform { low, high } => between(log(low), log(high)).exp(),
            Self::Integer { low, high } => cell(place, low.min(high), low.max(high)),
            Self::Choice { n } => cell(place, 0, n.max(1) as i64 - 1),
        }
    }

    /// The place of a value: the inverse of [`at`](Self::at), in the middle of a whole number's share.
    #[must_use]
    pub fn place(&self, value: f64) -> f64 {
        let within = |value: f64, low: f64, high: f64| {
            if high == low { 0.5 } else { ((value - low) / (high - low)).clamp(0.0, 1.0) }
        };
        match *self {
            Self::Uniform { low, high } => within(value, low, high),
            Self::LogUniform { low, high } => within(log(value), log(low), log(high)),
            Self::Integer { low, high } => {
                within(value, low.min(high) as f64 - 0.5, low.max(high) as f64 + 0.5)
            }
            Self::Choice { n } => within(value, -0.5, n.max(1) as f64 - 0.5),
        }
    }
}

fn log(value: f64) -> f64 {
    value.max(f64::MIN_POSITIVE).ln()
}

fn cell(place: f64, low: i64, high: i64) -> f64 {
    let n = (high - low + 1) as f64;
    low as f64 + (place * n).floor().min(n - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_values_belong_together() {
        let ranges = [
            Range::Uniform { low: -2.0, high: 3.0 },
            Range::LogUniform { low: 1e-3, high: 1e3 },
            Range::Integer { low: 3, high: 7 },
            Range::Choice { n: 4 },
        ];
        for range in ranges {
            for place in [0.0, 0.1, 0.5, 0.99, 1.0] {
                let value = range.at(place);
                assert!((range.at(range.place(value)) - value).abs() < 1e-9, "{range:?}, {place}");
            }
        }
        assert_eq!(
            [0.0, 0.21, 1.0].map(|p| Range::Integer { low: 3, high: 7 }.at(p)),
            [3., 4., 7.]
        );
        assert_eq!(Range::LogUniform { low: 1e-2, high: 1e2 }.at(0.5).round(), 1.0);
    }
}

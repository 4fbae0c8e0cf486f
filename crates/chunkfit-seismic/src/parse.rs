use std::collections::HashMap;

use chunkfit_core::Operator;

use crate::catalog::{CatalogEntry, catalog};
use crate::error::ParameterError;
use crate::{Envelope, Gaussian, Quantity, StructureTensor};

pub(crate) mod per_axis;

/// Why a line of text does not name an operator.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// There is no such operator.
    #[error("there is no operator `{name}`; there are {}", known.join(", "))]
    UnknownOperator {
        /// The name asked for.
        name: String,
        /// The operators that exist.
        known: Vec<&'static str>,
    },
    /// The operator has no such parameter.
    #[error("{operator} has no parameter `{parameter}`; {}", parameters(operator, known))]
    UnknownParameter {
        /// The operator.
        operator: &'static str,
        /// The parameter asked for.
        parameter: String,
        /// The parameters that it has.
        known: Vec<&'static str>,
    },
    /// A parameter is given twice.
    #[error("{operator}: {parameter} is given twice; give it once")]
    Repeated {
        /// The operator.
        operator: &'static str,
        /// The parameter.
        parameter: &'static str,
    },
    /// A part between commas is not `name=value`.
    #[error(
        "{operator}: `{text}` is not a parameter; write name=value and a comma between; {}",
        parameters(operator, known)
    )]
    Malformed {
        /// The operator.
        operator: &'static str,
        /// The part.
        text: String,
        /// The parameters that it has.
        known: Vec<&'static str>,
    },
    /// A value cannot be read.
    #[error("{operator}: `{value}` is no value of {parameter}; give {expected}")]
    Value {
        /// The operator.
        operator: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// The text.
        value: String,
        /// What can be read.
        expected: &'static str,
    },
    /// A value is out of range.
    #[error("{operator}: {source}")]
    OutOfRange {
        /// The operator.
        operator: &'static str,
        /// Which value, and its range.
        source: ParameterError,
    },
}

fn parameters(operator: &str, known: &[&str]) -> String {
    match known {
        [] => format!("{operator} takes no parameters"),
        _ => format!("{operator} takes {}", known.join(", ")),
    }
}

/// An operator from `name` or `name:parameter=value,parameter=value`.
///
/// [`catalog`] lists names, parameters and defaults. `operator.name()` gives text that
/// parses to the same operator.
///
/// ```
/// let operator = chunkfit_seismic::parse("gaussian:sigma=3x3x1,truncate=4")?;
/// assert_eq!(operator.name(), "gaussian:sigma=3x3x1");
/// let error = chunkfit_seismic::parse("gauss").err();
/// assert_eq!(
///     error.map(|e| e.to_string()).as_deref(),
///     Some("there is no operator `gauss`; there are envelope, gaussian, gst"),
/// );
/// # Ok::<(), chunkfit_seismic::ParseError>(())
/// ```
///
/// # Errors
///
/// When there is no such operator or parameter, a parameter is given twice, or a value cannot be read
/// or is out of range. The message lists what there is.
pub fn parse(text: &str) -> Result<Box<dyn Operator>, ParseError> {
    Ok(match parse_kind(text)? {
        Kind::Envelope(operator) => Box::new(operator),
        Kind::Gaussian(operator) => Box::new(operator),
        Kind::StructureTensor(operator) => Box::new(operator),
    })
}

/// An operator whose parameters can be asked for.
#[derive(Debug)]
pub(crate) enum Kind {
    Envelope(Envelope),
    Gaussian(Gaussian),
    StructureTensor(StructureTensor),
}

/// As [`parse`].
pub(crate) fn parse_kind(text: &str) -> Result<Kind, ParseError> {
    let (name, list) = match text.trim().split_once(':') {
        Some((name, list)) => (name.trim_end(), Some(list)),
        None => (text.trim(), None),
    };
    let entries = catalog();
    let known = || entries.iter().map(|entry| entry.name).collect();
    let unknown = || ParseError::UnknownOperator { name: name.to_owned(), known: known() };
    let entry = entries.iter().find(|entry| entry.name == name).ok_or_else(unknown)?;
    let values = Values::read(entry, list)?;
    match entry.name {
        "envelope" => Ok(Kind::Envelope(Envelope)),
        "gaussian" => {
            let sigma = values.get("sigma", "a number, or three as 3x3x1", per_axis::read)?;
            let truncate = values.get("truncate", "a number", |text| text.parse().ok())?;
            Gaussian::new(sigma, truncate).map(Kind::Gaussian)
        }
        "gst" => {
            let kernel =
                values.get("kernel", "an odd number, or three as 3x3x9", per_axis::read)?;
            let expected = "dip, azimuth, planarity, or several joined by +";
            let quantities = values.get("outputs", expected, quantities)?;
            StructureTensor::new(kernel, &quantities).map(Kind::StructureTensor)
        }
        _ => return Err(unknown()),
    }
    .map_err(|source| ParseError::OutOfRange { operator: entry.name, source })
}

fn quantities(text: &str) -> Option<Vec<Quantity>> {
    let named = |name: &str| Quantity::ALL.into_iter().find(|quantity| quantity.name() == name);
    text.split('+').map(|name| named(name.trim())).collect()
}

/// The parameters of an operator: the text given, or the default of the catalog.
struct Values<'a> {
    operator: &'static str,
    values: HashMap<&'static str, &'a str>,
}

impl<'a> Values<'a> {
    fn read(entry: &CatalogEntry, list: Option<&'a str>) -> Result<Self, ParseError> {
        let operator = entry.name;
        let known = || entry.parameters.iter().map(|parameter| parameter.name).collect();
        let mut values = HashMap::new();
        for part in list.into_iter().flat_map(|list| list.split(',')) {
            let (name, value) = part.split_once('=').ok_or_else(|| ParseError::Malformed {
                operator,
                text: part.to_owned(),
                known: known(),
            })?;
            let parameter = entry
                .parameters
                .iter()
                .find(|parameter| parameter.name == name.trim())
                .ok_or_else(|| ParseError::UnknownParameter {
                    operator,
                    parameter: name.trim().to_owned(),
                    known: known(),
                })?;
            if values.insert(parameter.name, value.trim()).is_some() {
                return Err(ParseError::Repeated { operator, parameter: parameter.name });
            }
        }
        for parameter in entry.parameters {
            values.entry(parameter.name).or_insert(parameter.default);
        }
        Ok(Self { operator, values })
    }

    fn get<T>(
        &self,
        parameter: &'static str,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ParseError> {
        let value = self.values.get(parameter).copied().unwrap_or_default();
        read(value).ok_or_else(|| ParseError::Value {
            operator: self.operator,
            parameter,
            value: value.to_owned(),
            expected,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        parse(text).err().unwrap_or_else(|| panic!("{text} was accepted")).to_string()
    }

    #[test]
    fn names_are_canonical() {
        for (text, name) in [
            ("envelope", "envelope"),
            ("gaussian", "gaussian:sigma=3"),
            (" gaussian : truncate = 4.0 , sigma = 3x3.0x3 ", "gaussian:sigma=3"),
            ("gaussian:sigma=1e-1x0x2,truncate=3.5", "gaussian:sigma=0.1x0x2,truncate=3.5"),
            ("gst", "gst:kernel=3"),
            ("gst:outputs=planarity+dip,kernel=3x5x9", "gst:kernel=3x5x9,outputs=dip+planarity"),
        ] {
            assert_eq!(parse(text).unwrap().name(), name, "{text}");
            assert_eq!(parse(name).unwrap().name(), name);
        }
    }

    #[test]
    fn messages_say_what_there_is() {
        for (text, part) in [
            ("", "no operator ``; there are envelope, gaussian, gst"),
            ("Gaussian", "there are envelope"),
            ("envelope:sigma=3", "envelope takes no parameters"),
            ("gaussian:", "gaussian takes sigma, truncate"),
            ("gaussian:sigma", "write name=value"),
            ("gaussian:sgima=3", "no parameter `sgima`; gaussian takes sigma, truncate"),
            ("gaussian:sigma=3,sigma=3", "sigma is given twice"),
            ("gaussian:sigma=3x3", "`3x3` is no value of sigma; give a number, or three"),
            ("gaussian:sigma=-1", "sigma is -1 along the inline axis"),
            ("gaussian:sigma=NaN", "sigma is NaN"),
            ("gaussian:sigma=1e300", "lower sigma or truncate"),
            ("gaussian:truncate=0", "truncate is 0"),
            ("gst:kernel=4", "kernel is 4 along the inline axis; give an odd number"),
            ("gst:kernel=3x3x-3", "no value of kernel"),
            ("gst:outputs=strike", "give dip, azimuth, planarity"),
            ("gst:outputs=dip+dip", "dip is asked for twice"),
            ("gst:outputs=", "no value of outputs"),
        ] {
            let message = message(text);
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn every_entry_parses_with_its_defaults_written_out() {
        for entry in catalog() {
            let written: Vec<_> =
                entry.parameters.iter().map(|p| format!("{}={}", p.name, p.default)).collect();
            let text = format!("{}:{}", entry.name, written.join(","));
            let operator = parse(entry.name).unwrap();
            assert_eq!(parse(text.trim_end_matches(':')).unwrap().name(), operator.name());
            assert_eq!(operator.outputs(), entry.outputs);
        }
    }
}

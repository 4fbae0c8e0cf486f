use std::collections::HashMap;

use chunkfit_core::{Chain, ChainError, Operator};

use crate::catalog::{RECIPES, Recipe};
use crate::error::ParameterError;
use crate::reference::Verifiable;

pub(crate) mod per_axis;

/// The parameter that a volume itself may know: milliseconds from sample to sample.
const SAMPLE_INTERVAL: &str = "dt";

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
        expected: String,
    },
    /// A value is out of range.
    #[error("{operator}: {source}")]
    OutOfRange {
        /// The operator.
        operator: &'static str,
        /// Which value, and its range.
        source: ParameterError,
    },
    /// The operators cannot follow each other.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

fn parameters(operator: &str, known: &[&str]) -> String {
    match known {
        [] => format!("{operator} takes no parameters"),
        _ => format!("{operator} takes {}", known.join(", ")),
    }
}

/// An operator from `name` or `name:parameter=value,parameter=value`, or a [`Chain`] of several with
/// `+` between: `gaussian:sigma=2+envelope`.
///
/// [`catalog`](crate::catalog()) lists names, parameters and defaults. `operator.name()` gives text
/// that parses to the same operator.
///
/// ```
/// let operator = chunkfit_seismic::parse("gaussian:sigma=3x3x1,truncate=4")?;
/// assert_eq!(operator.name(), "gaussian:sigma=3x3x1");
/// let error = chunkfit_seismic::parse("gauss").err();
/// let message = error.map(|e| e.to_string()).unwrap_or_default();
/// assert!(message.starts_with("there is no operator `gauss`; there are envelope, gaussian, gst"));
/// # Ok::<(), chunkfit_seismic::ParseError>(())
/// ```
///
/// # Errors
///
/// When there is no such operator or parameter, a parameter is given twice, or a value cannot be read
/// or is out of range, or an operator that is followed by another has several outputs. The message
/// lists what there is.
pub fn parse(text: &str) -> Result<Box<dyn Operator>, ParseError> {
    parse_verifiable(text, None).map(|operator| operator as Box<dyn Operator>)
}

/// As [`parse`], for a volume whose samples are `dt_ms` milliseconds apart: parameters `dt` that the
/// text leaves out take that value instead of their default.
///
/// # Errors
///
/// As for [`parse`].
pub fn parse_for(text: &str, dt_ms: Option<f64>) -> Result<Box<dyn Operator>, ParseError> {
    parse_verifiable(text, dt_ms).map(|operator| operator as Box<dyn Operator>)
}

/// As [`parse`], an operator that can be computed again by other means.
pub(crate) fn parse_verifiable(
    text: &str,
    dt_ms: Option<f64>,
) -> Result<Box<dyn Verifiable>, ParseError> {
    let dt_ms = dt_ms.map(|dt| dt.to_string());
    let stage = |text| stage(text, dt_ms.as_deref());
    let mut stages = text.split('+').map(stage).collect::<Result<Vec<_>, _>>()?;
    match stages.len() {
        1 => Ok(stages.remove(0)),
        _ => Ok(Box::new(Chain::new(stages)?)),
    }
}

fn stage(text: &str, dt_ms: Option<&str>) -> Result<Box<dyn Verifiable>, ParseError> {
    let (name, list) = match text.trim().split_once(':') {
        Some((name, list)) => (name.trim_end(), Some(list)),
        None => (text.trim(), None),
    };
    let known = || RECIPES.iter().map(|recipe| recipe.name).collect();
    let unknown = || ParseError::UnknownOperator { name: name.to_owned(), known: known() };
    let recipe = RECIPES.iter().find(|recipe| recipe.name == name).ok_or_else(unknown)?;
    (recipe.build)(&Values::read(recipe, list, dt_ms)?)
}

/// The parameters of an operator: the text given, or the default of the catalog.
pub(crate) struct Values<'a> {
    operator: &'static str,
    values: HashMap<&'static str, &'a str>,
}

impl<'a> Values<'a> {
    fn read(
        recipe: &Recipe,
        list: Option<&'a str>,
        dt_ms: Option<&'a str>,
    ) -> Result<Self, ParseError> {
        let operator = recipe.name;
        let known = || recipe.parameters.iter().map(|parameter| parameter.name).collect();
        let mut values = HashMap::new();
        for part in list.into_iter().flat_map(|list| list.split(',')) {
            let (name, value) = part.split_once('=').ok_or_else(|| ParseError::Malformed {
                operator,
                text: part.to_owned(),
                known: known(),
            })?;
            let parameter = recipe
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
        for parameter in recipe.parameters {
            let of_the_volume = dt_ms.filter(|_| parameter.name == SAMPLE_INTERVAL);
            values.entry(parameter.name).or_insert(of_the_volume.unwrap_or(parameter.default));
        }
        Ok(Self { operator, values })
    }

    /// The value of `parameter` as `read` understands it; `expected` says what that is.
    pub(crate) fn get<T>(
        &self,
        parameter: &'static str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ParseError> {
        let value = self.values.get(parameter).copied().unwrap_or_default();
        read(value).ok_or_else(|| ParseError::Value {
            operator: self.operator,
            parameter,
            value: value.to_owned(),
            expected: expected.to_owned(),
        })
    }

    /// The choices from `all`, each by its name, that `parameter` lists with `/` between.
    pub(crate) fn choice<T: Copy>(
        &self,
        parameter: &'static str,
        all: &[T],
        name: impl Fn(T) -> &'static str,
    ) -> Result<Vec<T>, ParseError> {
        let names: Vec<_> = all.iter().map(|choice| name(*choice)).collect();
        let expected = match names[..] {
            [one] => one.to_owned(),
            _ => format!("one of {}, or several with / between", names.join(", ")),
        };
        let named = |text: &str| all.iter().copied().find(|choice| name(*choice) == text.trim());
        self.get(parameter, &expected, |text| text.split('/').map(named).collect())
    }

    /// The operator, or what is wrong with the numbers given.
    pub(crate) fn checked<O: Verifiable + 'static>(
        &self,
        operator: Result<O, ParameterError>,
    ) -> Result<Box<dyn Verifiable>, ParseError> {
        match operator {
            Ok(operator) => Ok(Box::new(operator)),
            Err(source) => Err(ParseError::OutOfRange { operator: self.operator, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::catalog;

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
            ("gaussian:precision=f32,sigma=2", "gaussian:sigma=2,precision=f32"),
            ("gst", "gst:kernel=3"),
            ("gst:outputs=planarity/dip,kernel=3x5x9", "gst:kernel=3x5x9,outputs=dip/planarity"),
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
            ("gaussian:", "gaussian takes sigma, truncate, precision"),
            ("gaussian:sigma", "write name=value"),
            ("gaussian:sgima=3", "no parameter `sgima`; gaussian takes sigma, truncate, precision"),
            ("gaussian:sigma=3,sigma=3", "sigma is given twice"),
            ("gaussian:sigma=3x3", "`3x3` is no value of sigma; give a number, or three"),
            ("gaussian:sigma=-1", "sigma is -1 along the inline axis"),
            ("gaussian:sigma=NaN", "sigma is NaN"),
            ("gaussian:sigma=1e300", "lower sigma or truncate"),
            ("gaussian:truncate=0", "truncate is 0"),
            ("gst:kernel=4", "kernel is 4 along the inline axis; give an odd number"),
            ("gst:kernel=3x3x-3", "no value of kernel"),
            ("gst:outputs=strike", "give one of dip, azimuth, planarity"),
            ("gst:outputs=dip/dip", "dip is asked for twice"),
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

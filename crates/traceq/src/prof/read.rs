//! From a `.prof` file to a [`Profile`].

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::ProfError;
use super::token::{Token, Tokens};
use crate::profile::{Clock, Column, ORIGINAL, Profile, Signatures, UNSIGNED, is_bytes};

/// How much a file may take, so that a hostile one does not eat the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes after decompression: bounds the time. 4 GiB unless set.
    pub decompressed_bytes: u64,
    /// Bytes of the profile in memory: rows, columns and text. While reading, up to three times this
    /// may be reserved, as tables grow by doubling. 1 GiB unless set.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { decompressed_bytes: 4 << 30, memory_bytes: 1 << 30 }
    }
}

/// Reads a `.prof` file of any generation.
///
/// # Errors
/// [`ProfError`]: what is wrong, and where.
pub fn load(path: impl AsRef<Path>, limits: Limits) -> Result<Profile, ProfError> {
    let path = path.as_ref();
    let file = File::open(path).map_err(|source| ProfError::File {
        action: "open",
        path: path.to_owned(),
        source,
    })?;
    read(BufReader::new(file), limits)
}

/// Reads the content of a `.prof` file of any generation, as a stream.
///
/// # Errors
/// [`ProfError`]: what is wrong, and where.
pub fn read(mut from: impl BufRead, limits: Limits) -> Result<Profile, ProfError> {
    let begins = from.fill_buf()?;
    match begins {
        [] => return Err(ProfError::Truncated { offset: 0, rows: 0 }),
        [0x1f] | [0x1f, 0x8b, ..] => {}
        _ => {
            return Err(ProfError::NotGzip {
                looks_unpacked: matches!(begins[0], 0x80..=0x8f | 0xde | 0xdf),
                begins: begins.iter().take(4).copied().collect(),
            });
        }
    }
    let unpacked = BufReader::new(MultiGzDecoder::new(from));
    let mut tokens = Tokens::new(unpacked, limits.decompressed_bytes);
    let mut raw = Raw { budget: Budget::new(limits.memory_bytes), ..Raw::default() };
    raw.file(&mut tokens)?;
    tokens.end()?;
    raw.finish()
}

/// What the result may still take.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Budget {
    limit: u64,
    used: u64,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, used: 0 }
    }

    /// Called before the bytes are allocated.
    pub(super) fn charge(&mut self, bytes: u64) -> Result<(), ProfError> {
        self.check(bytes)?;
        self.used += bytes;
        Ok(())
    }

    /// For bytes that are given back soon.
    pub(super) fn check(&self, bytes: u64) -> Result<(), ProfError> {
        if bytes > self.limit - self.used {
            return Err(ProfError::TooLarge {
                what: "of memory",
                limit: self.limit,
                option: "memory_bytes",
            });
        }
        Ok(())
    }
}

/// A number as it is in the file: whether it is an integer decides what its 0 means.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    Uint(u64),
    Float(f64),
}

/// Names longer than this are none that a profile is asked for.
const LONGEST_NAME: u32 = 256;
/// The original has four columns besides time and signature.
const MOST_COLUMNS: usize = 256;
/// Bookkeeping of one stored text, by estimate.
const PER_TEXT: u64 = 96;
/// Time and signature number of one row.
const PER_ROW: u64 = 12;
/// One value of one column.
const PER_VALUE: u64 = size_of::<Option<Number>>() as u64;

/// The file before its units are known: metadata may follow the rows.
#[derive(Debug, Default)]
struct Raw {
    budget: Budget,
    metadata: Option<Vec<(String, String)>>,
    has_rows: bool,
    times: Vec<u64>,
    signatures: Signatures,
    columns: Vec<(String, Vec<Option<Number>>)>,
}

impl Raw {
    fn file<R: Read>(&mut self, tokens: &mut Tokens<R>) -> Result<(), ProfError> {
        let mut key = Vec::new();
        for _ in 0..tokens.map("a map with `metadata` and `data`")? {
            tokens.name(&mut key, LONGEST_NAME, "the name of an entry")?;
            match key.as_slice() {
                b"metadata" if self.metadata.is_none() => self.read_metadata(tokens)?,
                b"data" | b"experiment" if !self.has_rows => self.read_rows(tokens)?,
                b"metadata" | b"data" | b"experiment" => {
                    return Err(tokens.unexpected("one `metadata` and one `data`", "a second one"));
                }
                _ => {
                    let unknown = tokens.next()?;
                    tokens.skip(unknown)?;
                }
            }
        }
        Ok(())
    }

    fn read_metadata<R: Read>(&mut self, tokens: &mut Tokens<R>) -> Result<(), ProfError> {
        let n = tokens.map("a map of metadata")?;
        let mut metadata = Vec::new();
        for _ in 0..n {
            let key = self.text(tokens, "a metadata key")?;
            match tokens.next()? {
                Token::Str(n) => {
                    let value = self.text_of(tokens, n)?;
                    metadata.push((key, value));
                }
                // The original writes text only; another program's numbers are not understood.
                other => tokens.skip(other)?,
            }
        }
        self.metadata = Some(metadata);
        Ok(())
    }

    fn text<R: Read>(
        &mut self,
        tokens: &mut Tokens<R>,
        expected: &'static str,
    ) -> Result<String, ProfError> {
        let n = tokens.text(expected)?;
        self.text_of(tokens, n)
    }

    fn text_of<R: Read>(&mut self, tokens: &mut Tokens<R>, n: u32) -> Result<String, ProfError> {
        self.budget.charge(u64::from(n) + PER_TEXT)?;
        let mut bytes = Vec::new();
        tokens.text_of(n, &mut bytes)?;
        String::from_utf8(bytes).map_err(|_| tokens.unexpected("UTF-8 text", "other bytes"))
    }

    fn read_rows<R: Read>(&mut self, tokens: &mut Tokens<R>) -> Result<(), ProfError> {
        self.has_rows = true;
        let n = tokens.array("an array of rows")?;
        let mut key = Vec::new();
        let mut signature = Vec::new();
        for row in 0..n as usize {
            let mut time = None;
            signature.clear();
            self.budget.charge(PER_ROW + PER_VALUE * self.columns.len() as u64)?;
            for _ in 0..tokens.map("a row, which is a map")? {
                tokens.name(&mut key, LONGEST_NAME, "the name of a column")?;
                match key.as_slice() {
                    b"unix_timestamp" => time = Some(tokens.uint("a time, as an integer")?),
                    b"signature" => {
                        let n = tokens.text("a signature")?;
                        self.budget.check(u64::from(n))?;
                        signature.clear();
                        tokens.text_of(n, &mut signature)?;
                    }
                    name => self.value(row, name, tokens)?,
                }
            }
            let place = || format!("row {row}");
            self.times.push(
                time.ok_or_else(|| ProfError::Missing { key: "unix_timestamp", place: place() })?,
            );
            let signature = match std::str::from_utf8(&signature) {
                Ok("") | Err(_) => UNSIGNED,
                Ok(signature) => signature,
            };
            if self.signatures.push(signature) {
                self.budget.charge(2 * signature.len() as u64 + PER_TEXT)?;
            }
            for (_, values) in &mut self.columns {
                values.resize(row + 1, None);
            }
            tokens.rows += 1;
        }
        Ok(())
    }

    fn value<R: Read>(
        &mut self,
        row: usize,
        name: &[u8],
        tokens: &mut Tokens<R>,
    ) -> Result<(), ProfError> {
        let value = match tokens.next()? {
            Token::Uint(value) => Number::Uint(value),
            Token::Float(value) => Number::Float(value),
            // A negative level is an error of the writer; other types are columns we do not know.
            Token::Negative if is_bytes(&String::from_utf8_lossy(name)) => {
                return Err(tokens.unexpected("a level of memory", "a negative integer"));
            }
            other => return tokens.skip(other),
        };
        let Ok(name) = std::str::from_utf8(name) else { return Ok(()) };
        if name.is_empty() {
            return Ok(());
        }
        let place = match self.columns.iter().position(|(known, _)| known == name) {
            Some(place) => place,
            // Looking a name up takes time in proportion, so a hostile file could take for ever.
            None if self.columns.len() == MOST_COLUMNS => {
                return Err(ProfError::TooManyColumns { limit: MOST_COLUMNS });
            }
            None => {
                let rows = row as u64 + 1;
                self.budget.charge(name.len() as u64 + PER_TEXT + PER_VALUE * rows)?;
                self.columns.push((name.to_owned(), Vec::new()));
                self.columns.len() - 1
            }
        };
        let values = &mut self.columns[place].1;
        values.resize(row, None);
        values.push(Some(value));
        Ok(())
    }

    fn finish(self) -> Result<Profile, ProfError> {
        let missing = |key| ProfError::Missing { key, place: "the file".to_owned() };
        if !self.has_rows {
            return Err(missing("data"));
        }
        let metadata = self.metadata.ok_or_else(|| missing("metadata"))?;
        let unit = |key: &str| {
            metadata.iter().find(|(name, _)| name == key).map(|(_, unit)| unit.as_str())
        };
        let (clock, times) = times(self.times, unit("unix_timestamp_unit"))?;
        let mut columns = Vec::new();
        for (name, values) in self.columns {
            let original = ORIGINAL.iter().find(|(known, _)| *known == name);
            let zero = Some(Number::Uint(0));
            // The original writes integer 0 where a backend was off, in every row.
            if original.is_some() && values.iter().all(|value| value.is_none() || *value == zero) {
                continue;
            }
            let unit_key = format!("{name}_unit");
            let factor = match (is_bytes(&name), unit(&unit_key), original) {
                (false, ..) => 1,
                (true, Some(unit), _) => bytes_of(unit_key, unit)?,
                (true, None, Some((_, unit))) => bytes_of(unit_key, unit)?,
                (true, None, None) => 1,
            };
            let mut row = 0;
            let values = values.into_iter().map(|value| {
                row += 1;
                match value {
                    // Within a recorded column it is a hook that failed.
                    Some(Number::Uint(0)) if original.is_some() => Ok(None),
                    Some(value) => scaled(value, factor, &name, row - 1).map(Some),
                    None => Ok(None),
                }
            });
            let values = values.collect::<Result<_, _>>()?;
            columns.push(Column { name, values });
        }
        Ok(Profile::from_parts(metadata, clock, times, self.signatures, columns))
    }
}

fn times(mut times: Vec<u64>, unit: Option<&str>) -> Result<(Clock, Vec<u64>), ProfError> {
    let key = "unix_timestamp_unit";
    match unit {
        Some("ns") => Ok((Clock::UnixNanos, times)),
        Some("ms") => {
            for (row, time) in times.iter_mut().enumerate() {
                *time = time.checked_mul(1_000_000).ok_or_else(|| ProfError::BadValue {
                    key: "unix_timestamp".to_owned(),
                    row: row as u64,
                    value: time.to_string(),
                    expected: "milliseconds that fit 64 bits of nanoseconds",
                })?;
            }
            Ok((Clock::BootMillis, times))
        }
        Some(unit) => Err(ProfError::BadUnit {
            key: key.to_owned(),
            unit: unit.chars().take(40).collect(),
            expected: "ms or ns",
        }),
        None if times.is_empty() => Ok((Clock::default(), times)),
        None => Err(ProfError::Missing { key, place: "the metadata".to_owned() }),
    }
}

fn bytes_of(key: String, unit: &str) -> Result<u64, ProfError> {
    match unit {
        "b" => Ok(1),
        "kb" => Ok(1 << 10),
        "mb" => Ok(1 << 20),
        "gb" => Ok(1 << 30),
        _ => Err(ProfError::BadUnit {
            key,
            unit: unit.chars().take(40).collect(),
            expected: "b, kb, mb or gb",
        }),
    }
}

fn scaled(value: Number, factor: u64, key: &str, row: u64) -> Result<u64, ProfError> {
    let (scaled, shown) = match value {
        Number::Uint(value) => (value.checked_mul(factor), value.to_string()),
        Number::Float(value) => {
            let bytes = value * factor as f64;
            // NaN fails both comparisons.
            let fits = bytes >= 0.0 && bytes < u64::MAX as f64;
            (fits.then_some(bytes.round() as u64), value.to_string())
        }
    };
    scaled.ok_or_else(|| ProfError::BadValue {
        key: key.chars().take(40).collect(),
        row,
        value: shown,
        expected: "a number from 0 to 2⁶⁴ bytes",
    })
}

//! Why a profile could not be read or written.

use std::io;
use std::path::PathBuf;

/// Why a profile could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfError {
    /// A file could not be opened, read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// `open`, `write` or `replace`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Reading or writing failed.
    #[error("input or output failed: {0}")]
    Io(#[from] io::Error),
    /// The bytes are not compressed with gzip.
    #[error(
        "not a gzip file: it begins with {begins:02x?}{}",
        if *looks_unpacked { "; it looks like an uncompressed profile, compress it with gzip" } else { "" }
    )]
    NotGzip {
        /// The first bytes.
        begins: Vec<u8>,
        /// Whether they are the begin of a MessagePack map.
        looks_unpacked: bool,
    },
    /// The data end too early.
    #[error("truncated: the data end after {offset} decompressed bytes, inside row {rows}")]
    Truncated {
        /// Decompressed bytes that were read.
        offset: u64,
        /// Complete rows before that.
        rows: u64,
    },
    /// The compressed data are damaged.
    #[error("damaged after {offset} decompressed bytes: {source}")]
    Damaged {
        /// Decompressed bytes that were read.
        offset: u64,
        /// What the decompressor said.
        source: io::Error,
    },
    /// Something else than expected.
    #[error("expected {expected}, found {found} at decompressed byte {offset}")]
    Unexpected {
        /// What a profile has at this place.
        expected: &'static str,
        /// What was there.
        found: &'static str,
        /// Where.
        offset: u64,
    },
    /// A key that a profile must have is missing.
    #[error("no {key:?} in {place}; this is not a profile, or one of an unknown kind")]
    Missing {
        /// The key.
        key: &'static str,
        /// `the file`, `the metadata` or `row N`.
        place: String,
    },
    /// A number that is no amount of bytes or time, or a unit that is not known.
    #[error("{key} of row {row} is {value}; expected {expected}")]
    BadValue {
        /// The column or metadata key.
        key: String,
        /// The row, counted from 0.
        row: u64,
        /// What was there.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A unit in the metadata is not known.
    #[error("unit {unit:?} in {key:?} is unknown; expected {expected}")]
    BadUnit {
        /// The metadata key.
        key: String,
        /// The unit.
        unit: String,
        /// The units that are known.
        expected: &'static str,
    },
    /// A limit was reached.
    #[error("more than {limit} bytes {what}; raise Limits::{option} if the file is trusted")]
    TooLarge {
        /// `of decompressed data` or `of memory`.
        what: &'static str,
        /// The limit, in bytes.
        limit: u64,
        /// The field of [`Limits`](crate::prof::Limits) that holds it.
        option: &'static str,
    },
    /// More different columns than any profile has.
    #[error("more than {limit} different columns; this is not a profile")]
    TooManyColumns {
        /// The most that are read.
        limit: usize,
    },
    /// Bytes follow the end of the profile.
    #[error("data after the end of the profile, at decompressed byte {offset}")]
    Trailing {
        /// Where.
        offset: u64,
    },
    /// Not a journal.
    #[error("not a journal of this version: it begins with {begins:02x?}")]
    NotJournal {
        /// The first bytes.
        begins: Vec<u8>,
    },
}

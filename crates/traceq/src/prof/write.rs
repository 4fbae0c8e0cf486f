//! From a [`Profile`] to a `.prof` file that the original's `load_profile` reads.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::{Compression, GzBuilder};
use rmp::encode::{self, ValueWriteError};

use super::ProfError;
use crate::profile::{Clock, Column, ORIGINAL, Profile};

/// Writes a `.prof` file whole: beside its place first, then by replacing what is there.
///
/// # Errors
/// [`ProfError::File`] where the folder cannot be written.
pub fn save(profile: &Profile, path: impl AsRef<Path>) -> Result<(), ProfError> {
    let path = path.as_ref();
    let failed = |action| move |source| ProfError::File { action, path: path.to_owned(), source };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = File::create(&beside).and_then(|file| {
        let file = pack(profile, &name, BufWriter::new(file))?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    });
    let placed = written
        .map_err(failed("write"))
        .and_then(|()| std::fs::rename(&beside, path).map_err(failed("replace")));
    if placed.is_err() {
        // What went wrong is told already; the rest of a file is of no use.
        let _ = std::fs::remove_file(&beside);
    }
    placed
}

/// Writes the content of a `.prof` file. `name` is stored as the name of the packed file.
///
/// # Errors
/// [`ProfError::Io`].
pub fn write(profile: &Profile, name: &str, to: impl Write) -> Result<(), ProfError> {
    pack(profile, name, to)?.flush().map_err(ProfError::Io)
}

fn pack<W: Write>(profile: &Profile, name: &str, to: W) -> io::Result<W> {
    // A name in the header ends at its first zero byte.
    let name: Vec<u8> = name.bytes().filter(|byte| *byte != 0).collect();
    let packer = GzBuilder::new().filename(name).write(to, Compression::default());
    let mut buffered = BufWriter::new(packer);
    content(profile, &mut buffered)?;
    buffered.into_inner().map_err(io::IntoInnerError::into_error)?.finish()
}

fn content(profile: &Profile, to: &mut impl Write) -> io::Result<()> {
    encode::write_map_len(to, 2).map_err(io_error)?;
    text(to, "metadata")?;
    metadata(profile, to)?;
    text(to, "data")?;
    encode::write_array_len(to, length(profile.len())?).map_err(io_error)?;
    let original = ORIGINAL.map(|(name, unit)| (name, unit, profile.column(name)));
    let is_new = |column: &&Column| ORIGINAL.iter().all(|(name, _)| *name != column.name());
    let new: Vec<&Column> = profile.columns().iter().filter(is_new).collect();
    for (row, time) in profile.times_ns().iter().enumerate() {
        let present: Vec<(&Column, u64)> = new
            .iter()
            .filter_map(|column| Some((*column, (*column.values().get(row)?)?)))
            .collect();
        encode::write_map_len(to, length(2 + original.len() + present.len())?).map_err(io_error)?;
        text(to, "signature")?;
        text(to, profile.signature(row).unwrap_or(crate::profile::UNSIGNED))?;
        for (name, unit, column) in &original {
            text(to, name)?;
            match column.and_then(|column| *column.values().get(row)?) {
                Some(bytes) => {
                    let unit = if *unit == "kb" { 1024.0 } else { 1.0 };
                    encode::write_f64(to, bytes as f64 / unit).map_err(io_error)?;
                }
                // The original's sign for "not recorded".
                None => write_uint(to, 0)?,
            }
        }
        text(to, "unix_timestamp")?;
        match profile.clock() {
            Clock::BootMillis => write_uint(to, time / 1_000_000)?,
            Clock::UnixNanos => write_uint(to, *time)?,
        }
        for (column, value) in present {
            text(to, column.name())?;
            if column.is_bytes() {
                encode::write_f64(to, value as f64).map_err(io_error)?;
            } else {
                write_uint(to, value)?;
            }
        }
    }
    Ok(())
}

/// The caller's entries, then the units, which follow from what is written here.
fn metadata(profile: &Profile, to: &mut impl Write) -> io::Result<()> {
    let time = match profile.clock() {
        Clock::BootMillis => "ms",
        Clock::UnixNanos => "ns",
    };
    let mut units: Vec<(String, &str)> =
        ORIGINAL.iter().map(|(name, unit)| (format!("{name}_unit"), *unit)).collect();
    units.push(("unix_timestamp_unit".to_owned(), time));
    for column in profile.columns() {
        let key = format!("{}_unit", column.name());
        if column.is_bytes() && units.iter().all(|(known, _)| *known != key) {
            units.push((key, "b"));
        }
    }
    let own = |key: &str| units.iter().all(|(unit, _)| unit != key);
    let entries = profile.metadata().filter(|(key, _)| own(key));
    encode::write_map_len(to, length(entries.clone().count() + units.len())?).map_err(io_error)?;
    for (key, value) in entries {
        text(to, key)?;
        text(to, value)?;
    }
    for (key, unit) in &units {
        text(to, key)?;
        text(to, unit)?;
    }
    Ok(())
}

fn text(to: &mut impl Write, text: &str) -> io::Result<()> {
    length(text.len())?;
    encode::write_str(to, text).map_err(io_error)
}

fn write_uint(to: &mut impl Write, value: u64) -> io::Result<()> {
    encode::write_uint(to, value).map(|_| ()).map_err(io_error)
}

fn length(n: usize) -> io::Result<u32> {
    u32::try_from(n).map_err(|_| io::Error::other("MessagePack holds at most 2³² entries"))
}

pub(super) fn io_error(error: ValueWriteError) -> io::Error {
    match error {
        ValueWriteError::InvalidMarkerWrite(e) | ValueWriteError::InvalidDataWrite(e) => e,
    }
}

//! Rows on disk as they are taken, for the case that nobody lives to write the `.prof` file.
//!
//! A journal is `traceqJ1`, then frames: length and CRC-32 (four bytes each, little-endian) and a
//! MessagePack array: `[0, key, value]` for metadata, `[1, time, signature, {column: value}]` for a
//! row, `[2]` for a proper end. Each frame is one write to the file, so it outlives the process that
//! wrote it; the last frame may be torn if the machine stops, and is left out on reading.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Crc;
use rmp::encode;

use super::ProfError;
use super::read::{Budget, Limits};
use super::token::Tokens;
use super::write::io_error;
use crate::profile::Profile;

const MAGIC: &[u8; 8] = b"traceqJ1";
const METADATA: u64 = 0;
const ROW: u64 = 1;
const END: u64 = 2;

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    frame: Vec<u8>,
}

impl Journal {
    /// Begins a journal, replacing what is at `path`.
    ///
    /// # Errors
    /// [`ProfError::File`].
    pub fn create(path: impl AsRef<Path>) -> Result<Self, ProfError> {
        let path = path.as_ref().to_owned();
        let begun = File::create(&path).and_then(|mut file| {
            file.write_all(MAGIC)?;
            Ok(file)
        });
        match begun {
            Ok(file) => Ok(Self { file, path, frame: Vec::new() }),
            Err(source) => Err(ProfError::File { action: "write", path, source }),
        }
    }

    /// Adds one value of the metadata; a later one replaces an earlier one.
    ///
    /// # Errors
    /// [`ProfError::File`].
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), ProfError> {
        self.append(|frame| {
            encode::write_array_len(frame, 3)?;
            encode::write_uint(frame, METADATA)?;
            encode::write_str(frame, key)?;
            encode::write_str(frame, value)
        })
    }

    /// Adds a row: time in nanoseconds since 1970, and the values that were recorded.
    ///
    /// # Errors
    /// [`ProfError::File`].
    pub fn push<'a>(
        &mut self,
        time_ns: u64,
        signature: &str,
        values: impl IntoIterator<Item = (&'a str, Option<u64>), IntoIter: Clone>,
    ) -> Result<(), ProfError> {
        let present = values.into_iter().filter_map(|(name, value)| Some((name, value?)));
        self.append(|frame| {
            encode::write_array_len(frame, 4)?;
            encode::write_uint(frame, ROW)?;
            encode::write_uint(frame, time_ns)?;
            encode::write_str(frame, signature)?;
            encode::write_map_len(frame, present.clone().count() as u32)?;
            for (name, value) in present {
                encode::write_str(frame, name)?;
                encode::write_uint(frame, value)?;
            }
            Ok(())
        })
    }

    /// Ends the journal: a reader can tell that nothing is missing.
    ///
    /// # Errors
    /// [`ProfError::File`].
    pub fn finish(mut self) -> Result<(), ProfError> {
        self.append(|frame| {
            encode::write_array_len(frame, 1)?;
            encode::write_uint(frame, END).map(|_| ())
        })
    }

    fn append(
        &mut self,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<(), encode::ValueWriteError>,
    ) -> Result<(), ProfError> {
        self.frame.clear();
        self.frame.extend_from_slice(&[0; 8]);
        let filled = fill(&mut self.frame).map_err(io_error);
        let written = filled.and_then(|()| {
            let (head, body) = self.frame.split_at_mut(8);
            let (length, crc) = head.split_at_mut(4);
            length.copy_from_slice(&(body.len() as u32).to_le_bytes());
            crc.copy_from_slice(&sum(body).to_le_bytes());
            self.file.write_all(&self.frame)
        });
        written.map_err(|source| ProfError::File {
            action: "write",
            path: self.path.clone(),
            source,
        })
    }
}

/// What a journal holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovered {
    /// All complete rows.
    pub profile: Profile,
    /// Whether the writer ended it; otherwise it was killed, or is still writing.
    pub complete: bool,
    /// Bytes of a torn or damaged rest that was left out.
    pub lost_bytes: u64,
}

/// Reads a journal, whether its writer ended it or was killed.
///
/// # Errors
/// [`ProfError::File`], [`ProfError::NotJournal`], or [`ProfError::TooLarge`]. A torn rest is no
/// error.
pub fn recover(path: impl AsRef<Path>, limits: Limits) -> Result<Recovered, ProfError> {
    let path = path.as_ref();
    let file = File::open(path).map_err(|source| ProfError::File {
        action: "open",
        path: path.to_owned(),
        source,
    })?;
    recover_from(BufReader::new(file), limits)
}

/// Reads the content of a journal, as [`recover`] does.
///
/// # Errors
/// As [`recover`], and [`ProfError::Io`].
pub fn recover_from(mut from: impl Read, limits: Limits) -> Result<Recovered, ProfError> {
    let mut begins = Vec::new();
    (&mut from).take(MAGIC.len() as u64).read_to_end(&mut begins)?;
    if begins != MAGIC {
        return Err(ProfError::NotJournal { begins });
    }
    let mut budget = Budget::new(limits.memory_bytes);
    let mut profile = Profile::default();
    let mut complete = false;
    let mut rest = 0;
    let mut frame = Vec::new();
    while !complete {
        frame.clear();
        (&mut from).take(8).read_to_end(&mut frame)?;
        rest = frame.len() as u64;
        let Ok(head) = <[u8; 8]>::try_from(frame.as_slice()) else { break };
        let [l0, l1, l2, l3, c0, c1, c2, c3] = head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        budget.check(length.into())?;
        frame.clear();
        (&mut from).take(length.into()).read_to_end(&mut frame)?;
        rest += frame.len() as u64;
        if frame.len() != length as usize || sum(&frame) != u32::from_le_bytes([c0, c1, c2, c3]) {
            break;
        }
        // What the row takes in memory: at most its bytes by a small factor, and a value per column.
        budget.charge(4 * u64::from(length) + 16 * profile.columns().len() as u64)?;
        match apply(&frame, &mut profile) {
            Ok(end) => complete = end,
            // A frame with the right sum was written so; one that is not understood ends the reading.
            Err(_) => break,
        }
        rest = 0;
    }
    rest += std::io::copy(&mut from, &mut std::io::sink())?;
    Ok(Recovered { profile, complete, lost_bytes: rest })
}

/// Adds what a frame says; true at the end.
fn apply(frame: &[u8], profile: &mut Profile) -> Result<bool, ProfError> {
    let mut tokens = Tokens::new(frame, frame.len() as u64);
    tokens.array("a frame")?;
    match tokens.uint("the kind of a frame")? {
        METADATA => {
            let key = text(&mut tokens)?;
            let value = text(&mut tokens)?;
            profile.set(key, value);
            Ok(false)
        }
        ROW => {
            let time = tokens.uint("a time")?;
            let signature = text(&mut tokens)?;
            let mut values = Vec::new();
            for _ in 0..tokens.map("the values of a row")? {
                values.push((text(&mut tokens)?, tokens.uint("a value")?));
            }
            let values = values.iter().map(|(name, value)| (name.as_str(), Some(*value)));
            profile.push(time, &signature, values);
            Ok(false)
        }
        END => Ok(true),
        _ => Err(tokens.unexpected("metadata, a row or the end", "another kind of frame")),
    }
}

fn text(tokens: &mut Tokens<&[u8]>) -> Result<String, ProfError> {
    let n = tokens.text("text")?;
    let mut bytes = Vec::new();
    tokens.text_of(n, &mut bytes)?;
    String::from_utf8(bytes).map_err(|_| tokens.unexpected("UTF-8 text", "other bytes"))
}

fn sum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.journal");
        let mut journal = Journal::create(&path).unwrap();
        journal.set("entrypoint_shape", "(5, 7, 11)").unwrap();
        for row in 0..20 {
            let late = (row > 9).then_some(row * 10);
            journal
                .push(row, "a/b", [("kernel_memory_usage", Some(row * 4096)), ("x", late)])
                .unwrap();
        }
        journal.finish().unwrap();
        (folder, path)
    }

    #[test]
    fn whole_journal_reads_back() {
        let (_folder, path) = journal();
        let read = recover(&path, Limits::default()).unwrap();
        assert!(read.complete && read.lost_bytes == 0);
        assert_eq!((read.profile.len(), read.profile.peak("x")), (20, Some(190)));
        assert_eq!(read.profile.column("x").unwrap().values()[9], None);
    }

    #[test]
    fn torn_anywhere_it_keeps_all_complete_rows() {
        let (_folder, path) = journal();
        let bytes = std::fs::read(&path).unwrap();
        let mut rows = 0;
        for end in MAGIC.len()..bytes.len() {
            let read = recover_from(&bytes[..end], Limits::default()).unwrap();
            assert!(!read.complete);
            assert!(read.profile.len() >= rows, "cut at {end}");
            rows = read.profile.len();
        }
        assert_eq!(rows, 20);
        assert!(matches!(
            recover_from(&bytes[..5], Limits::default()),
            Err(ProfError::NotJournal { .. })
        ));
    }

    #[test]
    fn a_flipped_byte_ends_the_reading_there() {
        let (_folder, path) = journal();
        let good = std::fs::read(&path).unwrap();
        for at in MAGIC.len()..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 0x20;
            let small = Limits { memory_bytes: 1 << 16, ..Limits::default() };
            if let Ok(read) = recover_from(bytes.as_slice(), small) {
                assert!(read.lost_bytes > 0, "byte {at}");
            }
        }
    }
}

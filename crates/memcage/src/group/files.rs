//! The files of a group.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::proc::named;

/// Writes to a file that exists. Never makes one: a folder that is no group must not look like one.
pub(super) fn write(file: &Path, text: &str) -> io::Result<()> {
    let written =
        File::options().write(true).open(file).and_then(|mut to| to.write_all(text.as_bytes()));
    written.map_err(|error| named(file, &error))
}

pub(super) fn read(file: &Path) -> io::Result<String> {
    fs::read_to_string(file).map_err(|error| named(file, &error))
}

/// The single number in a file.
pub(super) fn number(file: &Path) -> io::Result<u64> {
    read(file)?.trim().parse().map_err(|_| malformed(file, "number"))
}

/// The number after `key` in a file of `key number` lines.
pub(super) fn keyed(file: &Path, key: &str) -> io::Result<u64> {
    value(&read(file)?, key).ok_or_else(|| malformed(file, key))
}

/// The number after `key` in a text of `key number` lines.
pub(super) fn value(text: &str, key: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    value?.trim().parse().ok()
}

pub(super) fn malformed(file: &Path, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: no {what}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_keys() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("memory.stat");
        fs::write(&file, "inactive_file_x 1\ninactive_file 8192\nanon many\n").unwrap();
        assert_eq!(keyed(&file, "inactive_file").unwrap(), 8192);
        assert!(keyed(&file, "anon").is_err());
        assert!(keyed(&file, "absent").unwrap_err().to_string().contains("memory.stat"));
        assert!(number(&dir.path().join("memory.peak")).is_err());
    }
}

//! Arrays of plain little-endian numbers, one file per chunk.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{METADATA, ZarrError};
use crate::IoError;

/// The arrays that are written: each chunk is a file of numbers and nothing else.
#[derive(Debug, Clone)]
pub(crate) struct PlainArray {
    folder: PathBuf,
    pub(crate) shape: Vec<usize>,
    pub(crate) chunk: Vec<usize>,
}

fn codecs() -> Value {
    json!([{ "name": "bytes", "configuration": { "endian": "little" } }])
}

fn chunk_keys() -> Value {
    json!({ "name": "default", "configuration": { "separator": "/" } })
}

impl PlainArray {
    /// Makes an empty array in `folder`.
    pub(crate) fn create(
        folder: PathBuf,
        shape: &[usize],
        chunk: &[usize],
        data_type: &str,
        fill: Value,
        dimensions: &[&str],
        attributes: Map<String, Value>,
    ) -> Result<Self, IoError> {
        let metadata = json!({
            "zarr_format": 3,
            "node_type": "array",
            "shape": shape,
            "data_type": data_type,
            "chunk_grid": { "name": "regular", "configuration": { "chunk_shape": chunk } },
            "chunk_key_encoding": chunk_keys(),
            "fill_value": fill,
            "codecs": codecs(),
            "dimension_names": dimensions,
            "attributes": attributes,
        });
        write_json(&folder, &metadata)?;
        Ok(Self { folder, shape: shape.to_vec(), chunk: chunk.to_vec() })
    }

    /// Opens an array of `data_type` that [`create`](Self::create) made.
    pub(crate) fn open(folder: PathBuf, data_type: &str) -> Result<Self, IoError> {
        let path = folder.join(METADATA);
        let text = fs::read(&path).map_err(|source| IoError::Open { path, source })?;
        let parsed = serde_json::from_slice(&text).map_err(ZarrError::from);
        let parsed = parsed.and_then(|metadata: Value| {
            let numbers = |value: &Value, field| {
                let numbers = serde_json::from_value::<Vec<usize>>(value.clone()).ok();
                numbers.filter(|all| all.iter().all(|&n| n > 0)).ok_or(ZarrError::NotOurs { field })
            };
            let shape = numbers(&metadata["shape"], "shape")?;
            let grid = &metadata["chunk_grid"]["configuration"]["chunk_shape"];
            let chunk = numbers(grid, "chunk_grid")?;
            let expected = [
                ("data_type", Value::from(data_type)),
                ("codecs", codecs()),
                ("chunk_key_encoding", chunk_keys()),
            ];
            match expected.into_iter().find(|(field, value)| metadata[*field] != *value) {
                Some((field, _)) => Err(ZarrError::NotOurs { field }),
                None if shape.len() != chunk.len() => {
                    Err(ZarrError::NotOurs { field: "chunk_grid" })
                }
                None => Ok((shape, chunk)),
            }
        });
        let (shape, chunk) = parsed.map_err(|error| error.at(&folder))?;
        Ok(Self { folder, shape, chunk })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes the chunk at `position` of the grid, whole or not at all.
    pub(crate) fn write_chunk(&self, position: &[usize], bytes: &[u8]) -> Result<(), IoError> {
        let mut path = self.folder.join("c");
        path.extend(position.iter().map(ToString::to_string));
        replace(&path, bytes).map_err(|source| IoError::Write { path, source })
    }
}

/// Writes `zarr.json` in `folder`, which is made where it does not exist.
pub(crate) fn write_json(folder: &Path, metadata: &Value) -> Result<(), IoError> {
    let path = folder.join(METADATA);
    serde_json::to_vec_pretty(metadata)
        .map_err(io::Error::from)
        .and_then(|text| replace(&path, &text))
        .map_err(|source| IoError::Write { path, source })
}

/// Puts a file of `bytes` at `path`. A process that is killed meanwhile leaves the old file, or none,
/// and a file with `.partial` added to its name, which the next attempt overwrites.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let mut file = match File::create(&partial) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            File::create(&partial)?
        }
        other => other?,
    };
    let written = file.write_all(bytes).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&partial);
    }
    written
}

//! Nodes of a Zarr store: which array is meant, and what its metadata says.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chunkfit_core::{AxisLabel, Shape};
use ndarray::{Array1, ArrayViewMut1};
use serde_json::Value;
use zarrs::array::{Array, ArrayBytes, ArrayMetadata, ArraySubset, CodecOptions};
use zarrs::filesystem::FilesystemStore;

use super::{METADATA, ZarrError};
use crate::ByteOrder;
use crate::element::Element;

pub(crate) type Stored = Array<FilesystemStore>;
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

pub(crate) fn one_thread() -> CodecOptions {
    CodecOptions::default().with_concurrent_target(1).with_chunk_concurrent_minimum(1)
}

/// Elements of one chunk.
pub(crate) fn chunk_voxels(array: &Stored) -> u64 {
    let first = vec![0; array.shape().len()];
    array.chunk_shape(&first).map_or(0, |chunk| chunk.iter().map(|n| n.get()).product())
}

/// The group and the name of the array that `path` and `variable` mean.
pub(crate) fn locate(path: &Path, variable: Option<&str>) -> Result<(PathBuf, String), ZarrError> {
    let Some(metadata) = metadata_of(path)? else {
        let problem = if path.join(".zarray").exists() || path.join(".zgroup").exists() {
            "it is Zarr v2; convert it to Zarr v3"
        } else {
            "it has no zarr.json"
        };
        return Err(ZarrError::NotAStore { problem });
    };
    if metadata["node_type"] == "array" {
        return match (path.parent(), path.file_name().and_then(|name| name.to_str())) {
            (Some(group), Some(name)) => Ok((group.to_owned(), name.to_owned())),
            _ => Err(ZarrError::NotAStore { problem: "its folder has no name" }),
        };
    }
    let names = volumes_of(path)?;
    let name = match (variable, &*names) {
        (Some(name), names) if names.iter().any(|known| known == name) => name.to_owned(),
        (_, []) => return Err(ZarrError::NoVolume),
        (Some(name), _) => {
            return Err(ZarrError::NoSuchVolume { name: name.to_owned(), names });
        }
        (None, [one]) => one.clone(),
        (None, _) => return Err(ZarrError::SeveralVolumes { names }),
    };
    Ok((path.to_owned(), name))
}

/// The metadata of a node, or `None` where there is none.
fn metadata_of(folder: &Path) -> Result<Option<Value>, ZarrError> {
    match fs::read(folder.join(METADATA)) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(_) => Ok(None),
    }
}

/// The three-dimensional arrays of numbers in a group.
fn volumes_of(group: &Path) -> Result<Vec<String>, ZarrError> {
    let entries = fs::read_dir(group).map_err(|error| ZarrError::Metadata(error.into()))?;
    let mut names = Vec::new();
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if let Some(metadata) = metadata_of(&entry.path())? {
            let axes = metadata["shape"].as_array().map(Vec::len);
            let known = metadata["data_type"].as_str().and_then(element_of).is_some();
            if axes == Some(3) && known {
                names.push(name);
            }
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// A volume, with what is known about it from its own metadata.
pub(crate) struct Opened {
    pub(crate) array: Stored,
    pub(crate) shape: Shape,
    pub(crate) chunk: Shape,
    pub(crate) element: Element,
    /// Whether a chunk is a file of numbers and nothing else.
    pub(crate) is_plain: bool,
}

pub(crate) fn open_volume(store: &Arc<FilesystemStore>, name: &str) -> Result<Opened, ZarrError> {
    let array = Array::open(Arc::clone(store), &format!("/{name}"))
        .map_err(|error| ZarrError::Metadata(error.into()))?;
    let ArrayMetadata::V3(metadata) = array.metadata() else {
        return Err(ZarrError::NotAStore { problem: "it is Zarr v2; convert it to Zarr v3" });
    };
    if metadata.chunk_grid.name() != "regular" {
        return Err(ZarrError::ChunkGrid);
    }
    let is_plain = matches!(&*metadata.codecs, [only] if only.name() == "bytes");
    let data_type = metadata.data_type.name().to_owned();
    let element = element_of(&data_type).ok_or(ZarrError::DataType { data_type })?;
    let shape_of = |extents: &[u64]| {
        let extents: Vec<usize> = extents.iter().map(|&n| n as usize).collect();
        <[usize; 3]>::try_from(extents).ok().and_then(|extents| Shape::new(extents).ok())
    };
    let not_a_volume = || ZarrError::NotAVolume { shape: array.shape().to_vec() };
    let shape = shape_of(array.shape()).ok_or_else(not_a_volume)?;
    let chunk = array.chunk_shape(&[0, 0, 0]).map_err(|error| ZarrError::Metadata(error.into()))?;
    let chunk: Vec<u64> = chunk.iter().map(|n| n.get()).collect();
    let chunk = shape_of(&chunk).ok_or(ZarrError::ChunkGrid)?;
    Ok(Opened { shape, chunk, element, is_plain, array })
}

pub(crate) fn type_of(array: &Stored) -> &str {
    match array.metadata() {
        ArrayMetadata::V3(metadata) => metadata.data_type.name(),
        ArrayMetadata::V2(_) => "",
    }
}

fn element_of(data_type: &str) -> Option<Element> {
    Some(match data_type {
        "float32" => Element::F32,
        "float64" => Element::F64,
        "int8" => Element::I8,
        "int16" => Element::I16,
        "int32" => Element::I32,
        "int64" => Element::I64,
        "uint8" => Element::U8,
        "uint16" => Element::U16,
        "uint32" => Element::U32,
        "uint64" => Element::U64,
        _ => return None,
    })
}

/// One number as f32.
pub(crate) fn value_of(element: Element, bytes: &[u8]) -> f32 {
    let mut value = 0.0;
    if bytes.len() == element.bytes() {
        let out = ArrayViewMut1::from(std::slice::from_mut(&mut value));
        element.decode(ByteOrder::NATIVE, bytes, out);
    }
    value
}

/// The names of the dimensions, empty where one has none.
pub(crate) fn dimension_names(array: &Stored) -> [String; 3] {
    let names = array.dimension_names().as_deref().unwrap_or_default();
    [0, 1, 2].map(|a| names.get(a).cloned().flatten().unwrap_or_default())
}

/// What the axes are called here: `inline`, `crossline`, and `time`, `depth` or `sample`.
pub(crate) fn axis_names(stored: &[String; 3]) -> Result<[&'static str; 3], ZarrError> {
    let kind = |name: &str| match name.to_ascii_lowercase().as_str() {
        "inline" | "iline" | "il" => Some("inline"),
        "crossline" | "xline" | "xl" => Some("crossline"),
        "time" | "twt" => Some("time"),
        "depth" => Some("depth"),
        _ => None,
    };
    match stored.each_ref().map(|name| kind(name)) {
        [
            None | Some("inline"),
            None | Some("crossline"),
            third @ (None | Some("time" | "depth")),
        ] => Ok(["inline", "crossline", third.unwrap_or("sample")]),
        _ => Err(ZarrError::AxisOrder { names: stored.to_vec() }),
    }
}

/// The coordinates in a one-dimensional array.
pub(crate) fn read_axis(array: &Stored, stored: &str, name: &str) -> Result<AxisLabel, ZarrError> {
    let n = array.shape().first().copied().unwrap_or(0);
    let Some(element) = element_of(type_of(array)) else {
        return Ok(AxisLabel::indices(name, n as usize));
    };
    let bytes = read_part(array, stored, std::slice::from_ref(&(0..n)))?;
    let values = match element {
        Element::F64 => {
            bytes.as_chunks::<8>().0.iter().map(|&word| f64::from_ne_bytes(word)).collect()
        }
        Element::I32 => bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|&word| f64::from(i32::from_ne_bytes(word)))
            .collect(),
        // Line numbers in other types are small.
        other => {
            let mut values = Array1::zeros(n as usize);
            other.decode(ByteOrder::NATIVE, &bytes, values.view_mut());
            values.iter().copied().map(f64::from).collect()
        }
    };
    let attributes = array.attributes();
    let unit =
        attributes.get("units").or_else(|| attributes.get("unitsV1")?.as_object()?.values().next());
    let unit = unit.and_then(Value::as_str).map(str::to_owned);
    Ok(AxisLabel { name: name.to_owned(), unit, values })
}

/// The bytes of a part of an array, in the byte order of this machine.
pub(crate) fn read_part(
    array: &Stored,
    name: &str,
    ranges: &[Range<u64>],
) -> Result<Vec<u8>, ZarrError> {
    let failed = |source: BoxError| ZarrError::Array { array: name.to_owned(), source };
    let part = ArraySubset::new_with_ranges(ranges);
    let bytes: ArrayBytes<'static> = array
        .retrieve_array_subset_opt(&part, &one_thread())
        .map_err(|error| failed(error.into()))?;
    Ok(bytes.into_fixed().map_err(|error| failed(error.into()))?.into_owned())
}

//! NumPy files, read region by region.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use chunkfit_core::{
    Axis, AxisLabel, ByteSize, Region, Shape, Source, StorageError, StorageLayout,
};
use ndarray::{ArrayViewMut3, Axis as ArrayAxis};
use serde::{Deserialize, Serialize};

use crate::element::Element;
use crate::error::{check_request, failed_read};
use crate::records::Records;
use crate::stamp::Stamp;
use crate::{ByteOrder, Info, IoError};

/// Why an npy file is not a volume that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NpyError {
    /// The file does not begin as an npy file does, or its header makes no sense.
    #[error("its header is damaged: {problem}")]
    Header {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The array is not three-dimensional.
    #[error(
        "its array has the shape {shape:?}; a volume has three axes (inline, crossline, sample), \
         none of them empty"
    )]
    NotAVolume {
        /// The shape in the header.
        shape: Vec<usize>,
    },
    /// The sample axis is not contiguous.
    #[error(
        "its array is in Fortran order, so the samples of a trace lie far apart; save \
         numpy.ascontiguousarray(array) instead"
    )]
    FortranOrder,
    /// The type of the elements is not a plain number.
    #[error(
        "its elements are {descr}; integers of 8 to 64 bits and floats of 32 and 64 bits are read"
    )]
    ElementType {
        /// The type as NumPy writes it.
        descr: String,
    },
    /// The file is shorter than its header says.
    #[error("its header promises {expected} bytes, the file has {got}; it is truncated")]
    Truncated {
        /// Bytes that header and shape need.
        expected: u64,
        /// Bytes of the file.
        got: u64,
    },
}

/// The first bytes of every npy file.
pub(crate) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The longest header that is looked at: NumPy's own limit is 10 000 characters.
const LONGEST_HEADER: usize = 64 << 10;

/// What opens an npy file again, without parsing its header.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NpyDescriptor {
    stamp: Stamp,
    records: Records,
    shape: Shape,
}

impl NpyDescriptor {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.stamp.path()
    }
}

/// A three-dimensional array in an npy file: C order, integers or floats of either byte order.
///
/// ```
/// use chunkfit_core::Source;
/// use chunkfit_io::npy::NpySource;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("volume.npy");
/// ndarray_npy::write_npy(&path, &ndarray::Array3::<f64>::zeros((5, 7, 11)))?;
/// assert_eq!(NpySource::open(&path)?.shape().to_string(), "5×7×11");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct NpySource {
    file: File,
    descriptor: NpyDescriptor,
    axes: [AxisLabel; 3],
}

impl NpySource {
    /// Opens the file at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or its header does not describe a volume: see [`NpyError`].
    pub fn open(path: &Path) -> Result<Self, IoError> {
        let (file, stamp) = Stamp::open(path)?;
        let text = read_header(&file, stamp.bytes())
            .map_err(|source| IoError::Read { path: path.to_owned(), source })?;
        let (records, shape) = text
            .and_then(|(text, start)| describe(&text, start, stamp.bytes()))
            .map_err(|source| IoError::Npy { path: path.to_owned(), source })?;
        Ok(Self::new(file, NpyDescriptor { stamp, records, shape }))
    }

    /// Opens a file that was open before.
    ///
    /// # Errors
    ///
    /// When it cannot be read or changed since.
    pub fn from_descriptor(descriptor: &NpyDescriptor) -> Result<Self, IoError> {
        Ok(Self::new(descriptor.stamp.reopen()?, descriptor.clone()))
    }

    fn new(file: File, descriptor: NpyDescriptor) -> Self {
        let [inlines, crosslines, samples] = descriptor.shape.extents();
        let axes = [("inline", inlines), ("crossline", crosslines), ("sample", samples)]
            .map(|(name, n)| AxisLabel::indices(name, n));
        Self { file, descriptor, axes }
    }

    /// What opens this file again.
    #[must_use]
    pub fn descriptor(&self) -> NpyDescriptor {
        self.descriptor.clone()
    }

    /// What is in the file.
    #[must_use]
    pub fn info(&self) -> Info {
        let records = &self.descriptor.records;
        Info {
            bytes: self.descriptor.stamp.bytes(),
            sample_format: records.element.name().to_owned(),
            byte_order: (records.element.bytes() > 1).then_some(records.order),
            ..Info::new("npy", self.descriptor.shape, &self.axes)
        }
    }
}

impl Source for NpySource {
    fn shape(&self) -> Shape {
        self.descriptor.shape
    }

    fn layout(&self) -> StorageLayout {
        StorageLayout::Contiguous { element_bytes: self.descriptor.records.element.bytes() }
    }

    fn axes(&self) -> &[AxisLabel; 3] {
        &self.axes
    }

    /// One read buffer: the traces of an inline, and at most 512 KiB.
    fn read_scratch(&self, shape: Shape) -> ByteSize {
        let records = &self.descriptor.records;
        let bytes = records.buffer_bytes(shape[Axis::Crossline], shape[Axis::Sample]);
        ByteSize::of::<u8>(bytes)
    }

    fn read(
        &self,
        region: &Region,
        mut out: ArrayViewMut3<'_, f32>,
    ) -> Result<ByteSize, StorageError> {
        let NpyDescriptor { stamp, records, shape } = &self.descriptor;
        check_request(stamp.path(), *shape, region, out.shape())?;
        let [first_inline, first_crossline, _] = region.start();
        let extents = region.shape();
        let bytes = records.buffer_bytes(extents[Axis::Crossline], extents[Axis::Sample]);
        let mut buffer = vec![0; bytes];
        let mut fetched = 0;
        for (i, rows) in out.axis_iter_mut(ArrayAxis(0)).enumerate() {
            let first = (first_inline + i) * shape[Axis::Crossline] + first_crossline;
            fetched += records
                .read(&self.file, first as u64, 1, region.range(Axis::Sample), rows, &mut buffer)
                .map_err(|error| failed_read(stamp.path(), region, error))?;
        }
        Ok(ByteSize::new(fetched))
    }
}

type Parsed<T> = Result<T, NpyError>;

/// The text of the header, and where the data begins.
fn read_header(file: &File, bytes: u64) -> io::Result<Parsed<(String, u64)>> {
    let problem = |problem| Ok(Err(NpyError::Header { problem }));
    let mut lead = [0; 12];
    if bytes < lead.len() as u64 {
        return problem("the file is too short");
    }
    file.read_exact_at(&mut lead, 0)?;
    let [magic @ .., major, _, a, b, c, d] = lead;
    if magic != *MAGIC {
        return problem("it does not begin with \\x93NUMPY");
    }
    let (length, start) = match major {
        1 => (usize::from(u16::from_le_bytes([a, b])), 10),
        2 | 3 => (u32::from_le_bytes([a, b, c, d]) as usize, 12),
        _ => return problem("its format version is not 1, 2 or 3"),
    };
    if length > LONGEST_HEADER || start + length as u64 > bytes {
        return problem("it is longer than the file, or than any header should be");
    }
    let mut text = vec![0; length];
    file.read_exact_at(&mut text, start)?;
    Ok(match String::from_utf8(text) {
        Ok(text) => Ok((text, start + length as u64)),
        Err(_) => Err(NpyError::Header { problem: "it is not text" }),
    })
}

/// Shape and layout of the array that `text` describes.
fn describe(text: &str, start: u64, bytes: u64) -> Parsed<(Records, Shape)> {
    let problem = |problem| NpyError::Header { problem };
    let descr = value_of(text, "descr").ok_or(problem("it names no `descr`"))?;
    let descr = match descr.strip_prefix(['\'', '"']).and_then(|d| d.split(['\'', '"']).next()) {
        Some(descr) => descr,
        // A list: a structured type.
        None => descr.split_inclusive(']').next().unwrap_or(descr),
    };
    let (element, order) =
        element_of(descr).ok_or_else(|| NpyError::ElementType { descr: descr.to_owned() })?;
    let fortran = value_of(text, "fortran_order").ok_or(problem("it names no `fortran_order`"))?;
    let shape = value_of(text, "shape")
        .and_then(|shape| shape.strip_prefix('('))
        .and_then(|shape| shape.split_once(')'))
        .ok_or(problem("it names no `shape`"))?;
    let shape: Vec<usize> = shape
        .0
        .split(',')
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .map(|n| n.trim_end_matches('L').parse().map_err(|_| problem("its shape has no numbers")))
        .collect::<Result<_, _>>()?;
    let volume = <[usize; 3]>::try_from(&*shape).ok().and_then(|s| Shape::new(s).ok());
    let volume = volume.ok_or_else(|| NpyError::NotAVolume { shape: shape.clone() })?;
    if fortran.starts_with("True") && volume.extents().iter().filter(|&&n| n > 1).count() > 1 {
        return Err(NpyError::FortranOrder);
    }
    let expected =
        start.saturating_add((volume.voxels() as u64).saturating_mul(element.bytes() as u64));
    if expected > bytes {
        return Err(NpyError::Truncated { expected, got: bytes });
    }
    let records = Records {
        start,
        count: (volume[Axis::Inline] * volume[Axis::Crossline]) as u64,
        lead: 0,
        samples: volume[Axis::Sample],
        element,
        order,
    };
    Ok((records, volume))
}

/// What follows `'key':` in a Python dictionary.
fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    ['\'', '"'].iter().find_map(|quote| {
        let (_, after) = text.split_once(&format!("{quote}{key}{quote}"))?;
        Some(after.trim_start().strip_prefix(':')?.trim_start())
    })
}

/// The element that NumPy calls `descr`: byte order, kind and bytes, as in `<f4`.
fn element_of(descr: &str) -> Option<(Element, ByteOrder)> {
    let mut letters = descr.chars();
    let order = match letters.next()? {
        '>' => ByteOrder::Big,
        '<' | '|' => ByteOrder::Little,
        _ => return None,
    };
    let element = match letters.as_str() {
        "f4" => Element::F32,
        "f8" => Element::F64,
        "i1" => Element::I8,
        "i2" => Element::I16,
        "i4" => Element::I32,
        "i8" => Element::I64,
        "u1" => Element::U8,
        "u2" => Element::U16,
        "u4" => Element::U32,
        "u8" => Element::U64,
        _ => return None,
    };
    Some((element, order))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Parsed<(Records, Shape)> {
        describe(text, 128, 1 << 40)
    }

    #[test]
    fn headers_of_numpy_are_understood() {
        let text = "{'descr': '>i2', 'fortran_order': False, 'shape': (5, 7, 11), }   \n";
        let (records, shape) = parse(text).unwrap();
        assert_eq!(shape.extents(), [5, 7, 11]);
        assert_eq!((records.element, records.order), (Element::I16, ByteOrder::Big));
        assert_eq!((records.start, records.stride()), (128, 22));
    }

    #[test]
    fn what_is_no_volume_is_refused_with_the_reason() {
        let with = |descr: &str, order: &str, shape: &str| {
            let text = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}");
            parse(&text).unwrap_err().to_string()
        };
        assert!(with("'<f4'", "False", "(5, 7)").contains("[5, 7]"));
        assert!(with("'<f4'", "False", "(5, 0, 7)").contains("[5, 0, 7]"));
        assert!(with("'<f4'", "False", "()").contains("[]"));
        assert!(with("'<f4'", "True", "(5, 7, 11)").contains("ascontiguousarray"));
        assert!(with("'<c8'", "False", "(5, 7, 11)").contains("<c8"));
        assert!(with("[('a', '<f4')]", "False", "(5, 7, 11)").contains("[('a', '<f4')]"));
        assert!(with("'<f8'", "False", "(9999999, 9999999, 11)").contains("truncated"));
        assert!(with("'<f8'", "False", "(99999999999, 99999999999, 11)").contains("99999999999"));
        assert!(parse("{}").is_err());
        assert!(parse("{'descr'").is_err());
    }
}

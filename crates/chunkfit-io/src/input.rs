use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use chunkfit_core::{AxisLabel, ByteSize, Region, Shape, Source, StorageError, StorageLayout};
use ndarray::{Array2, ArrayViewMut3};
use serde::{Deserialize, Serialize};

use crate::npy::{self, NpyDescriptor, NpySource};
use crate::segy::{SegyDescriptor, SegyOptions, SegySource};
use crate::zarr::{ZarrDescriptor, ZarrSource};
use crate::{Coordinates, Info, IoError};

/// How to read an input.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InputOptions {
    /// For SEG-Y. [`fill`](SegyOptions::fill) holds for Zarr too: it is what traces read as that
    /// `trace_mask` says are dead.
    pub segy: SegyOptions,
    /// For Zarr: the array to read from a group.
    pub variable: Option<String>,
}

/// A volume in a file of any kind that is read.
#[derive(Debug)]
pub struct Input {
    path: PathBuf,
    source: Kind,
}

#[derive(Debug)]
enum Kind {
    Segy(Box<SegySource>),
    Npy(Box<NpySource>),
    Zarr(Box<ZarrSource>),
}

/// What opens an [`Input`] again, in this or another process, without scanning it.
///
/// Small for files in good order; see [`SegyDescriptor`] for the others.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InputDescriptor(KindDescriptor);

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindDescriptor {
    Segy(SegyDescriptor),
    Npy(NpyDescriptor),
    Zarr(ZarrDescriptor),
}

impl InputDescriptor {
    /// The file or folder, as an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        match &self.0 {
            KindDescriptor::Segy(descriptor) => descriptor.path(),
            KindDescriptor::Npy(descriptor) => descriptor.path(),
            KindDescriptor::Zarr(descriptor) => descriptor.path(),
        }
    }
}

impl Input {
    /// Opens what is at `path`: a folder as Zarr, a file that is called or begins like npy as
    /// npy, any other file as SEG-Y.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or holds no post-stack volume.
    pub fn open(path: &Path, options: &InputOptions) -> Result<Self, IoError> {
        let metadata =
            fs::metadata(path).map_err(|source| IoError::Open { path: path.to_owned(), source })?;
        let unknown = |what| Err(IoError::UnknownKind { path: path.to_owned(), what });
        let source = if metadata.is_dir() {
            let source = ZarrSource::open(path, options.variable.as_deref())?;
            Kind::Zarr(Box::new(source.with_dead_as(options.segy.fill.value())))
        } else if !metadata.is_file() {
            return unknown("no regular file");
        } else if metadata.len() == 0 {
            return unknown("empty");
        } else if path.extension().is_some_and(|e| e == "npy") || is_npy(path)? {
            Kind::Npy(Box::new(NpySource::open(path)?))
        } else {
            Kind::Segy(Box::new(SegySource::open(path, &options.segy)?))
        };
        Ok(Self::new(source))
    }

    /// Opens an input that was open before.
    ///
    /// # Errors
    ///
    /// When it cannot be read or changed since.
    pub fn from_descriptor(descriptor: &InputDescriptor) -> Result<Self, IoError> {
        Ok(Self::new(match &descriptor.0 {
            KindDescriptor::Segy(segy) => Kind::Segy(Box::new(SegySource::from_descriptor(segy)?)),
            KindDescriptor::Npy(npy) => Kind::Npy(Box::new(NpySource::from_descriptor(npy)?)),
            KindDescriptor::Zarr(zarr) => Kind::Zarr(Box::new(ZarrSource::from_descriptor(zarr)?)),
        }))
    }

    fn new(source: Kind) -> Self {
        let mut this = Self { path: PathBuf::new(), source };
        this.path = this.descriptor().path().to_owned();
        this
    }

    /// What opens this input again.
    #[must_use]
    pub fn descriptor(&self) -> InputDescriptor {
        InputDescriptor(match &self.source {
            Kind::Segy(segy) => KindDescriptor::Segy(segy.descriptor()),
            Kind::Npy(npy) => KindDescriptor::Npy(npy.descriptor()),
            Kind::Zarr(zarr) => KindDescriptor::Zarr(zarr.descriptor()),
        })
    }

    /// The file or folder, as an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it.
    #[must_use]
    pub fn info(&self) -> Info {
        match &self.source {
            Kind::Segy(segy) => segy.info(),
            Kind::Npy(npy) => npy.info(),
            Kind::Zarr(zarr) => zarr.info(),
        }
    }

    /// Places of the grid without a trace.
    #[must_use]
    pub fn missing_traces(&self) -> usize {
        match &self.source {
            Kind::Segy(segy) => segy.missing_traces(),
            Kind::Npy(_) => 0,
            Kind::Zarr(zarr) => zarr.missing_traces(),
        }
    }

    /// Which places of the inlines `rows` have a trace, as an array (inline, crossline).
    ///
    /// # Errors
    ///
    /// When the mask of a Zarr store cannot be read.
    pub fn live(&self, rows: Range<usize>) -> Result<Array2<bool>, IoError> {
        match &self.source {
            Kind::Segy(segy) => Ok(segy.live(rows)),
            Kind::Npy(npy) => {
                let [_, crosslines, _] = npy.shape().extents();
                Ok(Array2::from_elem((rows.len(), crosslines), true))
            }
            Kind::Zarr(zarr) => zarr.live(rows),
        }
    }

    /// CDP coordinates of the inlines `rows`, as two arrays (inline, crossline), with NaN where there
    /// is no trace; `None` where the input has none.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn coordinates(&self, rows: Range<usize>) -> Result<Option<Coordinates>, IoError> {
        match &self.source {
            Kind::Segy(segy) => segy.coordinates(rows),
            Kind::Npy(_) => Ok(None),
            Kind::Zarr(zarr) => zarr.coordinates(rows),
        }
    }

    fn source(&self) -> &dyn Source {
        match &self.source {
            Kind::Segy(segy) => segy.as_ref(),
            Kind::Npy(npy) => npy.as_ref(),
            Kind::Zarr(zarr) => zarr.as_ref(),
        }
    }
}

impl Source for Input {
    fn shape(&self) -> Shape {
        self.source().shape()
    }

    fn layout(&self) -> StorageLayout {
        self.source().layout()
    }

    fn axes(&self) -> &[AxisLabel; 3] {
        self.source().axes()
    }

    fn read_scratch(&self, shape: Shape) -> ByteSize {
        self.source().read_scratch(shape)
    }

    fn read(&self, region: &Region, out: ArrayViewMut3<'_, f32>) -> Result<ByteSize, StorageError> {
        self.source().read(region, out)
    }
}

fn is_npy(path: &Path) -> Result<bool, IoError> {
    use std::io::Read;
    let mut magic = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(npy::MAGIC.len() as u64).read_to_end(&mut magic))
        .map_err(|source| IoError::Read { path: path.to_owned(), source })?;
    Ok(magic == npy::MAGIC)
}

use std::fs::File;
use std::path::Path;

use chunkfit_core::{ByteSize, ChunkGrid, Region, Shape, Sink, StorageError};
use ndarray::ArrayView3;

use super::ZarrError;
use super::plain::PlainArray;
use crate::IoError;
use crate::error::check_request;

/// One output of a store that [`create`](super::create()) made, to write to.
///
/// Every chunk is written to a file of its own beside its place and then renamed, so a reader, or the
/// next run, sees it whole or not at all.
///
/// - **Memory.** [`write_scratch`].
/// - **Durability.** A chunk survives a kill of the process when [`write`](Sink::write) returns, and a
///   crash of the machine when [`finish`](Sink::finish) returns: it flushes the file system, once for
///   all processes.
#[derive(Debug)]
pub struct ZarrSink {
    array: PlainArray,
    grid: ChunkGrid,
    chunk: Shape,
}

/// Heap bytes that writing a core of `core` holds at most in a store with chunks of `chunk`: one
/// chunk, 4 bytes per voxel, and 4 KiB for the names of files.
#[must_use]
pub fn write_scratch(chunk: Shape, _core: Shape) -> ByteSize {
    chunk.bytes::<f32>() + ByteSize::kib(4)
}

impl ZarrSink {
    /// Opens the output `name` of the store at `store`.
    ///
    /// # Errors
    ///
    /// When it is not there, or was not made by [`create`](super::create()).
    pub fn open(store: &Path, name: &str) -> Result<Self, IoError> {
        let array = PlainArray::open(store.join(name), "float32")?;
        let shape = |numbers: &[usize]| {
            <[usize; 3]>::try_from(numbers).ok().and_then(|extents| Shape::new(extents).ok())
        };
        let (Some(volume), Some(chunk)) = (shape(&array.shape), shape(&array.chunk)) else {
            return Err(ZarrError::NotOurs { field: "shape" }.at(array.folder()));
        };
        // The grid clips a chunk that is larger than the volume; the file holds it whole.
        Ok(Self { array, grid: ChunkGrid::new(volume, chunk), chunk })
    }

    /// The positions of the chunks that `region` fills, or `None` where it cuts through one.
    fn positions(&self, region: &Region) -> Option<[(usize, usize); 3]> {
        let (volume, chunk) = (self.grid.volume().extents(), self.grid.chunk().extents());
        let (start, end) = (region.start(), region.end());
        let aligned = (0..3).all(|a| {
            start[a].is_multiple_of(chunk[a])
                && (end[a].is_multiple_of(chunk[a]) || end[a] == volume[a])
        });
        let range = |a: usize| (start[a] / chunk[a], end[a].div_ceil(chunk[a]));
        aligned.then(|| [range(0), range(1), range(2)])
    }

    fn write_chunk(
        &self,
        position: [usize; 3],
        part: ArrayView3<'_, f32>,
        buffer: &mut [u8],
    ) -> Result<(), IoError> {
        let [_, crosslines, samples] = self.chunk.extents();
        let full = part.shape() == self.chunk.extents();
        if !full {
            for value in buffer.as_chunks_mut::<4>().0 {
                *value = f32::NAN.to_le_bytes();
            }
        }
        for (i, section) in part.outer_iter().enumerate() {
            for (x, trace) in section.outer_iter().enumerate() {
                let at = (i * crosslines + x) * samples * 4;
                let bytes = buffer[at..][..trace.len() * 4].as_chunks_mut::<4>().0;
                for (bytes, value) in bytes.iter_mut().zip(trace) {
                    *bytes = value.to_le_bytes();
                }
            }
        }
        self.array.write_chunk(&position, buffer)
    }
}

impl Sink for ZarrSink {
    fn shape(&self) -> Shape {
        self.grid.volume()
    }

    fn alignment(&self) -> Shape {
        self.grid.chunk()
    }

    fn write_scratch(&self, core: Shape) -> ByteSize {
        write_scratch(self.chunk, core)
    }

    fn write(&self, region: &Region, block: ArrayView3<'_, f32>) -> Result<(), StorageError> {
        let path = self.array.folder();
        check_request(path, self.shape(), region, block.shape())?;
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| {
            StorageError::new(format!("cannot write {region} of {}", path.display()), source)
        };
        let Some([inlines, crosslines, samples]) = self.positions(region) else {
            return Err(failed(format!("it is not cut on chunks of {}", self.alignment()).into()));
        };
        let mut buffer = vec![0; self.chunk.voxels() * size_of::<f32>()];
        for i in inlines.0..inlines.1 {
            for x in crosslines.0..crosslines.1 {
                for k in samples.0..samples.1 {
                    let Some(chunk) = self.grid.at([i, x, k]) else { continue };
                    let part = chunk.within(region).view(block.view());
                    self.write_chunk([i, x, k], part, &mut buffer)
                        .map_err(|error| failed(error.into()))?;
                }
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), StorageError> {
        let path = self.array.folder();
        let synced = File::open(path).and_then(|folder| Ok(rustix::fs::syncfs(folder)?));
        synced.map_err(|error| StorageError::new(format!("cannot sync {}", path.display()), error))
    }
}

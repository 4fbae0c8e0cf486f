use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chunkfit_core::{
    Axis, AxisLabel, ByteSize, ChunkGrid, Region, Shape, Source, StorageError, StorageLayout,
};
use ndarray::{Array2, ArrayViewMut3, Axis as ArrayAxis};
use serde::{Deserialize, Serialize};
use zarrs::array::{Array, ArrayToBytesCodecTraits};
use zarrs::filesystem::FilesystemStore;

use super::node::{
    BoxError, Opened, Stored, axis_names, chunk_voxels, dimension_names, locate, one_thread,
    open_volume, read_axis, read_part, type_of, value_of,
};
use super::{METADATA, TRACE_ROWS, ZarrError};
use crate::element::Element;
use crate::error::{check_request, failed_read};
use crate::stamp::Stamp;
use crate::{ByteOrder, Coordinates, Info, IoError};

/// What opens a Zarr array again.
///
/// A change is noticed by the metadata of the array; chunks that were rewritten are not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ZarrDescriptor {
    /// The `zarr.json` of the array.
    stamp: Stamp,
    path: PathBuf,
    group: PathBuf,
    name: String,
    missing_traces: usize,
    /// What places without a trace read as, where that is not what is stored.
    dead_as: Option<f32>,
}

impl ZarrDescriptor {
    /// The folder of the group or array that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A three-dimensional array of a Zarr v3 store.
///
/// A region is read chunk by chunk, each decoded whole on one thread. Axes come from the
/// one-dimensional arrays beside it that carry the names of its dimensions, `trace_mask`, `cdp_x` and
/// `cdp_y` are understood as MDIO writes them.
///
/// - **Memory.** One decoded chunk; with codecs other than `bytes`, three.
#[derive(Debug)]
pub struct ZarrSource {
    array: Stored,
    descriptor: ZarrDescriptor,
    element: Element,
    grid: ChunkGrid,
    /// A full chunk, which may be larger than the volume.
    chunk: Shape,
    is_plain: bool,
    fill: f32,
    mask: Option<Stored>,
    cdp: Option<[Stored; 2]>,
    axes: [AxisLabel; 3],
}

impl ZarrSource {
    /// Opens the array at `path`; or the array `variable` of the group at `path`, which may be left
    /// out when the group has one volume only.
    ///
    /// # Errors
    ///
    /// When there is no such volume, or it cannot be decoded: see [`ZarrError`].
    pub fn open(path: &Path, variable: Option<&str>) -> Result<Self, IoError> {
        let path = std::path::absolute(path)
            .map_err(|source| IoError::Open { path: path.to_owned(), source })?;
        let (group, name) = locate(&path, variable).map_err(|error| error.at(&path))?;
        let (_, stamp) = Stamp::open(&group.join(&name).join(METADATA))?;
        let descriptor =
            ZarrDescriptor { stamp, path, group, name, missing_traces: 0, dead_as: None };
        let mut source = Self::new(descriptor)?;
        source.descriptor.missing_traces = source.count_missing()?;
        Ok(source)
    }

    /// Opens an array that was open before.
    ///
    /// # Errors
    ///
    /// When it cannot be opened or its metadata changed.
    pub fn from_descriptor(descriptor: &ZarrDescriptor) -> Result<Self, IoError> {
        descriptor.stamp.reopen()?;
        Self::new(descriptor.clone())
    }

    /// This source, with `value` in place of what is stored for traces that the mask says are dead.
    ///
    /// MDIO stores NaN there, which operators would spread.
    #[must_use]
    pub fn with_dead_as(mut self, value: f32) -> Self {
        self.descriptor.dead_as = Some(value);
        self
    }

    fn new(descriptor: ZarrDescriptor) -> Result<Self, IoError> {
        let folder = descriptor.group.join(&descriptor.name);
        let opened = FilesystemStore::new(&descriptor.group)
            .map_err(|error| ZarrError::Metadata(error.into()))
            .and_then(|store| open_volume(&Arc::new(store), &descriptor.name));
        let Opened { array, shape, chunk, element, is_plain } =
            opened.map_err(|error| error.at(&folder))?;
        let fill = value_of(element, array.fill_value().as_ne_bytes());
        let this = Self {
            grid: ChunkGrid::new(shape, chunk),
            chunk,
            element,
            is_plain,
            fill,
            mask: None,
            cdp: None,
            axes: ["inline", "crossline", "sample"].map(|name| AxisLabel::indices(name, 1)),
            array,
            descriptor,
        };
        this.with_neighbours().map_err(|error| error.at(&folder))
    }

    /// Adds what the arrays beside this one say: axes, mask and coordinates.
    fn with_neighbours(mut self) -> Result<Self, ZarrError> {
        let group = &self.descriptor.group;
        let store = self.array.storage();
        let beside = |name: &str| {
            if name.is_empty() || !group.join(name).join(METADATA).is_file() {
                return None;
            }
            Array::open(Arc::clone(&store), &format!("/{name}")).ok()
        };
        let shape = self.grid.volume();
        let stored_names = dimension_names(&self.array);
        let names = axis_names(&stored_names)?;
        let mut axes = Vec::with_capacity(3);
        for ((stored, name), n) in stored_names.iter().zip(names).zip(shape.extents()) {
            let found = beside(stored).filter(|axis| axis.shape() == [n as u64]);
            axes.push(match found {
                Some(array) => read_axis(&array, stored, name)?,
                None => AxisLabel::indices(name, n),
            });
        }
        if let Ok(axes) = <[AxisLabel; 3]>::try_from(axes) {
            self.axes = axes;
        }
        let per_trace = [shape[Axis::Inline] as u64, shape[Axis::Crossline] as u64];
        let map = |name: &str, data_type: &str| {
            beside(name).filter(|array| array.shape() == per_trace && type_of(array) == data_type)
        };
        self.mask = map("trace_mask", "bool");
        self.cdp = map("cdp_x", "float64").zip(map("cdp_y", "float64")).map(|(x, y)| [x, y]);
        Ok(self)
    }

    fn count_missing(&self) -> Result<usize, IoError> {
        let inlines = self.grid.volume()[Axis::Inline];
        let mut missing = 0;
        if self.mask.is_some() {
            for first in (0..inlines).step_by(TRACE_ROWS) {
                let live = self.live(first..inlines.min(first + TRACE_ROWS))?;
                missing += live.iter().filter(|live| !**live).count();
            }
        }
        Ok(missing)
    }

    /// What opens this array again.
    #[must_use]
    pub fn descriptor(&self) -> ZarrDescriptor {
        self.descriptor.clone()
    }

    /// Places without a trace, by `trace_mask`; 0 where there is none.
    #[must_use]
    pub fn missing_traces(&self) -> usize {
        self.descriptor.missing_traces
    }

    /// What is in the array.
    #[must_use]
    pub fn info(&self) -> Info {
        let shape = self.grid.volume();
        let missing_traces = self.missing_traces();
        let mut info = Info::new("Zarr v3", shape, &self.axes);
        info.bytes = (shape.voxels() * self.element.bytes()) as u64;
        info.sample_format = self.element.name().to_owned();
        info.traces -= missing_traces;
        info.missing_traces = missing_traces;
        info.variable = Some(self.descriptor.name.clone());
        info.chunk = Some(self.chunk.extents());
        info
    }

    /// Which places of the inlines `rows` have a trace, as an array (inline, crossline).
    ///
    /// # Errors
    ///
    /// When the mask cannot be read.
    pub fn live(&self, rows: Range<usize>) -> Result<Array2<bool>, IoError> {
        let crosslines = self.grid.volume()[Axis::Crossline];
        let Some(mask) = &self.mask else {
            return Ok(Array2::from_elem((rows.len(), crosslines), true));
        };
        let bytes = self.map_rows(mask, "trace_mask", rows.clone(), 0..crosslines)?;
        Ok(Array2::from_shape_fn((rows.len(), crosslines), |(i, x)| bytes[i * crosslines + x] != 0))
    }

    /// CDP coordinates of the inlines `rows`, as two arrays (inline, crossline); `None` where the
    /// store has none.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn coordinates(&self, rows: Range<usize>) -> Result<Option<Coordinates>, IoError> {
        let Some([x, y]) = &self.cdp else { return Ok(None) };
        let crosslines = self.grid.volume()[Axis::Crossline];
        let read = |array, name| -> Result<Array2<f64>, IoError> {
            let bytes = self.map_rows(array, name, rows.clone(), 0..crosslines)?;
            let (values, _) = bytes.as_chunks::<8>();
            Ok(Array2::from_shape_fn((rows.len(), crosslines), |(i, x)| {
                f64::from_ne_bytes(values[i * crosslines + x])
            }))
        };
        Ok(Some((read(x, "cdp_x")?, read(y, "cdp_y")?)))
    }

    /// The bytes of a part of an array (inline, crossline).
    fn map_rows(
        &self,
        array: &Stored,
        name: &str,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<Vec<u8>, IoError> {
        let range = |range: Range<usize>| range.start as u64..range.end as u64;
        read_part(array, name, &[range(rows), range(columns)])
            .map_err(|error| error.at(&self.descriptor.group))
    }

    /// The decoded chunk at `position`, or `None` where it is not stored.
    fn chunk_at(&self, position: [usize; 3]) -> Result<Option<Cow<'static, [u8]>>, BoxError> {
        let position = position.map(|n| n as u64);
        let path = self.descriptor.group.join(self.array.chunk_key(&position).as_str());
        let file = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|source| IoError::Open { path: path.clone(), source })?,
        };
        let stored = file.metadata()?.len();
        // Codecs that do not compress add a little.
        let (whole, most) =
            (self.chunk_bytes(), self.chunk_bytes() + self.chunk_bytes() / 8 + 4096);
        if stored > most || (self.is_plain && stored != whole) {
            return Err(
                format!("{} has {stored} bytes, a chunk has {whole}", path.display()).into()
            );
        }
        let mut bytes = Vec::with_capacity(stored as usize);
        let limited = (&file).take(stored).read_to_end(&mut bytes);
        limited.map_err(|source| IoError::Read { path, source })?;
        let shape = self.array.chunk_shape(&position)?;
        let decoded = self.array.codecs().decode(
            Cow::Owned(bytes),
            &shape,
            self.array.data_type(),
            self.array.fill_value(),
            &one_thread(),
        )?;
        let decoded = decoded.into_owned().into_fixed()?;
        if decoded.len() as u64 != whole {
            return Err(format!("a decoded chunk has {} bytes, not {whole}", decoded.len()).into());
        }
        Ok(Some(decoded))
    }

    fn chunk_bytes(&self) -> u64 {
        (self.chunk.voxels() as u64).saturating_mul(self.element.bytes() as u64)
    }

    /// Copies the part of a chunk that lies in `region` to `out`.
    fn copy(
        &self,
        bytes: &[u8],
        chunk: &Region,
        part: &Region,
        region: &Region,
        out: &mut ArrayViewMut3<'_, f32>,
    ) {
        let [_, crosslines, samples] = self.chunk.extents();
        let from = part.within(chunk);
        let mut to = part.within(region).view_mut(out.view_mut());
        let width = self.element.bytes();
        for (i, mut section) in from.range(Axis::Inline).zip(to.outer_iter_mut()) {
            for (x, row) in from.range(Axis::Crossline).zip(section.outer_iter_mut()) {
                let at = ((i * crosslines + x) * samples + from.start()[2]) * width;
                let bytes = &bytes[at..][..row.len() * width];
                self.element.decode(ByteOrder::NATIVE, bytes, row);
            }
        }
    }

    /// Fills traces that the mask says are dead.
    fn fill_dead(&self, region: &Region, out: &mut ArrayViewMut3<'_, f32>) -> Result<(), IoError> {
        let (Some(mask), Some(value)) = (&self.mask, self.descriptor.dead_as) else {
            return Ok(());
        };
        if self.missing_traces() == 0 {
            return Ok(());
        }
        let (rows, columns) = (region.range(Axis::Inline), region.range(Axis::Crossline));
        let live = self.map_rows(mask, "trace_mask", rows, columns)?;
        for (mut trace, live) in out.lanes_mut(ArrayAxis(2)).into_iter().zip(live) {
            if live == 0 {
                trace.fill(value);
            }
        }
        Ok(())
    }
}

impl Source for ZarrSource {
    fn shape(&self) -> Shape {
        self.grid.volume()
    }

    fn layout(&self) -> StorageLayout {
        let (chunk, element_bytes) = (self.grid.chunk(), self.element.bytes());
        StorageLayout::Chunked { chunk, element_bytes }
    }

    fn axes(&self) -> &[AxisLabel; 3] {
        &self.axes
    }

    /// One chunk, or three where it must be decompressed, and 16 KiB for names; where dead traces are
    /// filled, two chunks of the mask and 2 bytes per trace as well.
    fn read_scratch(&self, shape: Shape) -> ByteSize {
        let copies = if self.is_plain { 1 } else { 3 };
        let traces = (shape[Axis::Inline] * shape[Axis::Crossline]) as u64;
        let mask = match (&self.mask, self.descriptor.dead_as) {
            (Some(mask), Some(_)) => 2 * (chunk_voxels(mask) + traces),
            _ => 0,
        };
        ByteSize::new(self.chunk_bytes()) * copies + ByteSize::new(mask) + ByteSize::kib(16)
    }

    /// Bytes fetched are those of the decoded chunks; with a compressing codec, fewer are read.
    fn read(
        &self,
        region: &Region,
        mut out: ArrayViewMut3<'_, f32>,
    ) -> Result<ByteSize, StorageError> {
        let path = &self.descriptor.path;
        check_request(path, self.shape(), region, out.shape())?;
        let full = self.grid.chunk().extents();
        let (start, end) = (region.start(), region.end());
        let range = |a: usize| start[a] / full[a]..end[a].div_ceil(full[a]);
        let mut fetched = ByteSize::ZERO;
        for i in range(0) {
            for x in range(1) {
                for k in range(2) {
                    let Some(chunk) = self.grid.at([i, x, k]) else { continue };
                    let Some(part) = chunk.intersection(region) else { continue };
                    let bytes = self
                        .chunk_at([i, x, k])
                        .map_err(|error| failed_read(path, region, error))?;
                    match bytes {
                        Some(bytes) => {
                            fetched += ByteSize::of::<u8>(bytes.len());
                            self.copy(&bytes, &chunk, &part, region, &mut out);
                        }
                        None => part.within(region).view_mut(out.view_mut()).fill(self.fill),
                    }
                }
            }
        }
        self.fill_dead(region, &mut out).map_err(|error| failed_read(path, region, error))?;
        Ok(fetched)
    }
}

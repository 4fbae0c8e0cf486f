//! One kernel on one volume in a fresh process: time of the first call and of later ones, and bytes.
//!
//! `kernel NAME AxBxC [THREADS] [mapped]` prints one line of JSON. NAME is an operator as
//! `chunkfit operators` lists them, `copy` or `ndarray-ndimage`. With `-reused` after the name, as in
//! `copy-reused`, later calls write to the outputs of the first, as a worker does with its chunks. With
//! more than one thread the whole volume is cut into slabs for a pool of that size. With `mapped` the
//! input is a file in the folder for temporary files, mapped into memory.

use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::time::Instant;

use chunkfit_benches::noise;
use chunkfit_core::{ByteSize, Placement, Shape};
use memcage::resident;
use memmap2::Mmap;
use ndarray::{Array3, ArrayView3};
use serde_json::json;

type Error = Box<dyn std::error::Error>;
type Kernel = Box<dyn FnMut(ArrayView3<'_, f32>) -> Result<Vec<Array3<f32>>, Error>>;

/// Calls after the first.
const REPEATS: usize = 3;

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or("give an operator")?;
    let shape: Shape = arguments.next().ok_or("give a shape, as 400x400x400")?.parse()?;
    let threads: usize = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let mut kernel = kernel(&name, threads)?;
    black_box(kernel(noise([20, 21, 22]).view())?);

    let base = resident::current_bytes()?;
    let input = Input::new(shape, arguments.next().as_deref())?;
    let volume = input.view(shape)?;
    resident::reset_peak()?;
    let mut seconds = Vec::new();
    let mut peak = 0;
    for call in 0..=REPEATS {
        let started = Instant::now();
        let outputs = black_box(kernel(volume)?);
        seconds.push(started.elapsed().as_secs_f64());
        if call == 0 {
            peak = resident::peak_bytes()?;
        }
        drop(outputs);
    }
    let again = &mut seconds[1..];
    again.sort_by(f64::total_cmp);
    let voxels = shape.voxels() as f64;
    let line = json!({
        "name": name,
        "shape": shape.to_string(),
        "threads": threads,
        "again_s": again[REPEATS / 2],
        "first_s": seconds[0],
        "peak_with_input_bytes": peak - base,
        "bytes_per_voxel": ByteSize::new(peak - base).as_f64() / voxels,
    });
    println!("{line}");
    Ok(())
}

/// A volume, in memory or in a file.
enum Input {
    Memory(Array3<f32>),
    Mapped(Mmap),
}

impl Input {
    fn new(shape: Shape, place: Option<&str>) -> Result<Self, Error> {
        let [inlines, crosslines, samples] = shape.extents();
        match place {
            None => {
                // In huge pages where there are, as the arrays of NumPy.
                let same = chunkfit_seismic::parse("rescale:min=-1e30")?;
                let noise = noise(shape.extents());
                let volume = chunkfit_seismic::whole(same.as_ref(), noise.view())?.pop();
                Ok(Self::Memory(volume.ok_or("rescale has one output")?))
            }
            Some("mapped") => {
                let file = tempfile::tempfile()?;
                let mut to = BufWriter::new(&file);
                // Inline by inline, so that what this process writes does not count as its peak.
                let inline = noise([1, crosslines, samples]);
                for _ in 0..inlines {
                    inline.iter().try_for_each(|value| to.write_all(&value.to_ne_bytes()))?;
                }
                to.flush()?;
                drop(to);
                #[expect(unsafe_code, reason = "mapping a file has no safe form")]
                // SAFETY: the file has no name, so nobody else changes it.
                Ok(Self::Mapped(unsafe { Mmap::map(&file) }?))
            }
            Some(other) => Err(format!("{other}? give `mapped` or nothing").into()),
        }
    }

    fn view(&self, shape: Shape) -> Result<ArrayView3<'_, f32>, Error> {
        match self {
            Self::Memory(volume) => Ok(volume.view()),
            Self::Mapped(file) => {
                let values = bytemuck::try_cast_slice(file).map_err(|error| error.to_string())?;
                Ok(ArrayView3::from_shape(shape.extents(), values)?)
            }
        }
    }
}

fn kernel(name: &str, threads: usize) -> Result<Kernel, Error> {
    if let Some(name) = name.strip_suffix("-reused") {
        return reused(name);
    }
    Ok(match name {
        "copy" => Box::new(|volume| Ok(vec![volume.to_owned()])),
        "ndarray-ndimage" => Box::new(|volume| {
            let filtered = ndarray_ndimage::gaussian_filter(
                &volume,
                3.0,
                0,
                ndarray_ndimage::BorderMode::Reflect,
                4,
            );
            Ok(vec![filtered])
        }),
        operator => {
            let operator = chunkfit_seismic::parse(operator)?;
            if threads == 1 {
                Box::new(move |volume| Ok(chunkfit_seismic::whole(operator.as_ref(), volume)?))
            } else {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
                Box::new(move |volume| {
                    let whole = || chunkfit_seismic::whole_parallel(operator.as_ref(), volume);
                    Ok(pool.install(whole)?)
                })
            }
        }
    })
}

/// On one thread, to outputs that stay.
fn reused(name: &str) -> Result<Kernel, Error> {
    let operator = (name != "copy").then(|| chunkfit_seismic::parse(name)).transpose()?;
    let mut outputs: Vec<Array3<f32>> = Vec::new();
    Ok(Box::new(move |volume| {
        if outputs.first().is_none_or(|output| output.dim() != volume.dim()) {
            let count = operator.as_ref().map_or(1, |operator| operator.outputs().len());
            outputs = vec![Array3::zeros(volume.raw_dim()); count];
        }
        match &operator {
            Some(operator) => {
                let at = Placement::whole(Shape::new(volume.dim().into())?);
                let mut views: Vec<_> =
                    outputs.iter_mut().map(|output| output.view_mut()).collect();
                operator.apply(volume, &at, &mut views)?;
            }
            None => outputs[0].assign(&volume),
        }
        Ok(Vec::new())
    }))
}

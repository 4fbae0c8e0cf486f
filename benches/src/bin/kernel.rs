//! One kernel on one volume in a fresh process: time of the first call and of later ones, and bytes.
//!
//! `kernel NAME AxBxC [THREADS]` prints one line of JSON. NAME is an operator as `chunkfit operators`
//! lists them, `copy`, `copy-reused` or `ndarray-ndimage`. With more than one thread the whole volume
//! is cut into slabs for a pool of that size.

use std::hint::black_box;
use std::time::Instant;

use chunkfit_benches::noise;
use chunkfit_core::{ByteSize, Shape};
use memcage::resident;
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
    let volume = noise(shape.extents());
    resident::reset_peak()?;
    let mut seconds = Vec::new();
    let mut peak = 0;
    for call in 0..=REPEATS {
        let started = Instant::now();
        let outputs = black_box(kernel(volume.view())?);
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

fn kernel(name: &str, threads: usize) -> Result<Kernel, Error> {
    Ok(match name {
        "copy" => Box::new(|volume| Ok(vec![volume.to_owned()])),
        "copy-reused" => {
            let mut target: Option<Array3<f32>> = None;
            Box::new(move |volume| {
                match &mut target {
                    Some(target) if target.shape() == volume.shape() => target.assign(&volume),
                    _ => target = Some(volume.to_owned()),
                }
                Ok(Vec::new())
            })
        }
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

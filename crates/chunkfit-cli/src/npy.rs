//! An .npy file for a program to read, written a little at a time: the resident set of this process shows
//! in that of a child.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use chunkfit_core::{Region, Shape, Source};
use ndarray::Array3;

/// Writes repeatable `f32` noise in \[−1, 1) of `shape`.
pub(crate) fn write_noise(path: &Path, shape: Shape) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = begin(path, shape)?;
        let mut state = 1_u32;
        for _ in 0..shape.voxels() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            file.write_all(&value.to_le_bytes())?;
        }
        file.flush()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Writes `region` of `source` as `f32`, an inline at a time.
pub(crate) fn write_region(
    path: &Path,
    source: &dyn Source,
    region: &Region,
) -> anyhow::Result<()> {
    let context = || format!("cannot write {}", path.display());
    let [first, crossline, sample] = region.start();
    let [inlines, crosslines, samples] = region.shape().extents();
    let section = Shape::new([1, crosslines, samples])?;
    let mut values = Array3::zeros(section.extents());
    let mut file = begin(path, region.shape()).with_context(context)?;
    for inline in first..first + inlines {
        let section = Region::new([inline, crossline, sample], section);
        source.read(&section, values.view_mut())?;
        values
            .iter()
            .try_for_each(|value: &f32| file.write_all(&value.to_le_bytes()))
            .with_context(context)?;
    }
    file.flush().with_context(context)
}

/// A new file that has its header.
fn begin(path: &Path, shape: Shape) -> std::io::Result<BufWriter<File>> {
    let mut file = BufWriter::new(File::create_new(path)?);
    let [i, x, k] = shape.extents();
    let words = "'descr': '<f4', 'fortran_order': False, 'shape'";
    let mut header = format!("{{{words}: ({i}, {x}, {k}), }}").into_bytes();
    // Magic, version and length take ten bytes; all of it is a multiple of 64.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header.resize(length - 1, b' ');
    header.push(b'\n');
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&(length as u16).to_le_bytes())?;
    file.write_all(&header)?;
    Ok(file)
}

//! A seismic operator over a volume in a file, as a job.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use chunkfit_core::{Placement, Shape};
use chunkfit_seismic::synthetic::Survey;
use ndarray::Array3;
use serde::{Deserialize, Serialize};

/// An operator, as [`chunkfit_seismic::parse`] reads it, over a raw little-endian `f32` volume.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Operator {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) volume: PathBuf,
}

/// Everything that is there before the operator is measured.
pub(crate) struct Prepared {
    operator: Box<dyn chunkfit_core::Operator>,
    shape: Shape,
    volume: PathBuf,
}

impl Operator {
    pub(crate) fn prepare(&self) -> anyhow::Result<Prepared> {
        memcage::resident::steady_allocator();
        let operator = chunkfit_seismic::parse(&self.name)?;
        // Once on a few traces of the same length, so that what is made once is made.
        let small = Shape::new([3, 4, self.shape.extents()[2]])?;
        apply(operator.as_ref(), small, &Array3::zeros(small.extents()))?;
        Ok(Prepared { operator, shape: self.shape, volume: self.volume.clone() })
    }
}

impl Prepared {
    /// Reads the volume and applies the operator to the whole of it.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let volume = read(&self.volume, self.shape)?;
        apply(self.operator.as_ref(), self.shape, &volume)
    }
}

fn apply(
    operator: &dyn chunkfit_core::Operator,
    shape: Shape,
    volume: &Array3<f32>,
) -> anyhow::Result<()> {
    let mut outputs: Vec<Array3<f32>> =
        operator.outputs().iter().map(|_| Array3::zeros(shape.extents())).collect();
    let mut views: Vec<_> = outputs.iter_mut().map(|output| output.view_mut()).collect();
    operator.apply(volume.view(), &Placement::whole(shape), &mut views)?;
    std::hint::black_box(&outputs);
    Ok(())
}

/// Writes the synthetic volume of this shape, inline by inline.
pub(crate) fn write(path: &Path, shape: Shape) -> anyhow::Result<()> {
    let survey = Survey::new(shape, 7);
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut file = BufWriter::new(file);
    for inline in 0..shape.extents()[0] {
        for value in survey.inline(inline) {
            file.write_all(&value.to_le_bytes())?;
        }
    }
    Ok(file.flush()?)
}

fn read(path: &Path, shape: Shape) -> anyhow::Result<Array3<f32>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut file = BufReader::with_capacity(1 << 16, file);
    let mut volume = Array3::zeros(shape.extents());
    let mut word = [0; 4];
    for value in &mut volume {
        file.read_exact(&mut word).with_context(|| format!("{} is short", path.display()))?;
        *value = f32::from_le_bytes(word);
    }
    Ok(volume)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_volume_reads_back_and_a_short_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("volume.f32");
        let shape = Shape::new([3, 5, 7]).unwrap();
        write(&path, shape).unwrap();
        let volume = read(&path, shape).unwrap();
        let survey = Survey::new(shape, 7);
        assert_eq!(volume.index_axis(ndarray::Axis(0), 2), survey.inline(2));
        assert!(read(&path, Shape::new([4, 5, 7]).unwrap()).is_err());
    }
}

//! A seismic operator over a volume in a file, as a job.

use std::path::{Path, PathBuf};

use chunkfit_core::{Axis, Placement, Region, Shape, Source};
use chunkfit_io::segy::{SegyLayout, SegyOptions, SegySource, SegyWriter};
use chunkfit_seismic::synthetic::Survey;
use ndarray::Array3;
use serde::{Deserialize, Serialize};

/// An operator, as [`chunkfit_seismic::parse`] reads it, over the first voxels along each axis of a SEG-Y file.
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
    volume: SegySource,
}

impl Operator {
    pub(crate) fn prepare(&self) -> anyhow::Result<Prepared> {
        memcage::resident::steady_allocator();
        let operator = chunkfit_seismic::parse(&self.name)?;
        // Once on a few traces of the same length, so that what is made once is made.
        let small = Shape::new([3, 4, self.shape.extents()[2]])?;
        apply(operator.as_ref(), small, &Array3::zeros(small.extents()))?;
        let volume = SegySource::open(&self.volume, &SegyOptions::default())?;
        Ok(Prepared { operator, shape: self.shape, volume })
    }
}

impl Prepared {
    /// Reads the voxels and applies the operator to all of them.
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

/// Writes the synthetic volume of this shape as SEG-Y, inline by inline.
pub(crate) fn write(path: &Path, shape: Shape) -> anyhow::Result<()> {
    let survey = Survey::new(shape, 7);
    let mut file = SegyWriter::create(path, &SegyLayout::new(shape))?;
    for inline in 0..shape[Axis::Inline] {
        file.write_inline(inline, survey.inline(inline).view())?;
    }
    Ok(file.finish()?)
}

/// The first voxels along each axis.
fn read(volume: &SegySource, shape: Shape) -> anyhow::Result<Array3<f32>> {
    let mut block = Array3::zeros(shape.extents());
    volume.read(&Region::whole(shape), block.view_mut())?;
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corner_of_a_written_volume_reads_back_and_a_larger_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("volume.sgy");
        let shape = Shape::new([3, 5, 7]).unwrap();
        write(&path, shape).unwrap();
        let volume = SegySource::open(&path, &SegyOptions::default()).unwrap();
        let corner = read(&volume, Shape::new([3, 4, 6]).unwrap()).unwrap();
        let inline = Survey::new(shape, 7).inline(2);
        assert_eq!(corner.index_axis(ndarray::Axis(0), 2), inline.slice(ndarray::s![..4, ..6]));
        assert!(read(&volume, Shape::new([4, 5, 7]).unwrap()).is_err());
    }
}

//! A source, a sink and an operator that misbehaves on request, all made from a text.

use std::error::Error;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use chunkfit_core::{
    AxisLabel, ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Region, Shape, Sink,
    Source, StorageError, StorageLayout,
};
use chunkfit_run::Job;
use ndarray::{Array3, ArrayView3, ArrayViewMut3, s};
use serde::{Deserialize, Serialize};

/// What a worker opens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stage {
    pub(crate) shape: Shape,
    pub(crate) alignment: Shape,
    pub(crate) file: PathBuf,
    pub(crate) mischief: Mischief,
}

/// What the operator does wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Mischief {
    None,
    /// Takes `bytes` that it did not declare when the core has more than `above` voxels.
    Hungry {
        above: usize,
        bytes: ByteSize,
    },
    /// Panics on the core that starts at the first voxel.
    Panic,
    /// Returns an error on that core.
    Fail,
    /// Ends the process on that core.
    Exit {
        code: i32,
    },
    /// Is killed by a signal on that core, as often as the file has room for.
    Killed {
        times: u64,
        counter: PathBuf,
    },
    /// Takes its time.
    Slow {
        milliseconds: u64,
    },
    /// The job cannot be opened.
    Unopenable,
}

pub(crate) fn open(text: &str) -> Result<Job, Box<dyn Error + Send + Sync>> {
    let stage: Stage = serde_json::from_str(text)?;
    if stage.mischief == Mischief::Unopenable {
        return Err("the stage is closed".into());
    }
    Ok(stage.job())
}

impl Stage {
    /// Stages a volume in a new file of `folder`.
    pub(crate) fn new(folder: &Path, mischief: Mischief) -> Self {
        let shape = Shape::new([24, 20, 33]).unwrap();
        let file = folder.join("output.raw");
        File::create(&file).unwrap().set_len(shape.bytes::<f32>().as_u64()).unwrap();
        Self { shape, alignment: Shape::new([4, 5, 11]).unwrap(), file, mischief }
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap()
    }

    pub(crate) fn job(&self) -> Job {
        let operator = Neighbours::new(self.mischief.clone());
        let file = File::options().read(true).write(true).open(&self.file).unwrap();
        let sink = RawFile { file, shape: self.shape, alignment: self.alignment };
        Job::new(Box::new(Formula::new(self.shape)), Box::new(operator), vec![Box::new(sink)])
            .unwrap()
    }

    /// What the file holds.
    pub(crate) fn written(&self) -> Array3<f32> {
        let bytes = std::fs::read(&self.file).unwrap();
        let values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        Array3::from_shape_vec(self.shape.extents(), values.collect()).unwrap()
    }

    /// What it should hold, computed at once.
    pub(crate) fn expected(&self) -> Array3<f32> {
        let whole = Placement::whole(self.shape);
        let mut input = Array3::zeros(self.shape.extents());
        Formula::new(self.shape).read(&whole.core(), input.view_mut()).unwrap();
        chunkfit_core::testing::apply_at(&Neighbours::new(Mischief::None), input.view(), &whole)
            .remove(0)
    }
}

/// A volume that is a formula.
struct Formula {
    shape: Shape,
    axes: [AxisLabel; 3],
}

impl Formula {
    fn new(shape: Shape) -> Self {
        let [i, x, k] = shape.extents();
        let axes = [("inline", i), ("crossline", x), ("sample", k)];
        Self { shape, axes: axes.map(|(name, n)| AxisLabel::indices(name, n)) }
    }
}

impl Source for Formula {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn layout(&self) -> StorageLayout {
        StorageLayout::Contiguous { element_bytes: 4 }
    }

    fn axes(&self) -> &[AxisLabel; 3] {
        &self.axes
    }

    fn read_scratch(&self, _: Shape) -> ByteSize {
        ByteSize::ZERO
    }

    fn read(
        &self,
        region: &Region,
        mut out: ArrayViewMut3<'_, f32>,
    ) -> Result<ByteSize, StorageError> {
        let [i0, x0, k0] = region.start();
        for ((i, x, k), value) in out.indexed_iter_mut() {
            let (i, x, k) = (i + i0, x + x0, k + k0);
            *value = ((i * 31 + x * 17 + k * 7) % 101) as f32 - 50.0;
        }
        Ok(region.shape().bytes::<f32>())
    }
}

/// The mean of a voxel and its neighbours inside the volume, one voxel around.
struct Neighbours {
    mischief: Mischief,
    outputs: [OutputSpec; 1],
}

impl Neighbours {
    fn new(mischief: Mischief) -> Self {
        let output = OutputSpec {
            name: "mean".into(),
            unit: None,
            description: "Mean of a voxel and its neighbours.".into(),
        };
        Self { mischief, outputs: [output] }
    }

    fn misbehave(&self, core: &Region) -> Result<(), OperatorError> {
        let first = core.start() == [0; 3];
        match &self.mischief {
            Mischief::Hungry { above, bytes } if core.shape().voxels() > *above => {
                let eaten = vec![1_u8; bytes.as_u64() as usize];
                std::hint::black_box(&eaten);
            }
            Mischief::Panic if first => panic!("the operator lost its nerve"),
            Mischief::Fail if first => {
                return Err(OperatorError::Failed("a fault in the rock".into()));
            }
            Mischief::Exit { code } if first => std::process::exit(*code),
            Mischief::Killed { times, counter } if first => {
                let file = File::options().append(true).create(true).open(counter).unwrap();
                if file.metadata().unwrap().len() < *times {
                    io::Write::write_all(&mut &file, b"x").unwrap();
                    let me = rustix::process::getpid();
                    rustix::process::kill_process(me, rustix::process::Signal::KILL).unwrap();
                    std::thread::sleep(std::time::Duration::from_secs(60));
                }
            }
            Mischief::Slow { milliseconds } => {
                std::thread::sleep(std::time::Duration::from_millis(*milliseconds));
            }
            _ => {}
        }
        Ok(())
    }
}

impl Operator for Neighbours {
    fn name(&self) -> String {
        "neighbours".to_owned()
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn halo(&self) -> Halo {
        Halo::uniform(1)
    }

    fn workspace(&self, _: Shape, _: Shape) -> ByteSize {
        ByteSize::ZERO
    }

    fn apply(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        self.check_arrays(&block, at, outputs)?;
        self.misbehave(&at.core())?;
        let [i0, x0, k0] = at.core_in_block().start();
        let extents = at.block().shape().extents();
        let around = |c: usize, n: usize| c.saturating_sub(1)..(c + 2).min(n);
        for ((i, x, k), out) in outputs[0].indexed_iter_mut() {
            let window = block.slice(s![
                around(i + i0, extents[0]),
                around(x + x0, extents[1]),
                around(k + k0, extents[2])
            ]);
            *out = window.iter().sum::<f32>() / window.len() as f32;
        }
        Ok(())
    }
}

/// A file of little-endian numbers.
struct RawFile {
    file: File,
    shape: Shape,
    alignment: Shape,
}

impl Sink for RawFile {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn alignment(&self) -> Shape {
        self.alignment
    }

    fn write_scratch(&self, shape: Shape) -> ByteSize {
        let [_, _, samples] = shape.extents();
        ByteSize::of::<f32>(samples)
    }

    fn write(&self, region: &Region, block: ArrayView3<'_, f32>) -> Result<(), StorageError> {
        let [i0, x0, k0] = region.start();
        let [_, crosslines, samples] = self.shape.extents();
        let (inlines, crosslines_here, _) = block.dim();
        let traces = ndarray::indices((inlines, crosslines_here)).into_iter();
        for ((i, x), trace) in traces.zip(block.rows()) {
            let first = ((i + i0) * crosslines + x + x0) * samples + k0;
            let bytes: Vec<u8> = trace.iter().flat_map(|v| v.to_le_bytes()).collect();
            self.file
                .write_all_at(&bytes, 4 * first as u64)
                .map_err(|error| StorageError::new("writing the raw file", error))?;
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), StorageError> {
        Ok(())
    }
}

//! An operator of your own, in worker processes under a hard memory limit.
//!
//! The program re-executes itself as its own worker: [`open`] builds the job there. Needs
//! `chunkfit-core`, `chunkfit-io`, `chunkfit-plan`, `chunkfit-run` and `memcage`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use chunkfit_core::{
    AxisLabel, ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Region, Shape, Sink,
    Source, StorageError, StorageLayout,
};
use chunkfit_io::zarr::{self, StoreSpec, ZarrSink, ZarrSource};
use chunkfit_plan::{Budget, CostModel, Memory, OutputChunk, Problem, Reserve, Workers};
use chunkfit_run::{Event, Job, Journal, Pool, PoolOptions, TaskModel};
use memcage::Cage;
use ndarray::{Array3, ArrayView3, ArrayViewMut3};

/// The difference between a sample and the one above it.
struct Difference([OutputSpec; 1]);

impl Difference {
    fn new() -> Self {
        let description = "Sample minus the sample above; 0 at the top.".into();
        Self([OutputSpec { name: "difference".into(), unit: None, description }])
    }
}

impl Operator for Difference {
    fn name(&self) -> String {
        "difference".to_owned()
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.0
    }

    fn halo(&self) -> Halo {
        Halo::symmetric([0, 0, 1])
    }

    fn workspace(&self, _block: Shape, _core: Shape) -> ByteSize {
        ByteSize::ZERO
    }

    fn apply(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        self.check_arrays(&block, at, outputs)?;
        let [_, _, first] = at.core_in_block().start();
        for ((i, x, k), out) in outputs[0].indexed_iter_mut() {
            let k = k + first;
            *out = if k == 0 { 0.0 } else { block[[i, x, k]] - block[[i, x, k - 1]] };
        }
        Ok(())
    }
}

/// A volume that is computed when it is read.
struct Ramp(Shape, [AxisLabel; 3]);

impl Ramp {
    fn new(shape: Shape) -> Self {
        let [i, x, k] = shape.extents();
        let axes = [("inline", i), ("crossline", x), ("sample", k)];
        Self(shape, axes.map(|(name, n)| AxisLabel::indices(name, n)))
    }
}

impl Source for Ramp {
    fn shape(&self) -> Shape {
        self.0
    }

    fn layout(&self) -> StorageLayout {
        StorageLayout::Contiguous { element_bytes: 4 }
    }

    fn axes(&self) -> &[AxisLabel; 3] {
        &self.1
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
        out.indexed_iter_mut()
            .for_each(|((i, x, k), v)| *v = (i + i0 + x + x0 + 3 * (k + k0)) as f32);
        Ok(region.shape().bytes::<f32>())
    }
}

const VOLUME: [usize; 3] = [150, 140, 301];

fn open(store: &str) -> Result<Job, Box<dyn Error + Send + Sync>> {
    let sink: Box<dyn Sink> = Box::new(ZarrSink::open(Path::new(store), "difference")?);
    let source = Ramp::new(Shape::new(VOLUME)?);
    Ok(Job::new(Box::new(source), Box::new(Difference::new()), vec![sink])?)
}

fn main() -> ExitCode {
    memcage::init();
    if let Some(code) = chunkfit_run::serve_if_worker(open) {
        return code;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let store = folder.path().join("difference.zarr");
    let (source, operator) = (Ramp::new(Shape::new(VOLUME)?), Difference::new());
    let storage = OutputChunk::AtMost(Shape::new([64, 64, 64])?);
    let base = ByteSize::mib(8);
    let scratch = |core: Shape| zarr::write_scratch(core, core);
    let ledger = chunkfit_run::TaskLedger::before_sinks(&operator, &source, &scratch);
    let model = TaskModel::new(ledger, base, TaskModel::default_margin());
    let problem = Problem {
        volume: source.shape(),
        element_bytes: 4,
        halo: operator.halo(),
        layout: source.layout(),
        storage,
        budget: Budget {
            memory: Memory::PerWorker(ByteSize::mib(24)),
            workers: Workers::Exactly(2),
            reserve: Reserve::default(),
        },
        cost: CostModel::default(),
        model: &model,
    };
    let plan = chunkfit_plan::strategy("memory-aware")?.plan(&problem)?;
    println!("{}\n", plan.explain());

    zarr::create(&store, &spec(&source, &operator, plan.output_chunk))?;
    let cage = Cage::new("own-operator", None)?;
    let options = PoolOptions {
        spec: store.to_string_lossy().into_owned(),
        limit: Some(plan.limit_bytes),
        logs: PathBuf::from(folder.path()),
    };
    let journal = Journal::create(&folder.path().join("done"), plan.tasks as u64)?;
    let stop = AtomicBool::new(false);
    let mut observer = |event: &Event| {
        if let Event::Done { at, done, upper } = event {
            println!("{}: peak {} of at most {upper}", at.core(), done.peak.unwrap_or_default());
        }
    };
    let summary = Pool::new(&cage, options).run(&plan, &model, &journal, &stop, &mut observer)?;
    cage.close()?;
    println!("{} tasks, {} above their bound", summary.tasks, summary.tasks_over_bound);

    let result = ZarrSource::open(&store, Some("difference"))?;
    let mut corner = Array3::zeros([1, 1, 4]);
    result.read(&Region::new([149, 139, 0], Shape::new([1, 1, 4])?), corner.view_mut())?;
    println!("last trace begins {corner}");
    Ok(())
}

fn spec<'a>(source: &'a Ramp, operator: &'a Difference, chunk: Shape) -> StoreSpec<'a> {
    StoreSpec {
        volume: source.shape(),
        chunk,
        outputs: operator.outputs(),
        axes: source.axes(),
        name: "Difference",
        attributes: serde_json::Map::new(),
        coordinates: false,
    }
}

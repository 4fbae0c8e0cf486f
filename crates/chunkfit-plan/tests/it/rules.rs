//! The strategies that do not search.

use chunkfit_core::{Axis, ByteSize, Reach, Shape, StorageLayout};
use chunkfit_plan::{DaskAuto, Memory, OutputChunk, PlanError, Workers, strategy};

use crate::cases::{Case, shape};

#[test]
fn dask_auto_is_what_dask_does() {
    let mut compared = [0, 0];
    for line in include_str!("dask_auto.csv").lines().filter(|line| !line.starts_with('#')) {
        let numbers: Vec<usize> = line.split(',').map(|n| n.parse().unwrap()).collect();
        let three = |at: usize| [numbers[at], numbers[at + 1], numbers[at + 2]];
        let rule = DaskAuto { chunk_size: ByteSize::new(numbers[4] as u64) };
        let stored = Shape::new(three(5)).ok();
        let chunk = rule.chunk(shape(three(0)), numbers[3], stored);
        assert_eq!(chunk.extents(), three(8), "{line}");
        compared[usize::from(stored.is_some())] += 1;
    }
    assert_eq!(compared, [300, 300]);
}

#[test]
fn dask_auto_on_surveys() {
    let rule = DaskAuto::default();
    for (volume, stored, chunk) in [
        ([200, 200, 200], None, [200, 200, 200]),
        ([600, 600, 600], None, [322, 322, 322]),
        ([951, 651, 462], None, [322, 322, 322]),
        ([1000, 1000, 1000], None, [322, 322, 322]),
        ([951, 651, 462], Some([64; 3]), [320, 320, 320]),
        ([951, 651, 462], Some([128; 3]), [256, 256, 256]),
    ] {
        assert_eq!(rule.chunk(shape(volume), 4, stored.map(shape)), shape(chunk), "{volume:?}");
    }
    let mut case = Case::survey();
    let plan = case.plan("dask-auto").unwrap();
    assert_eq!(plan.grid.chunk(), shape([322; 3]));
    assert_eq!(plan.grid.counts(), [3, 3, 2]);
    assert_eq!(plan.output_chunk, shape([46; 3]));
    assert!(!plan.fits());
    case.layout = StorageLayout::Chunked { chunk: shape([64; 3]), element_bytes: 4 };
    assert_eq!(case.plan("dask-auto").unwrap().grid.chunk(), shape([320; 3]));
    case.storage = OutputChunk::Exactly(shape([50, 64, 100]));
    let plan = case.plan("dask-auto").unwrap();
    assert_eq!(plan.grid.chunk(), shape([350, 320, 400]));
    assert_eq!(plan.output_chunk, shape([50, 64, 100]));
}

#[test]
fn even_is_one_slab_per_worker() {
    let mut case = Case::survey();
    let plan = case.plan("even").unwrap();
    assert_eq!(plan.grid.counts(), [4, 1, 1]);
    // 238 rounded up to four storage chunks of 60.
    assert_eq!(
        (plan.grid.chunk(), plan.output_chunk),
        (shape([240, 651, 462]), shape([60, 60, 58]))
    );
    assert!(!plan.fits());
    case.halo = case.halo.with(Axis::Inline, Reach::Whole);
    assert_eq!(case.plan("even").unwrap().grid.counts(), [1, 4, 1]);
    case.halo = case.halo.with(Axis::Crossline, Reach::Whole).with(Axis::Sample, Reach::Whole);
    assert_eq!(case.plan("even").unwrap().grid.len(), 1);
}

#[test]
fn cube_divides_all_axes() {
    let mut case = Case::survey();
    let plan = case.plan("cube").unwrap();
    assert_eq!((plan.grid.chunk(), plan.tasks), (shape([3; 3]), 10_593_506));
    // 0.8 · 2 GiB ÷ 239 bytes per voxel is a cube of 193, and 100 is the next common divisor.
    case.volume = shape([200, 300, 400]);
    case.budget.memory = Memory::PerWorker(ByteSize::gib(2));
    assert_eq!(case.plan("cube").unwrap().grid.chunk(), shape([100; 3]));
    case.budget.memory = Memory::Total { limit: ByteSize::mib(2), shared: ByteSize::ZERO };
    assert!(case.plan("cube").unwrap().grid.chunk().voxels() >= 1);
}

#[test]
fn fixed_keeps_the_chunk_and_chooses_the_workers() {
    let mut case = Case::survey();
    let plan = case.plan("fixed=100x131x9999").unwrap();
    assert_eq!(plan.grid.chunk(), shape([100, 131, 462]));
    // 131 is prime and longer than 64, so it is the storage chunk; 462 is the whole axis.
    assert_eq!(plan.output_chunk, shape([50, 131, 58]));
    assert_eq!(plan.strategy, "fixed=100x131x9999");
    let upper = plan.largest_task.upper;
    case.budget.memory = Memory::Total { limit: upper * 6, shared: ByteSize::ZERO };
    case.budget.workers = Workers::UpTo(32);
    let plan = case.plan("fixed=100x131x9999").unwrap();
    assert!(plan.fits());
    assert_eq!(plan.workers, 5);
    case.budget.memory = Memory::Total { limit: ByteSize::mib(64), shared: ByteSize::ZERO };
    let plan = case.plan("fixed=100x131x9999").unwrap();
    assert_eq!((plan.fits(), plan.workers), (false, 1));
    assert!(plan.explain().to_string().contains("does not fit: needs"));
}

#[test]
fn names_read_back() {
    for name in ["memory-aware", "dask-auto", "even", "cube", "fixed=5x7x11"] {
        assert_eq!(strategy(name).unwrap().name(), name);
    }
    let error = strategy("best").unwrap_err().to_string();
    for name in ["best", "memory-aware", "dask-auto", "even", "cube", "fixed=AxBxC"] {
        assert!(error.contains(name), "{error}");
    }
    for bad in ["fixed=", "fixed=5x7", "fixed=5x0x7"] {
        assert!(matches!(strategy(bad), Err(PlanError::BadFixedShape { .. })), "{bad}");
    }
    let mut case = Case::survey();
    case.budget.workers = Workers::Exactly(0);
    for name in ["memory-aware", "dask-auto", "even", "cube", "fixed=5x7x11"] {
        assert_eq!(case.plan(name), Err(PlanError::NoWorkers));
    }
}

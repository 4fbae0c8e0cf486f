//! Heap bytes of every operator against what it declares.

use chunkfit_core::testing::{Dice, Voxel, check_workspace};
use chunkfit_core::{Axis, ByteSize, Operator, Placement, Region, Shape};
use chunkfit_seismic::{
    Derivative, Gaussian, GradientMagnitude, Mean, ReflectionIntensity, Rms, Semblance, parse,
};
use ndarray::Array3;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Largest number of heap bytes held at once while `work` runs.
fn heap_peak(work: &mut dyn FnMut()) -> ByteSize {
    let _profiler = dhat::Profiler::builder().testing().build();
    work();
    let stats = dhat::HeapStats::get();
    assert_eq!(stats.curr_bytes, 0, "something was kept");
    ByteSize::of::<u8>(stats.max_bytes)
}

/// Without the harness, since the profiler counts the whole process and the harness has a thread of its
/// own.
fn main() {
    for name in [
        "gaussian",
        "gaussian:sigma=1x0.4x2",
        "gaussian:sigma=0",
        "gst",
        "gst:kernel=5,outputs=dip",
        "gst:kernel=1",
        "gst:kernel=3x1x9",
        "gst:kernel=31",
        "first-derivative",
        "first-derivative:axis=crossline",
        "second-derivative:axis=inline",
        "second-derivative",
        "rms",
        "rms:window=3x5x1",
        "mean:window=3x1x21",
        "median",
        "median:window=1x5x7",
        "gradient-magnitude",
        "gst-slopes",
        "semblance",
        "eigen-attributes",
        "eigen-attributes:window=5,outputs=line",
        "reflection-intensity",
        "gradient-dips",
        "gradient-dips:window=1x3x5",
        "time-gain",
        "rescale:min=0",
    ] {
        filter(operator(name).as_ref());
    }
    for operator in wide() {
        filter(operator.as_ref());
    }
    // Planes of a few voxels, and lines that are cut.
    for name in ["gaussian", "gaussian:sigma=1x0.4x2"] {
        let operator = operator(name);
        check_workspace(operator.as_ref(), [200, 3, 4], 20, ByteSize::kib(160), heap_peak);
        check_workspace(operator.as_ref(), [2, 3, 9000], 5, ByteSize::kib(32), heap_peak);
    }
    let double = Gaussian::new([2.0, 1.0, 0.5], 4.0).expect("the parameters are right");
    check_workspace::<f64>(&double, [20, 30, 90], 60, ByteSize::kib(32), heap_peak);
    for name in [
        "envelope",
        "phase",
        "complex-trace:outputs=sweetness/quality-factor",
        "complex-trace:outputs=cosine-phase/amplitude-acceleration/frequency-change",
    ] {
        let operator = operator(name);
        // Room for more lanes than some machines have, and for factors that some lengths need.
        check_workspace(operator.as_ref(), [5, 6, 700], 60, ByteSize::kib(190), heap_peak);
        check_workspace(operator.as_ref(), [300, 3, 7], 30, ByteSize::kib(8), heap_peak);
        traces_that_are_not_contiguous(operator.as_ref());
    }
    // Plans follow the factors of the length.
    let envelope = operator("envelope");
    let long = [1019, 1031, 2039, 2063, 4093, 5987, 6007, 8191, 12_289, 30_011, 60_000, 100_000];
    for n in (1..700).chain((700..9000).step_by(61)).chain(long) {
        let (used, declared) = whole(envelope.as_ref(), [1, 1, n]);
        assert!(used <= declared, "{n} samples: used {used}, declared {declared}");
    }
}

/// Copies that are needed for strided traces are declared too.
fn traces_that_are_not_contiguous(operator: &dyn Operator) {
    for n in [1, 100, 509] {
        let shape = Shape::new([3, 4, n]).expect("not empty");
        let turned = Dice::new(2).volume(Shape::new([n, 4, 3]).expect("not empty"));
        let block = turned.view().reversed_axes();
        let mut outputs = vec![Array3::zeros([n, 4, 3]); operator.outputs().len()];
        let mut views: Vec<_> =
            outputs.iter_mut().map(|output| output.view_mut().reversed_axes()).collect();
        let used = heap_peak(&mut || {
            operator.apply(block, &Placement::whole(shape), &mut views).expect("the arrays fit");
        });
        let declared = operator.workspace(shape, shape);
        assert!(used <= declared, "{}, {n}: used {used}, declared {declared}", operator.name());
    }
}

/// Filters of volumes of `f64`.
fn wide() -> [Box<dyn Operator<f64>>; 8] {
    const RIGHT: &str = "the parameters are right";
    [
        Box::new(Mean::new([3, 1, 21]).expect(RIGHT)),
        Box::new(Rms::new([3, 5, 1]).expect(RIGHT)),
        Box::new(GradientMagnitude::new([1.0; 3], 4.0).expect(RIGHT)),
        Box::new(Semblance::new([3, 3, 9]).expect(RIGHT)),
        Box::new(ReflectionIntensity::new(9).expect(RIGHT)),
        Box::new(Derivative::second(Axis::Inline)),
        Box::new(Derivative::first(Axis::Crossline)),
        Box::new(Derivative::second(Axis::Sample)),
    ]
}

fn filter<T: Voxel>(operator: &dyn Operator<T>) {
    // At the faces of a volume less is needed than declared.
    check_workspace(operator, [20, 30, 90], 60, ByteSize::kib(32), heap_peak);
    check_workspace(operator, [3, 4, 300], 20, ByteSize::kib(32), heap_peak);
    // Lines of inlines side by side have room for many.
    check_workspace(operator, [200, 5, 50], 40, ByteSize::mib(1), heap_peak);
    declared_to_the_byte(operator);
}

fn operator(name: &str) -> Box<dyn Operator> {
    parse(name).expect("the name is right")
}

/// Far from every face a filter uses what it declares.
fn declared_to_the_byte<T: Voxel>(operator: &dyn Operator<T>) {
    let volume = Shape::new([60, 62, 80]).expect("not empty");
    let core = Region::new([28, 29, 30], Shape::new([4, 5, 21]).expect("not empty"));
    let (used, declared) = task(operator, &Placement::new(volume, core, &operator.halo()));
    assert_eq!(used, declared, "{}", operator.name());
}

fn whole(operator: &dyn Operator, extents: [usize; 3]) -> (ByteSize, ByteSize) {
    task(operator, &Placement::whole(Shape::new(extents).expect("not empty")))
}

/// Heap bytes used and declared.
fn task<T: Voxel>(operator: &dyn Operator<T>, at: &Placement) -> (ByteSize, ByteSize) {
    let block = Dice::new(1).volume(at.block().shape()).mapv(T::from);
    let core = at.core().shape();
    let mut outputs = vec![Array3::from_elem(core.extents(), T::DIRT); operator.outputs().len()];
    let mut views: Vec<_> = outputs.iter_mut().map(|output| output.view_mut()).collect();
    let used = heap_peak(&mut || {
        operator.apply(block.view(), at, &mut views).expect("the arrays fit");
    });
    (used, operator.workspace(at.block().shape(), core))
}

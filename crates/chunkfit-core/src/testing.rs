//! Checkers that every implementer of a trait runs in its own tests.
//!
//! They panic with a message that names the case, as assertions do, and use a small generator with a
//! fixed seed, so that a failure repeats.

use ndarray::{Array3, ArrayView3};

use crate::{
    Axis, ByteSize, ChunkGrid, MemoryModel, Operator, Placement, Region, Shape, Sink, Source,
};

/// A small generator of repeatable pseudo-random numbers (splitmix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// A generator whose sequence depends on `seed` alone.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + (self.next() % (high - low + 1) as u64) as usize
    }

    /// A number in `[-1, 1)`.
    pub fn amplitude(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    /// A shape with extents from 1 to `largest`.
    ///
    /// # Panics
    ///
    /// When an extent of `largest` is 0.
    pub fn shape(&mut self, largest: [usize; 3]) -> Shape {
        Shape::new(largest.map(|n| self.between(1, n))).expect("extents are at least 1")
    }

    /// A volume of random amplitudes.
    pub fn volume(&mut self, shape: Shape) -> Array3<f32> {
        Array3::from_shape_simple_fn(shape.extents(), || self.amplitude())
    }

    /// A region inside a volume of `shape`.
    ///
    /// # Panics
    ///
    /// Never, for a valid shape.
    pub fn region(&mut self, shape: Shape) -> Region {
        let extents = shape.extents();
        let start = extents.map(|n| self.between(0, n - 1));
        let end = [0, 1, 2].map(|a| self.between(start[a] + 1, extents[a]));
        Region::between(start, end).expect("the end lies after the start")
    }
}

/// The type of a voxel, as far as the checkers go: `f32` or `f64`.
pub trait Voxel: Copy + From<f32> {
    /// A pattern that no kernel produces, to prefill outputs with.
    const DIRT: Self;

    /// Its bits.
    fn bits(self) -> u64;
}

impl Voxel for f32 {
    const DIRT: Self = Self::from_bits(0x7FC0_DEAD);

    fn bits(self) -> u64 {
        self.to_bits().into()
    }
}

impl Voxel for f64 {
    const DIRT: Self = Self::from_bits(0x7FF8_DEAD_DEAD_DEAD);

    fn bits(self) -> u64 {
        self.to_bits()
    }
}

/// Runs `operator` on one task, with dirty output buffers.
///
/// # Panics
///
/// When the operator fails, or leaves an output voxel unwritten.
pub fn apply_at<T: Voxel>(
    operator: &dyn Operator<T>,
    volume: ArrayView3<'_, T>,
    at: &Placement,
) -> Vec<Array3<T>> {
    let core = at.core().shape().extents();
    let mut outputs = vec![Array3::from_elem(core, T::DIRT); operator.outputs().len()];
    let mut views: Vec<_> = outputs.iter_mut().map(|out| out.view_mut()).collect();
    let name = operator.name();
    operator
        .apply(at.block().view(volume), at, &mut views)
        .unwrap_or_else(|error| panic!("{name} failed at {}: {error}", at.core()));
    for (output, spec) in outputs.iter().zip(operator.outputs()) {
        let dirty = output.iter().filter(|v| v.bits() == T::DIRT.bits()).count();
        assert_eq!(dirty, 0, "{name} left {dirty} voxels of {} unwritten", spec.name);
    }
    outputs
}

/// Chunked equals whole, bit for bit, on `cases` random volumes and grids up to `largest`.
///
/// # Panics
///
/// When it does not.
pub fn check_operator<T: Voxel>(operator: &dyn Operator<T>, largest: [usize; 3], cases: u64) {
    let name = operator.name();
    for seed in 0..cases {
        let mut dice = Dice::new(seed);
        let shape = dice.shape(largest);
        let volume = dice.volume(shape).mapv(T::from);
        let whole = apply_at(operator, volume.view(), &Placement::whole(shape));
        let grid = ChunkGrid::new(shape, dice.shape(shape.extents()));
        for core in grid.iter() {
            let at = Placement::new(shape, core, &operator.halo());
            let parts = apply_at(operator, volume.view(), &at);
            for ((part, full), spec) in parts.iter().zip(&whole).zip(operator.outputs()) {
                let same =
                    part.iter().zip(core.view(full.view())).all(|(a, b)| a.bits() == b.bits());
                assert!(
                    same,
                    "{name}: {} of core {core} differs from the whole volume {shape} (chunk {}, \
                     seed {seed})",
                    spec.name,
                    grid.chunk(),
                );
            }
        }
    }
}

/// The operator allocates at most its declared workspace, on `cases` random tasks up to `largest`.
///
/// `heap_peak` runs a closure and returns the largest number of heap bytes that it held at once; it
/// belongs to the caller because an allocator is a choice of the program.
///
/// # Panics
///
/// When a task allocates more, or declares more than `slack` bytes that it does not use.
pub fn check_workspace<T: Voxel>(
    operator: &dyn Operator<T>,
    largest: [usize; 3],
    cases: u64,
    slack: ByteSize,
    mut heap_peak: impl FnMut(&mut dyn FnMut()) -> ByteSize,
) {
    let name = operator.name();
    for seed in 0..cases {
        let mut dice = Dice::new(seed);
        let shape = dice.shape(largest);
        let volume = dice.volume(shape).mapv(T::from);
        let at = Placement::new(shape, dice.region(shape), &operator.halo());
        let (block, core) = (at.block().shape(), at.core().shape());
        let mut outputs =
            vec![Array3::from_elem(core.extents(), T::DIRT); operator.outputs().len()];
        let mut views: Vec<_> = outputs.iter_mut().map(|out| out.view_mut()).collect();
        let used = heap_peak(&mut || {
            operator
                .apply(at.block().view(volume.view()), &at, &mut views)
                .unwrap_or_else(|error| panic!("{name} failed at {}: {error}", at.core()));
        });
        let declared = operator.workspace(block, core);
        assert!(used <= declared, "{name}, {block} → {core}: used {used}, declared {declared}");
        assert!(
            declared <= used + slack,
            "{name}, {block} → {core}: declared {declared}, used only {used}"
        );
    }
}

/// Growing any extent never lowers a prediction, and the bound is never below the expected peak.
///
/// # Panics
///
/// When it does.
pub fn check_model_is_monotone(model: &dyn MemoryModel, largest: [usize; 3], cases: u64) {
    for seed in 0..cases {
        let mut dice = Dice::new(seed);
        let core = dice.shape(largest);
        let grow = |shape: Shape, axis: Axis, by: usize| {
            let mut extents = shape.extents();
            extents[axis.index()] += by;
            Shape::new(extents).expect("extents are at least 1")
        };
        let block = Axis::ALL.into_iter().fold(core, |b, axis| grow(b, axis, dice.between(0, 9)));
        let small = model.predict(block, core);
        assert!(small.peak <= small.upper, "{block} → {core}: {small:?}");
        for axis in Axis::ALL {
            let by = dice.between(1, 40);
            for (b, c) in
                [(grow(block, axis, by), core), (grow(block, axis, by), grow(core, axis, by))]
            {
                let large = model.predict(b, c);
                assert!(
                    small.peak <= large.peak && small.upper <= large.upper,
                    "growing {block} → {core} to {b} → {c} lowers {small:?} to {large:?}"
                );
            }
        }
    }
}

/// Any region reads the same voxels as a slice of `whole`, and bad requests are errors.
///
/// # Panics
///
/// When it does not.
pub fn check_source(source: &dyn Source, whole: ArrayView3<'_, f32>, cases: u64) {
    let shape = source.shape();
    assert_eq!(whole.shape(), shape.extents(), "the source has another shape");
    for (label, n) in source.axes().iter().zip(shape.extents()) {
        assert_eq!(label.values.len(), n, "axis {} has a wrong number of labels", label.name);
    }
    for seed in 0..=cases {
        let mut dice = Dice::new(seed);
        let region = if seed == 0 { Region::whole(shape) } else { dice.region(shape) };
        let mut out = Array3::from_elem(region.shape().extents(), f32::DIRT);
        source
            .read(&region, out.view_mut())
            .unwrap_or_else(|error| panic!("reading {region} failed: {error}"));
        let differs =
            out.iter().zip(region.view(whole)).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
        assert_eq!(differs, 0, "{region} of {shape}: {differs} voxels differ (seed {seed})");
    }
    let outside = Region::new(shape.extents(), Shape::new([1, 1, 1]).expect("not empty"));
    let mut one = Array3::zeros([1, 1, 1]);
    assert!(source.read(&outside, one.view_mut()).is_err(), "a region outside must be an error");
    let mut wrong = Array3::zeros([1, 1, shape[Axis::Sample] + 1]);
    assert!(
        source.read(&Region::whole(shape), wrong.view_mut()).is_err(),
        "an output of another shape must be an error"
    );
}

/// Disjoint aligned writes compose, from several threads at once and written twice; a region that is
/// not aligned is an error. `read_back` returns the whole volume after [`Sink::finish`].
///
/// # Panics
///
/// When they do not.
pub fn check_sink(sink: &dyn Sink, read_back: impl FnOnce() -> Array3<f32>) {
    let shape = sink.shape();
    let volume = Dice::new(7).volume(shape);
    let regions: Vec<Region> = ChunkGrid::new(shape, sink.alignment()).iter().collect();
    let write_all = |regions: &mut dyn Iterator<Item = &Region>| {
        for region in regions {
            sink.write(region, region.view(volume.view()))
                .unwrap_or_else(|error| panic!("writing {region} failed: {error}"));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| write_all(&mut regions.iter().step_by(2)));
        scope.spawn(|| write_all(&mut regions.iter().skip(1).step_by(2)));
    });
    write_all(&mut regions.iter().rev().take(2));
    for axis in Axis::ALL {
        if sink.alignment()[axis] < 2 || shape[axis] < 2 {
            continue;
        }
        let mut start = [0; 3];
        start[axis.index()] = 1;
        let region = Region::between(start, shape.extents()).expect("not empty");
        let refused = sink.write(&region, region.view(volume.view()));
        assert!(refused.is_err(), "{region} is not aligned along {axis} and must be an error");
    }
    sink.finish().unwrap_or_else(|error| panic!("finish failed: {error}"));
    let back = read_back();
    assert_eq!(back.shape(), volume.shape());
    assert!(back.iter().zip(&volume).all(|(a, b)| a.to_bits() == b.to_bits()), "voxels differ");
}

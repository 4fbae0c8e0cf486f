use chunkfit_core::{Axis, ByteSize, Halo, MemoryModel, Placement, Region, Shape};

/// Cuts the core of `at` in two on multiples of the storage chunk `output_chunk`, such that the larger
/// bound of the two halves is as low as possible; of equal ones, such that the blocks have the fewest
/// voxels, then such that the halves are most alike.
///
/// `None` when the core is one storage chunk, or no cut lowers the bound.
///
/// # Example
///
/// ```
/// use chunkfit_core::{Halo, Placement, Prediction, Regime, Shape};
///
/// let model = |block: Shape, _: Shape| {
///     let peak = block.bytes::<f32>();
///     Prediction { peak, upper: peak, regime: Regime::Declared }
/// };
/// let at = Placement::whole(Shape::new([5, 7, 11])?);
/// let chunk = Shape::new([5, 7, 4])?;
/// let halves = chunkfit_plan::split(&at, &Halo::uniform(1), chunk, &model).unwrap();
/// assert_eq!(halves.map(|half| half.core().to_string()), ["[0..5, 0..7, 0..4]", "[0..5, 0..7, 4..11]"]);
/// # Ok::<(), chunkfit_core::ShapeError>(())
/// ```
#[must_use]
pub fn split(
    at: &Placement,
    halo: &Halo,
    output_chunk: Shape,
    model: &dyn MemoryModel,
) -> Option<[Placement; 2]> {
    let bound = |at: &Placement| model.predict(at.block().shape(), at.core().shape()).upper;
    let score = |halves: &[Placement; 2]| -> (ByteSize, usize, usize) {
        let voxels = halves.iter().map(|half| half.block().shape().voxels()).sum();
        let [low, high] = halves.each_ref().map(|half| half.core().shape().voxels());
        (bound(&halves[0]).max(bound(&halves[1])), voxels, low.abs_diff(high))
    };
    Axis::ALL
        .into_iter()
        .flat_map(|axis| cuts(&at.core(), axis, output_chunk[axis]).map(move |at| (axis, at)))
        .filter_map(|(axis, middle)| cut(at, halo, axis, middle))
        .map(|halves| (score(&halves), halves))
        .min_by_key(|&(score, _)| score)
        .filter(|((upper, ..), _)| *upper < bound(at))
        .map(|(_, halves)| halves)
}

/// The multiples of `chunk` inside the core.
fn cuts(core: &Region, axis: Axis, chunk: usize) -> impl Iterator<Item = usize> + use<> {
    let range = core.range(axis);
    ((range.start / chunk + 1) * chunk..range.end).step_by(chunk)
}

fn cut(at: &Placement, halo: &Halo, axis: Axis, middle: usize) -> Option<[Placement; 2]> {
    let (start, end) = (at.core().start(), at.core().end());
    let (mut low_end, mut high_start) = (end, start);
    low_end[axis.index()] = middle;
    high_start[axis.index()] = middle;
    let low = Region::between(start, low_end).ok()?;
    let high = Region::between(high_start, end).ok()?;
    Some([low, high].map(|core| Placement::new(at.volume(), core, halo)))
}

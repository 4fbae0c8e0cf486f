//! Which blocks are profiled and which targets are predicted.

use chunkfit_core::{ByteSize, MemoryModel, Shape};
use chunkfit_plan::Reserve;
use chunkfit_predict::Dtype;

use crate::validation::subject::Subject;

/// At most 100 000 voxels: 1/1000 of a target of 1e8.
pub(super) const PROFILED: [[usize; 3]; 4] =
    [[20, 20, 40], [30, 40, 50], [43, 47, 47], [25, 40, 100]];

/// Beyond what is run: 1e9 voxels, and a little less of prime extents or one voxel thick.
pub(super) const COMPUTED: [[usize; 3]; 4] =
    [[951, 651, 462], [1000, 1000, 1000], [997, 1009, 991], [1, 31607, 31607]];

/// About 1e8 voxels each.
const AWKWARD: [(&str, [usize; 3]); 7] = [
    ("primes", [463, 467, 467]),
    ("one inline", [1, 10_007, 10_007]),
    ("one crossline", [10_007, 1, 10_007]),
    ("one sample", [10_007, 10_007, 1]),
    ("1000:1, inlines", [46_000, 46, 48]),
    ("1000:1, crosslines", [46, 46_000, 48]),
    ("1000:1, samples", [46, 48, 46_000]),
];

/// The operators of the thesis, one of them on `f64` too, and some whose scratch has another form; slow
/// ones last.
pub(super) fn subjects() -> Vec<Subject> {
    let single = |names: &[&str]| names.iter().map(|name| Subject::single(name)).collect();
    let mut all: Vec<Subject> = single(&["envelope", "gaussian:sigma=3", "gst:outputs=dip", "gst"]);
    all.push(Subject { operator: "gaussian:sigma=3".to_owned(), dtype: Dtype::F64 });
    all.extend(single(&["semblance", "median"]) as Vec<Subject>);
    all
}

/// A target that is really run.
pub(super) struct Target {
    /// What is awkward about it; of a survey, nothing.
    pub(super) what: &'static str,
    pub(super) shape: Shape,
}

/// What `limit` leaves for a task.
fn usable(limit: ByteSize) -> ByteSize {
    Reserve::default().usable(limit)
}

/// Surveys that need a quarter and all of what `limit` leaves, of at most `most` voxels.
pub(super) fn surveys(model: &dyn MemoryModel, limit: ByteSize, most: usize) -> Vec<Target> {
    let mut targets = Vec::new();
    for share in [0.25, 1.0] {
        let fits = |side: &usize| {
            survey(*side).is_some_and(|shape| {
                let upper = model.predict(shape, shape).upper;
                shape.voxels() <= most && upper <= usable(limit).scale(share)
            })
        };
        let Some(shape) = (2..4000).take_while(fits).last().and_then(survey) else { continue };
        if targets.iter().all(|target: &Target| target.shape != shape) {
            targets.push(Target { what: "", shape });
        }
    }
    targets
}

/// In the proportions of a survey of 951 × 651 × 462.
fn survey(inlines: usize) -> Option<Shape> {
    let along = |n: usize| (inlines * n / 951).max(1);
    Shape::new([inlines, along(651), along(462)]).ok()
}

/// Those that fit, scaled down by `part` along each long axis.
pub(super) fn awkward(model: &dyn MemoryModel, limit: ByteSize, part: usize) -> Vec<Target> {
    let scaled = |(what, extents): (&'static str, [usize; 3])| {
        let shape = Shape::new(extents.map(|n| if n > 1 { (n / part).max(2) } else { 1 })).ok()?;
        let fits = model.predict(shape, shape).upper <= usable(limit);
        fits.then_some(Target { what, shape })
    };
    AWKWARD.into_iter().filter_map(scaled).collect()
}

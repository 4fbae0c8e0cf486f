use super::Check;

/// Errors over tolerances, voxel by voxel.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    voxels: usize,
    worst: f64,
}

impl Tally {
    /// Counts a voxel that should be `expected`, give or take `tolerance`.
    pub(crate) fn near(&mut self, got: f32, expected: f64, tolerance: f64) {
        let same = f64::from(got) == expected || (got.is_nan() && expected.is_nan());
        let error = (f64::from(got) - expected).abs();
        // A tolerance of 0 and an error of 0 are `same`; a NaN on one side is the worst there is.
        self.count(if same { 0.0 } else { error / tolerance });
    }

    /// Counts an angle in degrees, compared around the circle.
    pub(crate) fn near_angle(&mut self, got: f32, expected: f64, tolerance: f64) {
        let turn = (f64::from(got) - expected).rem_euclid(360.0);
        self.count(turn.min(360.0 - turn) / tolerance);
    }

    /// Counts a voxel of which only a range is known.
    pub(crate) fn require(&mut self, holds: bool) {
        self.count(if holds { 0.0 } else { f64::INFINITY });
    }

    /// Takes over how bad `other` is, but not its voxels.
    pub(crate) fn include_worst_of(&mut self, other: &Self) {
        self.worst = self.worst.max(other.worst);
    }

    fn count(&mut self, ratio: f64) {
        self.voxels += 1;
        self.worst = self.worst.max(if ratio.is_nan() { f64::INFINITY } else { ratio });
    }

    pub(crate) fn check(&self) -> Check {
        Check { voxels: self.voxels, worst: self.worst, passed: self.worst <= 1.0 }
    }
}

use chunkfit_core::{OperatorError, Placement};
use ndarray::{Array3, ArrayView3};

use super::eigen::eigen;
use super::filter::correlate;
use super::{Tally, Verifiable};

use crate::{Quantity, StructureTensor};

const DIP_TOLERANCE: f64 = 1e-3;
const AZIMUTH_TOLERANCE: f64 = 1e-2;
const PLANARITY_TOLERANCE: f64 = 2e-6;
/// Angles are compared where the planarity is above this.
const PLANAR: f64 = 1e-3;

impl Verifiable for StructureTensor {
    fn compare(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &[ArrayView3<'_, f32>],
        tally: &mut Tally,
    ) -> Result<(), OperatorError> {
        let core = at.core_in_block();
        let tensor = tensor(&block.mapv(f64::from), self.kernel());
        let views =
            [0, 1, 2].map(|a| [0, 1, 2].map(|b| core.view(tensor[a.min(b)][a.max(b)].view())));
        for index in ndarray::indices(core.shape().extents()) {
            let layer =
                Layer::of(views.each_ref().map(|row| row.each_ref().map(|view| view[index])));
            for (quantity, output) in self.quantities().iter().zip(outputs) {
                layer.compare(*quantity, output[index], tally);
            }
        }
        Ok(())
    }
}

/// The components of the gradient.
pub(super) fn gradient(volume: &Array3<f64>) -> [Array3<f64>; 3] {
    [0, 1, 2].map(|along| {
        (0..3)
            .filter(|axis| *axis != along)
            .fold(correlate(volume, along, &[-0.5, 0.0, 0.5]), |component, axis| {
                correlate(&component, axis, &[0.178_947, 0.642_105, 0.178_947])
            })
    })
}

/// Averaged products of gradient components; those below the diagonal stay empty.
pub(super) fn tensor(volume: &Array3<f64>, kernel: [usize; 3]) -> [[Array3<f64>; 3]; 3] {
    let gradient = gradient(volume);
    [0, 1, 2].map(|a| {
        [0, 1, 2].map(|b| {
            if b < a {
                return Array3::default([0; 3]);
            }
            (0..3).fold(&gradient[a] * &gradient[b], |product, axis| {
                let n = kernel[axis];
                correlate(&product, axis, &vec![1.0 / n as f64; n])
            })
        })
    })
}

/// What the tensor of one voxel says.
struct Layer {
    dip: f64,
    azimuth: f64,
    planarity: f64,
    /// Whether the angles are known well enough.
    planar: bool,
    /// Whether there is no gradient at all.
    empty: bool,
}

impl Layer {
    fn of(tensor: [[f64; 3]; 3]) -> Self {
        let trace = tensor[0][0] + tensor[1][1] + tensor[2][2];
        if !trace.is_finite() {
            let nan = f64::NAN;
            return Self { dip: nan, azimuth: nan, planarity: nan, planar: true, empty: false };
        }
        if trace == 0.0 {
            return Self { dip: 0.0, azimuth: 0.0, planarity: 0.0, planar: false, empty: true };
        }
        let [_, (middle, _), (largest, normal)] = eigen(tensor.map(|row| row.map(|v| v / trace)));
        let downwards = [2, 1, 0].into_iter().map(|a| normal[a]).find(|c| *c != 0.0);
        let sign = downwards.map_or(1.0, f64::signum);
        let [inline, crossline, sample] = normal.map(|component| component * sign);
        let planarity = (largest - middle) / largest;
        Self {
            dip: sample.min(1.0).acos().to_degrees(),
            azimuth: (-inline).atan2(-crossline).to_degrees(),
            planarity,
            planar: planarity > PLANAR,
            empty: false,
        }
    }

    fn compare(&self, quantity: Quantity, got: f32, tally: &mut Tally) {
        let steep_enough = (0.1..=89.9).contains(&self.dip);
        match quantity {
            _ if self.empty || self.planarity.is_nan() => tally.near(got, self.planarity, 0.0),
            Quantity::Planarity => tally.near(got, self.planarity, PLANARITY_TOLERANCE),
            Quantity::Dip if self.planar => tally.near(got, self.dip, DIP_TOLERANCE),
            Quantity::Dip => tally.require((0.0..=90.0).contains(&got)),
            Quantity::Azimuth if self.planar && steep_enough => {
                tally.near_angle(got, self.azimuth, AZIMUTH_TOLERANCE);
            }
            Quantity::Azimuth => tally.require(got > -180.0 && got <= 180.0),
        }
    }
}

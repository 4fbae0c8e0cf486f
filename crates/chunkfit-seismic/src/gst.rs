mod angle;
mod normal;

use std::borrow::Cow;
use std::fmt;

use chunkfit_core::{ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement};
use chunkfit_core::{Region, Shape};
use ndarray::{Array3, ArrayView3, ArrayViewMut3};
use pulp::Arch;

use crate::catalog::{Parameter, Recipe};
use crate::error::ParameterError;
use crate::fresh::fresh;
use crate::parse::per_axis;
use crate::tensor::Tensor;
use crate::window::Window;
use normal::Normals;

pub(crate) const RECIPE: Recipe = Recipe {
    name: "gst",
    summary: "Orientation of reflectors from the gradient structure tensor",
    parameters: &[
        Parameter {
            name: "kernel",
            default: "3",
            unit: "voxels",
            meaning: "odd window of the average; 3x3x9 for inline, crossline and sample apart",
        },
        Parameter {
            name: "outputs",
            default: "dip/azimuth/planarity",
            unit: "",
            meaning: "what to compute, with / between",
        },
    ],
    outputs: || Quantity::ALL.map(Quantity::output).to_vec(),
    reference: "Randen et al. 2000; van Vliet and Verbeek 1995",
    build: |values| {
        let kernel = values.get("kernel", "an odd number, or three as 3x3x9", per_axis::read)?;
        let quantities = values.choice("outputs", &Quantity::ALL, Quantity::name)?;
        values.checked(StructureTensor::new(kernel, &quantities))
    },
};

/// What a gradient structure tensor can tell about a voxel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantity {
    /// Angle between the normal of the reflector and the sample axis, 0 to 90 degrees, where one step
    /// along any axis counts as 1.
    Dip,
    /// Direction in which the reflector dips, in (−180, 180] degrees: 0 towards larger crosslines, 90
    /// towards larger inlines; 0 where the dip is 0.
    Azimuth,
    /// (l1 − l2) / l1 with the eigenvalues l1 ≥ l2 ≥ l3: 1 for plane layers, 0 without direction.
    Planarity,
}

impl Quantity {
    /// All of them, in the order in which [`StructureTensor`] writes them.
    pub const ALL: [Self; 3] = [Self::Dip, Self::Azimuth, Self::Planarity];

    /// Name of the output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dip => "dip",
            Self::Azimuth => "azimuth",
            Self::Planarity => "planarity",
        }
    }

    pub(crate) fn output(self) -> OutputSpec {
        let (unit, description) = match self {
            Self::Dip => ("degrees", "angle of the reflector to the horizontal, in index units"),
            Self::Azimuth => ("degrees", "down-dip direction: 0 crossline up, 90 inline up"),
            Self::Planarity => ("ratio", "(l1 - l2) / l1: how far the dip can be trusted, 0 to 1"),
        };
        OutputSpec {
            name: Cow::Borrowed(self.name()),
            unit: Some(Cow::Borrowed(unit)),
            description: Cow::Borrowed(description),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Orientation of the reflectors of a volume; each array has its shape. See [`Quantity`].
#[derive(Debug, Clone, PartialEq)]
pub struct Orientation {
    /// Degrees, 0 to 90.
    pub dip: Array3<f32>,
    /// Degrees, in (−180, 180].
    pub azimuth: Array3<f32>,
    /// 0 to 1.
    pub planarity: Array3<f32>,
}

/// Dip, azimuth and planarity of a volume from its gradient structure tensor.
///
/// `kernel` is the window over which the tensor is averaged, in voxels along inline, crossline and
/// sample. See [`StructureTensor`] for what is computed.
///
/// **Memory.** Three outputs, and [`StructureTensor::workspace`](Operator::workspace).
///
/// ```
/// use ndarray::Array3;
///
/// // Layers that go one sample down for each step to larger crosslines.
/// let volume = Array3::from_shape_fn([5, 7, 11], |(_, x, k)| (k as f32 - x as f32).powi(2));
/// let orientation = chunkfit_seismic::gst(volume.view(), [3, 3, 3])?;
/// assert!((orientation.dip[[2, 3, 6]] - 45.0).abs() < 1e-3);
/// assert!(orientation.azimuth[[2, 3, 6]].abs() < 1e-3);
/// # Ok::<(), chunkfit_seismic::ParameterError>(())
/// ```
///
/// # Errors
///
/// When an extent of `kernel` is not an odd number up to 16 383.
pub fn gst(volume: ArrayView3<'_, f32>, kernel: [usize; 3]) -> Result<Orientation, ParameterError> {
    let tensor = StructureTensor::new(kernel, &Quantity::ALL)?;
    let empty = || fresh(volume.raw_dim());
    let mut orientation = Orientation { dip: empty(), azimuth: empty(), planarity: empty() };
    if let Ok(shape) = Shape::new(volume.dim().into()) {
        let Orientation { dip, azimuth, planarity } = &mut orientation;
        let outputs = &mut [dip.view_mut(), azimuth.view_mut(), planarity.view_mut()];
        tensor.tensor.run(Arch::new(), volume, &Region::whole(shape), outputs);
    }
    Ok(orientation)
}

/// The gradient structure tensor as an operator: outputs `dip`, `azimuth` and `planarity`, or some
/// of them.
///
/// 1. Gradient: \[−½, 0, ½\] along an axis, \[0.178947, 0.642105, 0.178947\] along the two others.
/// 2. The six products of its components, averaged over a box of `kernel` voxels.
/// 3. The eigenvector of the largest eigenvalue is the normal n of the reflector, with n_sample ≥ 0;
///    where n_sample is 0 then n_crossline ≥ 0, and where that is 0 too, n_inline ≥ 0.
///
/// All in `f64`, reflecting at the faces of the volume in each stage. Angles are in index units: one
/// inline, one crossline and one sample count the same.
///
/// - No gradient, or l1 and l2 within 1e-6 of each other: no direction stands out, and dip, azimuth
///   and planarity are 0.
/// - A NaN or an infinity makes the voxels within the halo NaN, and no others.
///
/// **Halo.** 1 + kernel/2, rounded down, along each axis.
///
/// **Memory.** With kernel (a, b, c), a block of (i, x, _) and a core of (_, y, k),
/// [`workspace`](Operator::workspace) counts lines of L = S + c − 1 elements, rounded up to 8, for tiles
/// of S samples and T crosslines: S = max(512, min(2·c, k)), rounded up to 16, and T = max(12, 2·b). It is
///
/// - 8 bytes times L·(3·min(a, i)·min(min(y, T) + b − 1, x) + 6·min(b, x) + 2·min(3, x) + 8 + w)
///   + 16·min(3, x) + c + 7: gradients of `a` planes of a tile, products, sums, with w = 4;
/// - 4 bytes times v·S + 3·(L + 8), for results and for traces that are not contiguous, with v = 2;
/// - 32·(c + 1) bytes for positions beyond the faces, and 448 so that lines begin with a cache line.
///
/// So it hardly depends on the volume: two thirds of a megabyte with the default kernel.
///
/// **Reference.** Randen et al. (2000), Three-dimensional texture attributes for seismic data
/// analysis, SEG; van Vliet and Verbeek (1995), Estimators for orientation and anisotropy in
/// digitized images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructureTensor {
    tensor: Tensor<Normals>,
    outputs: Vec<OutputSpec>,
}

impl StructureTensor {
    /// A tensor averaged over `kernel` voxels along inline, crossline and sample, of which
    /// `quantities` are wanted; they are written in the order of [`Quantity::ALL`].
    ///
    /// # Errors
    ///
    /// When an extent of `kernel` is not an odd number up to 16 383, or `quantities` is empty or names
    /// one twice.
    pub fn new(kernel: [usize; 3], quantities: &[Quantity]) -> Result<Self, ParameterError> {
        let window = Window::from_parameter("kernel", kernel)?;
        let mut quantities = quantities.to_vec();
        quantities.sort_unstable();
        if quantities.is_empty() {
            return Err(ParameterError::NoOutput);
        }
        if let Some(twice) = quantities.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ParameterError::RepeatedOutput { name: twice[0].name() });
        }
        let outputs = quantities.iter().map(|quantity| quantity.output()).collect();
        Ok(Self { tensor: Tensor::new(window, Normals(quantities)), outputs })
    }

    /// The window in voxels along inline, crossline and sample.
    #[must_use]
    pub const fn kernel(&self) -> [usize; 3] {
        self.tensor.kernel()
    }

    /// What is computed, in the order of the outputs.
    #[must_use]
    pub fn quantities(&self) -> &[Quantity] {
        &self.tensor.solver().0
    }
}

impl Operator for StructureTensor {
    fn name(&self) -> String {
        let kernel = per_axis::write(&self.kernel());
        if self.quantities() == Quantity::ALL {
            return format!("gst:kernel={kernel}");
        }
        let names: Vec<_> = self.quantities().iter().map(|quantity| quantity.name()).collect();
        format!("gst:kernel={kernel},outputs={}", names.join("/"))
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn halo(&self) -> Halo {
        self.tensor.halo()
    }

    fn workspace(&self, block: Shape, core: Shape) -> ByteSize {
        self.tensor.workspace(block, core)
    }

    fn apply(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        self.tensor.apply(self, block, at, outputs)
    }
}

#[cfg(test)]
mod tests {
    use chunkfit_core::Axis;

    use super::*;
    use crate::testing::every_arch;

    #[test]
    fn refuses_parameters_out_of_range() {
        for kernel in [0, 2, 4, 16_385] {
            let error = StructureTensor::new([3, kernel, 3], &Quantity::ALL).unwrap_err();
            assert!(matches!(
                error,
                ParameterError::Window { parameter: "kernel", axis: Axis::Crossline, .. }
            ));
        }
        assert_eq!(StructureTensor::new([3; 3], &[]).unwrap_err(), ParameterError::NoOutput);
        let twice = StructureTensor::new([3; 3], &[Quantity::Dip, Quantity::Dip]).unwrap_err();
        assert_eq!(twice, ParameterError::RepeatedOutput { name: "dip" });
    }

    #[test]
    fn outputs_come_in_one_order() {
        let tensor = StructureTensor::new([3; 3], &[Quantity::Planarity, Quantity::Dip]).unwrap();
        assert_eq!(tensor.name(), "gst:kernel=3,outputs=dip/planarity");
        assert_eq!(tensor.outputs()[1].name, "planarity");
    }

    #[test]
    fn flat_data_has_no_direction() {
        for value in [0.0, -7.0, 1e30] {
            let volume = Array3::from_elem([3, 4, 5], value);
            let Orientation { dip, azimuth, planarity } = gst(volume.view(), [3; 3]).unwrap();
            for output in [dip, azimuth, planarity] {
                assert!(output.iter().all(|v| v.to_bits() == 0), "{value}");
            }
        }
    }

    #[test]
    fn amplitude_does_not_matter() {
        let volume =
            Array3::from_shape_fn([4, 5, 6], |(i, x, k)| ((i * 3 + x * 5 + k * 7) % 11) as f32);
        let one = gst(volume.view(), [3; 3]).unwrap();
        for exponent in [-100, 100] {
            let scaled = volume.mapv(|v| v * 2.0_f32.powi(exponent));
            assert_eq!(gst(scaled.view(), [3; 3]).unwrap(), one);
        }
    }

    /// A plane reflector k = p·i + q·x has down-dip direction (p, q).
    #[test]
    fn azimuth_points_down_dip() {
        for (p, q, azimuth) in [
            (0.0, 0.5, 0.0),
            (0.5, 0.0, 90.0),
            (0.0, -0.5, 180.0),
            (-0.5, 0.0, -90.0),
            (0.5, 0.5, 45.0),
        ] {
            let volume = Array3::from_shape_fn([9, 10, 11], |(i, x, k)| {
                (0.15 * (k as f32 - p * i as f32 - q * x as f32)).sin()
            });
            let orientation = gst(volume.view(), [3; 3]).unwrap();
            let at = [4, 5, 5];
            assert!(
                (orientation.azimuth[at] - azimuth).abs() < 0.5,
                "{p} {q}: {}",
                orientation.azimuth[at]
            );
            let dip = p.hypot(q).atan().to_degrees();
            assert!((orientation.dip[at] - dip).abs() < 0.6, "{p} {q}: {}", orientation.dip[at]);
            assert!(orientation.planarity[at] > 0.9);
        }
    }

    /// The portable code and that of the machine: the same up to rounding, and both independent of
    /// how the volume is cut.
    #[test]
    fn every_instruction_set_agrees() {
        let tensor = StructureTensor::new([3, 5, 3], &Quantity::ALL).unwrap();
        let shape = Shape::new([70, 6, 7]).unwrap();
        let volume = Array3::from_shape_fn(shape.extents(), |(i, x, k)| {
            ((i * 31 + x * 17 + k * 13) % 23) as f32 - 11.0
        });
        let run = |arch, core: &Region, block: ArrayView3<'_, f32>| {
            let mut outputs = vec![Array3::zeros(core.shape().extents()); 3];
            let mut views: Vec<_> = outputs.iter_mut().map(|output| output.view_mut()).collect();
            tensor.tensor.run(arch, block, core, &mut views);
            outputs
        };
        let wholes = every_arch().into_iter().map(|arch| {
            let whole = run(arch, &Region::whole(shape), volume.view());
            for core in chunkfit_core::ChunkGrid::new(shape, Shape::new([33, 4, 5]).unwrap()).iter()
            {
                let at = Placement::new(shape, core, &tensor.halo());
                let part = run(arch, &at.core_in_block(), at.block().view(volume.view()));
                for (part, whole) in part.iter().zip(&whole) {
                    assert_eq!(part, core.view(whole.view()));
                }
            }
            whole
        });
        let wholes: Vec<_> = wholes.collect();
        for (portable, other) in wholes[1..].iter().flat_map(|other| wholes[0].iter().zip(other)) {
            for (a, b) in portable.iter().zip(other) {
                assert!((a - b).abs() < 1e-4 || (a - b).abs() > 359.999, "{a} {b}");
            }
        }
    }

    #[test]
    fn an_empty_volume_stays_empty() {
        assert!(gst(Array3::zeros([4, 2, 0]).view(), [3; 3]).unwrap().dip.is_empty());
    }
}

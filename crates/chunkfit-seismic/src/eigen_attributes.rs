mod ratios;

use std::borrow::Cow;

use chunkfit_core::{ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Shape};
use ndarray::{ArrayView3, ArrayViewMut3};

use crate::catalog::{Parameter, Recipe};
use crate::error::ParameterError;
use crate::parse::per_axis;
use crate::tensor::Tensor;
use crate::window::{self, Window};
use ratios::Defined;

pub(crate) const RECIPE: Recipe = Recipe {
    name: "eigen-attributes",
    summary: "Chaos, planarity, line and fault from the eigenvalues of the structure tensor",
    parameters: &[
        Parameter {
            name: "window",
            default: "3x3x9",
            unit: "voxels",
            meaning: "odd window of the average along inline, crossline and sample; 3 for 3x3x3",
        },
        Parameter {
            name: "outputs",
            default: "chaos/planarity/line/fault",
            unit: "",
            meaning: "what to compute, with / between",
        },
        Parameter {
            name: "chaos",
            default: "ratio",
            unit: "",
            meaning: "definition: ratio for 2·l2/(l1 + l3), randen for that less 1",
        },
        Parameter {
            name: "planarity",
            default: "sum",
            unit: "",
            meaning: "definition: sum for (l1 - l2)/(l1 + l2), largest for (l1 - l2)/l1 as in gst",
        },
    ],
    outputs: || EigenAttribute::ALL.map(EigenAttribute::output).to_vec(),
    reference: "Randen et al. 2000; numpy.linalg.eigvalsh, NumPy 2.4.6",
    build: |values| {
        let window = values.get("window", window::EXPECTED, per_axis::read)?;
        let outputs = values.choice("outputs", &EigenAttribute::ALL, EigenAttribute::name)?;
        let chaos = values.get("chaos", "ratio or randen", |text| {
            Chaos::ALL.into_iter().find(|definition| definition.name() == text)
        })?;
        let planarity = values.get("planarity", "sum or largest", |text| {
            Planarity::ALL.into_iter().find(|definition| definition.name() == text)
        })?;
        values.checked(EigenAttributes::new(window, &outputs, chaos, planarity))
    },
};

/// What the eigenvalues l1 ≥ l2 ≥ l3 of the structure tensor tell; 0 where there is no gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EigenAttribute {
    /// How little the reflectors keep a direction; see [`Chaos`] for the definition.
    Chaos,
    /// How much the tensor looks like plane layers, 0 to 1; see [`Planarity`] for the definition.
    Planarity,
    /// (l2 − l3) / (l2 + l3): how much it looks like lines, 0 to 1. Eigenvalues below 1e-12 of their
    /// sum count as 0, and 0/0 as 0.
    Line,
    /// Line · (1 − planarity): 0 to 1.
    Fault,
}

impl EigenAttribute {
    /// All of them, in the order in which [`EigenAttributes`] writes them.
    pub const ALL: [Self; 4] = [Self::Chaos, Self::Planarity, Self::Line, Self::Fault];

    /// Name of the output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chaos => "chaos",
            Self::Planarity => "planarity",
            Self::Line => "line",
            Self::Fault => "fault",
        }
    }

    fn output(self) -> OutputSpec {
        OutputSpec {
            name: Cow::Borrowed(self.name()),
            unit: Some(Cow::Borrowed("ratio")),
            description: Cow::Borrowed(match self {
                Self::Chaos => "how little reflectors keep a direction",
                Self::Planarity => "how much the gradient is that of plane layers",
                Self::Line => "(l2 - l3) / (l2 + l3): how much the gradient leaves a line",
                Self::Fault => "line · (1 - planarity)",
            }),
        }
    }
}

/// Definition of chaos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Chaos {
    /// 2·l2 / (l1 + l3): 0 for plane layers, 1 without any direction, up to 2.
    #[default]
    Ratio,
    /// 2·l2 / (l1 + l3) − 1: −1 to 1, as Randen et al. write it.
    Randen,
}

impl Chaos {
    const ALL: [Self; 2] = [Self::Ratio, Self::Randen];

    const fn name(self) -> &'static str {
        match self {
            Self::Ratio => "ratio",
            Self::Randen => "randen",
        }
    }

    const fn offset(self) -> f64 {
        match self {
            Self::Ratio => 0.0,
            Self::Randen => -1.0,
        }
    }
}

/// Definition of planarity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Planarity {
    /// (l1 − l2) / (l1 + l2).
    #[default]
    Sum,
    /// (l1 − l2) / l1, as the output `planarity` of `gst`.
    Largest,
}

impl Planarity {
    const ALL: [Self; 2] = [Self::Sum, Self::Largest];

    const fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Largest => "largest",
        }
    }
}

/// Attributes of the eigenvalues of the gradient structure tensor: outputs `chaos`, `planarity`, `line`
/// and `fault`, or some of them. See [`EigenAttribute`].
///
/// 1. Gradient: \[−½, 0, ½\] along an axis, \[0.178947, 0.642105, 0.178947\] along the two others.
/// 2. The six products of its components, averaged over a box of `window` voxels.
/// 3. Eigenvalues, in closed form.
///
/// All in `f64`, reflecting at the faces of the volume in each stage. A NaN or an infinity makes the
/// voxels within the halo NaN, and no others.
///
/// **Halo.** 1 + window/2, rounded down, along each axis.
///
/// **Memory.** [`workspace`](Operator::workspace) is that of
/// [`StructureTensor`](crate::StructureTensor) with this window, w = 0 and v = 1.
///
/// **Reference.** Randen et al. (2000), Three-dimensional texture attributes for seismic data
/// analysis, SEG; Bakker (2002), Image structure analysis for seismic interpretation.
#[derive(Debug, Clone, PartialEq)]
pub struct EigenAttributes {
    tensor: Tensor<Defined>,
    outputs: Vec<OutputSpec>,
}

impl EigenAttributes {
    /// Attributes of the tensor averaged over `window` voxels along inline, crossline and sample, of
    /// which `attributes` are wanted; they are written in the order of [`EigenAttribute::ALL`].
    ///
    /// # Errors
    ///
    /// When an extent of `window` is not an odd number up to 16 383, or `attributes` is empty or names
    /// one twice.
    pub fn new(
        window: [usize; 3],
        attributes: &[EigenAttribute],
        chaos: Chaos,
        planarity: Planarity,
    ) -> Result<Self, ParameterError> {
        let window = Window::new(window)?;
        let mut attributes = attributes.to_vec();
        attributes.sort_unstable();
        if attributes.is_empty() {
            return Err(ParameterError::NoOutput);
        }
        if let Some(twice) = attributes.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ParameterError::RepeatedOutput { name: twice[0].name() });
        }
        let outputs = attributes.iter().map(|attribute| attribute.output()).collect();
        let tensor = Tensor::new(window, Defined { attributes, chaos, planarity });
        Ok(Self { tensor, outputs })
    }

    /// The window in voxels along inline, crossline and sample.
    #[must_use]
    pub const fn window(&self) -> [usize; 3] {
        self.tensor.kernel()
    }

    /// The definitions of chaos and planarity.
    #[must_use]
    pub const fn definitions(&self) -> (Chaos, Planarity) {
        let Defined { chaos, planarity, .. } = self.tensor.solver();
        (*chaos, *planarity)
    }

    /// What is computed, in the order of the outputs.
    pub fn attributes(&self) -> impl Iterator<Item = EigenAttribute> {
        self.tensor.solver().attributes.iter().copied()
    }
}

impl Operator for EigenAttributes {
    fn name(&self) -> String {
        let mut name = format!("eigen-attributes:window={}", per_axis::write(&self.window()));
        let (chaos, planarity) = self.definitions();
        if self.outputs.len() < EigenAttribute::ALL.len() {
            let names: Vec<_> = self.attributes().map(EigenAttribute::name).collect();
            name += &format!(",outputs={}", names.join("/"));
        }
        if chaos != Chaos::default() {
            name += &format!(",chaos={}", chaos.name());
        }
        if planarity != Planarity::default() {
            name += &format!(",planarity={}", planarity.name());
        }
        name
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

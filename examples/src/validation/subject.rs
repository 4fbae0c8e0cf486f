//! An operator on elements of one type, as a worker runs it.

use std::fmt;

use anyhow::Context;
use chunkfit_core::{
    Axis, ByteSize, Halo, MemoryModel, Operator, OperatorError, OutputSpec, Placement, Prediction,
    Reach, Regime, Region, Shape,
};
use chunkfit_predict::Dtype;
use chunkfit_run::TaskLedger;
use chunkfit_seismic::Gaussian;
use ndarray::{ArrayView3, ArrayViewMut3};
use serde::{Deserialize, Serialize};

use super::job::Noise;

/// Parameters that are not the default, beside every operator with its own.
const VARIANTS: [&str; 8] = [
    "gaussian:sigma=1",
    "gaussian:sigma=1x2x5",
    "gaussian:sigma=2,precision=f32",
    "gst:kernel=5",
    "gst:outputs=dip",
    "median:window=3x3x5",
    "mean:window=5x5x15",
    "gaussian:sigma=2+envelope",
];

/// What runs on `f64` too.
const WIDE: [(&str, [f64; 3]); 3] = [
    ("gaussian:sigma=1", [1.0; 3]),
    ("gaussian:sigma=3", [3.0; 3]),
    ("gaussian:sigma=1x2x5", [1.0, 2.0, 5.0]),
];

/// An operator with its parameters, and the type of an element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subject {
    pub(super) operator: String,
    pub(super) dtype: Dtype,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.operator)?;
        if self.dtype == Dtype::F32 { Ok(()) } else { write!(f, ", {}", self.dtype) }
    }
}

impl Subject {
    pub(super) fn single(operator: &str) -> Self {
        Self { operator: operator.to_owned(), dtype: Dtype::F32 }
    }

    /// Every operator, some with other parameters, and those of `f64`.
    pub(super) fn all() -> Vec<Self> {
        let listed = chunkfit_seismic::catalog();
        let single = listed.iter().map(|entry| entry.name).chain(VARIANTS).map(Self::single);
        let wide = WIDE.map(|(name, _)| Self { operator: name.to_owned(), dtype: Dtype::F64 });
        single.chain(wide).collect()
    }

    /// The operator on what a worker stores.
    pub(super) fn open(&self) -> anyhow::Result<Box<dyn Operator>> {
        if self.dtype == Dtype::F32 {
            return Ok(chunkfit_seismic::parse(&self.operator)?);
        }
        let known = WIDE.iter().find(|(name, _)| *name == self.operator);
        let (_, sigma) = known.with_context(|| format!("{self} is not known"))?;
        Ok(Box::new(Wide(Gaussian::new(*sigma, 4.0)?)))
    }

    /// What a block needs around its core, in elements.
    pub(super) fn halo(&self) -> anyhow::Result<Halo> {
        let halo = self.open()?.halo();
        Ok(if self.dtype == Dtype::F32 { halo } else { along_samples(halo, |n| n / 2) })
    }

    /// `shape` in the `f32` that a worker stores.
    fn stored(&self, shape: Shape) -> Shape {
        let [i, x, k] = shape.extents();
        let words = self.dtype.element_bytes() / size_of::<f32>();
        Shape::new([i, x, k * words]).unwrap_or(shape)
    }

    /// The task for `core` of `volume`, in the `f32` that a worker stores.
    pub(super) fn place(&self, volume: Shape, core: Region) -> anyhow::Result<Placement> {
        let [i, x, k] = core.start();
        let words = self.dtype.element_bytes() / size_of::<f32>();
        let core = Region::new([i, x, k * words], self.stored(core.shape()));
        Ok(Placement::new(self.stored(volume), core, &self.open()?.halo()))
    }

    pub(super) fn declared(&self) -> anyhow::Result<Declared> {
        let source = Noise::new(Shape::new([1; 3])?);
        Ok(Declared { operator: self.open()?, subject: self.clone(), source })
    }
}

/// The heap bytes that a task declares: the ledger of a run, without what a format adds.
pub(super) struct Declared {
    operator: Box<dyn Operator>,
    subject: Subject,
    source: Noise,
}

impl MemoryModel for Declared {
    fn predict(&self, block: Shape, core: Shape) -> Prediction {
        let nothing = |_| ByteSize::ZERO;
        let ledger = TaskLedger::before_sinks(self.operator.as_ref(), &self.source, &nothing);
        let peak = ledger.bytes(self.subject.stored(block), self.subject.stored(core));
        Prediction { peak, upper: peak, regime: Regime::Declared }
    }
}

/// An operator on `f64` for a worker that stores `f32`: two neighbours along the samples are one
/// element, so that arrays are those of `f64` and nothing is converted.
struct Wide<O>(O);

/// Two words are one element.
fn elements(words: Shape) -> Shape {
    let [i, x, k] = words.extents();
    Shape::new([i, x, k.div_ceil(2)]).unwrap_or(words)
}

fn along_samples(halo: Halo, change: impl Fn(usize) -> usize) -> Halo {
    match halo.reach(Axis::Sample) {
        Reach::Whole => halo,
        Reach::Width { before, after } => {
            halo.with(Axis::Sample, Reach::Width { before: change(before), after: change(after) })
        }
    }
}

fn half(words: &Region) -> Region {
    let [i, x, k] = words.start();
    Region::new([i, x, k / 2], elements(words.shape()))
}

impl<O: Operator<f64>> Operator for Wide<O> {
    fn name(&self) -> String {
        format!("{} on f64", self.0.name())
    }

    fn outputs(&self) -> &[OutputSpec] {
        self.0.outputs()
    }

    fn halo(&self) -> Halo {
        along_samples(self.0.halo(), |n| 2 * n)
    }

    fn workspace(&self, block: Shape, core: Shape) -> ByteSize {
        self.0.workspace(elements(block), elements(core))
    }

    fn apply(
        &self,
        block: ArrayView3<'_, f32>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, f32>],
    ) -> Result<(), OperatorError> {
        let not_pairs = |dim| {
            OperatorError::Failed(format!("an array of {dim:?} f32 is no array of f64").into())
        };
        let wide = |(i, x, k): (usize, usize, usize)| (i, x, k / 2);
        let dim = block.dim();
        let words = block.as_slice().and_then(|words| bytemuck::try_cast_slice(words).ok());
        let block = words.and_then(|pairs| ArrayView3::from_shape(wide(dim), pairs).ok());
        let block = block.ok_or_else(|| not_pairs(dim))?;
        let mut cores = Vec::with_capacity(outputs.len());
        for output in outputs {
            let dim = output.dim();
            let words = output.as_slice_mut().and_then(|w| bytemuck::try_cast_slice_mut(w).ok());
            let core = words.and_then(|p| ArrayViewMut3::from_shape(wide(dim), p).ok());
            cores.push(core.ok_or_else(|| not_pairs(dim))?);
        }
        let at = Placement::new(elements(at.volume()), half(&at.core()), &self.0.halo());
        self.0.apply(block, &at, &mut cores)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    #[test]
    fn pairs_of_words_are_filtered_as_f64() {
        let subject = Subject { operator: "gaussian:sigma=1".to_owned(), dtype: Dtype::F64 };
        let (volume, core) = (Shape::new([9, 10, 13]).unwrap(), Shape::new([5, 3, 6]).unwrap());
        let region = Region::new([2, 7, 4], core);
        let at = subject.place(volume, region).unwrap();
        let [i, x, k] = at.block().shape().extents();
        let block =
            Array3::from_shape_fn([i, x, k / 2], |(i, x, k)| (i * 71 + x * 13 + k * k) as f64);
        let direct = Placement::new(volume, region, &subject.halo().unwrap());
        assert_eq!(direct.block().shape().extents(), [i, x, k / 2]);

        let mut expected = Array3::<f64>::zeros(core.extents());
        let filter = Gaussian::new([1.0; 3], 4.0).unwrap();
        filter.apply(block.view(), &direct, &mut [expected.view_mut()]).unwrap();

        let words = bytemuck::cast_slice(block.as_slice().unwrap()).to_vec();
        let words: Array3<f32> = Array3::from_shape_vec([i, x, k], words).unwrap();
        let mut out = Array3::<f32>::zeros(at.core().shape().extents());
        subject.open().unwrap().apply(words.view(), &at, &mut [out.view_mut()]).unwrap();
        let out: &[f64] = bytemuck::cast_slice(out.as_slice().unwrap());
        assert_eq!(out, expected.as_slice().unwrap());
    }

    #[test]
    fn an_element_of_f64_counts_eight_bytes() {
        let shape = Shape::new([50, 60, 70]).unwrap();
        let of = |dtype| Subject { operator: "gaussian:sigma=3".to_owned(), dtype }.declared();
        let bytes = |dtype| of(dtype).unwrap().predict(shape, shape).peak.as_f64();
        let ratio = bytes(Dtype::F64) / bytes(Dtype::F32);
        assert!((1.9..=2.0).contains(&ratio), "{ratio}");
    }
}

use std::fmt;

use ndarray::{Array3, ArrayView3, ArrayViewMut3, Axis as ArrayAxis, Slice, s};

use crate::{Axis, ByteSize, Halo, Operator, OperatorError, OutputSpec, Placement, Reach};
use crate::{Region, Shape};

/// Inlines that a chain takes from stage to stage at a time.
const SLAB: usize = 16;

/// The lists of slabs and of outputs.
const LISTS: ByteSize = ByteSize::kib(2);

/// Operators in sequence, as one operator: the output of each is the input of the next.
///
/// **Outputs.** Those of the last stage; every other stage has one.
///
/// **Halo.** The sum of the halos of the stages.
///
/// **Memory.** What lies between two stages is never held as a whole: 16 inlines at a time go through
/// all stages, and of each intermediate the last inlines are kept that the next stage looks back on.
/// [`workspace`](Operator::workspace) is the sum of these slabs, 16 inlines and the halo of what
/// follows, the largest workspace of any stage, and 2 KiB. Nothing is computed twice within a task.
///
/// ```
/// use chunkfit_core::{Chain, Operator};
///
/// # use chunkfit_core::ChainError;
/// fn print(smooth: Box<dyn Operator>, envelope: Box<dyn Operator>) -> Result<(), ChainError> {
///     let both: Chain = Chain::new(vec![smooth, envelope])?;
///     println!("{} needs {:?}", both.name(), both.halo());
///     Ok(())
/// }
/// ```
pub struct Chain<O: ?Sized = dyn Operator> {
    stages: Vec<Box<O>>,
}

impl<O: ?Sized> fmt::Debug for Chain<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").field("stages", &self.stages.len()).finish()
    }
}

/// Why operators cannot follow each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// There is no stage.
    #[error("a chain needs an operator; give one or more")]
    Empty,
    /// A stage that is followed by another has more than one output.
    #[error("{stage} has {outputs} outputs, and the next stage takes 1; choose one of them")]
    SeveralOutputs {
        /// Name of the stage.
        stage: String,
        /// Its outputs.
        outputs: usize,
    },
}

impl<O: ?Sized> Chain<O> {
    /// The operators in the order in which they are applied.
    ///
    /// # Errors
    ///
    /// When there is none, or one that is followed by another has several outputs.
    pub fn new<T>(stages: Vec<Box<O>>) -> Result<Self, ChainError>
    where
        O: Operator<T>,
    {
        let Some((_, before_last)) = stages.split_last() else { return Err(ChainError::Empty) };
        match before_last.iter().find(|stage| stage.outputs().len() != 1) {
            Some(stage) => Err(ChainError::SeveralOutputs {
                stage: stage.name(),
                outputs: stage.outputs().len(),
            }),
            None => Ok(Self { stages }),
        }
    }

    /// The operators, in the order in which they are applied.
    #[must_use]
    pub fn stages(&self) -> &[Box<O>] {
        &self.stages
    }

    fn last<T>(&self) -> &O
    where
        O: Operator<T>,
    {
        &self.stages[self.stages.len() - 1]
    }

    /// What the stages after `stage` need around the core.
    fn halo_after<T>(&self, stage: usize) -> Halo
    where
        O: Operator<T>,
    {
        self.stages[stage + 1..].iter().fold(Halo::none(), |sum, stage| sum + stage.halo())
    }

    /// At most what `stage` fills at once for a slab of a core, within a block.
    fn slab<T>(&self, stage: usize, block: Shape, core: Shape) -> Shape
    where
        O: Operator<T>,
    {
        let halo = self.halo_after(stage);
        let [n_inlines, n_crosslines, n_samples] = core.extents();
        let slab = [n_inlines.min(SLAB), n_crosslines, n_samples];
        let grown = Axis::ALL.map(|axis| match halo.reach(axis) {
            Reach::Whole => block[axis],
            Reach::Width { before, after } => {
                let reach = before.saturating_add(after);
                slab[axis.index()].saturating_add(reach).min(block[axis])
            }
        });
        Shape::new(grown).unwrap_or(core)
    }
}

impl<T: Copy + Default, O: Operator<T> + ?Sized> Operator<T> for Chain<O> {
    fn name(&self) -> String {
        let names: Vec<_> = self.stages.iter().map(|stage| stage.name()).collect();
        names.join("+")
    }

    fn outputs(&self) -> &[OutputSpec] {
        self.last().outputs()
    }

    fn halo(&self) -> Halo {
        self.stages.iter().fold(Halo::none(), |sum, stage| sum + stage.halo())
    }

    fn workspace(&self, block: Shape, core: Shape) -> ByteSize {
        let slabs: Vec<_> =
            (0..self.stages.len()).map(|stage| self.slab(stage, block, core)).collect();
        let between = &slabs[..slabs.len() - 1];
        let held = between.iter().map(|slab| ByteSize::of::<T>(slab.voxels())).sum();
        let inputs = std::iter::once(block).chain(between.iter().copied());
        let largest = (self.stages.iter().zip(inputs).zip(&slabs))
            .map(|((stage, input), slab)| stage.workspace(input, *slab))
            .max();
        largest.unwrap_or(ByteSize::ZERO) + held + LISTS
    }

    fn apply(
        &self,
        block: ArrayView3<'_, T>,
        at: &Placement,
        outputs: &mut [ArrayViewMut3<'_, T>],
    ) -> Result<(), OperatorError> {
        self.check_arrays(&block, at, outputs)?;
        let (last, between) = match self.stages.split_last() {
            Some((last, [])) => return last.apply(block, at, outputs),
            Some(split) => split,
            None => return Ok(()),
        };
        let volume = at.volume();
        let mut slabs: Vec<_> = (between.iter().enumerate())
            .map(|(number, stage)| {
                let whole = at.core().expand(&self.halo_after(number), volume);
                let capacity = self.slab(number, at.block().shape(), at.core().shape());
                Slab::new(stage.as_ref(), whole, capacity)
            })
            .collect();
        let input = Input { region: at.block(), values: block };
        let inlines = at.core().range(Axis::Inline);
        for start in inlines.clone().step_by(SLAB) {
            let core = with_inlines(at.core(), start, inlines.end.min(start + SLAB));
            let at_core = Placement::new(volume, core, &last.halo());
            let input = provide(&mut slabs, &input, at_core.block(), volume)?;
            let rows = core.within(&at.core()).range(Axis::Inline);
            let rows = Slice::from(rows);
            let mut parts: Vec<_> =
                outputs.iter_mut().map(|out| out.slice_axis_mut(ArrayAxis(0), rows)).collect();
            last.apply(input, &at_core, &mut parts)?;
        }
        Ok(())
    }
}

/// What the first stage reads.
struct Input<'a, T> {
    region: Region,
    values: ArrayView3<'a, T>,
}

/// The inlines of an intermediate volume that are still needed.
struct Slab<'a, T, O: ?Sized> {
    stage: &'a O,
    /// Where the stage is needed at all.
    whole: Region,
    values: Array3<T>,
    /// First inline held, and the one after the last.
    first: usize,
    next: usize,
}

impl<'a, T: Copy + Default, O: Operator<T> + ?Sized> Slab<'a, T, O> {
    fn new(stage: &'a O, whole: Region, capacity: Shape) -> Self {
        let [_, n_crosslines, n_samples] = whole.shape().extents();
        let first = whole.start()[0];
        let values = Array3::default([capacity[Axis::Inline], n_crosslines, n_samples]);
        Self { stage, whole, values, first, next: first }
    }

    /// Forgets the inlines before `start`.
    fn forget_before(&mut self, start: usize) {
        let (gone, held) = (start.min(self.next) - self.first, self.next - self.first);
        for row in gone..held {
            let (mut to, from) =
                self.values.multi_slice_mut((s![row - gone, .., ..], s![row, .., ..]));
            to.assign(&from);
        }
        self.first = start;
        self.next = self.next.max(start);
    }
}

/// A view of `region` of what the last of `slabs` yields, computing what is missing.
fn provide<'a, T: Copy + Default, O: Operator<T> + ?Sized>(
    slabs: &'a mut [Slab<'_, T, O>],
    input: &'a Input<'_, T>,
    region: Region,
    volume: Shape,
) -> Result<ArrayView3<'a, T>, OperatorError> {
    let Some((slab, earlier)) = slabs.split_last_mut() else {
        return Ok(region.within(&input.region).view(input.values.view()));
    };
    let inlines = region.range(Axis::Inline);
    if inlines.start > slab.first {
        slab.forget_before(inlines.start);
    }
    if slab.next < inlines.end {
        let missing = with_inlines(slab.whole, slab.next, inlines.end);
        let at = Placement::new(volume, missing, &slab.stage.halo());
        let block = provide(earlier, input, at.block(), volume)?;
        let rows = Slice::from(slab.next - slab.first..inlines.end - slab.first);
        let part = slab.values.slice_axis_mut(ArrayAxis(0), rows);
        slab.stage.apply(block, &at, &mut [part])?;
        slab.next = inlines.end;
    }
    let [_, n_crosslines, n_samples] = region.shape().extents();
    let within = region.within(&slab.whole).start();
    let rows = inlines.start - slab.first..inlines.end - slab.first;
    Ok(slab.values.slice(s![
        rows,
        within[1]..within[1] + n_crosslines,
        within[2]..within[2] + n_samples
    ]))
}

/// The inlines from `start` up to `end` of `region`.
fn with_inlines(region: Region, start: usize, end: usize) -> Region {
    let ([_, x, k], [_, x_end, k_end]) = (region.start(), region.end());
    Region::between([start, x, k], [end, x_end, k_end]).unwrap_or(region)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ledger;
    use crate::testing::{Dice, apply_at, check_model_is_monotone, check_operator};

    /// A weighted sum over a box of neighbours that exist.
    #[derive(Debug)]
    struct Window {
        halo: Halo,
        outputs: Vec<OutputSpec>,
    }

    impl Window {
        fn boxed(halo: Halo, outputs: usize) -> Box<dyn Operator> {
            let spec = |n: usize| OutputSpec {
                name: format!("out{n}").into(),
                unit: None,
                description: "a sum".into(),
            };
            Box::new(Self { halo, outputs: (0..outputs).map(spec).collect() })
        }
    }

    impl Operator for Window {
        fn name(&self) -> String {
            "window".to_owned()
        }
        fn outputs(&self) -> &[OutputSpec] {
            &self.outputs
        }
        fn halo(&self) -> Halo {
            self.halo
        }
        fn workspace(&self, block: Shape, _core: Shape) -> ByteSize {
            ByteSize::of::<f32>(block.voxels())
        }
        fn apply(
            &self,
            block: ArrayView3<'_, f32>,
            at: &Placement,
            outputs: &mut [ArrayViewMut3<'_, f32>],
        ) -> Result<(), OperatorError> {
            self.check_arrays(&block, at, outputs)?;
            for (number, out) in outputs.iter_mut().enumerate() {
                for (index, value) in out.indexed_iter_mut() {
                    let core = at.core().start();
                    let voxel = [core[0] + index.0, core[1] + index.1, core[2] + index.2];
                    let voxel = Region::new(voxel, Shape::new([1; 3]).expect("one voxel"));
                    let around = voxel.expand(&self.halo, at.volume()).within(&at.block());
                    let weighted = around
                        .view(block)
                        .indexed_iter()
                        .map(|((i, x, k), value)| value * (1 + number + i + 2 * x + 3 * k) as f32)
                        .sum::<f32>();
                    *value = (weighted / 8.0).sin();
                }
            }
            Ok(())
        }
    }

    fn halos() -> [Halo; 4] {
        let lopsided = Halo::none().with(Axis::Inline, Reach::Width { before: 3, after: 1 });
        [
            Halo::uniform(1),
            Halo::none().with(Axis::Sample, Reach::Whole),
            lopsided.with(Axis::Crossline, Reach::Width { before: 0, after: 2 }),
            Halo::none().with(Axis::Inline, Reach::Whole),
        ]
    }

    fn chain(halos: &[Halo], outputs: usize) -> Chain {
        let (last, first) = halos.split_last().expect("one or more");
        let mut stages: Vec<_> = first.iter().map(|halo| Window::boxed(*halo, 1)).collect();
        stages.push(Window::boxed(*last, outputs));
        Chain::new::<f32>(stages).expect("a sound chain")
    }

    #[test]
    fn equals_one_stage_after_the_other() {
        let shape = Shape::new([37, 3, 5]).expect("not empty");
        let volume = Dice::new(3).volume(shape);
        for first in halos() {
            for second in halos() {
                let whole = Placement::whole(shape);
                let between = apply_at(Window::boxed(first, 1).as_ref(), volume.view(), &whole);
                let second_stage = Window::boxed(second, 2);
                let expected = apply_at(second_stage.as_ref(), between[0].view(), &whole);
                let got = apply_at(&chain(&[first, second], 2), volume.view(), &whole);
                assert_eq!(got, expected, "{first:?} {second:?}");
            }
        }
    }

    #[test]
    fn keeps_the_promises_of_an_operator() {
        let [small, traces, lopsided, inlines] = halos();
        for halos in [vec![lopsided], vec![small, lopsided, traces], vec![lopsided, inlines, small]]
        {
            let chain = chain(&halos, 2);
            check_operator(&chain, [40, 4, 5], 6);
            check_model_is_monotone(&Ledger::new(&chain), [40, 9, 9], 200);
        }
    }

    #[test]
    fn does_not_hold_what_lies_between() {
        let chain = chain(&[Halo::uniform(1), Halo::uniform(2), Halo::uniform(1)], 1);
        let shape = |inlines| Shape::new([inlines, 20, 30]).expect("not empty");
        let long = chain.workspace(shape(1000), shape(1000));
        let intermediate = ByteSize::of::<f32>(22 * 20 * 30) + ByteSize::of::<f32>(18 * 20 * 30);
        assert_eq!(long, ByteSize::of::<f32>(1000 * 20 * 30) + intermediate + LISTS);
    }

    #[test]
    fn names_the_stage_that_cannot_be_followed() {
        let stages = vec![Window::boxed(Halo::none(), 3), Window::boxed(Halo::none(), 1)];
        let error = Chain::new::<f32>(stages).expect_err("three outputs into one input");
        assert_eq!(error, ChainError::SeveralOutputs { stage: "window".to_owned(), outputs: 3 });
        assert_eq!(Chain::<dyn Operator>::new::<f32>(vec![]).expect_err("none"), ChainError::Empty);
    }
}

//! One sweep for every filter that looks at a box of voxels: traces of a window along the inlines
//! become a *row*, rows of a window along the crosslines become a *line*, and samples of a window
//! along that line become the output. No more than a window of rows is held.

mod pair;
mod pass;
mod steps;

use std::ops::Range;

use chunkfit_core::{Axis, ByteSize, Halo, Operator, OperatorError, Placement, Region, Shape};
use ndarray::{ArrayView1, ArrayView3, ArrayView4, ArrayViewMut3, Axis as ArrayAxis, s};

use crate::edge::{reflect, reflect_around};
use crate::error::ParameterError;
use crate::ring::{Ring, slots};
use crate::{task, trace};
pub(crate) use pair::Pair;
pub(crate) use pass::{Part, Weights, convolve, mean, parts, sum, summed};
pub(crate) use steps::Steps;

/// What [`per_axis::read`](crate::parse::per_axis::read) takes for a window.
pub(crate) const EXPECTED: &str = "an odd number, or three as 3x3x9";

/// A window is this long at most: longer than any axis.
const LARGEST_WINDOW: usize = 16_383;

/// Voxels along each axis, an odd number, so that there is a centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window([usize; 3]);

impl Window {
    /// A window of so many voxels along inline, crossline and sample.
    pub(crate) fn new(extents: [usize; 3]) -> Result<Self, ParameterError> {
        Self::from_parameter("window", extents)
    }

    /// The same, under the name that the user knows it by.
    pub(crate) fn from_parameter(
        parameter: &'static str,
        extents: [usize; 3],
    ) -> Result<Self, ParameterError> {
        for axis in Axis::ALL {
            let (window, largest) = (extents[axis.index()], LARGEST_WINDOW);
            if window.is_multiple_of(2) || window > largest {
                return Err(ParameterError::Window { parameter, axis, window, largest });
            }
        }
        Ok(Self(extents))
    }

    pub(crate) const fn extents(&self) -> [usize; 3] {
        self.0
    }

    pub(crate) fn voxels(&self) -> usize {
        self.0.iter().product()
    }

    /// Voxels on each side of the centre.
    pub(crate) fn half(&self) -> [usize; 3] {
        self.0.map(|extent| extent / 2)
    }
}

/// What a filter does at each of the three steps.
///
/// Rows, and lines, hold one or more values for each sample, channel after channel.
pub(crate) trait Kernel {
    /// What is read.
    type Input: Copy;
    /// What is kept between the steps.
    type Value: Copy + Default;
    /// What is made.
    type Output: Copy + Default;

    /// Voxels of the window on each side of its centre.
    fn half(&self) -> [usize; 3];

    /// Values for each sample of a row, and of a line.
    fn channels(&self) -> [usize; 2];

    /// Values that [`along_samples`](Self::along_samples) needs to make `_samples` samples.
    fn scratch(&self, _samples: usize) -> usize {
        0
    }

    /// Makes a row from traces.
    fn across_inlines(&self, traces: &Traces<'_, Self::Input>, row: &mut [Self::Value]);

    /// Makes a line from rows.
    fn across_crosslines(&self, rows: &Rows<'_, Self::Value>, line: &mut Line<'_, Self::Value>);

    /// Makes the outputs, one after the other, from a line that has half a window more at both ends.
    fn along_samples(
        &self,
        line: &Line<'_, Self::Value>,
        scratch: &mut [Self::Value],
        outputs: &mut [Self::Output],
    );
}

/// The traces of a window along the inlines.
pub(crate) struct Traces<'a, T> {
    planes: Planes<'a, T>,
    inline: usize,
    crossline: usize,
    samples: Range<usize>,
}

impl<'a, T> Traces<'a, T> {
    /// The part of a row's samples of the trace `by` inlines away.
    pub(crate) fn tap(&self, by: isize) -> ArrayView1<'a, T> {
        self.channel(0, by)
    }

    /// The same of one of several channels.
    pub(crate) fn channel(&self, channel: usize, by: isize) -> ArrayView1<'a, T> {
        let Planes { values, whole, extent } = self.planes;
        let (n_slots, n_channels, n_crosslines, n_samples) = values.dim();
        let slot = reflect(self.inline as isize + by, extent) % n_slots;
        let Some(whole) = whole else {
            return values.slice_move(s![slot, channel, self.crossline, self.samples.clone()]);
        };
        let trace = (slot * n_channels + channel) * n_crosslines + self.crossline;
        whole[trace * n_samples..][self.samples.clone()].into()
    }
}

/// Planes along the inlines, all of them or the last few in turn, with their channels.
struct Planes<'a, T> {
    /// Plane `position` is in slot `position % slots`.
    values: ArrayView4<'a, T>,
    /// The same, if it is in one piece of memory.
    whole: Option<&'a [T]>,
    /// Planes along the axis.
    extent: usize,
}

impl<T> Clone for Planes<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Planes<'_, T> {}

impl<'a, T> Planes<'a, T> {
    /// All planes of a block, in one channel.
    fn all(block: ArrayView3<'a, T>) -> Self {
        Self::new(block.insert_axis(ArrayAxis(1)), block.len_of(ArrayAxis(0)))
    }

    fn new(values: ArrayView4<'a, T>, extent: usize) -> Self {
        Self { values, whole: values.to_slice(), extent }
    }
}

/// The rows of a window along the crosslines.
pub(crate) struct Rows<'a, T> {
    ring: &'a Ring<T>,
    crossline: usize,
    n: usize,
}

impl<'a, T: Copy + Default> Rows<'a, T> {
    /// A channel of the row `by` crosslines away.
    pub(crate) fn tap(&self, channel: usize, by: isize) -> &'a [T] {
        &self.ring.line(self.crossline, by)[channel * self.n..][..self.n]
    }
}

/// The channels of a line.
pub(crate) struct Line<'a, T> {
    values: &'a mut [T],
    /// Elements of a channel.
    length: usize,
    /// Elements of a channel that rows fill.
    known: Range<usize>,
    half: usize,
}

impl<T> Line<'_, T> {
    /// The part of a channel that rows fill.
    pub(crate) fn fill(&mut self, channel: usize) -> &mut [T] {
        &mut self.values[channel * self.length..][..self.length][self.known.clone()]
    }

    /// All channels, and the range of the first that rows fill; the next is `length` further.
    pub(crate) fn fill_all(&mut self) -> (&mut [T], usize, Range<usize>) {
        (self.values, self.length, self.known.clone())
    }

    /// The samples of a channel `by` samples away.
    pub(crate) fn tap(&self, channel: usize, by: isize) -> &[T] {
        let n = self.length - 2 * self.half;
        let start = channel * self.length + self.half.wrapping_add_signed(by);
        &self.values[start..start + n]
    }
}

/// Elements of a row, of a line, and of an output line, per channel.
fn lengths(half: usize, block: [usize; 3], core: Shape) -> [usize; 3] {
    let n = core[Axis::Sample];
    [(n + 2 * half).min(block[2]), n + 2 * half, n]
}

/// Heap bytes of [`Sweep::new`]: a window of rows, a line, scratch and one line of each output.
pub(crate) fn workspace<K: Kernel>(
    kernel: &K,
    n_outputs: usize,
    block: Shape,
    core: Shape,
) -> ByteSize {
    let [_, half_crossline, half_sample] = kernel.half();
    let [row, line, out] = lengths(half_sample, block.extents(), core);
    let [row_channels, line_channels] = kernel.channels();
    let rows = slots(half_crossline, block[Axis::Crossline]) * row_channels * row;
    ByteSize::of::<K::Value>(rows + line_channels * line + kernel.scratch(out))
        + ByteSize::of::<K::Output>(n_outputs * out)
}

/// Applies an operator that is nothing but a kernel.
pub(crate) fn apply<K: Kernel<Input = f32, Output = f32> + Operator>(
    kernel: &K,
    block: ArrayView3<'_, f32>,
    at: &Placement,
    outputs: &mut [ArrayViewMut3<'_, f32>],
) -> Result<(), OperatorError> {
    let core = task::core_in_block(kernel, &block, at, outputs)?;
    run(kernel, block, &core, outputs);
    Ok(())
}

/// Makes `core`, a part of `block`.
pub(crate) fn run<K: Kernel<Input = f32, Output = f32>>(
    kernel: &K,
    block: ArrayView3<'_, f32>,
    core: &Region,
    outputs: &mut [ArrayViewMut3<'_, f32>],
) {
    let mut sweep = Sweep::new(kernel, outputs.len(), block.dim().into(), core);
    for (i, inline) in core.range(Axis::Inline).enumerate() {
        sweep.inline(Planes::all(block), inline, |x, number, line| {
            trace::write(&mut outputs[number], [i, x], 0..line.len(), line);
        });
    }
}

/// The halo of an operator that is nothing but a kernel.
pub(crate) fn halo<K: Kernel>(kernel: &K) -> Halo {
    Halo::symmetric(kernel.half())
}

/// What is held while a kernel moves over a block.
struct Sweep<'k, K: Kernel> {
    kernel: &'k K,
    crosslines: Range<usize>,
    /// Samples of the block that are in a row.
    samples: Range<usize>,
    /// Elements of a line before the first of a row.
    before: usize,
    half: usize,
    rows: Ring<K::Value>,
    line: Vec<K::Value>,
    scratch: Vec<K::Value>,
    outputs: Vec<K::Output>,
}

impl<'k, K: Kernel> Sweep<'k, K> {
    /// A sweep that makes `n_outputs` of `core`, a part of a block of shape `block`.
    fn new(kernel: &'k K, n_outputs: usize, block: [usize; 3], core: &Region) -> Self {
        let [_, half_crossline, half] = kernel.half();
        let [row_channels, line_channels] = kernel.channels();
        let [_, line, out] = lengths(half, block, core.shape());
        let wanted = core.range(Axis::Sample);
        let samples = wanted.start.saturating_sub(half)..(wanted.end + half).min(block[2]);
        Self {
            kernel,
            crosslines: core.range(Axis::Crossline),
            before: samples.start + half - wanted.start,
            half,
            rows: Ring::new(half_crossline, block[1], row_channels * samples.len()),
            line: vec![K::Value::default(); line_channels * line],
            scratch: vec![K::Value::default(); kernel.scratch(out)],
            outputs: vec![K::Output::default(); n_outputs * out],
            samples,
        }
    }

    /// Makes one inline: `write` gets the crossline of the core, the output, and its line.
    fn inline(
        &mut self,
        planes: Planes<'_, K::Input>,
        inline: usize,
        mut write: impl FnMut(usize, usize, &[K::Output]),
    ) {
        let (kernel, samples, n) = (self.kernel, &self.samples, self.samples.len());
        let known = self.before..self.before + n;
        let [_, channels] = kernel.channels();
        let length = self.line.len() / channels;
        self.rows.restart(self.crosslines.start);
        for (x, crossline) in self.crosslines.clone().enumerate() {
            while let Some((crossline, row)) = self.rows.next_missing(crossline) {
                let samples = samples.clone();
                kernel.across_inlines(&Traces { planes, inline, crossline, samples }, row);
            }
            let mut line =
                Line { values: &mut self.line, length, known: known.clone(), half: self.half };
            kernel.across_crosslines(&Rows { ring: &self.rows, crossline, n }, &mut line);
            for channel in line.values.chunks_exact_mut(length) {
                reflect_around(channel, known.start, n);
            }
            kernel.along_samples(&line, &mut self.scratch, &mut self.outputs);
            let n_core = length - 2 * self.half;
            for (number, line) in self.outputs.chunks_exact(n_core).enumerate() {
                write(x, number, line);
            }
        }
    }
}

use std::ops::Range;

use chunkfit_core::{Axis, Region};
use ndarray::{ArrayView3, ArrayViewMut3};
use pulp::Arch;

use super::planes::Planes;
use super::row::{Change, Derived, Frequency, Local, Phase, Slope, Smooth};
use super::{ComplexAttribute, ComplexTrace};
use crate::hilbert::{Analytic, Hilbert};
use crate::trace;

/// Rows of the length of a trace, beside the planes.
pub(super) const N_ROWS: usize = 4;

/// Fills `outputs`, the `core` of `block`, inline by inline.
pub(super) fn run(
    operator: &ComplexTrace,
    block: ArrayView3<'_, f32>,
    core: Region,
    outputs: &mut [ArrayViewMut3<'_, f32>],
) {
    let extents: [usize; 3] = block.dim().into();
    let [n_inlines, n_crosslines, n_samples] = extents;
    let row = || vec![0.0; n_samples];
    let planes = |wanted| Planes::new(extents, wanted);
    let needs = operator.needs();
    let mut sweep = Sweep {
        operator,
        arch: Arch::new(),
        extents,
        phase_slopes: planes(needs.frequency),
        envelopes: planes(needs.envelope),
        envelope_slopes: planes(needs.change),
        frequency_slopes: planes(needs.frequency_slope),
        change_slopes: planes(needs.change_slope),
        phase: row(),
        frequency: row(),
        change: row(),
        output: Output { row: row(), core, arrays: outputs },
    };
    Hilbert::new(n_samples).each(block, |batch| {
        for (number, trace) in (batch.first..).zip(batch.traces()) {
            let [i, x] = [number / n_crosslines, number % n_crosslines];
            sweep.see([i, x], &trace);
            if x + 1 == n_crosslines {
                due(i, n_inlines).for_each(|i| sweep.finish(i));
            }
        }
    });
}

/// Inlines whose neighbours are all there once inline `i` of `n` is.
fn due(i: usize, n: usize) -> Range<usize> {
    i.saturating_sub(1)..if i + 1 == n { n } else { i }
}

struct Sweep<'a, 'b> {
    operator: &'a ComplexTrace,
    arch: Arch,
    extents: [usize; 3],
    phase_slopes: Planes,
    envelopes: Planes,
    envelope_slopes: Planes,
    frequency_slopes: Planes,
    change_slopes: Planes,
    phase: Vec<f32>,
    frequency: Vec<f32>,
    change: Vec<f32>,
    output: Output<'a, 'b>,
}

/// Where results go.
struct Output<'a, 'b> {
    /// A whole trace of one attribute.
    row: Vec<f32>,
    core: Region,
    arrays: &'a mut [ArrayViewMut3<'b, f32>],
}

impl Output<'_, '_> {
    /// The place of a trace of the block in the outputs, if it is one of theirs.
    fn place(&self, at: [usize; 2]) -> Option<[usize; 2]> {
        let ranges = [Axis::Inline, Axis::Crossline].map(|axis| self.core.range(axis));
        let inside = ranges.iter().zip(at).all(|(range, at)| range.contains(&at));
        inside.then(|| [at[0] - ranges[0].start, at[1] - ranges[1].start])
    }

    /// Copies the row to output `number`.
    fn write(&mut self, number: usize, at: [usize; 2]) {
        let samples = &self.row[self.core.range(Axis::Sample)];
        trace::write(&mut self.arrays[number], at, 0..samples.len(), samples);
    }
}

impl Sweep<'_, '_> {
    /// What a trace yields on its own.
    fn see(&mut self, at: [usize; 2], trace: &Analytic<'_>) {
        let Self { operator, arch, phase, output, .. } = self;
        let needs = operator.needs();
        if needs.phase {
            arch.dispatch(Phase { trace, out: phase });
        }
        let rotation = operator.rotation();
        if let Some(place) = output.place(at) {
            for (number, attribute) in operator.with_slopes(0) {
                let out = &mut output.row;
                arch.dispatch(Local { attribute, trace, phase, rotation, out });
                output.write(number, place);
            }
        }
        if let Some(out) = self.phase_slopes.row_mut(at) {
            arch.dispatch(Slope { values: phase, angles: true, out });
        }
        if let Some(out) = self.envelopes.row_mut(at) {
            let attribute = ComplexAttribute::Envelope;
            arch.dispatch(Local { attribute, trace, phase, rotation, out });
            let values = self.envelopes.row(at);
            if let Some(out) = self.envelope_slopes.row_mut(at) {
                arch.dispatch(Slope { values, angles: false, out });
            }
        }
    }

    /// What the traces of an inline yield with their neighbours.
    fn finish(&mut self, i: usize) {
        let [n_inlines, n_crosslines, _] = self.extents;
        let twice = self.operator.slopes() == 2;
        for at in (0..n_crosslines).map(|x| [i, x]) {
            let place = self.output.place(at);
            if twice || (place.is_some() && self.operator.slopes() == 1) {
                self.derive(at, place);
            }
        }
        if twice {
            due(i, n_inlines).for_each(|i| self.finish_slopes(i));
        }
    }

    fn derive(&mut self, at: [usize; 2], place: Option<[usize; 2]>) {
        let Self { operator, arch, frequency, change, output, .. } = self;
        let (needs, samples_per_s) = (operator.needs(), operator.samples_per_s());
        let envelope = self.envelopes.row(at);
        if needs.frequency {
            arch.dispatch(Smooth { rows: self.phase_slopes.around(at), out: frequency });
            arch.dispatch(Frequency { samples_per_s, slopes: frequency });
        }
        if needs.change {
            arch.dispatch(Smooth { rows: self.envelope_slopes.around(at), out: change });
            arch.dispatch(Change { slopes: change, envelope });
        }
        let (frequency, change) = (&*frequency, &*change);
        let definition = operator.settings().definition;
        let derived = |attribute| Derived {
            attribute,
            definition,
            samples_per_s,
            frequency,
            change,
            envelope,
        };
        if let Some(place) = place {
            for (number, attribute) in operator.with_slopes(1) {
                arch.dispatch(derived(attribute).into(&mut output.row));
                output.write(number, place);
            }
        }
        if let Some(out) = self.frequency_slopes.row_mut(at) {
            arch.dispatch(Slope { values: frequency, angles: false, out });
        }
        if let Some(out) = self.change_slopes.row_mut(at) {
            let clipped = ComplexAttribute::RelativeAmplitudeChange;
            arch.dispatch(derived(clipped).into(&mut output.row));
            arch.dispatch(Slope { values: &output.row, angles: false, out });
        }
    }

    fn finish_slopes(&mut self, i: usize) {
        let Self { operator, arch, output, .. } = self;
        for at in (0..self.extents[1]).map(|x| [i, x]) {
            let Some(place) = output.place(at) else { continue };
            for (number, attribute) in operator.with_slopes(2) {
                let slopes = match attribute {
                    ComplexAttribute::FrequencyChange => &self.frequency_slopes,
                    _ => &self.change_slopes,
                };
                arch.dispatch(Smooth { rows: slopes.around(at), out: &mut output.row });
                output.write(number, place);
            }
        }
    }
}

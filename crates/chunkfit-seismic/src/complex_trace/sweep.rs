use chunkfit_core::Region;
use ndarray::{ArrayView3, ArrayViewMut3};
use pulp::Arch;

use super::derived::{Change, Derived, Frequency};
use super::latest::Latest;
use super::local::{Local, Phase};
use super::neighbours::Sides;
use super::output::Output;
use super::signals::Signals;
use super::slope::Slope;
use super::stretch::Stretches;
use super::{ComplexAttribute, ComplexTrace};
use crate::hilbert::Hilbert;

/// Floats for each voxel of a stretch: its signals, phase, frequency and change, neighbours on both sides,
/// and a row of results.
pub(super) const N_ROWS: usize = Signals::N_PARTS + 6;

/// Fills `outputs`, the `core` of `block`, stretch by stretch.
pub(super) fn run(
    operator: &ComplexTrace,
    block: ArrayView3<'_, f32>,
    core: Region,
    outputs: &mut [ArrayViewMut3<'_, f32>],
) {
    let extents: [usize; 3] = block.dim().into();
    let [.., n_samples] = extents;
    let stretches = Stretches::new(block.len());
    let output = Output::new(extents, stretches.longest(), core, outputs);
    let mut sweep = Sweep::new(operator, extents, output);
    let mut signals = Signals::new(stretches);
    Hilbert::new(n_samples).each(block, |batch| {
        let first = batch.first * n_samples;
        for (number, voxels) in stretches.cut(first..first + batch.re.len()) {
            if signals.fill(sweep.arch, number, voxels, &batch) {
                sweep.see(number, &signals);
                sweep.follow(number);
            }
        }
    });
    let behind = operator.slopes() * sweep.lag;
    (stretches.count()..stretches.count() + behind).for_each(|number| sweep.follow(number));
}

/// Stretches that the envelope is kept for, until its slope is there.
pub(super) fn kept(extents: [usize; 3]) -> usize {
    Slope::lag(extents) + 1
}

struct Sweep<'a, 'b> {
    operator: &'a ComplexTrace,
    arch: Arch,
    stretches: Stretches,
    /// Stretches by which a slope is behind.
    lag: usize,
    envelope: Option<Latest>,
    phase_slope: Option<Slope>,
    envelope_slope: Option<Slope>,
    /// The last of two slopes, beside the numbers of their outputs.
    frequency_slope: Option<(usize, Slope)>,
    change_slope: Option<(usize, Slope)>,
    phase: Vec<f32>,
    frequency: Vec<f32>,
    change: Vec<f32>,
    sides: Sides,
    output: Output<'a, 'b>,
}

impl<'a, 'b> Sweep<'a, 'b> {
    fn new(operator: &'a ComplexTrace, extents: [usize; 3], output: Output<'a, 'b>) -> Self {
        let stretches = Stretches::new(extents.iter().product());
        let needs = operator.needs();
        let slope = |wanted: bool, angle| wanted.then(|| Slope::new(extents, angle));
        let last = |wanted| {
            let place = operator.with_slopes(2).find(|(_, attribute)| *attribute == wanted);
            place.map(|(place, _)| (place, Slope::new(extents, false)))
        };
        let row = || vec![0.0; stretches.longest()];
        Self {
            operator,
            arch: Arch::new(),
            stretches,
            lag: Slope::lag(extents),
            envelope: needs.envelope.then(|| Latest::new(stretches, kept(extents))),
            phase_slope: slope(needs.frequency, true),
            envelope_slope: slope(needs.change, false),
            frequency_slope: last(ComplexAttribute::FrequencyChange),
            change_slope: last(ComplexAttribute::AmplitudeAcceleration),
            phase: row(),
            frequency: row(),
            change: row(),
            sides: [row(), row()],
            output,
        }
    }

    /// What the voxels of a stretch yield on their own.
    fn see(&mut self, number: usize, signals: &Signals) {
        let (arch, operator, output) = (self.arch, self.operator, &mut self.output);
        let voxels = self.stretches.voxels(number);
        let rotation = operator.rotation();
        let phase = &mut self.phase[..voxels.len()];
        if operator.needs().phase {
            arch.dispatch(Phase { signals, out: phase });
        }
        let phase = &*phase;
        let local = |attribute| {
            move |out: &mut [f32]| {
                arch.dispatch(Local { attribute, signals, phase, rotation, out });
            }
        };
        for (place, attribute) in operator.with_slopes(0) {
            output.write(place, voxels.clone(), local(attribute));
        }
        if let Some(slope) = &mut self.phase_slope {
            slope.stretch_mut(number).copy_from_slice(phase);
        }
        if let Some(envelope) = &mut self.envelope {
            local(ComplexAttribute::Envelope)(envelope.stretch_mut(number));
            if let Some(slope) = &mut self.envelope_slope {
                slope.stretch_mut(number).copy_from_slice(envelope.stretch(number));
            }
        }
    }

    /// What can be done with neighbours once stretch `number` is there, or would be if it were not past the
    /// last.
    fn follow(&mut self, number: usize) {
        for slope in [&mut self.phase_slope, &mut self.envelope_slope].into_iter().flatten() {
            slope.follow(self.arch, number, &mut self.sides);
        }
        let Some(number) = number.checked_sub(self.lag) else { return };
        if self.stretches.before(number, 0).is_some() {
            self.derive(number);
        }
        let Self { arch, stretches, sides, output, .. } = self;
        for (place, slope) in
            [&mut self.frequency_slope, &mut self.change_slope].into_iter().flatten()
        {
            if let Some(number) = slope.follow(*arch, number, sides) {
                output.write(*place, stretches.voxels(number), |out| {
                    slope.take(*arch, number, sides, out);
                });
            }
        }
    }

    /// What is made of the slopes of a stretch.
    fn derive(&mut self, number: usize) {
        let (arch, operator) = (self.arch, self.operator);
        let (sides, output) = (&mut self.sides, &mut self.output);
        let voxels = self.stretches.voxels(number);
        let samples_per_s = operator.samples_per_s();
        let definition = operator.settings().definition;
        let envelope = self.envelope.as_ref().map_or(&[][..], |latest| latest.stretch(number));
        let [frequency, change] =
            [&mut self.frequency, &mut self.change].map(|row| &mut row[..voxels.len()]);
        if let Some(slope) = &self.phase_slope {
            slope.take(arch, number, sides, frequency);
            arch.dispatch(Frequency { samples_per_s, slopes: frequency });
        }
        if let Some(slope) = &self.envelope_slope {
            slope.take(arch, number, sides, change);
            arch.dispatch(Change { slopes: change, envelope });
        }
        let (frequency, change) = (&*frequency, &*change);
        let derived = |attribute| {
            move |out: &mut [f32]| {
                arch.dispatch(Derived {
                    attribute,
                    definition,
                    samples_per_s,
                    frequency,
                    change,
                    envelope,
                    out,
                });
            }
        };
        for (place, attribute) in operator.with_slopes(1) {
            output.write(place, voxels.clone(), derived(attribute));
        }
        if let Some((_, slope)) = &mut self.frequency_slope {
            derived(ComplexAttribute::Frequency)(slope.stretch_mut(number));
        }
        if let Some((_, slope)) = &mut self.change_slope {
            derived(ComplexAttribute::RelativeAmplitudeChange)(slope.stretch_mut(number));
        }
    }
}

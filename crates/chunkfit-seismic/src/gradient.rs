use pulp::Arch;

use crate::window::{Kernel, Line, Part, Rows, Traces, parts};

/// Weights of the smoother across a derivative: centre and neighbours.
pub(crate) const CENTRE: f64 = 0.642_105;
pub(crate) const SIDE: f64 = 0.178_947;

/// The gradient: \[−½, 0, ½\] along an axis and \[0.178947, 0.642105, 0.178947\] along the two others,
/// all in `f64`. Outputs are the components along inline, crossline and sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gradient;

#[inline(always)]
fn difference(before: f64, after: f64) -> f64 {
    (after - before) * 0.5
}

#[inline(always)]
fn smooth(before: f64, centre: f64, after: f64) -> f64 {
    centre * CENTRE + (before + after) * SIDE
}

impl Kernel for Gradient {
    type Value = f64;
    type Output = f64;

    fn half(&self) -> [usize; 3] {
        [1; 3]
    }

    /// Difference and smoothed amplitude along inlines; then the three components.
    fn channels(&self) -> [usize; 2] {
        [2, 3]
    }

    fn across_inlines(&self, traces: &Traces<'_, f32>, row: &mut [f64]) {
        let taps = [-1, 0, 1].map(|by| traces.tap(by));
        let (differences, smoothed) = row.split_at_mut(row.len() / 2);
        Arch::new().dispatch(
            #[inline(always)]
            move || {
                // Moved, so that this is called once, with the instructions of the processor.
                let differences = differences;
                parts(
                    differences,
                    #[inline(always)]
                    |at, differences| {
                        let n = at.len();
                        let traces = taps.map(|tap| Part::of(tap, at.clone()));
                        let [before, centre, after] =
                            traces.each_ref().map(|trace| &trace.values()[..n]);
                        let smoothed = &mut smoothed[at];
                        for k in 0..n {
                            let [before, centre, after] =
                                [before[k], centre[k], after[k]].map(f64::from);
                            differences[k] = difference(before, after);
                            smoothed[k] = smooth(before, centre, after);
                        }
                    },
                );
            },
        );
    }

    fn across_crosslines(&self, rows: &Rows<'_, f64>, line: &mut Line<'_, f64>) {
        let [differences, smoothed] =
            [0, 1].map(|channel| [-1, 0, 1].map(|by| rows.tap(channel, by)));
        Arch::new().dispatch(
            #[inline(always)]
            move || {
                let line = line;
                smooth_lines(differences, line.fill(0));
                let [before, _, after] = smoothed;
                for ((out, before), after) in line.fill(1).iter_mut().zip(before).zip(after) {
                    *out = difference(*before, *after);
                }
                smooth_lines(smoothed, line.fill(2));
            },
        );
    }

    fn along_samples(&self, line: &Line<'_, f64>, _: &mut [f64], outputs: &mut [f64]) {
        let n = outputs.len() / 3;
        let taps = |channel| [-1, 0, 1].map(|by| line.tap(channel, by));
        Arch::new().dispatch(
            #[inline(always)]
            move || {
                let outputs = outputs;
                smooth_lines(taps(0), &mut outputs[..n]);
                smooth_lines(taps(1), &mut outputs[n..2 * n]);
                let [before, _, after] = taps(2);
                for ((out, before), after) in outputs[2 * n..].iter_mut().zip(before).zip(after) {
                    *out = difference(*before, *after);
                }
            },
        );
    }
}

#[inline(always)]
fn smooth_lines([before, centre, after]: [&[f64]; 3], out: &mut [f64]) {
    for (((out, before), centre), after) in out.iter_mut().zip(before).zip(centre).zip(after) {
        *out = smooth(*before, *centre, *after);
    }
}

//! Synthetic surveys: volumes that look like seismic data, made inline by inline.

use std::f32::consts::TAU;

use chunkfit_core::{Axis, Shape};
use ndarray::Array2;

/// A made-up survey: folded layers with a regional dip, cut by a fault, a sinuous channel, noise.
///
/// Each inline is computed by itself and depends on shape, seed and its number alone. Amplitudes are
/// around 1000 in the bright layers, and noise is about 60. Dips reach some 30° in index units.
///
/// **Memory.** Some 32 bytes for each sample of a trace, and an inline when one is asked for.
///
/// ```
/// use chunkfit_core::Shape;
/// use chunkfit_seismic::synthetic::Survey;
///
/// let survey = Survey::new(Shape::new([5, 7, 11])?, 20);
/// let inline = survey.inline(3);
/// assert_eq!(inline.dim(), (7, 11));
/// # Ok::<(), chunkfit_core::ShapeError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Survey {
    shape: Shape,
    seed: u64,
    /// Amplitude against depth below the datum before folding, [`FINE`] values a sample.
    layers: Vec<f32>,
    /// Samples of `layers` above the datum.
    margin: f32,
    relief: f32,
    throw: f32,
    phases: [f32; 4],
}

/// Values of the layer table in one sample.
const FINE: usize = 8;
/// Dominant period of the wavelet in samples: 25 Hz at 4 ms.
const PERIOD: f32 = 10.0;
/// Reflection coefficients times this are amplitudes.
const AMPLITUDE: f32 = 2500.0;
/// Largest magnitude of the noise.
const NOISE: f32 = 150.0;

impl Survey {
    /// The survey of this shape and seed.
    #[must_use]
    pub fn new(shape: Shape, seed: u64) -> Self {
        let mut random = Random(seed);
        let [_, n_crosslines, n_samples] = shape.extents().map(|n| n as f32);
        let relief = 0.05 * shape.extents().into_iter().min().unwrap_or(1) as f32;
        let throw = (0.04 * n_samples).clamp(2.0, 20.0);
        let phases = [(); 4].map(|()| TAU * random.unit());
        // Folds, regional dip and throw move layers by no more than this.
        let margin = 2.0 * relief + 0.1 * n_crosslines + throw + 4.0 * PERIOD;
        let layers = layers(n_samples, margin, &mut random);
        Self { shape, seed, layers, margin, relief, throw, phases }
    }

    /// Inline number `inline`, counted from 0, as (crossline, sample).
    ///
    /// The survey goes on beyond its last inline.
    #[must_use]
    pub fn inline(&self, inline: usize) -> Array2<f32> {
        let [_, n_crosslines, n_samples] = self.shape.extents();
        let mut section = Array2::zeros((n_crosslines, n_samples));
        for (crossline, mut trace) in section.outer_iter_mut().enumerate() {
            self.fill(inline, crossline, trace.iter_mut());
        }
        section
    }

    fn fill<'a>(&self, inline: usize, crossline: usize, trace: impl Iterator<Item = &'a mut f32>) {
        let n_samples = self.shape[Axis::Sample] as f32;
        let lie = Lie::new(self, inline, crossline);
        let trace_number = (inline as u64) << 32 | crossline as u64;
        let mut random = Random(self.seed ^ mix(trace_number));
        for (k, out) in trace.enumerate() {
            let depth = k as f32;
            let growth = 0.4 + 0.6 * depth / n_samples;
            let fallen = if lie.distance_to_fault > 0.3 * depth { self.throw } else { 0.0 };
            let layer = depth - lie.shift * growth - fallen;
            *out = self.amplitude(layer)
                + lie.channel(layer)
                + NOISE * (random.unit() + random.unit() - 1.0);
        }
    }

    /// Linear interpolation in the layer table.
    fn amplitude(&self, layer: f32) -> f32 {
        let position = ((layer + self.margin) * FINE as f32).max(0.0);
        let index = (position as usize).min(self.layers.len() - 2);
        let (low, high) = (self.layers[index], self.layers[index + 1]);
        low + (high - low) * (position - index as f32).min(1.0)
    }
}

/// What the structure looks like along one trace.
struct Lie {
    /// Samples by which folding and regional dip move the deepest layers down.
    shift: f32,
    /// Crosslines from where the fault meets the top of the survey.
    distance_to_fault: f32,
    /// Layer of the channel's banks, and of its bed, if the trace crosses it.
    channel: Option<(f32, f32)>,
}

impl Lie {
    fn new(survey: &Survey, inline: usize, crossline: usize) -> Self {
        let [n_inlines, n_crosslines, n_samples] = survey.shape.extents().map(|n| n as f32);
        let (a, b) = (inline as f32 / n_inlines, crossline as f32 / n_crosslines);
        let [p, q, r, s] = survey.phases;
        let folds =
            (TAU * (0.9 * a + 0.35 * b) + p).sin() + 0.5 * (TAU * (1.4 * b - 0.6 * a) + q).sin();
        let fault = n_crosslines * (0.5 + 0.1 * (TAU * 0.5 * a + r).sin());
        let course =
            n_crosslines * (0.3 + 0.12 * (TAU * 1.3 * a + s).sin() + 0.04 * (TAU * 3.1 * a).sin());
        let half_width = (0.05 * n_crosslines).max(1.5);
        let offset = (crossline as f32 - course) / half_width;
        let banks = 0.45 * n_samples;
        let channel = (offset.abs() < 1.0)
            .then(|| (banks, banks + (1.0 - offset * offset) * (0.03 * n_samples).max(3.0)));
        Self {
            shift: survey.relief * folds + 0.1 * (crossline as f32 - 0.5 * n_crosslines),
            distance_to_fault: crossline as f32 - fault,
            channel,
        }
    }

    /// Reflections at the top and the bed of the channel.
    fn channel(&self, layer: f32) -> f32 {
        self.channel.map_or(0.0, |(banks, bed)| {
            0.5 * AMPLITUDE * (ricker(layer - bed) - ricker(layer - banks))
        })
    }
}

/// The table: layers of random thickness and contrast, in packages brighter and dimmer.
fn layers(n_samples: f32, margin: f32, random: &mut Random) -> Vec<f32> {
    let length = n_samples + 2.0 * margin;
    let fine = FINE as f32;
    let mut table = vec![0.0; (length * fine) as usize + 2];
    let mut depth = 0.0;
    let mut brightness = 1.0;
    while depth < length {
        let contrast = AMPLITUDE * brightness * (2.0 * random.unit() - 1.0);
        let reach = 1.5 * PERIOD;
        let first = ((depth - reach).max(0.0) * fine) as usize;
        let last = (((depth + reach) * fine) as usize).min(table.len());
        for (position, value) in table.iter_mut().enumerate().take(last).skip(first) {
            *value += contrast * ricker(position as f32 / fine - depth);
        }
        depth += 2.0 + 12.0 * random.unit() * random.unit();
        if random.unit() < 0.15 {
            brightness = 0.2 + 0.8 * random.unit();
        }
    }
    table
}

/// Ricker wavelet of dominant period [`PERIOD`], 1 at 0.
fn ricker(samples: f32) -> f32 {
    let square = (0.5 * TAU * samples / PERIOD).powi(2);
    if square > 30.0 { 0.0 } else { (1.0 - 2.0 * square) * (-square).exp() }
}

/// Repeatable pseudo-random numbers: splitmix64.
struct Random(u64);

impl Random {
    /// A number in [0, 1).
    fn unit(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        (mix(self.0) >> 40) as f32 / (1_u64 << 24) as f32
    }
}

fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inline_depends_on_nothing_but_its_number() {
        let shape = Shape::new([6, 9, 40]).unwrap();
        let forwards: Vec<_> = (0..6).map(|i| Survey::new(shape, 3).inline(i)).collect();
        let survey = Survey::new(shape, 3);
        for (i, inline) in forwards.iter().enumerate().rev() {
            assert_eq!(survey.inline(i), inline);
        }
        assert_ne!(forwards[0], forwards[1]);
        assert_ne!(forwards[0], Survey::new(shape, 4).inline(0));
    }

    #[test]
    fn amplitudes_look_like_data() {
        let survey = Survey::new(Shape::new([40, 50, 300]).unwrap(), 20);
        let section = survey.inline(20);
        let square: f32 = section.iter().map(|v| v * v).sum::<f32>() / section.len() as f32;
        assert!((300.0..3000.0).contains(&square.sqrt()), "rms {}", square.sqrt());
        assert!(section.iter().all(|v| v.is_finite() && v.abs() < 20_000.0));
    }

    #[test]
    fn the_smallest_survey_has_a_sample() {
        let survey = Survey::new(Shape::new([1, 1, 1]).unwrap(), 0);
        assert!(survey.inline(0)[[0, 0]].is_finite());
    }
}

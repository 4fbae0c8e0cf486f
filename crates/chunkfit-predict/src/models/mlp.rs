use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use super::{Fitted, Regressor, require};
use crate::FitError;
use crate::linalg::{Matrix, dot};

/// A network with one hidden layer of rectified units, trained by Adam on squared error.
///
/// Features and targets should be standardised.
///
/// Reference: Kingma and Ba, *Adam: a method for stochastic optimization*, ICLR 2015; start values as in
/// Glorot and Bengio, AISTATS 2010.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NeuralNetwork {
    /// Units of the hidden layer.
    pub hidden: usize,
    /// Passes over the rows at most.
    pub epochs: usize,
    /// Step of the optimiser.
    pub rate: f64,
    /// Weight of the squared penalty.
    pub decay: f64,
    /// Rows per step at most.
    pub batch: usize,
    /// Start values and order of rows.
    pub seed: u64,
}

impl Default for NeuralNetwork {
    fn default() -> Self {
        Self { hidden: 100, epochs: 1000, rate: 1e-3, decay: 1e-4, batch: 200, seed: 0 }
    }
}

/// All parameters in one vector: for each unit its input weights and bias, then the output weights, then
/// the output bias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Network {
    width: usize,
    hidden: usize,
    parameters: Vec<f64>,
}

impl Network {
    fn start(width: usize, hidden: usize, rng: &mut StdRng) -> Self {
        let mut draw = |fan: usize, n: usize| -> Vec<f64> {
            let bound = (6.0 / fan as f64).sqrt();
            (0..n).map(|_| rng.random_range(-bound..bound)).collect()
        };
        let mut parameters = draw(width + hidden, (width + 1) * hidden);
        parameters.extend(draw(hidden + 1, hidden + 1));
        Self { width, hidden, parameters }
    }

    fn units(&self) -> impl Iterator<Item = (&[f64], f64)> {
        self.parameters
            .chunks_exact(self.width + 1)
            .take(self.hidden)
            .map(|u| (&u[..self.width], u[self.width]))
    }

    fn output(&self) -> &[f64] {
        &self.parameters[(self.width + 1) * self.hidden..]
    }

    fn activate(&self, row: &[f64], out: &mut [f64]) {
        for (value, (weights, bias)) in out.iter_mut().zip(self.units()) {
            *value = (dot(weights, row) + bias).max(0.0);
        }
    }

    fn read(&self, activations: &[f64]) -> f64 {
        let output = self.output();
        dot(&output[..self.hidden], activations) + output[self.hidden]
    }

    /// Adds the gradient of (p − y)²/2 to `gradient`; returns the loss.
    fn backward(&self, row: &[f64], y: f64, scratch: &mut [f64], gradient: &mut [f64]) -> f64 {
        self.activate(row, scratch);
        let error = self.read(scratch) - y;
        let (inner, outer) = gradient.split_at_mut((self.width + 1) * self.hidden);
        let units = inner.chunks_exact_mut(self.width + 1);
        for (j, unit) in units.enumerate().filter(|(j, _)| scratch[*j] > 0.0) {
            let back = error * self.output()[j];
            unit.iter_mut().zip(row).for_each(|(g, x)| *g += back * x);
            unit[self.width] += back;
        }
        outer.iter_mut().zip(scratch.iter()).for_each(|(g, a)| *g += error * a);
        outer[self.hidden] += error;
        0.5 * error * error
    }
}

impl Fitted for Network {
    fn is_sound(&self, width: usize) -> bool {
        self.width == width && self.parameters.len() == (width + 2) * self.hidden + 1
    }

    fn predict(&self, row: &[f64]) -> f64 {
        let mut activations = vec![0.0; self.hidden];
        self.activate(row, &mut activations);
        self.read(&activations)
    }
}

struct Adam {
    rate: f64,
    first: Vec<f64>,
    second: Vec<f64>,
    steps: i32,
}

impl Adam {
    fn step(&mut self, parameters: &mut [f64], gradient: &[f64]) {
        const KEEP: (f64, f64) = (0.9, 0.999);
        self.steps += 1;
        let unbias = (1.0 - KEEP.1.powi(self.steps)).sqrt() / (1.0 - KEEP.0.powi(self.steps));
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((p, g), (m, v)) in parameters.iter_mut().zip(gradient).zip(moments) {
            *m = KEEP.0 * *m + (1.0 - KEEP.0) * g;
            *v = KEEP.1 * *v + (1.0 - KEEP.1) * g * g;
            *p -= self.rate * unbias * *m / (v.sqrt() + 1e-8);
        }
    }
}

impl Regressor for NeuralNetwork {
    const NAME: &'static str = "neural network";
    const LEAST_ROWS: usize = 2;
    type Fitted = Network;

    fn check(&self) -> Result<(), FitError> {
        let Self { hidden, rate, decay, batch, .. } = *self;
        require(Self::NAME, "hidden", hidden as f64, hidden > 0, "it must be positive")?;
        require(Self::NAME, "batch", batch as f64, batch > 0, "it must be positive")?;
        require(Self::NAME, "rate", rate, rate > 0.0, "it must be positive")?;
        require(Self::NAME, "decay", decay, decay >= 0.0, "it must not be negative")
    }

    fn fit(&self, x: &Matrix, y: &[f64]) -> Result<Network, FitError> {
        let mut rng = StdRng::seed_from_u64(self.seed);
        let mut network = Network::start(x.width, self.hidden, &mut rng);
        let n = network.parameters.len();
        let mut adam =
            Adam { rate: self.rate, first: vec![0.0; n], second: vec![0.0; n], steps: 0 };
        let mut gradient = vec![0.0; n];
        let mut scratch = vec![0.0; self.hidden];
        let mut order: Vec<usize> = (0..y.len()).collect();
        let (mut best, mut idle) = (f64::INFINITY, 0);
        for _ in 0..self.epochs {
            order.shuffle(&mut rng);
            let mut loss = 0.0;
            for batch in order.chunks(self.batch) {
                gradient.fill(0.0);
                for &i in batch {
                    loss += network.backward(x.row(i), y[i], &mut scratch, &mut gradient);
                }
                let share = 1.0 / batch.len() as f64;
                let pairs = gradient.iter_mut().zip(&network.parameters);
                pairs.for_each(|(g, p)| *g = (*g + self.decay * p) * share);
                adam.step(&mut network.parameters, &gradient);
            }
            // Ten passes without progress end the training.
            loss /= y.len() as f64;
            idle = if loss < best - 1e-4 { 0 } else { idle + 1 };
            best = best.min(loss);
            if idle > 10 {
                break;
            }
        }
        Ok(network)
    }
}

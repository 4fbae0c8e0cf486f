use std::collections::VecDeque;

use chunkfit_core::{ByteSize, MemoryModel, Prediction, Regime, Shape};

use crate::normal::Normal;
use crate::{Fitted, Peak};

/// Readings whose residuals set the bound.
const WINDOW: usize = 64;

/// A reading counts this share of the next one.
const KEEP: f64 = 1.0 - 1.0 / WINDOW as f64;

/// How fast the share of exceeded bounds is steered to its goal.
///
/// Reference: Gibbs and Candès, *Adaptive conformal inference under distribution shift*, NeurIPS 2021.
const STEER: f64 = 0.005;

/// What every bound adds to the residuals that were seen.
const FLOOR: f64 = 0.01;

/// The least relative deviation that counts as one standard deviation: pages and rounding.
const LEAST_DEVIATION: f64 = 1e-3;

/// Drift is a sum of excesses over one standard deviation that passes three; one reading adds two at most,
/// so that no single one is drift.
const ALLOWED: f64 = 1.0;
const MOST_OF_ONE: f64 = 2.0;
const ALARM: f64 = 3.0;

/// A retry after a kill asks for this much more.
const RETRY: f64 = 1.25;

/// What a reading says about the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The bound held.
    Within,
    /// The bound was exceeded, once.
    Above,
    /// Two bounds in a row were exceeded, or the residuals have moved up for long: profile again. Until
    /// then the bound is at least the declared ledger.
    Drift,
    /// The task was killed; give it this much and try again.
    Killed {
        /// max(1.25·bound, 1.25·what it had, ledger).
        retry: ByteSize,
    },
}

/// A fitted model that learns from every task.
///
/// The coefficients follow by recursive least squares, re-solved without negative ones; the bound by the
/// residuals of the last 64 readings, at a level that is steered to α. A kill is a lower bound, which
/// raises the bound but is never a value. Corners inside the readings are left to the fit.
///
/// ```
/// use chunkfit_core::{ByteSize, MemoryModel, Shape};
/// use chunkfit_predict::{Ladder, Observation, Online, Peak, Verdict};
///
/// let block = |n| Shape::new([5, 7, n]);
/// let seen = |n| Ok::<_, chunkfit_core::ShapeError>(Observation::live_heap(block(n)?, ByteSize::new(980 * n as u64)));
/// let mut online = Online::new(&Ladder::new().fit(&[seen(11)?, seen(13)?, seen(20)?])?);
/// assert_eq!(online.update(block(30)?, block(30)?, Peak::Measured(ByteSize::new(29_400))), Verdict::Within);
/// assert!(online.predict(block(40)?, block(40)?).upper >= ByteSize::new(39_200));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Online<'a> {
    fitted: Fitted<'a>,
    normal: Normal,
    weights: Vec<f64>,
    window: VecDeque<f64>,
    /// The quantile of the window that the bound uses.
    quantile: f64,
    alpha: f64,
    largest: [usize; 3],
    /// What kills have shown to be too little, relative to the prediction.
    killed: f64,
    /// No reading was above the declared ledger, before and since.
    ledger_holds: bool,
    above_before: bool,
    cusum: f64,
    drifted: bool,
}

impl<'a> Online<'a> {
    /// Goes on from `fitted`.
    #[must_use]
    pub fn new(fitted: &Fitted<'a>) -> Self {
        let parts = fitted.parts();
        Self {
            normal: parts.normal.clone(),
            weights: parts.form.weights(),
            window: VecDeque::with_capacity(WINDOW),
            quantile: 0.0,
            alpha: parts.alpha,
            largest: fitted.largest_read(),
            killed: 0.0,
            ledger_holds: parts.ledger_holds,
            above_before: false,
            cusum: 0.0,
            drifted: false,
            fitted: fitted.clone(),
        }
    }

    /// Learns from one task.
    pub fn update(&mut self, block: Shape, core: Shape, peak: Peak) -> Verdict {
        let before = self.predict(block, core);
        self.ledger_holds &= peak.bytes() <= self.ledger_upper(block, core);
        let predicted = before.peak.as_f64().max(1.0);
        match peak {
            Peak::AtLeast(bytes) => {
                self.killed = self.killed.max(bytes.as_f64() / predicted - 1.0);
                let ledger = self.ledger_upper(block, core);
                let retry = before.upper.max(bytes).scale(RETRY).max(ledger);
                Verdict::Killed { retry }
            }
            Peak::Measured(bytes) => {
                let above = bytes > before.upper;
                self.learn(block, core, bytes.as_f64());
                self.watch(bytes.as_f64() / predicted - 1.0, above);
                match (self.drifted, above) {
                    (true, _) => Verdict::Drift,
                    (false, true) => Verdict::Above,
                    (false, false) => Verdict::Within,
                }
            }
        }
    }

    /// Whether the operator no longer is what was fitted. Only a new fit ends it.
    #[must_use]
    pub const fn has_drifted(&self) -> bool {
        self.drifted
    }

    /// The share of exceeded bounds that the steering aims at now.
    #[must_use]
    pub const fn alpha(&self) -> f64 {
        self.alpha
    }

    fn learn(&mut self, block: Shape, core: Shape, bytes: f64) {
        if bytes <= 0.0 {
            return;
        }
        let form = &self.fitted.parts().form;
        let mut row = vec![0.0; self.weights.len()];
        form.features(block, core, |j, value| row[j] = value / bytes);
        let target = 1.0 - self.offset(block, core) / bytes;
        self.normal.forget(KEEP);
        self.normal.add(&row, target, 1.0);
        self.weights = self.normal.solve();
        for (most, n) in self.largest.iter_mut().zip(block.extents()) {
            *most = n.max(*most);
        }
    }

    fn watch(&mut self, residual: f64, above: bool) {
        let goal = self.fitted.parts().alpha;
        let missed = if above { 1.0 } else { 0.0 };
        self.alpha = (self.alpha + STEER * (goal - missed)).clamp(goal / 10.0, 0.5);
        if self.window.len() == WINDOW {
            self.window.pop_front();
        }
        self.window.push_back(residual);
        let mut sorted: Vec<f64> = self.window.iter().copied().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let rank = ((sorted.len() + 1) as f64 * (1.0 - self.alpha)).ceil() as usize;
        // A rank beyond the readings has no bound by counting: the worst is the best there is.
        self.quantile = sorted[rank.clamp(1, sorted.len()) - 1].max(0.0);

        let deviation = self.fitted.parts().deviation.max(LEAST_DEVIATION);
        let excess = (residual / deviation - ALLOWED).min(MOST_OF_ONE);
        self.cusum = (self.cusum + excess).max(0.0);
        // Residuals that creep up inside the bound are followed by the coefficients.
        self.drifted |= above && (self.above_before || self.cusum > ALARM);
        self.above_before = above;
    }

    fn offset(&self, block: Shape, core: Shape) -> f64 {
        let ledger = self.fitted.ledger().filter(|_| self.fitted.parts().on_ledger);
        ledger.map_or(0.0, |ledger| ledger.predict(block, core).peak.as_f64())
    }

    fn ledger_upper(&self, block: Shape, core: Shape) -> ByteSize {
        self.fitted.ledger().map_or(ByteSize::ZERO, |l| l.predict(block, core).upper)
    }

    fn covers(&self, block: Shape) -> bool {
        block.extents().iter().zip(self.largest).all(|(n, most)| *n <= most)
    }
}

impl MemoryModel for Online<'_> {
    fn predict(&self, block: Shape, core: Shape) -> Prediction {
        let parts = self.fitted.parts();
        let mut bytes = self.offset(block, core);
        parts.form.features(block, core, |j, value| bytes += self.weights[j] * value);
        let peak = ByteSize::new(bytes.ceil() as u64);
        let (covered, full) = (self.covers(block), self.window.len() == WINDOW);
        let seen = self.quantile + FLOOR;
        // Beyond what was read, and until the window is full, the fit's own margin stands.
        let margin = if covered && full { seen } else { seen.max(parts.margin.at(block, bytes)) }
            .max(self.killed);
        let upper = peak.scale(1.0 + margin) + parts.slack;
        let ledger = self.ledger_upper(block, core);
        let regime = match self.fitted.regime(block) {
            _ if self.drifted => Regime::Extrapolated,
            Regime::Declared if self.ledger_holds => Regime::Declared,
            _ if full && covered => Regime::Calibrated,
            Regime::Declared => Regime::Extrapolated,
            fitted => fitted,
        };
        Prediction { peak, upper: upper.max(ledger), regime }
    }
}

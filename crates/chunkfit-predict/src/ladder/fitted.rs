use chunkfit_core::{ByteSize, MemoryModel, Prediction, Regime, Shape};
use serde::{Deserialize, Serialize};

use super::bound::Margin;
use super::corners::{Corner, bracket};
use super::{Form, Rung};
use crate::normal::Normal;

/// What a ladder has fitted: plain data, but for the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Parts {
    pub(crate) rung: Rung,
    /// The declared ledger is added to the form.
    pub(crate) on_ledger: bool,
    /// No reading was above the ledger, and the ledger counts what the readings count.
    pub(crate) ledger_holds: bool,
    pub(crate) form: Form,
    pub(crate) corners: Vec<Corner>,
    pub(crate) margin: Margin,
    pub(crate) alpha: f64,
    pub(crate) slack: ByteSize,
    /// Sums over the readings for the features of the form, relative to each peak.
    pub(crate) normal: Normal,
    /// Root of the mean squared relative residual.
    pub(crate) deviation: f64,
}

impl Parts {
    pub(crate) fn needs_ledger(&self) -> bool {
        self.on_ledger || self.ledger_holds
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.form.is_sound()
            && self.margin.is_sound()
            && self.normal.is_sound(self.form.weights().len())
            && self.deviation >= 0.0
            && self.corners.iter().all(|corner| corner.bytes.is_finite())
    }
}

/// How often the bound holds, as far as counting can say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Share of tasks that may exceed the bound of a single task.
    pub alpha: f64,
    /// Tasks that were read.
    pub readings: usize,
}

impl Coverage {
    /// The probability that **no** task of a run of `tasks` exceeds the worst of the readings, when both
    /// are drawn alike: n/(n + tasks). The bound is above that worst by at least 1 %, so this is a lower
    /// limit, and only for blocks within the range of the readings.
    #[must_use]
    pub fn of_run(&self, tasks: usize) -> f64 {
        self.readings as f64 / (self.readings + tasks).max(1) as f64
    }

    /// Readings from which a bound for a share `alpha` follows by counting alone: ⌈1/α⌉ − 1.
    #[must_use]
    pub fn readings_needed(&self) -> usize {
        (1.0 / self.alpha).ceil() as usize - 1
    }
}

/// A memory model fitted to readings.
///
/// `peak` is the best estimate, `upper` a bound for all but a share α of tasks. The regime of the bound is
///
/// - `Declared` when a ledger is declared and dominates every reading of live bytes: its bound holds;
/// - `Calibrated` on a ledger with measured base, and inside the range of at least ⌈1/α⌉ − 1 readings;
/// - `Extrapolated` otherwise: a statement about the form, never a guarantee.
#[derive(Clone)]
pub struct Fitted<'a> {
    parts: Parts,
    ledger: Option<&'a (dyn MemoryModel + Sync)>,
}

impl std::fmt::Debug for Fitted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fitted").field("parts", &self.parts).finish_non_exhaustive()
    }
}

impl<'a> Fitted<'a> {
    pub(crate) const fn new(parts: Parts, ledger: Option<&'a (dyn MemoryModel + Sync)>) -> Self {
        Self { parts, ledger }
    }

    pub(crate) const fn ledger(&self) -> Option<&'a (dyn MemoryModel + Sync)> {
        self.ledger
    }

    pub(crate) const fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The rung that the readings paid for.
    #[must_use]
    pub const fn rung(&self) -> Rung {
        self.parts.rung
    }

    /// The fitted bytes; on the rungs of the ledger, only what is added to it.
    #[must_use]
    pub const fn form(&self) -> &Form {
        &self.parts.form
    }

    /// How often the bound holds.
    #[must_use]
    pub const fn coverage(&self) -> Coverage {
        Coverage { alpha: self.parts.alpha, readings: self.parts.margin.readings }
    }

    /// The largest extents among the readings, axis by axis.
    #[must_use]
    pub const fn largest_read(&self) -> [usize; 3] {
        self.parts.margin.extents
    }

    pub(crate) fn regime(&self, block: Shape) -> Regime {
        let Parts { on_ledger, ledger_holds, margin, .. } = &self.parts;
        if *ledger_holds {
            return Regime::Declared;
        }
        let enough = margin.readings >= self.coverage().readings_needed();
        if *on_ledger || (enough && margin.covers(block)) {
            return Regime::Calibrated;
        }
        Regime::Extrapolated
    }
}

impl MemoryModel for Fitted<'_> {
    fn predict(&self, block: Shape, core: Shape) -> Prediction {
        let parts = &self.parts;
        let declared = self.ledger.map(|ledger| ledger.predict(block, core));
        let offset = declared.filter(|_| parts.on_ledger).map_or(0.0, |d| d.peak.as_f64());
        let mut bytes = offset + parts.form.eval(block, core);
        if !parts.corners.is_empty() {
            bytes = bracket(parts.corners.iter(), block, core, bytes);
        }
        let ledger_upper = declared.map_or(ByteSize::ZERO, |declared| declared.upper);
        let peak = ByteSize::new(bytes.ceil() as u64);
        let upper = if parts.ledger_holds {
            ledger_upper.max(peak)
        } else {
            peak.scale(1.0 + parts.margin.at(block, bytes)).max(ledger_upper)
        };
        Prediction { peak, upper: upper + parts.slack, regime: self.regime(block) }
    }
}

use chunkfit_core::{MemoryModel, Shape};
use serde::{Deserialize, Serialize};

use crate::{Fitted, Peak};

/// A task above its bound counts one, each one within takes a quarter of that back, and this much is
/// drift: two in a row, or three of any seven.
const ALARM: f64 = 2.0;
const WITHIN: f64 = 0.25;

/// A peak this far below what is expected is memory worth a new profile. The shortfalls beyond it are
/// summed, in units of it and at most two each, until they pass three: no single reading is drift.
const FAR_BELOW: f64 = 0.2;
const MOST_OF_ONE: f64 = 2.0;
const ALARM_BELOW: f64 = 3.0;

/// To which side tasks have left a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Drift {
    /// They need more than the bound: tasks may be killed.
    Above,
    /// They need more than a fifth less than expected, again and again: memory lies idle.
    Below,
}

/// Holds the tasks of a run against a model that stays as it is, and tells when they have left it.
///
/// [`Online`](crate::Online) follows a change instead, and tells when it cannot.
///
/// ```
/// use chunkfit_core::{ByteSize, Shape};
/// use chunkfit_predict::{Drift, Ladder, Observation, Peak, Watch};
///
/// let block = |n| Shape::new([5, 7, n]);
/// let seen = |n| Ok::<_, chunkfit_core::ShapeError>(Observation::live_heap(block(n)?, ByteSize::new(980 * n as u64)));
/// let mut watch = Watch::new(Ladder::new().fit(&[seen(11)?, seen(13)?, seen(20)?])?);
/// for n in [17, 23, 30] {
///     watch.see(block(n)?, block(n)?, Peak::Measured(ByteSize::new(1200 * n as u64)));
/// }
/// assert_eq!(watch.drift(), Some(Drift::Above));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Watch<'a> {
    model: Fitted<'a>,
    above: f64,
    below: f64,
    has_left_above: bool,
    has_left_below: bool,
}

impl<'a> Watch<'a> {
    /// Nothing was seen yet.
    #[must_use]
    pub const fn new(model: Fitted<'a>) -> Self {
        Self { model, above: 0.0, below: 0.0, has_left_above: false, has_left_below: false }
    }

    /// Takes one task in, and tells whether it was above its bound. A kill below the bound says nothing.
    pub fn see(&mut self, block: Shape, core: Shape, peak: Peak) -> bool {
        let said = self.model.predict(block, core);
        let is_above = peak.bytes() > said.upper;
        if !is_above && matches!(peak, Peak::AtLeast(_)) {
            return false;
        }
        self.above = if is_above { self.above + 1.0 } else { (self.above - WITHIN).max(0.0) };
        let short = 1.0 - peak.bytes().as_f64() / said.peak.as_f64().max(1.0);
        self.below = (self.below + (short / FAR_BELOW - 1.0).min(MOST_OF_ONE)).max(0.0);
        self.has_left_above |= self.above >= ALARM;
        self.has_left_below |= self.below > ALARM_BELOW;
        is_above
    }

    /// Where the tasks have gone, if they have left the model. Above counts more.
    #[must_use]
    pub const fn drift(&self) -> Option<Drift> {
        match (self.has_left_above, self.has_left_below) {
            (true, _) => Some(Drift::Above),
            (false, true) => Some(Drift::Below),
            (false, false) => None,
        }
    }
}

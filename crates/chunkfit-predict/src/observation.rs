use std::fmt;

use chunkfit_core::{ByteSize, Shape};
use serde::{Deserialize, Serialize};

/// The type of one element of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Dtype {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

impl Dtype {
    /// Every type.
    pub const ALL: [Self; 10] = [
        Self::I8,
        Self::U8,
        Self::I16,
        Self::U16,
        Self::I32,
        Self::U32,
        Self::I64,
        Self::U64,
        Self::F32,
        Self::F64,
    ];

    /// Bytes of one element.
    #[must_use]
    pub const fn element_bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// `f32` and so on.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::I8 => "i8",
            Self::U8 => "u8",
            Self::I16 => "i16",
            Self::U16 => "u16",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::I64 => "i64",
            Self::U64 => "u64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a peak counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Live bytes of the heap, from a counting allocator: exact, and the same in every run.
    LiveHeap,
    /// The resident high-water mark of one process.
    HighWater,
    /// The peak that a control group was charged.
    Cgroup,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::LiveHeap, Self::HighWater, Self::Cgroup];

    /// `live-heap`, `high-water` or `cgroup`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LiveHeap => "live-heap",
            Self::HighWater => "high-water",
            Self::Cgroup => "cgroup",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A reading, or what is known in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peak {
    /// The task succeeded and needed this much.
    Measured(ByteSize),
    /// The task was killed at this much: it needs more. Never used as a value.
    AtLeast(ByteSize),
}

impl Peak {
    /// The bytes, whichever they are.
    #[must_use]
    pub const fn bytes(self) -> ByteSize {
        match self {
            Self::Measured(bytes) | Self::AtLeast(bytes) => bytes,
        }
    }

    /// The larger of two readings of one task; a measurement beats a lower bound below it.
    fn max(self, other: Self) -> Self {
        match (self, other) {
            (Self::Measured(a), Self::AtLeast(b)) | (Self::AtLeast(b), Self::Measured(a)) => {
                if b > a { Self::AtLeast(b) } else { Self::Measured(a) }
            }
            (Self::Measured(a), Self::Measured(b)) => Self::Measured(a.max(b)),
            (Self::AtLeast(a), Self::AtLeast(b)) => Self::AtLeast(a.max(b)),
        }
    }
}

/// Why a reading may be too low: pages that left memory before they were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Disturbance {
    /// The kernel reclaimed pages of the task.
    pub reclaim: bool,
    /// Pages went to swap.
    pub swap: bool,
}

impl Disturbance {
    /// Whether the reading is a true peak.
    #[must_use]
    pub const fn is_none(self) -> bool {
        !self.reclaim && !self.swap
    }
}

/// Where a reading was taken: what must be the same for two readings to be comparable.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The type of an element.
    pub dtype: Dtype,
    /// What the peak counts.
    pub scope: Scope,
    /// Name of the machine.
    pub machine: String,
    /// Name and version of the allocator.
    pub allocator: String,
}

/// One task that ran, and the memory that it took.
///
/// ```
/// use chunkfit_core::{ByteSize, Shape};
/// use chunkfit_predict::{Observation, Peak};
///
/// let seen = Observation::live_heap(Shape::new([5, 7, 11])?, ByteSize::new(3080));
/// assert_eq!(seen.peak, Peak::Measured(ByteSize::new(3080)));
/// # Ok::<(), chunkfit_core::ShapeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Observation {
    /// Elements read: the core and its halo.
    pub block: Shape,
    /// Elements produced.
    pub core: Shape,
    /// The highest memory, base included.
    pub peak: Peak,
    /// The same process without a task, if that was measured.
    pub base: Option<ByteSize>,
    /// Where the reading was taken.
    pub origin: Origin,
    /// What may have made it too low.
    pub disturbance: Disturbance,
}

impl Observation {
    /// `peak` live bytes of the heap for an `f32` task whose core is its whole `block`, on an unnamed
    /// machine; the base of a heap is nothing.
    #[must_use]
    pub fn live_heap(block: Shape, peak: ByteSize) -> Self {
        let origin = Origin {
            dtype: Dtype::F32,
            scope: Scope::LiveHeap,
            machine: String::new(),
            allocator: String::new(),
        };
        let peak = Peak::Measured(peak);
        let base = Some(ByteSize::ZERO);
        Self { block, core: block, peak, base, origin, disturbance: Disturbance::default() }
    }

    fn is_repeat_of(&self, other: &Self) -> bool {
        (self.block, self.core, &self.origin) == (other.block, other.core, &other.origin)
    }
}

/// Repeats of the same task on the same machine become one observation with the highest peak and base:
/// a peak can be missed, but not invented. Keeps the order of first appearance.
///
/// Disturbed readings are left out when an undisturbed repeat exists.
#[must_use]
pub fn aggregate(observations: &[Observation]) -> Vec<Observation> {
    let mut out: Vec<Observation> = Vec::with_capacity(observations.len());
    for seen in observations {
        let Some(kept) = out.iter_mut().find(|kept| kept.is_repeat_of(seen)) else {
            out.push(seen.clone());
            continue;
        };
        match (kept.disturbance.is_none(), seen.disturbance.is_none()) {
            (false, true) => *kept = seen.clone(),
            (true, false) => {}
            _ => {
                kept.peak = kept.peak.max(seen.peak);
                kept.base = kept.base.max(seen.base);
            }
        }
    }
    out
}

/// `new` readings beside those that are `kept`, [`aggregate`]d, in the order in which each task was last
/// read: what a model that learns for ever keeps of them. Beyond `most`, the ones are left out that were
/// not read for longest.
#[must_use]
pub fn remember(kept: &[Observation], new: &[Observation], most: usize) -> Vec<Observation> {
    let all: Vec<Observation> = kept.iter().chain(new).cloned().collect();
    let mut all = aggregate(&all);
    all.sort_by_key(|seen| {
        new.iter().position(|new| new.is_repeat_of(seen)).map_or(0, |at| at + 1)
    });
    all.split_off(all.len().saturating_sub(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(extents: [usize; 3], peak: u64) -> Observation {
        Observation::live_heap(Shape::new(extents).unwrap(), ByteSize::new(peak))
    }

    #[test]
    fn repeats_become_their_maximum() {
        let rows = [seen([5, 7, 11], 10), seen([5, 7, 13], 50), seen([5, 7, 11], 12)];
        let out = aggregate(&rows);
        assert_eq!(out, [seen([5, 7, 11], 12), seen([5, 7, 13], 50)]);
    }

    #[test]
    fn an_undisturbed_repeat_replaces_a_disturbed_one() {
        let mut low = seen([5, 7, 11], 99);
        low.disturbance.swap = true;
        let good = seen([5, 7, 11], 12);
        for pair in [[low.clone(), good.clone()], [good.clone(), low.clone()]] {
            assert_eq!(aggregate(&pair), std::slice::from_ref(&good));
        }
        assert_eq!(aggregate(std::slice::from_ref(&low)), [low]);
    }

    #[test]
    fn a_kill_above_every_reading_stays_a_lower_bound() {
        let mut killed = seen([5, 7, 11], 0);
        killed.peak = Peak::AtLeast(ByteSize::new(20));
        let low = aggregate(&[seen([5, 7, 11], 12), killed.clone()]);
        assert_eq!(low[0].peak, Peak::AtLeast(ByteSize::new(20)));
        let high = aggregate(&[killed, seen([5, 7, 11], 25)]);
        assert_eq!(high[0].peak, Peak::Measured(ByteSize::new(25)));
    }

    #[test]
    fn what_was_not_read_for_longest_is_forgotten() {
        let block = |n: usize| seen([5, 7, n], 10 * n as u64);
        let kept = [block(11), block(13), block(17)];
        let again = seen([5, 7, 11], 500);
        let new = [block(19), again.clone(), block(23)];
        let most = |n| remember(&kept, &new, n);
        assert_eq!(most(4), [block(17), block(19), again.clone(), block(23)]);
        assert_eq!(most(9), [block(13), block(17), block(19), again.clone(), block(23)]);
        // What was read before and is higher stays.
        let high = remember(std::slice::from_ref(&again), &kept, 9);
        assert_eq!(high, [again, block(13), block(17)]);
    }

    #[test]
    fn other_machines_are_not_repeats() {
        let mut there = seen([5, 7, 11], 12);
        there.origin.machine = "there".to_owned();
        assert_eq!(aggregate(&[seen([5, 7, 11], 12), there]).len(), 2);
    }
}

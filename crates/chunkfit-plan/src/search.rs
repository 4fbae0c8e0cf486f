use chunkfit_core::{ByteSize, MemoryModel, Prediction, Regime, Shape};

use crate::cut::{Cut, Extents, Sums, Tables};
use crate::schedule::makespan;
use crate::{CostModel, Share};

/// Plans whose makespans differ by less than this are equally fast.
pub(crate) const TIE: f64 = 1.01;

/// One way to cut the volume, scheduled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    /// Which cut along each axis.
    pub(crate) index: [usize; 3],
    pub(crate) upper: ByteSize,
    pub(crate) tasks: usize,
    pub(crate) makespan_s: f64,
}

/// The outcome of a search.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Solution {
    pub(crate) share: Share,
    /// The smallest makespan that any cut reaches with any number of workers.
    pub(crate) fastest_s: f64,
    pub(crate) chosen: Candidate,
    /// The next best cut for the same workers, if one is as fast.
    pub(crate) runner_up: Option<Candidate>,
}

/// Exact search over all combinations of cuts.
///
/// A combination is feasible when the bound of its largest task stays within what is usable. All
/// feasible ones get a lower bound of their makespan, `max(Σt/W, t_max)`; the schedule is simulated in
/// the order of these bounds until none can be better.
pub(crate) struct Search<'a> {
    pub(crate) tables: &'a Tables,
    pub(crate) cost: &'a CostModel,
    pub(crate) model: &'a dyn MemoryModel,
}

/// A combination and a lower bound of its makespan.
#[derive(Debug, Clone, Copy)]
struct Bounded {
    at_least_s: f64,
    index: [u32; 3],
}

impl Search<'_> {
    /// Of all cuts and shares within 1 % of the smallest makespan: the fewest workers, then the lowest
    /// peak, then the fewest chunks. `None` when not even the smallest chunks fit.
    pub(crate) fn best(&self, shares: &[Share]) -> Option<Solution> {
        let work_s = self.least_work_s();
        let mut fastest_s = f64::INFINITY;
        let mut found: Vec<(Share, f64, Vec<Bounded>)> = Vec::new();
        for share in shares.iter().rev() {
            if work_s / share.workers as f64 > TIE * fastest_s {
                break;
            }
            if let Some((best_s, near)) = self.fastest(share, TIE * fastest_s) {
                fastest_s = fastest_s.min(best_s);
                found.push((*share, best_s, near));
            }
        }
        let (share, _, near) =
            found.into_iter().rev().find(|&(_, best_s, _)| best_s <= TIE * fastest_s)?;
        let (chosen, runner_up) = self.choose(&share, fastest_s, near)?;
        Some(Solution { share, fastest_s, chosen, runner_up })
    }

    /// A lower bound of the work of any cut, in seconds.
    fn least_work_s(&self) -> f64 {
        let whole = self.tables.volume().voxels() as f64;
        self.cost.seconds(1.0, whole, 0.0, 0.0)
    }

    /// The smallest makespan with `share`, and all cuts that may be within 1 % of it; `None` when it
    /// would exceed `ceiling_s`, or nothing fits.
    fn fastest(&self, share: &Share, ceiling_s: f64) -> Option<(f64, Vec<Bounded>)> {
        // A good cut by Graham's bound, so that most others need no second look.
        let workers = share.workers as f64;
        let mut guess: Option<(f64, [usize; 3])> = None;
        let mut least_s = ceiling_s;
        self.visit(share, ceiling_s, |index, cuts, at_least_s| {
            let longest_s = self.tables.longest_at_least_s(cuts, self.cost);
            let graham_s = at_least_s + (1.0 - 1.0 / workers) * longest_s;
            if guess.is_none_or(|(least_s, _)| graham_s < least_s) {
                guess = Some((graham_s, index));
                least_s = least_s.min(graham_s);
            }
            least_s
        });
        let (_, index) = guess?;
        let mut best_s = self.makespan_s(index, share);
        let keep_s = (TIE * best_s).min(ceiling_s);
        let mut near = Vec::new();
        self.visit(share, keep_s, |index, _, at_least_s| {
            near.push(Bounded { at_least_s, index: index.map(|i| i as u32) });
            keep_s
        });
        near.sort_unstable_by(|a, b| {
            a.at_least_s.total_cmp(&b.at_least_s).then(a.index.cmp(&b.index))
        });
        for bounded in &near {
            if bounded.at_least_s >= best_s {
                break;
            }
            best_s = best_s.min(self.makespan_s(bounded.index.map(|i| i as usize), share));
        }
        near.retain(|bounded| bounded.at_least_s <= TIE * best_s);
        (best_s <= ceiling_s).then_some((best_s, near))
    }

    /// The first two of `near`, by peak and number of chunks, that really are within 1 % of `fastest_s`.
    fn choose(
        &self,
        share: &Share,
        fastest_s: f64,
        near: Vec<Bounded>,
    ) -> Option<(Candidate, Option<Candidate>)> {
        let mut ranked: Vec<Candidate> = near
            .into_iter()
            .map(|bounded| {
                let index = bounded.index.map(|i| i as usize);
                let cuts = self.tables.at(index);
                let upper = largest_task(cuts, self.model).upper;
                let tasks = cuts.iter().map(|cut| cut.sums.n as usize).product();
                Candidate { index, upper, tasks, makespan_s: bounded.at_least_s }
            })
            .filter(|candidate| candidate.upper <= share.usable)
            .collect();
        ranked.sort_unstable_by(|a, b| {
            (a.upper, a.tasks)
                .cmp(&(b.upper, b.tasks))
                .then(a.makespan_s.total_cmp(&b.makespan_s))
                .then(a.index.cmp(&b.index))
        });
        let mut good = ranked.into_iter().filter_map(|candidate| {
            let makespan_s = self.makespan_s(candidate.index, share);
            (makespan_s <= TIE * fastest_s).then_some(Candidate { makespan_s, ..candidate })
        });
        Some((good.next()?, good.next()))
    }

    fn makespan_s(&self, index: [usize; 3], share: &Share) -> f64 {
        makespan(&self.tables.times(self.tables.at(index), self.cost), share.workers)
    }

    /// Calls `look` for every feasible combination whose makespan may be at most `ceiling_s`, with a
    /// lower bound of it; `look` returns the new ceiling.
    ///
    /// A model never decreases when an extent grows, so no cut along the last axis fits before the first
    /// one whose floor fits, and that one only moves forward while the floors along the axis before
    /// shrink.
    fn visit(
        &self,
        share: &Share,
        mut ceiling_s: f64,
        mut look: impl FnMut([usize; 3], [&Cut; 3], f64) -> f64,
    ) {
        let workers = share.workers as f64;
        let fits = |upper: ByteSize| upper <= share.usable;
        let [is, xs, ss] = &self.tables.cuts;
        let [_, x_tails, s_tails] = &self.tables.tails;
        let at_least_s =
            |sums: [&Sums; 3]| self.tables.work_without_runs_s(sums, self.cost) / workers;
        for (i, cut_i) in is.iter().enumerate() {
            let mut first = ss.len();
            for (x, cut_x) in xs.iter().enumerate() {
                if at_least_s([&cut_i.sums, &x_tails[x], &s_tails[0]]) > ceiling_s {
                    break;
                }
                let floor = |s: usize| {
                    let floors = [cut_i.floor, cut_x.floor, ss[s].floor];
                    predict(floors, self.model).map_or(ByteSize::MAX, |p| p.upper)
                };
                while first > 0 && fits(floor(first - 1)) {
                    first -= 1;
                }
                for (s, cut_s) in ss.iter().enumerate().skip(first) {
                    if at_least_s([&cut_i.sums, &cut_x.sums, &s_tails[s]]) > ceiling_s {
                        break;
                    }
                    let cuts = [cut_i, cut_x, cut_s];
                    let spread_s = self.tables.total_s(cuts, self.cost) / workers;
                    let at_least_s = spread_s.max(self.tables.longest_at_least_s(cuts, self.cost));
                    if at_least_s <= ceiling_s && fits(largest_task(cuts, self.model).upper) {
                        ceiling_s = look([i, x, s], cuts, at_least_s);
                    }
                }
            }
        }
    }
}

/// What the task with the largest bound needs.
pub(crate) fn largest_task(cuts: [&Cut; 3], model: &dyn MemoryModel) -> Prediction {
    let mut largest =
        Prediction { peak: ByteSize::ZERO, upper: ByteSize::ZERO, regime: Regime::Declared };
    for &i in &cuts[0].largest {
        for &x in &cuts[1].largest {
            for &s in &cuts[2].largest {
                match predict([i, x, s], model) {
                    Some(prediction) if prediction.upper >= largest.upper => largest = prediction,
                    _ => {}
                }
            }
        }
    }
    largest
}

/// What a task needs, from its extents along each axis; no block is larger than a volume, so there is
/// always an answer.
fn predict(task: [Extents; 3], model: &dyn MemoryModel) -> Option<Prediction> {
    let block = Shape::new(task.map(|extents| extents.block)).ok()?;
    let core = Shape::new(task.map(|extents| extents.core)).ok()?;
    Some(model.predict(block, core))
}

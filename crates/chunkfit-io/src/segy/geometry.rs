//! Which trace lies where: from line numbers in file order to runs of grid cells.

use std::ops::Range;

use chunkfit_core::TraceOrder;
use serde::{Deserialize, Serialize};

use super::error::GridProblem;
use super::lines::{Lines, Unique};

/// A grid with more than this many places per trace is no survey.
const SPARSEST: u128 = 10;

/// Consecutive cells of the grid whose traces lie at constant distance in the file.
///
/// A cell is counted with the axis that runs fastest in the file fastest, so a file that fills its
/// grid is one run, however large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u64, u64, i64)", into = "(u64, u64, u64, i64)")]
pub(crate) struct Run {
    /// First cell.
    pub(crate) cell: u64,
    /// Cells.
    pub(crate) len: u64,
    /// Trace of the first cell.
    pub(crate) trace: u64,
    /// Distance of the traces of neighbouring cells.
    pub(crate) step: i64,
}

impl From<(u64, u64, u64, i64)> for Run {
    fn from((cell, len, trace, step): (u64, u64, u64, i64)) -> Self {
        Self { cell, len, trace, step }
    }
}

impl From<Run> for (u64, u64, u64, i64) {
    fn from(Run { cell, len, trace, step }: Run) -> Self {
        (cell, len, trace, step)
    }
}

impl Run {
    const fn end(&self) -> u64 {
        self.cell + self.len
    }

    /// The trace of the cell that is `by` after the first.
    const fn trace_at(&self, by: u64) -> u64 {
        self.trace.wrapping_add_signed((by as i64).wrapping_mul(self.step))
    }
}

/// Cells of one line, from a line's point of view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Position along the line.
    pub(crate) at: usize,
    /// Cells.
    pub(crate) len: usize,
    /// The first trace and the distance of the traces, or `None` where there are none.
    pub(crate) traces: Option<(u64, i64)>,
}

/// Where every trace of a post-stack file lies.
///
/// Holds 32 bytes per run: one run for a file that fills its grid, about one per inline for a survey
/// with ragged edges, and one per trace for a file in no order at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Geometry {
    pub(crate) inline: Lines,
    pub(crate) crossline: Lines,
    pub(crate) order: TraceOrder,
    /// Whether cells are counted with inlines fastest.
    pub(crate) transposed: bool,
    /// Ascending, without overlap.
    runs: Vec<Run>,
}

impl Geometry {
    /// Inlines and crosslines.
    pub(crate) fn extents(&self) -> [usize; 2] {
        [self.inline.len(), self.crossline.len()]
    }

    pub(crate) fn traces(&self) -> u64 {
        self.runs.iter().map(|run| run.len).sum()
    }

    /// Cells along the axis that runs fastest in the file.
    fn fast(&self) -> u64 {
        let [inlines, crosslines] = self.extents();
        (if self.transposed { inlines } else { crosslines }) as u64
    }

    /// The cells `range` of line `line`, an inline or, transposed, a crossline; without a gap.
    pub(crate) fn stretches(&self, line: usize, range: Range<usize>) -> Stretches<'_> {
        let base = line as u64 * self.fast();
        let (cell, end) = (base + range.start as u64, base + range.end as u64);
        let next = self.runs.partition_point(|run| run.end() <= cell);
        Stretches { runs: &self.runs[next..], base, cell, end }
    }

    /// Whether everything lies where it can: for a geometry that comes from elsewhere.
    pub(crate) fn is_sound(&self, traces: u64) -> bool {
        let cells = self.inline.len() as u64 * self.crossline.len() as u64;
        let mut free_from = 0;
        let mut sound = |run: &Run| {
            let Some(last) = run.len.checked_sub(1) else { return false };
            let Some(end) = run.cell.checked_add(run.len) else { return false };
            let last_trace = i64::try_from(last)
                .ok()
                .and_then(|last| last.checked_mul(run.step))
                .and_then(|by| run.trace.checked_add_signed(by));
            let fits = run.cell >= free_from
                && end <= cells
                && run.trace < traces
                && last_trace.is_some_and(|trace| trace < traces);
            free_from = end;
            fits
        };
        self.inline.is_sound()
            && self.crossline.is_sound()
            && !self.runs.is_empty()
            && self.runs.iter().all(&mut sound)
    }
}

/// See [`Geometry::stretches`].
#[derive(Debug)]
pub(crate) struct Stretches<'a> {
    runs: &'a [Run],
    base: u64,
    cell: u64,
    end: u64,
}

impl Iterator for Stretches<'_> {
    type Item = Stretch;

    fn next(&mut self) -> Option<Stretch> {
        if self.cell >= self.end {
            return None;
        }
        let at = (self.cell - self.base) as usize;
        let (until, traces) = match self.runs.split_first() {
            Some((run, rest)) if run.cell <= self.cell => {
                if run.end() <= self.end {
                    self.runs = rest;
                }
                (run.end(), Some((run.trace_at(self.cell - run.cell), run.step)))
            }
            Some((run, _)) => (run.cell, None),
            None => (self.end, None),
        };
        let until = until.min(self.end);
        let len = (until - self.cell) as usize;
        self.cell = until;
        Some(Stretch { at, len, traces })
    }
}

/// Traces in file order whose line numbers change by constant steps.
#[derive(Debug, Clone, Copy)]
struct LineRun {
    trace: u64,
    inline: i32,
    crossline: i32,
    trace_step: u32,
    inline_step: i32,
    crossline_step: i32,
    len: u32,
}

impl LineRun {
    /// Trace, inline and crossline number `by` traces after the first.
    const fn at(&self, by: u32) -> (u64, i32, i32) {
        (
            self.trace + by as u64 * self.trace_step as u64,
            self.inline.wrapping_add(self.inline_step.wrapping_mul(by as i32)),
            self.crossline.wrapping_add(self.crossline_step.wrapping_mul(by as i32)),
        )
    }

    fn iter(&self) -> impl Iterator<Item = (u64, i32, i32)> + '_ {
        (0..self.len).map(|by| self.at(by))
    }
}

/// Builds a [`Geometry`] from traces in file order. Holds 32 bytes per stretch of traces whose line
/// numbers change by constant steps: about one per inline.
#[derive(Debug, Default)]
pub(crate) struct GeometryBuilder {
    runs: Vec<LineRun>,
    traces: u64,
}

impl GeometryBuilder {
    pub(crate) fn push(&mut self, trace: u64, inline: i32, crossline: i32) {
        self.traces += 1;
        if let Some(run) = self.runs.last_mut() {
            let last = run.at(run.len - 1);
            let steps = (
                u32::try_from(trace - last.0),
                inline.wrapping_sub(last.1),
                crossline.wrapping_sub(last.2),
            );
            if run.len == 1
                && let Ok(trace_step) = steps.0
            {
                (run.trace_step, run.inline_step, run.crossline_step) =
                    (trace_step, steps.1, steps.2);
                run.len = 2;
                return;
            }
            let same = steps == (Ok(run.trace_step), run.inline_step, run.crossline_step);
            if same && run.len < u32::MAX {
                run.len += 1;
                return;
            }
        }
        self.runs.push(LineRun {
            trace,
            inline,
            crossline,
            trace_step: 0,
            inline_step: 0,
            crossline_step: 0,
            len: 1,
        });
    }

    pub(crate) const fn traces(&self) -> u64 {
        self.traces
    }

    /// Places the traces on a grid.
    pub(crate) fn finish(self) -> Result<Geometry, GridProblem> {
        let (inline, crossline) = self.lines();
        let ranges = [inline.min(), inline.max(), crossline.min(), crossline.max()];
        let unique = [inline.len(), crossline.len()];
        let cells = unique[0] as u128 * unique[1] as u128;
        let duplicate = |inline, crossline, first, second| {
            Err(GridProblem::Duplicate { inline, crossline, first, second, ranges })
        };
        if let Some(run) = self
            .runs
            .iter()
            .find(|run| run.len > 1 && (run.inline_step, run.crossline_step) == (0, 0))
        {
            return duplicate(run.inline, run.crossline, run.at(0).0, run.at(1).0);
        }
        if cells > SPARSEST * u128::from(self.traces) {
            return Err(GridProblem::Sparse { ranges, unique, cells, traces: self.traces });
        }
        let transposed = self.runs_along_inlines();
        let mut runs = self.cells(&inline, &crossline, transposed);
        runs.sort_unstable_by_key(|run| (run.cell, run.trace));
        if let Some([a, b]) = runs.array_windows().find(|[a, b]| b.cell < a.end()) {
            let fast = if transposed { unique[0] } else { unique[1] } as u64;
            let (slow, fast) = ((b.cell / fast) as usize, (b.cell % fast) as usize);
            let (i, x) = if transposed { (fast, slow) } else { (slow, fast) };
            let traces = [a.trace_at(b.cell - a.cell), b.trace];
            let [first, second] = [traces[0].min(traces[1]), traces[0].max(traces[1])];
            return duplicate(inline.values()[i], crossline.values()[x], first, second);
        }
        runs.shrink_to_fit();
        let order = match transposed {
            _ if runs.len() > 1 && runs.len() as u64 * 2 > self.traces => TraceOrder::Scattered,
            true => TraceOrder::Crossline,
            false => TraceOrder::Inline,
        };
        Ok(Geometry { inline, crossline, order, transposed, runs })
    }

    fn lines(&self) -> (Lines, Lines) {
        let (mut inlines, mut crosslines) = (Unique::default(), Unique::default());
        for (_, inline, crossline) in self.runs.iter().flat_map(LineRun::iter) {
            inlines.add(inline);
            crosslines.add(crossline);
        }
        (inlines.finish(), crosslines.finish())
    }

    /// Whether following traces mostly differ in the inline number only.
    fn runs_along_inlines(&self) -> bool {
        let steps = |along: fn(&LineRun) -> bool| -> u64 {
            self.runs.iter().filter(|run| along(run)).map(|run| u64::from(run.len - 1)).sum()
        };
        steps(|run| run.crossline_step == 0) > steps(|run| run.inline_step == 0)
    }

    /// Runs of cells, in file order.
    fn cells(&self, inline: &Lines, crossline: &Lines, transposed: bool) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        // The last run runs towards smaller cells.
        let mut descending = false;
        for (trace, i, x) in self.runs.iter().flat_map(LineRun::iter) {
            let (i, x) = (inline.index(i), crossline.index(x));
            let cell = if transposed {
                x * inline.len() as u64 + i
            } else {
                i * crossline.len() as u64 + x
            };
            if let Some(run) = runs.last_mut() {
                // `trace` lies after all others, so distances are positive.
                let last = if descending { run.trace } else { run.trace_at(run.len - 1) };
                let step = (trace - last) as i64;
                let follows = !descending && cell == run.end();
                let precedes = cell + 1 == run.cell;
                if run.len == 1 && (follows || precedes) {
                    descending = precedes;
                    run.step = if precedes { -step } else { step };
                }
                if follows && run.step == step {
                    run.len += 1;
                    continue;
                }
                if precedes && (descending && run.step == -step) {
                    (run.cell, run.trace, run.len) = (cell, trace, run.len + 1);
                    continue;
                }
            }
            descending = false;
            runs.push(Run { cell, len: 1, trace, step: 1 });
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(lines: impl IntoIterator<Item = (i32, i32)>) -> Result<Geometry, GridProblem> {
        let mut builder = GeometryBuilder::default();
        for (trace, (inline, crossline)) in lines.into_iter().enumerate() {
            builder.push(trace as u64, inline, crossline);
        }
        builder.finish()
    }

    fn grid(inlines: i32, crosslines: i32) -> impl Iterator<Item = (i32, i32)> {
        (0..inlines).flat_map(move |i| (0..crosslines).map(move |x| (10 + 3 * i, 200 + 2 * x)))
    }

    /// The trace of every cell, inline by inline.
    fn traces(geometry: &Geometry) -> Vec<Option<u64>> {
        let [inlines, crosslines] = geometry.extents();
        let mut traces = vec![None; inlines * crosslines];
        let (lines, fast) = match geometry.transposed {
            true => (crosslines, inlines),
            false => (inlines, crosslines),
        };
        for line in 0..lines {
            for Stretch { at, len, traces: run } in geometry.stretches(line, 0..fast) {
                for by in 0..len {
                    let (i, x) = match geometry.transposed {
                        true => (at + by, line),
                        false => (line, at + by),
                    };
                    traces[i * crosslines + x] =
                        run.map(|(trace, step)| trace.wrapping_add_signed(by as i64 * step));
                }
            }
        }
        traces
    }

    /// What a map from line numbers to traces says.
    fn expected(lines: &[(i32, i32)], geometry: &Geometry) -> Vec<Option<u64>> {
        let (il, xl) = (geometry.inline.values(), geometry.crossline.values());
        let place = |&i| xl.iter().map(move |&x| lines.iter().position(|&l| l == (i, x)));
        il.iter().flat_map(place).map(|trace| trace.map(|t| t as u64)).collect()
    }

    fn check(lines: Vec<(i32, i32)>, order: TraceOrder, most_runs: usize) {
        let geometry = build(lines.clone()).unwrap();
        assert_eq!(geometry.order, order);
        assert!(geometry.runs.len() <= most_runs, "{} runs", geometry.runs.len());
        assert_eq!(traces(&geometry), expected(&lines, &geometry));
        assert_eq!(geometry.traces(), lines.len() as u64);
        assert!(geometry.is_sound(lines.len() as u64));
    }

    #[test]
    fn a_full_grid_is_one_run_in_either_order() {
        check(grid(5, 7).collect(), TraceOrder::Inline, 1);
        check(grid(7, 5).map(|(a, b)| (b, a)).collect(), TraceOrder::Crossline, 1);
        check(grid(1, 7).collect(), TraceOrder::Inline, 1);
        check(grid(7, 1).collect(), TraceOrder::Crossline, 1);
        check(vec![(3, 4)], TraceOrder::Inline, 1);
    }

    #[test]
    fn descending_lines_make_one_run_each() {
        let all: Vec<_> = grid(5, 7).collect();
        check(all.iter().copied().rev().collect(), TraceOrder::Inline, 1);
        check(all.iter().map(|&(i, x)| (-i, x)).collect(), TraceOrder::Inline, 5);
        check(all.iter().map(|&(i, x)| (i, -x)).collect(), TraceOrder::Inline, 5);
    }

    #[test]
    fn ragged_surveys_make_about_one_run_per_inline() {
        let ragged = grid(9, 40).filter(|&(i, x)| x - 200 >= i / 2 && x < 270 - i / 3);
        check(ragged.collect(), TraceOrder::Inline, 9);
        check(grid(5, 7).filter(|&line| line != (16, 206)).collect(), TraceOrder::Inline, 2);
        check(grid(5, 7).take(34).collect(), TraceOrder::Inline, 1);
    }

    #[test]
    fn scattered_traces_are_found() {
        let mut lines: Vec<_> = grid(5, 7).collect();
        let mut dice = chunkfit_core::testing::Dice::new(3);
        for last in (1..lines.len()).rev() {
            lines.swap(last, dice.between(0, last));
        }
        check(lines, TraceOrder::Scattered, 35);
    }

    #[test]
    fn what_is_no_grid_is_refused() {
        let mut twice: Vec<_> = grid(5, 7).collect();
        twice.push((13, 204));
        assert_eq!(
            build(twice),
            Err(GridProblem::Duplicate {
                inline: 13,
                crossline: 204,
                first: 9,
                second: 35,
                ranges: [10, 22, 200, 212]
            })
        );
        assert!(matches!(build([(0, 0); 9]), Err(GridProblem::Duplicate { first: 0, .. })));
        let diagonal = (0..40).map(|n| (n, n));
        assert!(matches!(build(diagonal), Err(GridProblem::Sparse { cells: 1600, .. })));
        let extremes = [(i32::MIN, i32::MAX), (i32::MAX, i32::MIN)];
        assert_eq!(build(extremes).unwrap().extents(), [2, 2]);
    }

    #[test]
    fn a_damaged_geometry_is_noticed() {
        let whole = build(grid(5, 7)).unwrap();
        assert!(!whole.is_sound(34), "a trace lies beyond the file");
        for run in [
            Run { cell: 30, len: 6, trace: 0, step: 1 },
            Run { cell: 0, len: 0, trace: 0, step: 1 },
            Run { cell: 0, len: 3, trace: 1, step: -1 },
            Run { cell: u64::MAX, len: 2, trace: 1, step: 1 },
            Run { cell: 0, len: 3, trace: 1, step: i64::MAX },
        ] {
            assert!(!Geometry { runs: vec![run], ..whole.clone() }.is_sound(35), "{run:?}");
        }
    }
}

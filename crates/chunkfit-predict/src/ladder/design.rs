use chunkfit_core::{Axis, Halo, MemoryModel, Reach, Shape};

use crate::linalg::Matrix;
use crate::{Dtype, FitError, Observation, Peak, Scope, Term};

/// One reading to fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    /// Block and core; `None` is the process at rest.
    pub(crate) task: Option<(Shape, Shape)>,
    /// Voxels of the block.
    pub(crate) volume: usize,
    pub(crate) peak: f64,
    /// Bytes that the declared ledger counts.
    pub(crate) declared: f64,
}

/// The readings, smallest volume first, and every candidate term of each divided by its peak: relative
/// errors are what counts.
#[derive(Debug)]
pub(crate) struct Design {
    pub(crate) points: Vec<Point>,
    pub(crate) terms: Vec<Term>,
    pub(crate) x: Matrix,
    /// What tasks that were killed need at least, as `peak`.
    pub(crate) censored: Vec<Point>,
    /// By how much the levels at rest of the processes differ.
    pub(crate) rest_spread: f64,
    pub(crate) dtype: Dtype,
    pub(crate) scope: Scope,
}

impl Design {
    pub(crate) fn new(
        observations: &[Observation],
        ledger: Option<&(dyn MemoryModel + Sync)>,
        halo: Option<&Halo>,
    ) -> Result<Self, FitError> {
        let (dtype, scope) = origin(observations)?;
        let mut points = Vec::with_capacity(observations.len() + 1);
        let mut censored = Vec::new();
        for seen in observations {
            let (block, core) = (seen.block, seen.core);
            let point = Point {
                task: Some((block, core)),
                volume: block.voxels(),
                peak: seen.peak.bytes().as_f64(),
                declared: ledger.map_or(0.0, |l| l.predict(block, core).peak.as_f64()),
            };
            match seen.peak {
                Peak::AtLeast(_) => censored.push(point),
                // Pages that had left before they were counted make a reading too low.
                Peak::Measured(bytes) if bytes.as_u64() > 0 && seen.disturbance.is_none() => {
                    points.push(point);
                }
                Peak::Measured(_) => {}
            }
        }
        // Every task touches pages that a process at rest has not: beside a ledger, the constant is what
        // tasks say, and the level at rest counts only where there is no task.
        let counts = ledger.is_none() || points.is_empty();
        let bases = observations.iter().filter_map(|seen| seen.base);
        let highest = bases.clone().max().unwrap_or_default();
        let rest_spread = (highest - bases.min().unwrap_or_default()).as_f64();
        if let Some(base) = Some(highest).filter(|base| counts && base.as_u64() > 0) {
            points.push(Point { task: None, volume: 0, peak: base.as_f64(), declared: 0.0 });
        }
        points.sort_by_key(|point| point.volume);
        let terms = candidates(&points, halo);
        let mut x = Matrix::zeros(points.len(), terms.len());
        for (i, point) in points.iter().enumerate() {
            for (j, term) in terms.iter().enumerate() {
                let value = match point.task {
                    Some((block, core)) => term.eval(block, core),
                    None => f64::from(u8::from(*term == Term::One)),
                };
                x.set(i, j, value / point.peak);
            }
        }
        let mut design = Self { points, terms, x, censored, rest_spread, dtype, scope };
        design.drop_repeated_columns();
        Ok(design)
    }

    /// Terms that are the same in every reading cannot be told apart: the first stays.
    fn drop_repeated_columns(&mut self) {
        let repeated = |j: usize| (0..j).any(|k| self.x.rows().all(|row| row[j] == row[k]));
        let keep: Vec<usize> = (0..self.terms.len()).filter(|&j| !repeated(j)).collect();
        let rows = self.x.rows().flat_map(|row| keep.iter().map(|&j| row[j])).collect();
        self.x = Matrix { width: keep.len(), data: rows };
        self.terms = keep.iter().map(|&j| self.terms[j]).collect();
    }

    pub(crate) fn column(&self, term: Term) -> Option<usize> {
        self.terms.iter().position(|&t| t == term)
    }

    /// Where each group of equal volumes starts.
    pub(crate) fn groups(&self) -> Vec<usize> {
        let differs = |i: &usize| *i == 0 || self.points[*i].volume != self.points[i - 1].volume;
        (0..self.points.len()).filter(differs).collect()
    }
}

fn candidates(points: &[Point], halo: Option<&Halo>) -> Vec<Term> {
    let mut terms = Term::free();
    if points.iter().filter_map(|point| point.task).all(|(block, core)| block == core) {
        terms.retain(|term| *term != Term::Core);
    }
    if let Some(halo) = halo {
        let border = Axis::ALL.map(|axis| match halo.reach(axis) {
            Reach::Width { before, after } => before.saturating_add(after),
            Reach::Whole => 0,
        });
        if border != [0; 3] {
            terms.extend([Term::Interior(border), Term::Haloed(border)]);
        }
    }
    terms
}

fn origin(observations: &[Observation]) -> Result<(Dtype, Scope), FitError> {
    let Some(first) = observations.first() else { return Ok((Dtype::F32, Scope::LiveHeap)) };
    let mixed = |what, a: &dyn ToString, b: &dyn ToString| {
        Err(FitError::Mixed { what, first: a.to_string(), second: b.to_string() })
    };
    for other in observations {
        let (a, b) = (&first.origin, &other.origin);
        if a.dtype != b.dtype {
            return mixed("dtype", &a.dtype, &b.dtype);
        }
        if a.scope != b.scope {
            return mixed("scope", &a.scope, &b.scope);
        }
        if a.machine != b.machine {
            return mixed("machine", &a.machine, &b.machine);
        }
        if a.allocator != b.allocator {
            return mixed("allocator", &a.allocator, &b.allocator);
        }
    }
    Ok((first.origin.dtype, first.origin.scope))
}

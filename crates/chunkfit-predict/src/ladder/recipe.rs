use super::design::Design;
use super::envelope::from_above;
use super::form::{Form, Step, Sum};
use crate::Term;
use crate::normal::Normal;

/// The largest block that glibc's allocator keeps in its heap: its mmap threshold never exceeds this.
const LARGEST_KEPT_BYTES: usize = 32 << 20;

/// How a form is taken from readings. Columns are those of the design.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Recipe {
    /// What is missing in the declared ledger, as a constant.
    Base,
    /// Non-negative least squares on these columns.
    Columns(Vec<usize>),
    /// The larger of two phases, each non-negative least squares on the rows in which it is larger.
    Phases(Vec<usize>, Vec<usize>),
    /// These columns, and what the allocator keeps of small buffers.
    Step(Vec<usize>),
    /// These columns from above.
    Envelope(Vec<usize>),
}

impl Recipe {
    /// Whether the declared ledger is part of the prediction.
    pub(crate) fn is_on_ledger(&self) -> bool {
        matches!(self, Self::Base)
    }

    /// Fits the given rows; `None` when they do not determine the form.
    pub(crate) fn fit(&self, design: &Design, rows: &[usize]) -> Option<Form> {
        match self {
            Self::Base => {
                let mut normal = Normal::new(1);
                for &i in rows {
                    let point = design.points[i];
                    let rest = 1.0 - point.declared / point.peak;
                    normal.add(&[1.0 / point.peak], rest, 1.0);
                }
                Some(Form::Sum(Sum::new([(Term::One, normal.solve()[0])])))
            }
            Self::Columns(columns) => {
                (rows.len() >= columns.len()).then(|| Form::Sum(least(design, columns, rows)))
            }
            Self::Phases(a, b) => phases(design, a, b, rows),
            Self::Step(columns) => step(design, columns, rows),
            Self::Envelope(columns) => {
                let x: Vec<Vec<f64>> = rows
                    .iter()
                    .map(|&i| columns.iter().map(|&j| design.x.at(i, j)).collect())
                    .collect();
                let bytes = from_above(&x, &vec![1.0; rows.len()])?;
                Some(Form::Sum(named(design, columns, &bytes)))
            }
        }
    }
}

fn named(design: &Design, columns: &[usize], bytes: &[f64]) -> Sum {
    Sum::new(columns.iter().zip(bytes).map(|(&j, &bytes)| (design.terms[j], bytes)))
}

fn least(design: &Design, columns: &[usize], rows: &[usize]) -> Sum {
    named(design, columns, &normal(design, columns, rows).solve())
}

/// The sums over relative rows, whose target is 1.
pub(crate) fn normal(design: &Design, columns: &[usize], rows: &[usize]) -> Normal {
    let mut normal = Normal::new(columns.len());
    let mut row = vec![0.0; columns.len()];
    for &i in rows {
        row.iter_mut().zip(columns).for_each(|(x, &j)| *x = design.x.at(i, j));
        normal.add(&row, 1.0, 1.0);
    }
    normal
}

fn phases(design: &Design, a: &[usize], b: &[usize], rows: &[usize]) -> Option<Form> {
    let (mut first, mut second): (Vec<usize>, Vec<usize>) = {
        let share = |&i: &usize| {
            let task = design.points[i].task;
            task.map_or(0.0, |(block, core)| core.voxels() as f64 / block.voxels() as f64)
        };
        let mut sorted = rows.to_vec();
        // By share of the core where it varies, else by volume, which is the order of the rows.
        sorted.sort_by(|i, j| share(i).total_cmp(&share(j)));
        let late = sorted.split_off(sorted.len() / 2);
        (sorted, late)
    };
    for _ in 0..6 {
        if first.len() < a.len() || second.len() < b.len() {
            return None;
        }
        let (one, two) = (least(design, a, &first), least(design, b, &second));
        let larger = |i: &usize| match design.points[*i].task {
            Some((block, core)) => one.eval(block, core) >= two.eval(block, core),
            None => true,
        };
        let (next, rest): (Vec<usize>, Vec<usize>) = rows.iter().partition(|i| larger(i));
        if next == first {
            return Some(Form::Larger(one, two));
        }
        (first, second) = (next, rest);
    }
    None
}

fn step(design: &Design, columns: &[usize], rows: &[usize]) -> Option<Form> {
    let limit = LARGEST_KEPT_BYTES / design.dtype.element_bytes();
    let kept = |i: usize| {
        let point = design.points[i];
        if point.volume <= limit { point.volume as f64 / point.peak } else { 0.0 }
    };
    let small = rows.iter().filter(|&&i| kept(i) > 0.0).count();
    if small < 2 || rows.len() - small < 2 || rows.len() <= columns.len() {
        return None;
    }
    let mut normal = Normal::new(columns.len() + 1);
    for &i in rows {
        let mut row: Vec<f64> = columns.iter().map(|&j| design.x.at(i, j)).collect();
        row.push(kept(i));
        normal.add(&row, 1.0, 1.0);
    }
    let mut bytes = normal.solve();
    let kept = bytes.pop().filter(|kept| *kept > 0.0)?;
    Step::new(named(design, columns, &bytes), kept, limit).map(Form::Step)
}

use std::fmt;

use chunkfit_core::{Axis, ByteSize, Halo, Reach, Shape};
use serde::{Deserialize, Serialize};

use crate::cut::Tables;
use crate::search::{Candidate, Search, Solution, TIE};
use crate::{Budget, CostModel, Memory, OutputChunk, PlanError, Problem, Reserve, Share};

/// Why a search chose these chunks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rationale {
    /// The constraint whose absence would help most.
    pub binding: Binding,
    /// Makespan in seconds without that constraint, where that can be said.
    pub without_it_s: Option<f64>,
    /// The smallest makespan of any legal chunks; that of the plan is within 1 % of it.
    pub fastest_s: f64,
    /// The next best chunks for the same workers, if they are as fast.
    pub runner_up: Option<Alternative>,
    /// The best plan with half the memory, if there is one.
    pub half_memory: Option<Alternative>,
    /// The best plan with twice the memory.
    pub double_memory: Option<Alternative>,
}

/// A constraint on chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Binding {
    /// The memory of a worker: larger chunks would be faster.
    WorkerMemory,
    /// An axis that must stay whole: more ways to cut would be faster.
    AxisRule,
    /// The chunks of the store: other cuts would be faster.
    StorageAlignment,
    /// The time that each task costs whatever its size: smaller chunks would be faster.
    TaskOverhead,
    /// The chunks are as small as the rules allow.
    MinimumChunk,
    /// The number of workers: they are all busy with work that no other chunks would save.
    Workers,
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::WorkerMemory => "the memory of a worker",
            Self::AxisRule => "an axis that must stay whole",
            Self::StorageAlignment => "the chunks of the store",
            Self::TaskOverhead => "the overhead of a task",
            Self::MinimumChunk => "the smallest chunk that the rules allow",
            Self::Workers => "the number of workers",
        })
    }
}

/// Chunks that were not chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// The extents of a core.
    pub chunk: Shape,
    /// The number of tasks.
    pub tasks: usize,
    /// The number of workers.
    pub workers: usize,
    /// Bound of the largest task.
    pub upper: ByteSize,
    /// Seconds by the cost model.
    pub makespan_s: f64,
}

impl Alternative {
    fn new(tables: &Tables, share: &Share, candidate: &Candidate) -> Self {
        let Candidate { index, upper, tasks, makespan_s } = *candidate;
        Self { chunk: tables.core(index), tasks, workers: share.workers, upper, makespan_s }
    }

    fn of(tables: &Tables, solution: &Solution) -> Self {
        Self::new(tables, &solution.share, &solution.chosen)
    }
}

/// Asks what would change if one constraint were another.
pub(crate) fn why(
    problem: &Problem<'_>,
    tables: &Tables,
    solution: &Solution,
) -> Result<Rationale, PlanError> {
    let other = |tables: &Tables, cost: &CostModel, budget: &Budget| {
        let search = Search { tables, cost, model: problem.model };
        Ok(search.best(&budget.shares()?))
    };
    let with_memory = |factor| {
        let found = other(tables, &problem.cost, &problem.budget.with_memory_times(factor))?;
        Ok(found.map(|found| Alternative::of(tables, &found)))
    };
    let unlimited = Budget {
        memory: Memory::PerWorker(ByteSize::MAX),
        reserve: Reserve::NONE,
        ..problem.budget
    };
    let mut without = vec![(Binding::WorkerMemory, other(tables, &problem.cost, &unlimited)?)];
    if problem.cost.per_task_s > 0.0 {
        let free = CostModel { per_task_s: 0.0, ..problem.cost };
        without.push((Binding::TaskOverhead, other(tables, &free, &problem.budget)?));
    }
    if let Some(relaxed) = without_axis_rule(problem) {
        let tables = Tables::of(&relaxed);
        without.push((Binding::AxisRule, other(&tables, &problem.cost, &problem.budget)?));
    }
    if let OutputChunk::Exactly(chunk) = problem.storage {
        let tables = Tables::of(&Problem { storage: OutputChunk::AtMost(chunk), ..*problem });
        without.push((Binding::StorageAlignment, other(&tables, &problem.cost, &problem.budget)?));
    }
    let helps_most = without
        .into_iter()
        .filter_map(|(binding, found)| Some((binding, found?.fastest_s)))
        .filter(|(_, without_s)| without_s * TIE < solution.fastest_s)
        .min_by(|a, b| a.1.total_cmp(&b.1));
    let (binding, without_it_s) = match helps_most {
        Some((binding, without_s)) => (binding, Some(without_s)),
        None if tables.is_smallest(solution.chosen.index) => (Binding::MinimumChunk, None),
        None => (Binding::Workers, None),
    };
    let alternative = |candidate| Alternative::new(tables, &solution.share, candidate);
    Ok(Rationale {
        binding,
        without_it_s,
        fastest_s: solution.fastest_s,
        runner_up: solution.runner_up.as_ref().map(alternative),
        half_memory: with_memory(0.5)?,
        double_memory: with_memory(2.0)?,
    })
}

/// The problem with every axis free to be cut, if one is not.
fn without_axis_rule<'a>(problem: &Problem<'a>) -> Option<Problem<'a>> {
    let bound =
        |axis: &Axis| problem.volume[*axis] > 1 && problem.halo.reach(*axis) == Reach::Whole;
    let free = Reach::Width { before: 0, after: 0 };
    let axes: Vec<Axis> = Axis::ALL.into_iter().filter(bound).collect();
    let halo = axes.iter().fold(problem.halo, |halo: Halo, &axis| halo.with(axis, free));
    (!axes.is_empty()).then_some(Problem { halo, ..*problem })
}

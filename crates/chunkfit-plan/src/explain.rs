use std::fmt;

use chunkfit_core::ByteSize;

use crate::{Alternative, Plan, Rationale};

/// A plan in words, for people; see [`Plan::explain`].
#[derive(Debug, Clone, Copy)]
pub struct Explanation<'a> {
    plan: &'a Plan,
}

impl<'a> Explanation<'a> {
    pub(crate) const fn new(plan: &'a Plan) -> Self {
        Self { plan }
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.plan;
        let [i, x, s] = plan.grid.counts();
        writeln!(
            f,
            "{} chunks ({i}×{x}×{s}) of {} voxels for a volume of {}, strategy {}",
            plan.tasks,
            plan.grid.chunk(),
            plan.grid.volume(),
            plan.strategy
        )?;
        writeln!(f, "storage chunk  {}", plan.output_chunk)?;
        memory(f, plan)?;
        writeln!(
            f,
            "cost           blocks have {:.3} × the voxels, reads {:.3} × the bytes of the volume",
            plan.halo_factor, plan.read_factor
        )?;
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        write!(
            f,
            "schedule       {} worker{}, {} wave{}, {:.0} % busy, {} by the cost model",
            plan.workers,
            plural(plan.workers),
            plan.waves,
            plural(plan.waves),
            100.0 * plan.efficiency,
            Seconds(plan.makespan_s)
        )?;
        reasons(f, plan)
    }
}

fn memory(f: &mut fmt::Formatter<'_>, plan: &Plan) -> fmt::Result {
    let largest = plan.largest_task;
    writeln!(
        f,
        "largest task   expected {}, at most {} ({})",
        largest.peak, largest.upper, largest.regime
    )?;
    let (usable, limit) = (plan.usable_bytes, plan.limit_bytes);
    if plan.fits() {
        let free = usable - largest.upper;
        let percent = 100.0 * free.as_f64() / usable.as_f64().max(1.0);
        writeln!(
            f,
            "memory         {usable} usable of a limit of {limit} per worker; {free} stay free \
             ({percent:.0} %)"
        )
    } else {
        writeln!(
            f,
            "memory         does not fit: needs {}, usable {usable} of a limit of {limit} per worker; \
             a run splits what does not fit",
            largest.upper
        )
    }
}

fn reasons(f: &mut fmt::Formatter<'_>, plan: &Plan) -> fmt::Result {
    let Some(why) = &plan.rationale else {
        return write!(
            f,
            "\nbound by       the rule of {}, which does not look at the memory of a task",
            plan.strategy
        );
    };
    let Rationale { binding, without_it_s, runner_up, half_memory, double_memory, .. } = why;
    write!(f, "\nbound by       {binding}")?;
    match without_it_s {
        Some(without_s) => write!(f, "; without it {}", Change(*without_s, plan.makespan_s))?,
        None => write!(f, "; nothing else that was tried would make it faster by 1 %")?,
    }
    if let Some(other) = runner_up {
        write!(f, "\nrunner-up      {}", Other(other, plan.makespan_s))?;
    }
    let (usable, upper) = (plan.usable_bytes, plan.largest_task.upper);
    match double_memory {
        Some(double) => write!(f, "\nmemory × 2     {}", Other(double, plan.makespan_s))?,
        None => write!(f, "\nmemory × 2     changes nothing")?,
    }
    match half_memory {
        Some(half) => write!(f, "\nmemory ÷ 2     {}", Other(half, plan.makespan_s)),
        None => {
            write!(f, "\nmemory ÷ 2     is too little for any chunk ({upper} of {usable} used now)")
        }
    }
}

/// An alternative, beside a plan that takes so many seconds.
struct Other<'a>(&'a Alternative, f64);

impl fmt::Display for Other<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Alternative { chunk, tasks, workers, upper, makespan_s } = *self.0;
        let upper: ByteSize = upper;
        write!(
            f,
            "{tasks} chunks of {chunk} on {workers}, at most {upper} each, {}",
            Change(makespan_s, self.1)
        )
    }
}

/// Seconds, and how they compare with others.
struct Change(f64, f64);

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(new_s, old_s) = *self;
        write!(f, "{}", Seconds(new_s))?;
        let percent = if old_s > 0.0 { 100.0 * (new_s / old_s - 1.0) } else { 0.0 };
        if percent.abs() < 0.05 {
            write!(f, " (the same)")
        } else {
            write!(f, " ({percent:+.1} %)")
        }
    }
}

/// Three digits of a time.
struct Seconds(f64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            s if s < 1.0 => write!(f, "{:.1} ms", s * 1e3),
            s if s < 100.0 => write!(f, "{s:.2} s"),
            s if s < 7200.0 => write!(f, "{s:.0} s"),
            s => write!(f, "{:.1} h", s / 3600.0),
        }
    }
}

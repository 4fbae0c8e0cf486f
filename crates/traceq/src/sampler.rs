//! A timeline of another process, on absolute deadlines.

use std::ops::ControlFlow;
use std::time::Duration;

use serde::Serialize;

use crate::clock::{Anchor, monotonic_ns, nanos, sleep_until};
use crate::probe::Backend;
use crate::{ExitWatch, ProbeError, Target};

/// Samples a process until it ends.
///
/// Run it in a process of its own: a sampler inside the measured one takes part in what it measures,
/// and stands still when the other does. Deadlines are absolute, so the cost of a sample does not
/// lengthen the period; one that was missed altogether is skipped and counted.
///
/// A sampled level is a lower bound of the peak. Sample [`Backend::Hwm`] beside it for the peak.
///
/// ```
/// use std::ops::ControlFlow;
/// use std::time::Duration;
/// use traceq::{Target, probe::Backend, sampler::Sampler};
///
/// let mut child = std::process::Command::new("sleep").arg("0.05").spawn()?;
/// let target = Target::Pid(child.id());
/// let mut sampler = Sampler::open(target, &[Backend::Statm], Duration::from_millis(2))?;
/// let mut highest = 0;
/// let timing = sampler.run(|sample| {
///     highest = highest.max(sample.levels[0].unwrap_or(0));
///     ControlFlow::Continue(())
/// });
/// child.wait()?;
/// assert!(highest > 0 && timing.samples > 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sampler {
    columns: Vec<&'static str>,
    gauges: Vec<Gauge>,
    every: Duration,
    /// Absent for the own process, and where the kernel cannot.
    exit: Option<ExitWatch>,
}

/// Fills neighbouring columns.
struct Gauge {
    n_columns: usize,
    read: Box<Fill>,
}

/// Writes the levels of its columns.
type Fill = dyn FnMut(&mut [Option<u64>]) -> Result<(), ProbeError>;

/// One sample.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// Nanoseconds since 1970: one wall-clock reading, then the monotonic clock.
    pub unix_ns: u64,
    /// Bytes by column, in the order of [`Sampler::columns`]; `None` where the reading failed.
    pub levels: &'a [Option<u64>],
}

/// How well a timeline kept its time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timing {
    /// Samples taken.
    pub samples: u64,
    /// Deadlines that passed while the sampler did not run.
    pub missed: u64,
    /// The period that was asked for, in seconds.
    pub nominal_period_s: f64,
    /// Mean time between two samples, in seconds; `None` below two samples.
    pub real_period_s: Option<f64>,
    /// How late a sample was, in seconds: median.
    pub late_p50_s: f64,
    /// 99 of 100 samples were less late than this, in seconds.
    pub late_p99_s: f64,
    /// The latest sample, in seconds.
    pub late_max_s: f64,
    /// Mean time of one sample, without what the caller does with it, in seconds. It includes the times
    /// when the system had the sampler wait.
    pub cost_s: f64,
    /// Median time of one sample, in seconds.
    pub cost_p50_s: f64,
}

impl std::fmt::Debug for Sampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sampler")
            .field("columns", &self.columns)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}

impl Sampler {
    /// Opens one probe per backend.
    ///
    /// # Errors
    /// [`ProbeError`] of the first backend that `target` does not have.
    pub fn open(target: Target, backends: &[Backend], every: Duration) -> Result<Self, ProbeError> {
        let exit = match target {
            Target::Pid(pid) if pid != std::process::id() => ExitWatch::open(pid).ok(),
            _ => None,
        };
        let every = every.max(Duration::from_micros(10));
        let mut sampler = Self { columns: Vec::new(), gauges: Vec::new(), every, exit };
        for backend in backends {
            let mut probe = backend.open(target)?;
            sampler.add(&[backend.column()], move |levels| {
                levels[0] = Some(probe.read()?.bytes);
                Ok(())
            });
        }
        Ok(sampler)
    }

    /// Adds columns that one call of `read` fills, in their order.
    ///
    /// A column that it leaves as it is, or any when it fails, is `None` in that sample.
    /// [`ProbeError::Gone`] ends the timeline.
    pub fn add(
        &mut self,
        columns: &[&'static str],
        read: impl FnMut(&mut [Option<u64>]) -> Result<(), ProbeError> + 'static,
    ) {
        self.columns.extend(columns);
        self.gauges.push(Gauge { n_columns: columns.len(), read: Box::new(read) });
    }

    /// The names of the columns, as in a [`Profile`](crate::profile::Profile).
    pub fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    /// Samples until the process ends or `each` breaks. The end is noticed at once, not when the next
    /// sample is due, except before Linux 5.3.
    pub fn run(&mut self, mut each: impl FnMut(Sample<'_>) -> ControlFlow<()>) -> Timing {
        let anchor = Anchor::now();
        let every = nanos(self.every);
        let begun = monotonic_ns();
        let (mut late, mut costs) = (Times::default(), Times::default());
        let mut levels = vec![None; self.columns.len()];
        let (mut samples, mut missed, mut busy) = (0_u64, 0_u64, 0_u64);
        let (mut first, mut last, mut steps) = (0, 0, 0);
        let mut deadline = begun;
        loop {
            if self.ends_before(deadline) {
                break;
            }
            let now = monotonic_ns();
            if !self.sample(&mut levels) {
                break;
            }
            let cost = monotonic_ns() - now;
            busy += cost;
            costs.add(cost);
            late.add(now - deadline);
            (first, last) = (if samples == 0 { now } else { first }, now);
            // A skipped deadline is no longer period, so steps of the grid are counted.
            steps = (deadline - begun) / every;
            samples += 1;
            if each(Sample { unix_ns: anchor.stamp(now), levels: &levels }).is_break() {
                break;
            }
            let next = deadline + every;
            let behind = monotonic_ns().saturating_sub(next) / every;
            missed += behind;
            deadline = next + behind * every;
        }
        let seconds = |ns: u64| ns as f64 / 1e9;
        Timing {
            samples,
            missed,
            nominal_period_s: seconds(every),
            real_period_s: (samples > 1).then(|| seconds(last - first) / steps as f64),
            late_p50_s: seconds(late.quantile(0.5)),
            late_p99_s: seconds(late.quantile(0.99)),
            late_max_s: seconds(late.highest),
            cost_s: seconds(busy) / samples.max(1) as f64,
            cost_p50_s: seconds(costs.quantile(0.5)),
        }
    }

    /// Waits until the deadline; true where the process has ended meanwhile.
    fn ends_before(&self, deadline: u64) -> bool {
        let Some(exit) = &self.exit else {
            sleep_until(deadline);
            return false;
        };
        loop {
            let left = deadline.saturating_sub(monotonic_ns());
            match exit.wait(Some(Duration::from_nanos(left))) {
                Ok(false) if left > 0 => {}
                Ok(ended) => return ended,
                // Then the next sample tells.
                Err(_) => {
                    sleep_until(deadline);
                    return false;
                }
            }
        }
    }

    /// False where the process has ended.
    fn sample(&mut self, levels: &mut [Option<u64>]) -> bool {
        levels.fill(None);
        let mut rest = levels;
        for gauge in &mut self.gauges {
            let (own, others) = rest.split_at_mut(gauge.n_columns);
            match (gauge.read)(own) {
                Ok(()) => {}
                Err(ProbeError::Gone { .. }) => return false,
                Err(_) => own.fill(None),
            }
            rest = others;
        }
        true
    }
}

/// Durations: eight buckets per power of two, so a quantile is right to 9 %.
#[derive(Debug)]
struct Times {
    buckets: [u64; 8 * 64],
    n: u64,
    highest: u64,
}

impl Default for Times {
    fn default() -> Self {
        Self { buckets: [0; 8 * 64], n: 0, highest: 0 }
    }
}

impl Times {
    fn add(&mut self, ns: u64) {
        let bucket = (8.0 * (ns.max(1) as f64).log2()) as usize;
        self.buckets[bucket.min(self.buckets.len() - 1)] += 1;
        self.n += 1;
        self.highest = self.highest.max(ns);
    }

    /// The upper edge of the bucket that holds the quantile.
    fn quantile(&self, q: f64) -> u64 {
        let mut left = (q * self.n as f64).ceil() as u64;
        for (bucket, n) in self.buckets.iter().enumerate() {
            if *n >= left {
                return (((bucket + 1) as f64 / 8.0).exp2() as u64).min(self.highest);
            }
            left -= n;
        }
        self.highest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_upper_edges() {
        let mut late = Times::default();
        (1..=1000).for_each(|us| late.add(us * 1000));
        let (p50, p99) = (late.quantile(0.5) as f64, late.quantile(0.99) as f64);
        assert!((500e3..550e3).contains(&p50), "{p50}");
        assert!((990e3..=1000e3).contains(&p99), "{p99}");
        assert_eq!(Times::default().quantile(0.99), 0);
    }

    #[test]
    fn slow_callers_miss_deadlines_but_keep_the_grid() {
        let every = Duration::from_millis(2);
        let mut sampler = Sampler::open(Target::Own, &[Backend::Statm], every).unwrap();
        let mut stamps = Vec::new();
        let timing = sampler.run(|sample| {
            stamps.push(sample.unix_ns);
            if stamps.len() == 3 {
                std::thread::sleep(Duration::from_millis(9));
            }
            if stamps.len() == 6 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(timing.samples, 6);
        assert!(timing.missed >= 3, "{timing:?}");
        assert!(stamps.is_sorted());
    }

    #[test]
    fn added_columns_are_filled_or_absent() {
        let mut sampler = Sampler::open(Target::Own, &[], Duration::from_micros(10)).unwrap();
        let mut n = 0;
        sampler.add(&["a", "b"], move |levels| {
            n += 1;
            levels[1] = Some(n);
            if n == 2 {
                let why = "this time";
                return Err(ProbeError::Unavailable { counter: crate::Source::Statm, why });
            }
            if n == 4 { Err(ProbeError::Gone { pid: 1 }) } else { Ok(()) }
        });
        let mut rows = Vec::new();
        let timing = sampler.run(|sample| {
            rows.push(sample.levels.to_vec());
            ControlFlow::Continue(())
        });
        assert_eq!((sampler.columns(), timing.samples), (&["a", "b"][..], 3));
        assert_eq!(rows, [vec![None, Some(1)], vec![None, None], vec![None, Some(3)]]);
    }

    #[test]
    fn the_end_is_noticed_within_a_period() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let target = Target::Pid(child.id());
        let day = Duration::from_secs(24 * 3600);
        let mut sampler = Sampler::open(target, &[Backend::Statm], day).unwrap();
        assert!(sampler.run(|_| ControlFlow::Continue(())).samples <= 1);
        child.wait().unwrap();
    }

    #[test]
    fn a_process_that_ends_ends_the_timeline() {
        let mut child = std::process::Command::new("sleep").arg("0.03").spawn().unwrap();
        let every = Duration::from_millis(1);
        let target = Target::Pid(child.id());
        let mut sampler = Sampler::open(target, &[Backend::Statm, Backend::Hwm], every).unwrap();
        let mut rows = 0;
        let timing = sampler.run(|sample| {
            rows += 1;
            assert!(sample.levels.iter().all(Option::is_some));
            ControlFlow::Continue(())
        });
        child.wait().unwrap();
        assert!(rows > 1 && rows == timing.samples);
    }
}

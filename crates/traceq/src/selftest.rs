//! Every backend's error on this machine, against memory whose size is known.

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use serde::Serialize;

use crate::pages::{Pages, huge_pages};
use crate::probe::{Backend, Cgroup};
use crate::procfs::page_bytes;
use crate::sampler::Sampler;
use crate::{
    MemoryProbe, ProbeError, Region, Target, Unit, enabled, heap, ledger, measure, process_peak,
};

const MIB: usize = 1 << 20;

/// How much a self-test does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelftestOptions {
    /// The largest region, in bytes. 1 GiB unless set.
    pub largest_bytes: usize,
    /// Spikes of 1 MiB that are to be found. 1000 unless set.
    pub n_spikes: u32,
    /// Repetitions of each other check. 10 unless set.
    pub n_runs: u32,
}

impl Default for SelftestOptions {
    fn default() -> Self {
        Self { largest_bytes: 1024 * MIB, n_spikes: 1000, n_runs: 10 }
    }
}

/// The errors of all backends on this machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Selftest {
    /// The kernel's release.
    pub kernel: String,
    /// Bytes of a page.
    pub page_bytes: u64,
    /// Transparent huge pages, as the kernel shows the setting; the self-test's own pages are not.
    pub huge_pages: Option<String>,
    /// Bound of one batched counter.
    pub counter_bound_bytes: u64,
    /// Bound of process-wide heap numbers.
    pub heap_bound_bytes: u64,
    /// One entry per question.
    pub checks: Vec<Check>,
}

/// One question and its answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// The backend.
    pub backend: &'static str,
    /// What was tried.
    pub what: String,
    /// What came out.
    pub outcome: Outcome,
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The number of largest error among several runs, and its bound.
    Error {
        /// Measured less true, of the run that was furthest off, in `unit`.
        worst: f64,
        /// Measured less true, of the median run, in `unit`.
        median: f64,
        /// The largest `worst` that passes; `None` where the number is not this program's alone.
        bound: Option<f64>,
        /// `B`, `µs`, `%` or `spikes`.
        unit: &'static str,
    },
    /// It could not be tried.
    Absent {
        /// Why.
        why: String,
    },
}

impl Check {
    /// Whether it is within its bound. Absent and unbounded numbers pass: they promise nothing.
    pub fn passed(&self) -> bool {
        match self.outcome {
            Outcome::Error { worst, bound: Some(bound), .. } => worst.abs() <= bound,
            _ => true,
        }
    }
}

impl Selftest {
    /// Whether every check is within its bound.
    pub fn passed(&self) -> bool {
        self.checks.iter().all(Check::passed)
    }
}

/// Tries every backend on memory of known size, in this process, and says how far each is off.
///
/// Nothing else should run in the process meanwhile. It takes some seconds and, for a moment,
/// `largest_bytes` of memory.
pub fn selftest(options: SelftestOptions) -> Selftest {
    let bound = ledger::bound();
    let mut checks = Vec::new();
    // Once before it counts, so that code and stacks are resident.
    let _ = measure(|| Pages::map(MIB).map(|pages| pages.touch_all()));
    for backend in [Backend::Statm, Backend::Status, Backend::Smaps, Backend::Sysinfo] {
        checks.push(level(backend, options, Some(bound)));
    }
    checks.push(cgroup(options));
    checks.push(rusage(options, bound));
    checks.extend(regions(options, bound));
    checks.push(spikes(options, bound));
    checks.push(heap_bytes(options));
    checks.extend(sampling(options));
    Selftest {
        kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        page_bytes: page_bytes(),
        huge_pages: huge_pages(),
        counter_bound_bytes: bound,
        heap_bound_bytes: heap::bound_bytes(),
        checks,
    }
}

/// Sorts errors by size and keeps the largest and the middle one.
fn errors(mut errors: Vec<f64>, bound: Option<f64>, unit: &'static str) -> Outcome {
    errors.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    match (errors.last(), errors.get(errors.len() / 2)) {
        (Some(&worst), Some(&median)) => Outcome::Error { worst, median, bound, unit },
        _ => Outcome::Absent { why: "no run was made".to_owned() },
    }
}

fn difference(measured: u64, truth: u64) -> f64 {
    measured as f64 - truth as f64
}

fn outcome(runs: Result<Vec<f64>, ProbeError>, bound: Option<u64>, unit: &'static str) -> Outcome {
    match runs {
        Ok(runs) => errors(runs, bound.map(|bound| bound as f64), unit),
        Err(error) => Outcome::Absent { why: error.to_string() },
    }
}

/// How much a level rises when so many pages are touched.
fn rise(probe: &mut dyn MemoryProbe, bytes: usize) -> Result<f64, ProbeError> {
    let _ = probe.read()?;
    let Some(pages) = Pages::map(bytes) else { return Err(no_memory()) };
    let before = probe.read()?.bytes;
    pages.touch_all();
    let after = probe.read()?.bytes;
    Ok(after as f64 - before as f64 - bytes as f64)
}

fn no_memory() -> ProbeError {
    ProbeError::System {
        call: "mmap",
        source: std::io::Error::from(std::io::ErrorKind::OutOfMemory),
    }
}

fn level(backend: Backend, options: SelftestOptions, bound: Option<u64>) -> Check {
    let bytes = options.largest_bytes.min(64 * MIB);
    let runs = backend.open(Target::Own).and_then(|mut probe| {
        (0..options.n_runs).map(|_| rise(probe.as_mut(), bytes)).collect::<Result<Vec<_>, _>>()
    });
    Check {
        backend: backend.name(),
        what: format!("rise of the level by {}", Unit::Auto.show(bytes as u64)),
        outcome: outcome(runs, bound, "B"),
    }
}

/// Not bounded: other processes of the group come and go.
fn cgroup(options: SelftestOptions) -> Check {
    let bytes = options.largest_bytes.min(64 * MIB);
    let runs = Cgroup::current(Target::Own).and_then(|mut probe| {
        (0..options.n_runs).map(|_| rise(&mut probe, bytes)).collect::<Result<Vec<_>, _>>()
    });
    Check {
        backend: Backend::Cgroup.name(),
        what: format!("rise of the level by {}", Unit::Auto.show(bytes as u64)),
        outcome: outcome(runs, None, "B"),
    }
}

/// The mark can be compared only where it rises: beyond whatever was before this program.
fn rusage(options: SelftestOptions, bound: u64) -> Check {
    let run = || -> Result<Vec<f64>, ProbeError> {
        let mut mark = Backend::Rusage.open(Target::Own)?;
        let mut level = Backend::Status.open(Target::Own)?;
        let missing = mark.read()?.bytes.saturating_sub(level.read()?.bytes) as usize;
        if missing + 16 * MIB > options.largest_bytes {
            return Err(ProbeError::Unavailable {
                counter: crate::Source::Rusage,
                why: "its floor, from before this program or an earlier peak, is too high to exceed",
            });
        }
        let Some(pages) = Pages::map(missing + 16 * MIB) else { return Err(no_memory()) };
        pages.touch_all();
        let truth = level.read()?.bytes;
        Ok(vec![difference(mark.read()?.bytes, truth)])
    };
    Check {
        backend: Backend::Rusage.name(),
        what: "mark against the level at the peak".to_owned(),
        // The sum of three batched counters against their exact sum.
        outcome: outcome(run(), Some(3 * bound), "B"),
    }
}

/// Growth of a region that takes and gives back so many bytes, `rounds` times, against the truth.
fn region(bytes: usize, rounds: u32) -> Result<f64, ProbeError> {
    let Some(pages) = Pages::map(bytes) else { return Err(no_memory()) };
    let ((), report) = measure(|| {
        for _ in 0..rounds {
            pages.touch_all();
            pages.give_up(0, bytes);
        }
    });
    match report.rss {
        Some(rss) => Ok(difference(rss.bytes(), bytes as u64)),
        // The reason is the same as that of the ledger, which is asked again.
        None => Err(process_peak().err().unwrap_or(ProbeError::Unavailable {
            counter: crate::Source::Hwm,
            why: if enabled() {
                "/proc/self/clear_refs is not writable"
            } else {
                "regions are off"
            },
        })),
    }
}

/// What is taken once is exact to the page, where a fault brings in no more than one. What is taken
/// again and again hides behind the batches of the mark: nothing in the kernel tells how much of the
/// last batch there was.
fn regions(options: SelftestOptions, bound: u64) -> Vec<Check> {
    let exact = if ledger::faults_count_pages() { page_bytes() } else { bound };
    let whole = (0..).map(|i| (256 * 1024) << (2 * i));
    let odd = [300 * 1024, 1000 * 1024, 10_000 * 1024];
    let fits = |bytes: &usize| *bytes <= options.largest_bytes;
    let check = |bytes: usize, rounds: u32, most: u64, kind: &str| Check {
        backend: Backend::Hwm.name(),
        what: format!("region that frees {}{kind}", Unit::Auto.show(bytes as u64)),
        outcome: {
            let runs = (0..options.n_runs).map(|_| region(bytes, rounds)).collect();
            outcome(runs, Some(most), "B")
        },
    };
    let once = whole.take_while(fits).chain(odd.into_iter().filter(fits));
    let once = once.map(|bytes| check(bytes, 1, exact, ""));
    let often = odd.into_iter().filter(fits).map(|bytes| check(bytes, 4, bound, ", four times"));
    once.chain(often).collect()
}

/// A spike is found if the region's growth has it within the counter's bound.
fn spikes(options: SelftestOptions, bound: u64) -> Check {
    let runs: Result<Vec<f64>, _> = (0..options.n_spikes).map(|_| region(MIB, 1)).collect();
    let missed = runs.map(|errors| {
        vec![errors.iter().filter(|error| error.abs() > bound as f64).count() as f64]
    });
    Check {
        backend: Backend::Hwm.name(),
        what: format!("missed of {} spikes of 1 MiB, each about 0.1 ms", options.n_spikes),
        outcome: outcome(missed, Some(0), "spikes"),
    }
}

/// Three blocks, the second freed before the third: the peak is known to the byte.
fn heap_bytes(options: SelftestOptions) -> Check {
    let run = || {
        let region = Region::enter_heap("heap");
        let kept = vec![0_u8; 100_003];
        drop(std::hint::black_box(vec![0_u8; 400_009]));
        drop(std::hint::black_box(vec![0_u8; 300_007]));
        drop(std::hint::black_box(kept));
        let thread = region.close().thread_heap?;
        Some(difference(thread.peak_bytes, 500_012) + thread.end_bytes as f64)
    };
    let runs: Option<Vec<f64>> = (0..options.n_runs).map(|_| run()).collect();
    let absent = ProbeError::Unavailable {
        counter: crate::Source::Heap,
        why: "TraceqAlloc is not this program's #[global_allocator]",
    };
    Check {
        backend: Backend::Heap.name(),
        what: "peak of three blocks".to_owned(),
        outcome: outcome(runs.ok_or(absent), Some(0), "B"),
    }
}

fn sampling(options: SelftestOptions) -> Vec<Check> {
    let every = Duration::from_millis(1);
    // Long enough that a late first or last sample is not taken for a wrong period.
    let wanted = 100 * u64::from(options.n_runs).max(2);
    let timing = Sampler::open(Target::Own, &[Backend::Statm], every).map(|mut sampler| {
        let mut n = 0;
        sampler.run(|_| {
            n += 1;
            if n < wanted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
    });
    let check = |what: &str, outcome| Check { backend: "sampler", what: what.to_owned(), outcome };
    match timing {
        Ok(timing) => {
            let real = timing.real_period_s.unwrap_or(f64::NAN);
            let off = 100.0 * (real / timing.nominal_period_s - 1.0);
            let micros = |seconds: f64| (seconds * 1e7).round() / 10.0;
            vec![
                check("period of 1 ms", errors(vec![(off * 1e4).round() / 1e4], Some(1.0), "%")),
                check("cost of a sample", errors(vec![micros(timing.cost_s)], Some(10.0), "µs")),
                check("late, 99 of 100", errors(vec![micros(timing.late_p99_s)], None, "µs")),
            ]
        }
        Err(error) => vec![check("period", Outcome::Absent { why: error.to_string() })],
    }
}

impl fmt::Display for Selftest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |bytes| Unit::Auto.show(bytes);
        let huge = self.huge_pages.as_deref().unwrap_or("unknown");
        writeln!(
            f,
            "Linux {}, pages of {}, huge pages {huge}; a batched counter is within ± {}",
            self.kernel,
            show(self.page_bytes),
            show(self.counter_bound_bytes)
        )?;
        for check in &self.checks {
            write!(f, "{:8} {:50} ", check.backend, check.what)?;
            match &check.outcome {
                Outcome::Absent { why } => writeln!(f, "absent: {why}")?,
                Outcome::Error { worst, median, bound, unit } => {
                    write!(f, "median {median} {unit}, worst {worst} {unit}")?;
                    match bound {
                        Some(bound) if check.passed() => writeln!(f, ", within {bound} {unit}")?,
                        Some(bound) => writeln!(f, ", NOT within {bound} {unit}")?,
                        None => writeln!(f)?,
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worst_is_by_size_and_absent_passes() {
        let all = errors(vec![3.0, -9.0, 1.0], Some(8.0), "B");
        let check = |outcome| Check { backend: "x", what: String::new(), outcome };
        assert!(matches!(all, Outcome::Error { worst: -9.0, median: 3.0, .. }));
        assert!(!check(all).passed());
        assert!(check(Outcome::Absent { why: String::new() }).passed());
        assert!(check(errors(vec![5.0], None, "B")).passed());
    }
}

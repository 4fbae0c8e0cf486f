//! What it costs to read each probe, to begin and end a region, and to take one sample.
//!
//! The probes are read back to back here, with warm caches. A sample that comes after 10 ms of sleep
//! finds them cold; what that costs is measured by the sampler itself and printed at the end.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use criterion::{Criterion, criterion_group};
use traceq::probe::{Backend, Tree};
use traceq::sampler::Sampler;
use traceq::{Region, Target, measure};

/// A process that waits for the end of its input.
struct Waiting(Child);

impl Waiting {
    fn start() -> Self {
        let child = Command::new("cat").stdin(Stdio::piped()).spawn();
        Self(child.expect("`cat` starts"))
    }

    fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn probes(c: &mut Criterion) {
    let other = Waiting::start();
    for (name, target) in [("own", Target::Own), ("child", Target::Pid(other.id()))] {
        let mut group = c.benchmark_group(format!("probe/{name}"));
        group.sample_size(30);
        for backend in Backend::ALL {
            // Heap and rusage read their own process only, and a group may be missing.
            if let Ok(mut probe) = backend.open(target) {
                group.bench_function(backend.name(), |b| b.iter(|| black_box(probe.read())));
            }
        }
        group.finish();
    }
    let mut tree = Tree::of_descendants(other.id()).expect("the process is there");
    c.bench_function("probe/child/tree", |b| b.iter(|| black_box(tree.levels())));
}

fn regions(c: &mut Criterion) {
    let mut group = c.benchmark_group("region");
    group.sample_size(30);
    group.bench_function("resident", |b| b.iter(|| black_box(measure(|| black_box(1))).1));
    group.bench_function("heap only", |b| b.iter(|| black_box(Region::enter_heap("x").close())));
    let region = Region::enter("look");
    group.bench_function("look", |b| b.iter(|| region.look()));
    drop(region);
    traceq::set_enabled(false);
    group.bench_function("off", |b| b.iter(|| black_box(measure(|| black_box(1))).1));
    traceq::set_enabled(true);
    group.finish();
}

/// By the sampler's own clock, with its sleep in between.
fn samples() {
    println!(
        "\nsample of another process, after its sleep      median      mean  period error  missed"
    );
    for (columns, backends) in
        [("statm", &[Backend::Statm][..]), ("statm, hwm", &[Backend::Statm, Backend::Hwm])]
    {
        for every in [1, 10].map(Duration::from_millis) {
            let child = Waiting::start();
            let mut sampler = Sampler::open(Target::Pid(child.id()), backends, every)
                .expect("the process is there");
            let mut left = 2000 / every.as_millis();
            let timing = sampler.run(|_| {
                left -= 1;
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            let real = timing.real_period_s.unwrap_or(f64::NAN);
            println!(
                "{columns:28} every {every:5.0?}     {:8.1} µs {:6.1} µs     {:+.4} %  {}",
                1e6 * timing.cost_p50_s,
                1e6 * timing.cost_s,
                100.0 * (real / timing.nominal_period_s - 1.0),
                timing.missed,
            );
        }
    }
}

criterion_group!(benches, probes, regions);

fn main() {
    benches();
    samples();
    Criterion::default().configure_from_args().final_summary();
}

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use chunkfit_core::{ByteSize, Halo, Placement, Shape};
use chunkfit_plan::{Budget, CostModel, Memory, OutputChunk, Plan, Problem, Reserve, Workers};
use chunkfit_run::{
    Cause, Event, Journal, Pool, PoolOptions, RunError, Summary, TaskModel, threads,
};
use memcage::Cage;

use crate::stage::{Mischief, Stage};

/// Every case, by what it shows.
pub(crate) const ALL: &[(&str, fn())] = &[
    ("workers_and_threads_write_the_same_bits", workers_and_threads_write_the_same_bits),
    ("no_task_is_above_its_bound", no_task_is_above_its_bound),
    ("a_chunk_that_hits_the_limit_is_split", a_chunk_that_hits_the_limit_is_split),
    ("a_chunk_that_cannot_be_split_is_an_error", a_chunk_that_cannot_be_split_is_an_error),
    ("a_chunk_predicted_not_to_fit_is_split_before", a_chunk_predicted_not_to_fit_is_split_before),
    ("a_panic_is_told", a_panic_is_told),
    ("an_error_is_told", an_error_is_told),
    ("an_exit_is_told", an_exit_is_told),
    ("a_worker_that_is_killed_once_is_replaced", a_worker_that_is_killed_once_is_replaced),
    ("a_worker_that_is_always_killed_is_an_error", a_worker_that_is_always_killed_is_an_error),
    ("a_job_that_cannot_be_opened_is_told", a_job_that_cannot_be_opened_is_told),
    ("a_stopped_run_goes_on_where_it_was", a_stopped_run_goes_on_where_it_was),
    ("threads_admit_what_fits", threads_admit_what_fits),
];

const ROOMY: ByteSize = ByteSize::mib(256);

struct Outcome {
    result: Result<Summary, RunError>,
    events: Vec<Event>,
}

fn plan(stage: &Stage, chunk: &str, workers: usize, limit: ByteSize, base: ByteSize) -> Plan {
    let job = stage.job();
    let ledger = job.ledger();
    let model = TaskModel::new(ledger, base, TaskModel::default_margin());
    let problem = Problem {
        volume: stage.shape,
        element_bytes: 4,
        halo: Halo::uniform(1),
        layout: job.source().layout(),
        storage: OutputChunk::AtMost(stage.alignment),
        budget: Budget {
            memory: Memory::PerWorker(limit),
            workers: Workers::Exactly(workers),
            reserve: Reserve::default(),
        },
        cost: CostModel::default(),
        model: &model,
    };
    chunkfit_plan::strategy(&format!("fixed={chunk}")).unwrap().plan(&problem).unwrap()
}

fn pool<'a>(cage: &'a Cage, stage: &Stage, folder: &Path, limit: Option<ByteSize>) -> Pool<'a> {
    Pool::new(cage, PoolOptions { spec: stage.text(), limit, logs: folder.to_owned() })
}

/// The resident set of an idle worker, measured as a run would.
fn base(cage: &Cage, stage: &Stage, folder: &Path) -> ByteSize {
    let calm = Stage { mischief: Mischief::None, ..stage.clone() };
    let core = chunkfit_core::Region::new([0; 3], stage.alignment);
    let at = Placement::new(stage.shape, core, &Halo::uniform(1));
    let measured = pool(cage, &calm, folder, None).measure(&[at, at]).unwrap();
    let (idle, done) = (measured.resident, measured.costs);
    assert!(idle > ByteSize::ZERO);
    done.iter().filter_map(|d| d.peak).max().expect("this kernel resets peaks")
}

fn processes(stage: &Stage, folder: &Path, plan: &Plan, base: ByteSize, cage: &Cage) -> Outcome {
    let journal_path = folder.join("done");
    let journal = Journal::create(&journal_path, plan.tasks as u64).unwrap();
    processes_from(stage, folder, plan, base, cage, &journal, &AtomicBool::new(false))
}

fn processes_from(
    stage: &Stage,
    folder: &Path,
    plan: &Plan,
    base: ByteSize,
    cage: &Cage,
    journal: &Journal,
    stop: &AtomicBool,
) -> Outcome {
    let job = stage.job();
    let model = TaskModel::new(job.ledger(), base, TaskModel::default_margin());
    let mut events = Vec::new();
    let result = pool(cage, stage, folder, Some(plan.limit_bytes)).run(
        plan,
        &model,
        journal,
        stop,
        &mut |event: &Event| events.push(event.clone()),
    );
    Outcome { result, events }
}

/// Stages `mischief`, runs it in two workers in chunks of 8×10×33, and hands the outcome to `check`.
fn staged(mischief: Mischief, limit: ByteSize, check: impl FnOnce(&Stage, Outcome)) {
    let dir = tempfile::tempdir().unwrap();
    let stage = Stage::new(dir.path(), mischief);
    let cage = Cage::new("chunkfit-test", None).unwrap();
    let plan = plan(&stage, "8x10x33", 2, limit, ByteSize::ZERO);
    let base = if stage.mischief == Mischief::Unopenable {
        ByteSize::ZERO
    } else {
        base(&cage, &stage, dir.path())
    };
    let outcome = processes(&stage, dir.path(), &plan, base, &cage);
    cage.close().unwrap();
    check(&stage, outcome);
}

fn failure(outcome: Outcome) -> Cause {
    match outcome.result {
        Err(RunError::Task { cause, .. }) => cause,
        other => panic!("expected a task to fail, got {other:?}"),
    }
}

fn workers_and_threads_write_the_same_bits() {
    for (chunk, workers) in [("8x10x33", 1), ("8x10x33", 3), ("24x20x33", 2), ("4x5x11", 2)] {
        let dir = tempfile::tempdir().unwrap();
        let stage = Stage::new(dir.path(), Mischief::None);
        let cage = Cage::new("chunkfit-test", None).unwrap();
        let plan = plan(&stage, chunk, workers, ROOMY, ByteSize::ZERO);
        let outcome = processes(&stage, dir.path(), &plan, ByteSize::ZERO, &cage);
        cage.close().unwrap();
        let summary = outcome.result.unwrap();
        assert_eq!(summary.tasks as usize, plan.tasks);
        assert_eq!((summary.killed, summary.retries, summary.splits), (0, 0, 0));
        assert_eq!(stage.written(), stage.expected(), "{workers} workers, {chunk}");

        let in_threads = tempfile::tempdir().unwrap();
        let stage = Stage::new(in_threads.path(), Mischief::None);
        run_threads(&stage, in_threads.path(), &plan, ROOMY).unwrap();
        assert_eq!(stage.written(), stage.expected(), "{workers} threads, {chunk}");
    }
}

fn run_threads(
    stage: &Stage,
    folder: &Path,
    plan: &Plan,
    budget: ByteSize,
) -> Result<Summary, RunError> {
    let job = stage.job();
    let model = TaskModel::new(job.ledger(), ByteSize::ZERO, TaskModel::default_margin());
    let journal = Journal::create(&folder.join("done"), plan.tasks as u64).unwrap();
    let base = ByteSize::new(memcage::resident::peak_bytes().unwrap());
    threads(
        &job,
        plan,
        &model,
        base,
        budget,
        &journal,
        &AtomicBool::new(false),
        &mut |_: &Event| {},
    )
}

fn no_task_is_above_its_bound() {
    staged(Mischief::None, ROOMY, |_, outcome| {
        let summary = outcome.result.unwrap();
        assert_eq!(summary.tasks_over_bound, 0);
        let peak = summary.peak.expect("peaks are measured");
        assert!(ByteSize::ZERO < peak && peak <= summary.upper_bound, "{peak}");
    });
}

fn a_chunk_that_hits_the_limit_is_split() {
    let mischief = Mischief::Hungry { above: 2000, bytes: ByteSize::mib(100) };
    staged(mischief, ByteSize::mib(48), |stage, outcome| {
        let summary = outcome.result.unwrap();
        assert!(summary.killed > 0, "{summary:?}");
        assert!(summary.splits >= 6, "every one of the 6 chunks needs a split: {summary:?}");
        assert_eq!(summary.voxels, stage.shape.voxels() as u64);
        assert!(outcome.events.iter().any(|e| matches!(e, Event::Split { .. })));
        // Its own limit, of which a part is not for tasks.
        let least = outcome.events.iter().find_map(|event| match event {
            Event::OverLimit { at_least, .. } => *at_least,
            _ => None,
        });
        let least = least.expect("a limit was hit");
        assert!(ByteSize::mib(40) < least && least < ByteSize::mib(48), "{least}");
        assert_eq!(stage.written(), stage.expected());
    });
}

fn a_chunk_that_cannot_be_split_is_an_error() {
    let mischief = Mischief::Hungry { above: 0, bytes: ByteSize::mib(100) };
    staged(mischief, ByteSize::mib(48), |_, outcome| match failure(outcome) {
        cause @ Cause::Limit { .. } => {
            assert!(cause.to_string().contains("--worker-memory"), "{cause}");
        }
        other => panic!("{other:?}"),
    });
}

fn a_chunk_predicted_not_to_fit_is_split_before() {
    let dir = tempfile::tempdir().unwrap();
    let stage = Stage::new(dir.path(), Mischief::None);
    let cage = Cage::new("chunkfit-test", None).unwrap();
    let mut plan = plan(&stage, "24x20x33", 1, ROOMY, ByteSize::ZERO);
    let job = stage.job();
    let whole = job.ledger().bytes(stage.shape, stage.shape);
    plan.usable_bytes = TaskModel::default_margin() + whole.scale(0.6);
    let outcome = processes(&stage, dir.path(), &plan, ByteSize::ZERO, &cage);
    cage.close().unwrap();
    let summary = outcome.result.unwrap();
    assert_eq!((summary.splits, summary.tasks, summary.killed), (1, 2, 0));
    assert_eq!(stage.written(), stage.expected());
}

fn a_panic_is_told() {
    staged(Mischief::Panic, ROOMY, |_, outcome| match failure(outcome) {
        Cause::Panic { message } => assert!(message.contains("lost its nerve"), "{message}"),
        other => panic!("{other:?}"),
    });
}

fn an_error_is_told() {
    staged(Mischief::Fail, ROOMY, |_, outcome| match failure(outcome) {
        Cause::Error { message } => assert!(message.contains("a fault in the rock"), "{message}"),
        other => panic!("{other:?}"),
    });
}

fn an_exit_is_told() {
    staged(Mischief::Exit { code: 3 }, ROOMY, |_, outcome| match failure(outcome) {
        Cause::Error { message } => assert!(message.contains('3'), "{message}"),
        other => panic!("{other:?}"),
    });
}

fn killed(times: u64, check: impl FnOnce(&Stage, Outcome)) {
    let dir = tempfile::tempdir().unwrap();
    let counter = dir.path().join("kills");
    staged(Mischief::Killed { times, counter }, ROOMY, check);
}

fn a_worker_that_is_killed_once_is_replaced() {
    killed(1, |stage, outcome| {
        let summary = outcome.result.unwrap();
        assert_eq!((summary.killed, summary.retries, summary.splits), (1, 1, 0));
        assert!(outcome.events.iter().any(|e| matches!(e, Event::Again { .. })));
        assert_eq!(stage.written(), stage.expected());
    });
}

fn a_worker_that_is_always_killed_is_an_error() {
    killed(1000, |_, outcome| match failure(outcome) {
        Cause::Killed { signal: 9, .. } => {}
        other => panic!("{other:?}"),
    });
}

fn a_job_that_cannot_be_opened_is_told() {
    staged(Mischief::Unopenable, ROOMY, |_, outcome| match outcome.result {
        Err(RunError::WorkerDidNotStart { how, .. }) => {
            assert!(how.contains("the stage is closed"), "{how}");
        }
        other => panic!("{other:?}"),
    });
}

fn a_stopped_run_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let stage = Stage::new(dir.path(), Mischief::Slow { milliseconds: 20 });
    let cage = Cage::new("chunkfit-test", None).unwrap();
    let plan = plan(&stage, "4x5x11", 2, ROOMY, ByteSize::ZERO);
    let tasks = plan.tasks as u64;
    let journal = Journal::create(&dir.path().join("done"), tasks).unwrap();
    let stop = AtomicBool::new(false);
    let job = stage.job();
    let model = TaskModel::new(job.ledger(), ByteSize::ZERO, TaskModel::default_margin());
    let mut seen = 0;
    let mut stop_soon = |event: &Event| {
        seen += u64::from(matches!(event, Event::Done { .. }));
        stop.store(seen >= 5, Ordering::Relaxed);
    };
    let stopped = pool(&cage, &stage, dir.path(), Some(plan.limit_bytes)).run(
        &plan,
        &model,
        &journal,
        &stop,
        &mut stop_soon,
    );
    let Err(RunError::Stopped { done, .. }) = stopped else { panic!("{stopped:?}") };
    assert!((5..tasks).contains(&done), "{done} of {tasks}");
    drop(journal);

    let journal = Journal::open(&dir.path().join("done"), tasks).unwrap();
    let never = AtomicBool::new(false);
    let started = Instant::now();
    let outcome =
        processes_from(&stage, dir.path(), &plan, ByteSize::ZERO, &cage, &journal, &never);
    cage.close().unwrap();
    let summary = outcome.result.unwrap();
    assert_eq!((summary.resumed, summary.tasks), (done, tasks - done));
    assert!(summary.elapsed_s <= started.elapsed().as_secs_f64());
    assert_eq!(stage.written(), stage.expected());
}

fn threads_admit_what_fits() {
    let dir = tempfile::tempdir().unwrap();
    let stage = Stage::new(dir.path(), Mischief::None);
    let plan = plan(&stage, "8x10x33", 4, ROOMY, ByteSize::ZERO);
    let job = stage.job();
    let block = Shape::new([10, 12, 33]).unwrap();
    let core = Shape::new([8, 10, 33]).unwrap();
    let one = job.ledger().bytes(block, core) + TaskModel::default_margin();
    let base = ByteSize::new(memcage::resident::peak_bytes().unwrap());
    let summary = run_threads(&stage, dir.path(), &plan, one.scale(2.5)).unwrap();
    assert!(summary.upper_bound <= base.scale(1.01) + one.scale(2.5), "{summary:?}");
    assert_eq!(stage.written(), stage.expected());
    let leftovers: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(leftovers.len(), 2, "the output and the journal");
}

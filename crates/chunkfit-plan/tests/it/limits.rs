//! What binds, and what is said about it.

use chunkfit_core::{Axis, ByteSize, Halo, Reach};
use chunkfit_plan::{Binding, Blame, Memory, OutputChunk, PlanError, Reserve, Workers};

use crate::cases::{Case, shape};

fn binding(case: &Case) -> (Binding, String) {
    let plan = case.plan("memory-aware").expect("it fits");
    (plan.rationale.as_ref().expect("a search").binding, plan.explain().to_string())
}

/// Every constraint in turn, and the words for it.
#[test]
fn explains_what_binds() {
    let says = |case: &Case, expected: Binding| {
        let (binding, text) = binding(case);
        assert_eq!(binding, expected, "{text}");
        assert!(text.contains(&format!("bound by       {expected}")), "{text}");
        for part in ["voxels", "largest task", "usable", "schedule", "memory × 2", "memory ÷ 2"] {
            assert!(text.contains(part), "{part} is missing: {text}");
        }
    };
    let mut memory = Case::survey();
    memory.budget.memory = Memory::PerWorker(ByteSize::mib(256));
    says(&memory, Binding::WorkerMemory);

    let mut workers = Case::survey();
    workers.budget.memory = Memory::PerWorker(ByteSize::gib(500));
    says(&workers, Binding::Workers);

    let mut overhead = workers;
    overhead.cost.per_task_s = 1.0;
    says(&overhead, Binding::TaskOverhead);

    let mut rule = workers;
    rule.volume = shape([3, 1, 100_000]);
    rule.halo = Halo::none().with(Axis::Sample, Reach::Whole);
    rule.budget.workers = Workers::Exactly(8);
    rule.cost.per_task_s = 1e-5;
    says(&rule, Binding::AxisRule);

    let mut storage = workers;
    storage.volume = shape([128, 64, 64]);
    storage.halo = Halo::none();
    storage.storage = OutputChunk::Exactly(shape([64; 3]));
    storage.budget.workers = Workers::Exactly(8);
    storage.cost.per_task_s = 1e-6;
    storage.cost.per_run_s = 1e-6;
    says(&storage, Binding::StorageAlignment);

    let mut minimum = workers;
    minimum.volume = shape([3, 2, 2]);
    minimum.halo = Halo::none();
    minimum.budget.workers = Workers::Exactly(50);
    minimum.cost.per_task_s = 0.0;
    minimum.cost.per_run_s = 0.0;
    says(&minimum, Binding::MinimumChunk);
}

#[test]
fn more_and_less_memory_are_planned_for() {
    let mut case = Case::survey();
    case.budget.memory = Memory::PerWorker(ByteSize::mib(512));
    let plan = case.plan("memory-aware").unwrap();
    let why = plan.rationale.unwrap();
    for (factor, said) in [(0.5, why.half_memory), (2.0, why.double_memory)] {
        let mut other = case;
        other.budget = case.budget.with_memory_times(factor);
        let other = other.plan("memory-aware").unwrap();
        let said = said.unwrap();
        assert_eq!((said.chunk, said.upper), (other.grid.chunk(), other.largest_task.upper));
        assert_eq!((said.tasks, said.workers), (other.tasks, other.workers));
    }
    assert!(why.without_it_s.unwrap() < why.fastest_s);
    assert!(why.runner_up.is_some_and(|other| other.chunk != plan.grid.chunk()));
}

fn refusal(case: &Case) -> (Blame, String) {
    match case.plan("memory-aware") {
        Err(PlanError::DoesNotFit(why)) => (why.blame, why.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_impossible_limit_names_the_term() {
    let mut case = Case::survey();
    case.volume = shape([951, 651, 1501]);
    case.halo = Halo::none().with(Axis::Sample, Reach::Whole);
    case.model.block_bytes = 1 << 20;
    case.budget.memory = Memory::Total { limit: ByteSize::gib(4), shared: ByteSize::mib(100) };
    let (blame, text) = refusal(&case);
    assert!(matches!(blame, Blame::WholeAxis(Axis::Sample, _)), "{text}");
    for part in [
        "smallest chunk 1×1×1501 needs 1.48 GiB",
        "4 GiB allowed − 100 MiB shared, 4 workers",
        "sample axis whole",
        "raise --memory to at least",
        "or use fewer workers",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }

    let mut case = Case::survey();
    case.halo = Halo::uniform(20);
    case.budget.memory = Memory::PerWorker(ByteSize::mib(24));
    let (blame, text) = refusal(&case);
    assert!(matches!(blame, Blame::Halo(_)), "{text}");
    assert!(text.contains("raise --worker-memory to at least"), "{text}");
    assert!(!text.contains("fewer workers"), "{text}");

    case.halo = Halo::none();
    case.storage = OutputChunk::Exactly(shape([64; 3]));
    assert!(matches!(refusal(&case).0, Blame::StorageChunk(..)));

    case.budget.memory = Memory::PerWorker(ByteSize::mib(12));
    assert!(matches!(refusal(&case).0, Blame::Base(_)));
}

/// The memory that the message asks for is enough as it is printed.
#[test]
fn the_advice_works_as_printed() {
    for block_bytes in [1000, 12_345, 777_777, 1 << 20, 5_000_000] {
        for (n, reserve) in [(1, Reserve::NONE), (3, Reserve::default()), (7, Reserve::default())] {
            let mut case = Case::survey();
            case.model.block_bytes = block_bytes;
            case.budget.reserve = reserve;
            case.budget.workers = Workers::Exactly(n);
            case.budget.memory =
                Memory::Total { limit: ByteSize::mib(5), shared: ByteSize::mib(3) };
            let Err(PlanError::DoesNotFit(why)) = case.plan("memory-aware") else {
                panic!("5 MiB should not be enough")
            };
            let limit: ByteSize = why.enough.to_string().parse().unwrap();
            case.budget.memory = Memory::Total { limit, shared: ByteSize::mib(3) };
            assert!(case.plan("memory-aware").is_ok(), "{why}");
        }
    }
}

/// More combinations of cuts than are searched: some are left out, the largest and smallest are not.
#[test]
fn a_volume_beyond_the_exact_search_has_a_plan_too() {
    let mut case = Case::survey();
    case.volume = shape([200_000, 150_000, 20_000]);
    case.budget.memory = Memory::PerWorker(ByteSize::mib(256));
    assert!(case.plan("memory-aware").unwrap().fits());
    case.budget.memory = Memory::PerWorker(ByteSize::mib(15));
    assert!(case.plan("memory-aware").unwrap().fits());
}

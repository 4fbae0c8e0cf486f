//! Plans as files.

use chunkfit_core::testing::Dice;
use chunkfit_plan::Plan;
use serde_json::{Value, json};

use crate::cases::Case;

#[test]
fn plans_survive_json() {
    let mut plans = 0;
    for seed in 0..200 {
        let case = Case::random(&mut Dice::new(seed), 20);
        for name in ["memory-aware", "even", "fixed=3x4x5"] {
            let Ok(plan) = case.plan(name) else { continue };
            let text = serde_json::to_string(&plan).unwrap();
            let back: Plan = serde_json::from_str(&text).unwrap();
            assert_eq!(back, plan, "seed {seed}: {text}");
            plans += 1;
        }
    }
    assert!(plans > 400);
}

#[test]
fn the_form_is_stable() {
    let plan = Case::survey().plan("memory-aware").unwrap();
    let value = serde_json::to_value(&plan).unwrap();
    assert_eq!(value["schema_version"], 1);
    assert_eq!(value["grid"]["volume"], json!([951, 651, 462]));
    let mut fields: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    let expected = [
        "efficiency",
        "grid",
        "halo",
        "halo_factor",
        "largest_task",
        "limit_bytes",
        "makespan_s",
        "output_chunk",
        "rationale",
        "read_factor",
        "schema_version",
        "strategy",
        "tasks",
        "usable_bytes",
        "waves",
        "workers",
    ];
    assert_eq!(fields, expected);
}

#[test]
fn a_plan_that_contradicts_itself_is_refused() {
    let value = serde_json::to_value(Case::survey().plan("memory-aware").unwrap()).unwrap();
    let refused = |field: &str, new: Value| {
        let mut value = value.clone();
        value[field] = new;
        serde_json::from_value::<Plan>(value).unwrap_err().to_string()
    };
    assert!(refused("schema_version", json!(2)).contains("schema version 2"));
    assert!(refused("tasks", json!(5)).contains("5 tasks"));
    assert!(refused("workers", json!(0)).contains("no workers"));
    assert!(refused("output_chunk", json!([50, 50, 50])).contains("not a multiple"));
    assert!(refused("output_chunk", json!([0, 50, 50])).contains("no elements"));
    assert!(refused("usable_bytes", json!(u64::MAX)).contains("usable"));
    assert!(refused("halo_factor", json!(0.5)).contains("halo_factor is 0.5"));
    assert!(refused("makespan_s", json!(-1.0)).contains("makespan_s"));
    assert!(refused("surprise", json!(1)).contains("surprise"));
    let grid = json!({"volume": [951, 651, 462], "chunk": [1, 1, 1]});
    assert!(refused("grid", grid).contains("tasks"));
}

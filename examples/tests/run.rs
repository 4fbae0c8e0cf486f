//! The examples run, and print what they promise.

use std::process::Command;

fn output_of(program: &str) -> String {
    let output = Command::new(program).output().expect("the example starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {errors}");
    String::from_utf8(output.stdout).expect("examples print text")
}

#[test]
fn plan_with_a_closure() {
    let text = output_of(env!("CARGO_BIN_EXE_plan_with_a_closure"));
    assert!(text.contains("951×651×462"), "{text}");
}

#[test]
fn kernel_alone() {
    assert_eq!(output_of(env!("CARGO_BIN_EXE_kernel_alone")).lines().count(), 11);
}

#[test]
fn own_operator() {
    let text = output_of(env!("CARGO_BIN_EXE_own_operator"));
    assert!(text.contains(" 0 above their bound"), "{text}");
    assert!(text.contains("[[[0, 3, 3, 3]]]"), "{text}");
}

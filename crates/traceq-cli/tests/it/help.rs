use crate::support::ends;

#[test]
fn every_command_has_help_with_examples() {
    let folder = tempfile::tempdir().unwrap();
    let commands =
        ["run", "show", "plot", "export", "compare", "find-limit", "recover", "selftest", "doctor"];
    let (all, _) = ends(0, folder.path(), &["--help"]);
    for command in commands {
        assert!(all.contains(command), "{command} is not in --help");
        let (help, _) = ends(0, folder.path(), &[command, "--help"]);
        assert!(help.contains("Examples:"), "{command}");
    }
}

#[test]
fn selftest_and_doctor_answer() {
    let folder = tempfile::tempdir().unwrap();
    let output = crate::support::say(folder.path(), &["selftest", "--quick", "--json", "-"]);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    // A busy machine may miss a bound of time; then the exit code must say so.
    assert_eq!(output.status.success(), found["passed"].as_bool().unwrap(), "{found:#}");
    assert!(found["checks"].as_array().unwrap().len() > 10);
    let heap = found["checks"].as_array().unwrap().iter().find(|check| check["backend"] == "heap");
    assert_eq!(heap.unwrap()["outcome"]["error"]["worst"], 0.0);

    let found = crate::support::json(folder.path(), &["doctor", "--json", "-"]);
    assert!(found["measuring"].as_array().unwrap().iter().all(|one| one["evidence"] != ""));
    assert!(!found["limiting"].as_array().unwrap().is_empty());
    assert!(ends(0, folder.path(), &["doctor"]).0.contains("resident set, statm"));
}

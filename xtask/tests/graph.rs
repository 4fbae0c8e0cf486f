//! The rules of `docs/architecture.md` that `cargo metadata` can check.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

/// Names of the normal dependencies of a package.
fn dependencies(metadata: &Value, package: &str) -> BTreeSet<String> {
    let packages = metadata["packages"].as_array().expect("a list");
    let found = packages.iter().find(|p| p["name"] == package);
    let package = found.unwrap_or_else(|| panic!("there is no package {package}"));
    let all = package["dependencies"].as_array().expect("a list").iter();
    let normal = all.filter(|d| d["kind"].is_null());
    normal.map(|d| d["name"].as_str().expect("a name").to_owned()).collect()
}

fn ours(names: &BTreeSet<String>) -> BTreeSet<&str> {
    let alone = ["memcage", "traceq"];
    let ours = |name: &&str| name.starts_with("chunkfit-") || alone.contains(name);
    names.iter().map(String::as_str).filter(ours).collect()
}

#[test]
fn siblings_do_not_depend_on_each_other() {
    let metadata = metadata();
    for (package, allowed) in [
        ("memcage", &[][..]),
        ("traceq", &[]),
        ("traceq-cli", &["memcage", "traceq"]),
        ("chunkfit-core", &[]),
        ("chunkfit-seismic", &["chunkfit-core"]),
        ("chunkfit-io", &["chunkfit-core"]),
        ("chunkfit-plan", &["chunkfit-core"]),
        ("chunkfit-predict", &["chunkfit-core"]),
        ("chunkfit-run", &["chunkfit-core", "chunkfit-plan", "memcage"]),
    ] {
        let names = dependencies(&metadata, package);
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        assert_eq!(ours(&names), allowed, "{package}");
    }
}

#[test]
fn core_has_three_dependencies_and_the_planner_no_runtime() {
    let metadata = metadata();
    let list = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>();
    assert_eq!(list(dependencies(&metadata, "chunkfit-core")), ["ndarray", "serde", "thiserror"]);
    let planner = list(dependencies(&metadata, "chunkfit-plan"));
    assert_eq!(planner, ["chunkfit-core", "serde", "thiserror"]);
}

#[test]
fn one_ndarray_is_in_the_lock_file() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("a list");
    let versions: Vec<&Value> =
        packages.iter().filter(|p| p["name"] == "ndarray").map(|p| &p["version"]).collect();
    assert_eq!(versions.len(), 1, "{versions:?}");
}

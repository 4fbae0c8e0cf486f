use crate::support::{ends, json, python};

const MIB: u64 = 1 << 20;

#[test]
fn the_limit_of_a_program_that_touches_64_mib_is_found() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let program = "a = bytearray(64 << 20)";
    let line = ["find-limit", "--tolerance", "2MiB", "--json", "-", "--", python, "-c", program];
    let found = json(folder.path(), &line);
    let bytes = |key: &str| found[key].as_u64().unwrap();
    let (survived, failed) = (bytes("survived_bytes"), bytes("failed_bytes"));
    assert!(failed < survived && survived - failed <= 2 * MIB, "{found:#}");
    assert!((62 * MIB..96 * MIB).contains(&survived), "{found:#}");
    let tries = found["tries"].as_array().unwrap();
    assert!(
        tries.iter().all(|one| one["survived"] == (one["limit_bytes"].as_u64() >= Some(survived)))
    );
}

#[test]
fn what_cannot_be_found_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let line = ["find-limit", "--from", "2GiB", "--to", "1GiB", "--", "true"];
    assert!(ends(1, folder.path(), &line).1.contains("not below"));
    let (_, error) = ends(127, folder.path(), &["find-limit", "--", "/no/such/program"]);
    assert!(error.contains("command not found"), "{error}");
}

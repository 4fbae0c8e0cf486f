use crate::support::{ends, fixtures, json, profile};

#[test]
fn two_groups_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, mib) in [("a1", 40), ("a2", 41), ("a3", 42), ("b1", 50), ("b2", 52), ("b3", 54)] {
        profile(&folder.join(name), mib << 20);
    }
    let line = ["compare", "a1", "a2", "a3", "--vs", "b1", "b2", "b3"];
    let found = json(folder, &[&line[..], &["--json", "-"]].concat());
    let peaks = &found["peak_bytes"];
    assert_eq!(found["column"], "cgroup_memory_usage");
    assert_eq!(peaks["a"]["n"], 3);
    assert_eq!(peaks["a"]["median"].as_f64(), Some(f64::from((41 << 20) + 4096)));
    assert_eq!(peaks["difference"]["cliffs_delta"].as_f64(), Some(1.0));
    assert!((peaks["difference"]["mann_whitney_p"].as_f64().unwrap() - 0.1).abs() < 1e-9);
    let (text, _) = ends(0, folder, &[&line[..], &["--column", "kernel_memory_usage"]].concat());
    assert!(text.contains("B is 26.83 % higher; large effect"), "{text}");
    let (_, error) = ends(1, folder, &[&line[..], &["--column", "nonsense"]].concat());
    assert!(error.contains("nonsense"), "{error}");
}

#[test]
fn profiles_without_a_common_column_are_refused() {
    let (_, error) = ends(1, &fixtures(), &["compare", "a.prof", "--vs", "c.prof"]);
    assert!(error.contains("no column"), "{error}");
    ends(0, &fixtures(), &["compare", "a.prof", "--vs", "d.prof", "e.prof"]);
}

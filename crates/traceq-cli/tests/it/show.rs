use crate::support::{column, ends, fixtures, profile, shown};

#[test]
fn every_generation_is_shown() {
    let folder = fixtures();
    for (file, name, clock) in [
        ("a.prof", "kernel_memory_usage", "boot"),
        ("b.prof", "tracemalloc_memory_usage", "boot"),
        ("c.prof", "psutil_memory_usage", "boot"),
        ("d.prof", "kernel_memory_usage", "boot"),
        ("e.prof", "kernel_memory_usage", "unix"),
    ] {
        let shown = shown(&folder, file);
        assert_eq!(shown["clock"], clock, "{file}");
        let names: Vec<_> = shown["columns"].as_array().unwrap().iter().collect();
        assert_eq!(names.len(), 1, "{file}: what was not recorded is absent");
        assert!(column(&shown, name).unwrap()["peak_bytes"].as_u64().unwrap() > 0, "{file}");
        assert!(ends(0, &folder, &["show", file]).0.contains(name));
    }
    let (empty, _) = ends(0, &folder, &["show", "empty.prof"]);
    assert!(empty.contains("nothing was recorded"), "{empty}");
}

#[test]
fn what_is_no_profile_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    profile(&folder.join("good.prof"), 1 << 20);
    let good = std::fs::read(folder.join("good.prof")).unwrap();
    std::fs::write(folder.join("cut.prof"), &good[..good.len() - 40]).unwrap();
    std::fs::write(folder.join("text.prof"), "hello").unwrap();
    std::fs::write(folder.join("empty.prof"), "").unwrap();
    for (file, expected) in [
        ("cut.prof", "truncated"),
        ("text.prof", "not a gzip file"),
        ("empty.prof", "empty"),
        ("missing.prof", "cannot open"),
    ] {
        for line in [vec!["show", file], vec!["plot", file, "-o", "x.svg"]] {
            let (_, error) = ends(1, folder, &line);
            assert!(error.contains(expected) && error.contains(file), "{error}");
        }
    }
}

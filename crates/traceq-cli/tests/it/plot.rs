use crate::support::{ends, fixtures, profile};

#[test]
fn one_run_and_several_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    profile(&folder.join("a.prof"), 4 << 20);
    profile(&folder.join("b.prof"), 5 << 20);
    ends(0, folder, &["plot", "a.prof", "-o", "a.svg"]);
    let svg = std::fs::read_to_string(folder.join("a.svg")).unwrap();
    for text in ["<svg", "</svg>", "made up", "4 MiB seen at 20.00 ms", "limit 8 MiB", "time (ms)"]
    {
        assert!(svg.contains(text), "{text}");
    }
    ends(0, folder, &["plot", "a.prof", "b.prof", "-o", "ab.PNG", "--size", "700x400"]);
    let png = std::fs::read(folder.join("ab.PNG")).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    assert_eq!(
        (&png[16..20], &png[20..24]),
        (&700_u32.to_be_bytes()[..], &400_u32.to_be_bytes()[..])
    );
}

#[test]
fn every_generation_is_drawn_and_nothing_is_refused() {
    let out = tempfile::tempdir().unwrap();
    let to = out.path().join("x.svg");
    let to = to.to_str().unwrap();
    for file in ["a.prof", "b.prof", "c.prof", "d.prof", "e.prof"] {
        ends(0, &fixtures(), &["plot", file, "-o", to]);
    }
    let (_, error) = ends(1, &fixtures(), &["plot", "empty.prof", "-o", to]);
    assert!(error.contains("no values"), "{error}");
    let (_, error) = ends(1, &fixtures(), &["plot", "a.prof", "c.prof", "-o", to]);
    assert!(error.contains("no column in common"), "{error}");
    let (_, error) = ends(1, &fixtures(), &["plot", "a.prof", "-o", "x.pdf"]);
    assert!(error.contains(".svg or .png"), "{error}");
}

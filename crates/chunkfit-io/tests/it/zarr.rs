//! Zarr stores, written and read back, and stores of others.

use std::fs;
use std::path::Path;

use chunkfit_core::testing::{Dice, check_sink, check_source};
use chunkfit_core::{AxisLabel, ByteSize, OutputSpec, Region, Shape, Sink, Source, StorageLayout};
use chunkfit_io::IoError;
use chunkfit_io::zarr::{
    StoreSpec, TRACE_ROWS, ZarrError, ZarrSink, ZarrSource, create, write_coordinates, write_mask,
    write_scratch,
};
use ndarray::{Array2, Array3, s};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{chain, whole};

fn outputs() -> Vec<OutputSpec> {
    let output = |name: &'static str, unit: Option<&'static str>| OutputSpec {
        name: name.into(),
        unit: unit.map(Into::into),
        description: format!("The {name} of the test").into(),
    };
    vec![output("dip", Some("degrees")), output("envelope", None)]
}

fn axes(shape: Shape) -> [AxisLabel; 3] {
    let [inlines, crosslines, samples] = shape.extents();
    let axis = |name: &str, unit: Option<&str>, values| AxisLabel {
        name: name.to_owned(),
        unit: unit.map(str::to_owned),
        values,
    };
    [
        axis("inline", None, (0..inlines).map(|i| (100 + 2 * i) as f64).collect()),
        axis("crossline", None, (0..crosslines).map(|x| (900 - x) as f64).collect()),
        axis("time", Some("ms"), (0..samples).map(|k| 4.0 + 2.5 * k as f64).collect()),
    ]
}

/// A store of `shape` with chunks of `chunk`.
fn make(path: &Path, shape: [usize; 3], chunk: [usize; 3], coordinates: bool) {
    let volume = Shape::new(shape).unwrap();
    let spec = StoreSpec {
        volume,
        chunk: Shape::new(chunk).unwrap(),
        outputs: &outputs(),
        axes: &axes(volume),
        name: "PostStack3DTime",
        attributes: serde_json::Map::from_iter([("made_for".to_owned(), json!("a test"))]),
        coordinates,
    };
    create(path, &spec).unwrap_or_else(|error| panic!("{}", chain(&error)));
}

fn zarr_error(error: IoError) -> ZarrError {
    match error {
        IoError::Zarr { source, .. } => *source,
        other => panic!("{}", chain(&other)),
    }
}

fn metadata(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("zarr.json")).unwrap()).unwrap()
}

#[test]
fn a_store_has_the_layout_of_mdio() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.zarr");
    make(&path, [5, 7, 11], [2, 3, 4], true);
    let group = metadata(&path)["attributes"].clone();
    assert_eq!(group["name"], "PostStack3DTime");
    assert_eq!(group["attributes"]["defaultVariableName"], "dip");
    assert_eq!(group["made_for"], "a test");
    let dip = metadata(&path.join("dip"));
    assert_eq!(dip["dimension_names"], json!(["inline", "crossline", "time"]));
    assert_eq!(dip["fill_value"], "NaN");
    assert_eq!(dip["attributes"]["units"], "degrees");
    assert_eq!(dip["attributes"]["long_name"], "The dip of the test");
    assert_eq!(dip["attributes"]["coordinates"], "cdp_x cdp_y");
    assert_eq!(metadata(&path.join("envelope"))["attributes"].get("units"), None);
    for (name, data_type) in [
        ("inline", "int32"),
        ("crossline", "int32"),
        ("time", "float64"),
        ("trace_mask", "bool"),
        ("cdp_x", "float64"),
        ("cdp_y", "float64"),
    ] {
        assert_eq!(metadata(&path.join(name))["data_type"], data_type, "{name}");
    }
    assert_eq!(metadata(&path.join("time"))["attributes"]["unitsV1"], json!({ "time": "ms" }));
    let source = ZarrSource::open(&path, Some("dip")).unwrap();
    assert_eq!(source.axes(), &axes(Shape::new([5, 7, 11]).unwrap()));
    assert!(whole(&source).iter().all(|value| value.is_nan()));
    assert_eq!(source.missing_traces(), 35, "no trace is live before the mask is written");
    let info = source.info();
    assert_eq!((info.dt_us, info.t0_ms), (Some(2500.0), Some(4.0)));
    assert_eq!(info.variable.as_deref(), Some("dip"));
}

#[test]
fn writes_compose_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    for (case, (shape, chunk)) in
        [([5, 7, 11], [2, 3, 4]), ([5, 7, 11], [5, 7, 11]), ([3, 4, 5], [8, 4, 9])]
            .into_iter()
            .enumerate()
    {
        let path = folder.path().join(case.to_string());
        make(&path, shape, chunk, false);
        let sink = ZarrSink::open(&path, "envelope").unwrap();
        check_sink(&sink, || whole(&ZarrSource::open(&path, Some("envelope")).unwrap()));
        let source = ZarrSource::open(&path, Some("envelope")).unwrap();
        check_source(&source, whole(&source).view(), 40);
        let clipped = [0, 1, 2].map(|a| chunk[a].min(shape[a]));
        assert_eq!(sink.alignment().extents(), clipped);
        assert_eq!(
            source.layout(),
            StorageLayout::Chunked { chunk: sink.alignment(), element_bytes: 4 }
        );
        let stored = Shape::new(chunk).unwrap();
        assert_eq!(sink.write_scratch(sink.shape()), write_scratch(stored, sink.shape()));
        assert_eq!(write_scratch(stored, stored), stored.bytes::<f32>() + ByteSize::kib(4));
        assert!(no_partial_files(&path));
        let again = ZarrSource::from_descriptor(&source.descriptor()).unwrap();
        check_source(&again, whole(&source).view(), 3);
    }
}

fn no_partial_files(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().all(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            no_partial_files(&path)
        } else {
            path.extension() != Some("partial".as_ref())
        }
    })
}

#[test]
fn a_part_of_an_output_is_written_by_another_process_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.zarr");
    make(&path, [5, 7, 11], [2, 3, 4], false);
    let volume = Dice::new(5).volume(Shape::new([5, 7, 11]).unwrap());
    let halves = [
        Region::between([0, 0, 0], [2, 7, 11]).unwrap(),
        Region::between([2, 0, 0], [5, 7, 11]).unwrap(),
    ];
    for half in halves {
        let sink = ZarrSink::open(&path, "dip").unwrap();
        sink.write(&half, half.view(volume.view())).unwrap();
        // A leftover of a process that was killed while it wrote is overwritten.
        fs::write(path.join("dip/c/0/0/0.partial"), b"torn").unwrap();
        sink.write(&half, half.view(volume.view())).unwrap();
    }
    let sink = ZarrSink::open(&path, "dip").unwrap();
    sink.write(&halves[0], halves[0].view(volume.view())).unwrap();
    sink.finish().unwrap();
    check_source(&ZarrSource::open(&path, Some("dip")).unwrap(), volume.view(), 10);
    assert!(no_partial_files(&path));
}

#[test]
fn the_mask_and_the_coordinates_go_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.zarr");
    let rows = TRACE_ROWS + 3;
    make(&path, [rows, 4, 2], [4, 4, 2], true);
    let live = Array2::from_shape_fn((rows, 4), |(i, x)| (i + x) % 5 != 0);
    let x = Array2::from_shape_fn((rows, 4), |(i, x)| i as f64 + x as f64 / 8.0);
    let y = x.mapv(|x| -x);
    for first in [0, TRACE_ROWS] {
        let rows = s![first..rows.min(first + TRACE_ROWS), ..];
        write_mask(&path, first, live.slice(rows)).unwrap();
        write_coordinates(&path, first, x.slice(rows), y.slice(rows)).unwrap();
    }
    let source = ZarrSource::open(&path, Some("dip")).unwrap();
    assert_eq!(source.missing_traces(), live.iter().filter(|live| !**live).count());
    assert_eq!(source.live(60..67).unwrap(), live.slice(s![60..67, ..]));
    let (read_x, read_y) = source.coordinates(60..67).unwrap().unwrap();
    assert_eq!(
        (read_x, read_y),
        (x.slice(s![60..67, ..]).to_owned(), y.slice(s![60..67, ..]).to_owned())
    );

    for (first, n) in [(1, TRACE_ROWS), (0, 3), (TRACE_ROWS, 4)] {
        let mask = Array2::from_elem((n, 4), true);
        let error = zarr_error(write_mask(&path, first, mask.view()).unwrap_err());
        assert!(matches!(error, ZarrError::Rows { .. }), "{error}");
    }

    // Dead traces read as something else when that is asked for.
    let volume = Array3::<f32>::ones((rows, 4, 2));
    let sink = ZarrSink::open(&path, "dip").unwrap();
    sink.write(&Region::whole(sink.shape()), volume.view()).unwrap();
    let source = ZarrSource::open(&path, Some("dip")).unwrap().with_dead_as(-2.0);
    let expected =
        Array3::from_shape_fn((rows, 4, 2), |(i, x, _)| if live[[i, x]] { 1.0 } else { -2.0 });
    check_source(&source, expected.view(), 20);
    check_source(&ZarrSource::from_descriptor(&source.descriptor()).unwrap(), expected.view(), 2);
}

#[test]
fn a_volume_is_chosen_or_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.zarr");
    make(&path, [2, 3, 4], [2, 3, 4], false);
    let several = zarr_error(ZarrSource::open(&path, None).unwrap_err());
    assert_eq!(
        several.to_string(),
        "the group has several volumes: dip, envelope; choose one with --variable"
    );
    let none = zarr_error(ZarrSource::open(&path, Some("phase")).unwrap_err());
    assert!(none.to_string().contains("`phase`") && none.to_string().contains("dip, envelope"));
    fs::remove_dir_all(path.join("envelope")).unwrap();
    assert_eq!(ZarrSource::open(&path, None).unwrap().info().variable.as_deref(), Some("dip"));
    let array = ZarrSource::open(&path.join("dip"), None).unwrap();
    assert_eq!(array.axes()[2].name, "time", "axes come from the group around it");
    assert!(matches!(
        zarr_error(ZarrSource::open(&path.join("time"), None).unwrap_err()),
        ZarrError::NotAVolume { .. }
    ));
    fs::remove_dir_all(path.join("dip")).unwrap();
    assert!(matches!(zarr_error(ZarrSource::open(&path, None).unwrap_err()), ZarrError::NoVolume));
    let error = zarr_error(ZarrSource::open(folder.path(), None).unwrap_err());
    assert!(error.to_string().contains("zarr.json"));
    fs::write(folder.path().join(".zgroup"), "{}").unwrap();
    let error = zarr_error(ZarrSource::open(folder.path(), None).unwrap_err());
    assert!(error.to_string().contains("Zarr v2"));
}

#[test]
fn what_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.zarr");
    make(&path, [2, 3, 4], [2, 3, 4], false);
    let volume = Shape::new([2, 3, 4]).unwrap();
    let (labels, names) = (axes(volume), outputs());
    let spec = StoreSpec {
        volume,
        chunk: volume,
        outputs: &names,
        axes: &labels,
        name: "PostStack3DTime",
        attributes: serde_json::Map::new(),
        coordinates: false,
    };
    assert!(matches!(zarr_error(create(&path, &spec).unwrap_err()), ZarrError::Exists));
    let other = folder.path().join("other.zarr");
    for name in ["", "a/b", ".hidden", "inline", "trace_mask", "dip"] {
        let mut outputs = outputs();
        outputs[1].name = name.into();
        let error = zarr_error(
            create(&other, &StoreSpec { outputs: &outputs, ..spec.clone() }).unwrap_err(),
        );
        assert!(matches!(error, ZarrError::Name { .. }), "{name}");
    }
    let short = axes(Shape::new([2, 3, 5]).unwrap());
    let error = zarr_error(create(&other, &StoreSpec { axes: &short, ..spec }).unwrap_err());
    assert!(matches!(error, ZarrError::AxisLength { got: 5, expected: 4, .. }));
    assert!(!other.exists());

    assert!(matches!(ZarrSink::open(&path, "phase"), Err(IoError::Open { .. })));
    assert!(matches!(
        zarr_error(ZarrSink::open(&path, "trace_mask").unwrap_err()),
        ZarrError::NotOurs { field: "data_type" }
    ));
    // Chunks of a wrong size are noticed.
    let sink = ZarrSink::open(&path, "dip").unwrap();
    sink.write(&Region::whole(volume), Array3::zeros((2, 3, 4)).view()).unwrap();
    fs::write(path.join("dip/c/0/0/0"), [0; 95]).unwrap();
    let source = ZarrSource::open(&path, Some("dip")).unwrap();
    let error =
        source.read(&Region::whole(volume), Array3::zeros((2, 3, 4)).view_mut()).unwrap_err();
    assert!(chain(&error).contains("95 bytes"), "{}", chain(&error));
    // A codec that is not compiled in is named.
    let mut damaged = metadata(&path.join("dip"));
    damaged["codecs"] = json!([{ "name": "bytes", "configuration": { "endian": "little" } }, { "name": "unheard-of" }]);
    fs::write(path.join("dip/zarr.json"), damaged.to_string()).unwrap();
    let error = ZarrSource::open(&path, Some("dip")).unwrap_err();
    assert!(chain(&error).contains("unheard-of"), "{}", chain(&error));
    assert!(matches!(
        ZarrSource::from_descriptor(&source.descriptor()),
        Err(IoError::Changed { .. })
    ));
    fs::write(path.join("dip/zarr.json"), "{").unwrap();
    assert!(ZarrSource::open(&path.join("dip"), None).is_err());
}

#[test]
fn an_unwritable_store_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.zarr");
    make(&path, [2, 3, 4], [2, 3, 4], false);
    let sink = ZarrSink::open(&path, "dip").unwrap();
    // A file where a folder is needed.
    fs::write(path.join("dip/c"), b"").unwrap();
    let error =
        sink.write(&Region::whole(sink.shape()), Array3::zeros((2, 3, 4)).view()).unwrap_err();
    assert!(chain(&error).contains("out.zarr/dip/c/0/0/0"), "{}", chain(&error));
    // A full disk.
    fs::remove_file(path.join("dip/c")).unwrap();
    fs::create_dir_all(path.join("dip/c/0/0")).unwrap();
    std::os::unix::fs::symlink("/dev/full", path.join("dip/c/0/0/0.partial")).unwrap();
    let error =
        sink.write(&Region::whole(sink.shape()), Array3::zeros((2, 3, 4)).view()).unwrap_err();
    assert!(chain(&error).contains("No space left"), "{}", chain(&error));
    assert!(no_partial_files(&path));
}

/// Arrays of other types and byte orders, as other programs write them.
#[test]
fn arrays_of_any_number_type_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let shape = [2_usize, 3, 4];
    let numbers: Vec<i16> = (0..24).map(|n| n - 7).collect();
    let expected =
        Array3::from_shape_vec(shape, numbers.iter().map(|&n| f32::from(n)).collect()).unwrap();
    let cases: [(&str, &str, Vec<u8>); 3] = [
        ("int16", "big", numbers.iter().flat_map(|n| n.to_be_bytes()).collect()),
        ("float64", "little", numbers.iter().flat_map(|&n| f64::from(n).to_le_bytes()).collect()),
        ("int64", "big", numbers.iter().flat_map(|&n| i64::from(n).to_be_bytes()).collect()),
    ];
    for (data_type, endian, bytes) in cases {
        let path = folder.path().join(data_type);
        fs::create_dir_all(path.join("c/0/0")).unwrap();
        let metadata = json!({
            "zarr_format": 3, "node_type": "array", "shape": shape, "data_type": data_type,
            "chunk_grid": { "name": "regular", "configuration": { "chunk_shape": shape } },
            "chunk_key_encoding": { "name": "default", "configuration": { "separator": "/" } },
            "fill_value": 0, "attributes": {},
            "codecs": [{ "name": "bytes", "configuration": { "endian": endian } }],
        });
        fs::write(path.join("zarr.json"), metadata.to_string()).unwrap();
        fs::write(path.join("c/0/0/0"), bytes).unwrap();
        let source = ZarrSource::open(&path, None).unwrap();
        check_source(&source, expected.view(), 10);
        assert_eq!(source.axes()[2].name, "sample");
        assert_eq!(source.live(0..2).unwrap(), Array2::from_elem((2, 3), true));
        assert!(source.coordinates(0..1).unwrap().is_none());
        let mut turned = metadata;
        turned["dimension_names"] = json!(["time", "inline", "crossline"]);
        fs::write(path.join("zarr.json"), turned.to_string()).unwrap();
        let error = zarr_error(ZarrSource::open(&path, None).unwrap_err());
        assert!(error.to_string().contains("time, inline, crossline"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_grid_composes(seed: u64) {
        let folder = tempfile::tempdir().unwrap();
        let mut dice = Dice::new(seed);
        let shape = dice.shape([9, 9, 9]);
        let chunk = dice.shape([10, 10, 10]);
        make(folder.path(), shape.extents(), chunk.extents(), false);
        let sink = ZarrSink::open(folder.path(), "dip").unwrap();
        check_sink(&sink, || whole(&ZarrSource::open(folder.path(), Some("dip")).unwrap()));
    }
}

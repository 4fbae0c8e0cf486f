//! Every public test file opens with the facts that another reader found, or is refused with a
//! message that says what would help.

use chunkfit_core::Source;
use chunkfit_core::testing::check_source;
use chunkfit_io::segy::{SampleFormat, SegyOptions};
use chunkfit_io::{Input, InputDescriptor, InputOptions, IoError};
use serde_json::Value;

use crate::{chain, shared, whole};

fn open(file: &str, segy: SegyOptions) -> Option<Result<Input, IoError>> {
    let path = shared("segy")?.join(file);
    Some(Input::open(&path, &InputOptions { segy, variable: None }))
}

/// Refused by default: file, and words of the message.
const REFUSED: [(&str, &[&str]); 10] = [
    ("1x1.sgy", &["pre-stack", "inline 0, crossline 0", "0, 1, 2, 3", "--offset"]),
    ("1xN.sgy", &["pre-stack", "0, 1, 2, 3", "--offset"]),
    ("Mx1.sgy", &["pre-stack", "0, 1, 2, 3", "--offset"]),
    ("small-ps.sgy", &["pre-stack", "inline 1, crossline 1", "1, 2", "--offset"]),
    ("small-ps-dec-il-xl-off.sgy", &["pre-stack", "2, 1", "--offset"]),
    ("shot-gather.sgy", &["61 traces", "inline 0 and crossline 0", "--il-byte", "--xl-byte"]),
    ("zfp-small-2d.sgy", &["25 traces", "inline 0 and crossline 0", "--il-byte", "213 and 217"]),
    ("small.su", &["Seismic Unix", "50 samples"]),
    ("text.sgy", &["no traces", "3600"]),
    (
        "small-iline-5-xline-21.sgy",
        &[
            "16777216",
            "--il-byte",
            "bytes   5 and  21: 1..5 (5 different) and 20..24",
            "<- could be",
        ],
    ),
];

#[test]
fn files_that_are_no_volume_are_refused_with_a_way_out() {
    for (file, words) in REFUSED {
        let Some(result) = open(file, SegyOptions::default()) else { return };
        let message = chain(&result.expect_err(file));
        for word in words {
            assert!(message.contains(word), "{file}: `{word}` is not in: {message}");
        }
    }
}

#[test]
fn files_open_with_the_facts_of_another_reader() {
    let Some(folder) = shared("segy") else { return };
    let text = std::fs::read_to_string(folder.join("facts.json")).unwrap();
    let facts: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut opened = 0;
    for fact in &facts {
        let file = fact["file"].as_str().unwrap();
        if REFUSED.iter().any(|refused| refused.0 == file) || fact["traces"].is_null() {
            continue;
        }
        check(file, fact, SegyOptions::default());
        opened += 1;
    }
    assert!(opened >= 27, "only {opened} files were opened");
    let with_lines = facts.iter().find(|f| f["file"] == "small-iline-5-xline-21.sgy").unwrap();
    let lines = SegyOptions { il_byte: 5, xl_byte: 21, ..SegyOptions::default() };
    check("small-iline-5-xline-21.sgy", with_lines, lines);
}

fn check(file: &str, fact: &Value, options: SegyOptions) {
    let input = open(file, options).unwrap().unwrap_or_else(|e| panic!("{file}: {}", chain(&e)));
    let volume = whole(&input);
    let count = |axis: &str| fact[axis]["count"].as_u64().unwrap() as usize;
    let shape = [count("inline"), count("crossline"), fact["samples"].as_u64().unwrap() as usize];
    assert_eq!(input.shape().extents(), shape, "{file}");
    let missing = fact["grid_cells_without_trace"].as_u64().unwrap() as usize;
    assert_eq!(input.missing_traces(), missing, "{file}");

    let info = serde_json::to_value(input.info()).unwrap();
    for key in ["byte_order", "text_encoding"] {
        assert_eq!(info[key], fact[key], "{file}: {key}");
    }
    for key in ["traces", "dt_us", "t0_ms", "bytes"] {
        assert_eq!(info[key].as_f64(), fact[key].as_f64(), "{file}: {key}");
    }
    for axis in ["inline", "crossline"] {
        assert_eq!(info[axis]["min"].as_f64(), fact[axis]["first"].as_f64(), "{file}");
        assert_eq!(info[axis]["max"].as_f64(), fact[axis]["last"].as_f64(), "{file}");
        assert_eq!(info[axis]["step"].as_f64(), fact[axis]["steps"][0].as_f64(), "{file}");
    }
    let time = &input.axes()[2];
    assert_eq!((&*time.name, time.unit.as_deref()), ("time", Some("ms")), "{file}");
    assert_eq!(time.values[0], fact["t0_ms"].as_f64().unwrap(), "{file}");

    // Amplitudes: of the traces that are there.
    let live = input.live(0..shape[0]).unwrap();
    let traces = volume.lanes(ndarray::Axis(2));
    let values: Vec<f64> = traces
        .into_iter()
        .zip(&live)
        .filter(|(_, live)| **live)
        .flat_map(|(trace, _)| trace.to_vec())
        .map(f64::from)
        .collect();
    let amplitude = &fact["amplitude"];
    let number = |key: &str| amplitude[key].as_f64().unwrap();
    let scale = number("min").abs().max(number("max").abs()).max(f64::MIN_POSITIVE);
    let within = |tolerance: f64, a: f64, b: f64, what: &str| {
        assert!((a - b).abs() <= tolerance * scale, "{file}: {what} is {a}, expected {b}");
    };
    let close = |a, b, what| within(1e-6, a, b, what);
    // The other reader loses bits of IBM floats whose first digit is 0, of which these two files have
    // many, so its mean is not the exact one.
    let of_mean = match file {
        "obspy-00001034_first_trace.sgy" => 2e-5,
        "small-iline-5-xline-21.sgy" => 2e-3,
        _ => 1e-6,
    };
    close(values.iter().copied().fold(f64::INFINITY, f64::min), number("min"), "min");
    close(values.iter().copied().fold(f64::NEG_INFINITY, f64::max), number("max"), "max");
    within(of_mean, values.iter().sum::<f64>() / values.len() as f64, number("mean"), "mean");
    let first = if file == "zfp-small_reverse_il.sgy" { 4 } else { 0 };
    for (k, expected) in amplitude["trace0_first5"].as_array().unwrap().iter().enumerate() {
        close(f64::from(volume[[first, 0, k]]), expected.as_f64().unwrap(), "first samples");
    }

    check_source(&input, volume.view(), 12);
    let text = serde_json::to_string(&input.descriptor()).unwrap();
    let descriptor: InputDescriptor = serde_json::from_str(&text).unwrap();
    assert!(descriptor.path().is_absolute());
    check_source(&Input::from_descriptor(&descriptor).unwrap(), volume.view(), 3);
}

#[test]
fn an_offset_makes_a_volume_of_a_pre_stack_file() {
    for (file, offset, shape, first) in [
        ("1x1.sgy", 2, [1, 1, 10], 200.0),
        ("1xN.sgy", 3, [1, 6, 10], 300.0),
        ("Mx1.sgy", 0, [6, 1, 10], 0.0),
        ("small-ps.sgy", 1, [4, 3, 10], 101.01),
        ("small-ps.sgy", 2, [4, 3, 10], 201.01),
        ("small-ps-dec-il-xl-off.sgy", 2, [4, 3, 10], 201.01),
    ] {
        let options = SegyOptions { offset: Some(offset), ..SegyOptions::default() };
        let Some(input) = open(file, options) else { return };
        let input = input.unwrap_or_else(|error| panic!("{file}: {}", chain(&error)));
        assert_eq!(input.shape().extents(), shape, "{file}");
        let volume = whole(&input);
        assert!((volume[[0, 0, 0]] - first).abs() < 1e-3, "{file}: {}", volume[[0, 0, 0]]);
        check_source(&input, volume.view(), 12);
    }
    let options = SegyOptions { offset: Some(7), ..SegyOptions::default() };
    let message = chain(&open("small-ps.sgy", options).unwrap().unwrap_err());
    assert!(message.contains("offset 7") && message.contains("1, 2"), "{message}");
}

#[test]
fn a_lying_format_code_is_noticed_and_overridden() {
    let lines = SegyOptions { il_byte: 5, xl_byte: 21, ..SegyOptions::default() };
    let Some(input) = open("small-iline-5-xline-21.sgy", lines.clone()) else { return };
    let warnings = input.unwrap().info().warnings;
    assert!(warnings.iter().any(|w| w.contains("--format 5")), "{warnings:?}");
    let ieee = SegyOptions { format: Some(SampleFormat::F32), ..lines };
    let volume = whole(&open("small-iline-5-xline-21.sgy", ieee).unwrap().unwrap());
    let (min, max) = volume.iter().fold((f32::MAX, f32::MIN), |(a, b), &v| (a.min(v), b.max(v)));
    assert!((min - 1.2).abs() < 1e-5 && (max - 5.24049).abs() < 1e-5, "{min}..{max}");
    for file in ["small.sgy", "F3_very_small.sgy", "f3-Format1msb.sgy", "zfp-small-dec.sgy"] {
        let warnings = open(file, SegyOptions::default()).unwrap().unwrap().info().warnings;
        assert!(warnings.is_empty(), "{file}: {warnings:?}");
    }
}

#[test]
fn two_headers_per_trace_are_read() {
    let Some(input) = open("trace-header-extension1.sgy", SegyOptions::default()) else { return };
    let input = input.unwrap();
    assert_eq!(input.shape().extents(), [3, 2, 4]);
    let info = input.info();
    assert_eq!((info.revision.as_deref(), info.dt_us), (Some("2.1"), Some(1000.0)));
    let volume = whole(&input);
    for ((i, x, k), value) in volume.indexed_iter() {
        let expected = (1 + i) as f32 + (20 + x) as f32 / 100.0 + k as f32 / 1e5;
        assert!((value - expected).abs() < 2e-6, "[{i}, {x}, {k}] is {value}, not {expected}");
    }
    check_source(&input, volume.view(), 12);
}

#[test]
fn formats_and_byte_orders_hold_the_same_numbers() {
    let Some(input) = open("f3.sgy", SegyOptions::default()) else { return };
    let expected = whole(&input.unwrap());
    for file in [
        "f3-lsb.sgy",
        "f3-Format1msb.sgy",
        "f3-Format2msb.sgy",
        "f3-Format5lsb.sgy",
        "f3-Format5msb.sgy",
        "f3-Format6msb.sgy",
    ] {
        let volume = whole(&open(file, SegyOptions::default()).unwrap().unwrap());
        assert_eq!(volume, expected, "{file}");
    }
    // OpendTect keeps its line numbers elsewhere too.
    let opendtect = SegyOptions { il_byte: 9, xl_byte: 21, ..SegyOptions::default() };
    let input = open("f3.sgy", opendtect).unwrap().unwrap();
    assert_eq!(whole(&input), expected);
    assert_eq!(input.axes()[0].values[..2], [111.0, 112.0]);
}

#[test]
fn coordinates_have_their_scalar() {
    let Some(input) = open("acute-small.sgy", SegyOptions::default()) else { return };
    let (x, y) = input.unwrap().coordinates(0..2).unwrap().unwrap();
    assert_eq!(x.dim(), (2, 5));
    assert_eq!((x[[0, 0]], y[[0, 0]]), (0.0, 10.0));
    let (x, y) = open("f3.sgy", SegyOptions::default())
        .unwrap()
        .unwrap()
        .coordinates(3..4)
        .unwrap()
        .unwrap();
    assert!(x.iter().all(|x| (600_000.0..650_000.0).contains(x)), "{x}");
    assert!(y.iter().all(|y| (6_000_000.0..6_100_000.0).contains(y)), "{y}");
    let none = open("small.sgy", SegyOptions::default()).unwrap().unwrap();
    assert!(none.coordinates(0..5).unwrap().is_none());
}

#[test]
fn missing_traces_read_as_asked() {
    for (file, hole) in [("zfp-small_hole.sgy", [2, 2]), ("zfp-small-irregular.sgy", [4, 4])] {
        let nan = SegyOptions { fill: chunkfit_io::segy::Fill::Nan, ..SegyOptions::default() };
        let Some(input) = open(file, nan) else { return };
        let input = input.unwrap();
        let volume = whole(&input);
        let live = input.live(0..5).unwrap();
        for ((i, x), live) in live.indexed_iter() {
            assert_eq!(*live, [i, x] != hole, "{file} {i} {x}");
            assert_eq!(volume[[i, x, 0]].is_nan(), !live, "{file} {i} {x}");
        }
        assert_eq!(input.live(3..5).unwrap(), live.slice(ndarray::s![3..5, ..]));
        let zeros = whole(&open(file, SegyOptions::default()).unwrap().unwrap());
        assert!(zeros.slice(ndarray::s![hole[0], hole[1], ..]).iter().all(|v| *v == 0.0));
    }
}

//! SEG-Y files made for the test.

use std::fs;
use std::path::{Path, PathBuf};

use chunkfit_core::testing::{Dice, check_source};
use chunkfit_core::{Axis, Region, Shape, Source, StorageLayout, TraceOrder};
use chunkfit_io::IoError;
use chunkfit_io::segy::{
    ByteOrder, Fill, SampleFormat, SegyDescriptor, SegyLayout, SegyOptions, SegySource, SegyWriter,
};
use ndarray::{Array2, Array3, s};
use proptest::prelude::*;

use crate::{chain, whole};

/// Writes `volume` with the writer.
fn write(path: &Path, volume: &Array3<f32>) {
    let shape = Shape::new(volume.dim().into()).unwrap();
    let mut writer = SegyWriter::create(path, &SegyLayout::new(shape)).unwrap();
    for (i, inline) in volume.outer_iter().enumerate() {
        writer.write_inline(i, inline).unwrap();
    }
    writer.finish().unwrap();
}

fn open(path: &Path) -> SegySource {
    SegySource::open(path, &SegyOptions::default()).unwrap_or_else(|e| panic!("{}", chain(&e)))
}

/// A file from parts: traces are (inline, crossline, offset, samples).
struct Draft {
    order: ByteOrder,
    format: u16,
    samples: usize,
    interval: [i16; 2],
    fixed: u16,
    traces: Vec<(i32, i32, i32, Vec<u8>)>,
}

impl Draft {
    fn new(samples: usize) -> Self {
        Self {
            order: ByteOrder::Big,
            format: 5,
            samples,
            interval: [4000, 4000],
            fixed: 1,
            traces: Vec::new(),
        }
    }

    /// The traces of `volume` at the places `lines`.
    fn with(mut self, volume: &Array3<f32>, lines: &[(usize, usize)]) -> Self {
        self.traces = lines
            .iter()
            .map(|&(i, x)| {
                let trace = volume.slice(s![i, x, ..]);
                let bytes = trace.iter().flat_map(|v| match self.order {
                    ByteOrder::Big => v.to_be_bytes(),
                    ByteOrder::Little => v.to_le_bytes(),
                });
                (100 + 3 * i as i32, 7 - 2 * x as i32, 0, bytes.collect())
            })
            .collect();
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut file = vec![0x40; 3200];
        file.resize(3600, 0);
        let put = |file: &mut [u8], position: usize, value: &[u8]| {
            let field = &mut file[position - 1..][..value.len()];
            field.copy_from_slice(value);
            if self.order == ByteOrder::Little {
                field.reverse();
            }
        };
        put(&mut file, 3217, &self.interval[0].to_be_bytes());
        put(&mut file, 3221, &(self.samples as u16).to_be_bytes());
        put(&mut file, 3225, &self.format.to_be_bytes());
        put(&mut file, 3503, &self.fixed.to_be_bytes());
        for (inline, crossline, offset, samples) in &self.traces {
            let mut header = [0; 240];
            put(&mut header, 37, &offset.to_be_bytes());
            put(&mut header, 117, &self.interval[1].to_be_bytes());
            put(&mut header, 189, &inline.to_be_bytes());
            put(&mut header, 193, &crossline.to_be_bytes());
            file.extend(header);
            file.extend(samples);
        }
        file
    }

    fn save(&self, folder: &tempfile::TempDir) -> PathBuf {
        let path = folder.path().join("draft.sgy");
        fs::write(&path, self.bytes()).unwrap();
        path
    }
}

#[test]
fn what_is_written_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("survey.sgy");
    let volume = Dice::new(1).volume(Shape::new([5, 7, 11]).unwrap());
    write(&path, &volume);
    let source = open(&path);
    check_source(&source, volume.view(), 40);
    let [inline, crossline, time] = source.axes();
    assert_eq!(inline.values, [1000.0, 1001.0, 1002.0, 1003.0, 1004.0]);
    assert_eq!((crossline.values[0], crossline.values[6]), (2000.0, 2006.0));
    assert_eq!((time.values[1], time.values[10]), (4.0, 40.0));
    let (x, y) = source.coordinates(1..3).unwrap().unwrap();
    assert_eq!((x[[1, 6]], y[[1, 6]]), (150.0, 50.0));
    assert_eq!(source.missing_traces(), 0);
    let info = source.info();
    assert_eq!((info.text_encoding, info.revision.as_deref()), (Some("EBCDIC"), Some("1.0")));
    assert!(info.text.iter().any(|line| line.contains("189-192 inline number")), "{:?}", info.text);
    assert_eq!(info.warnings, Vec::<String>::new());
    assert_eq!(
        source.layout(),
        StorageLayout::Traces { order: TraceOrder::Inline, header_bytes: 240, sample_bytes: 4 }
    );
    let text = serde_json::to_string(&source.descriptor()).unwrap();
    assert!(text.len() < 2000, "the descriptor is long: {text}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn long_traces_are_read_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.sgy");
    // Longer than two read buffers when read whole; and long enough to skip what is not asked for.
    for shape in [[2, 3, 60_000], [3, 4, 9000]] {
        let volume = Dice::new(2).volume(Shape::new(shape).unwrap());
        write(&path, &volume);
        let source = open(&path);
        check_source(&source, volume.view(), 12);
        let part = Region::new([0, 0, 700], Shape::new([2, 3, 10]).unwrap());
        let mut out = Array3::zeros(part.shape().extents());
        let fetched = source.read(&part, out.view_mut()).unwrap();
        assert_eq!(fetched.as_u64(), 2 * 3 * 10 * 4, "only what is needed is fetched");
    }
    // 140 000 f64 samples of one trace exceed the buffer.
    let bytes: Vec<u8> = (0..65_535).flat_map(|k| f64::from(k).to_be_bytes()).collect();
    let mut draft = Draft { format: 6, ..Draft::new(65_535) };
    draft.traces = vec![(1, 1, 0, bytes.clone()), (1, 2, 0, bytes)];
    let source = open(&draft.save(&folder));
    let volume = whole(&source);
    assert_eq!((volume[[0, 0, 65_534]], volume[[0, 1, 1]]), (65_534.0, 1.0));
    check_source(&source, volume.view(), 8);
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("survey.sgy");
    let layout = SegyLayout::new(Shape::new([2, 3, 4]).unwrap());
    let mut writer = SegyWriter::create(&path, &layout).unwrap();
    writer.write_inline(1, Array2::zeros((3, 4)).view()).unwrap();
    assert!(!path.exists());
    let wrong = writer.write_inline(0, Array2::zeros((4, 3)).view()).unwrap_err();
    assert!(chain(&wrong).contains("[4, 3]"), "{}", chain(&wrong));
    let incomplete = writer.finish().unwrap_err();
    assert!(chain(&incomplete).contains("1 of 2 inlines"), "{}", chain(&incomplete));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let absent = SegyWriter::create(&folder.path().join("no/such.sgy"), &layout).unwrap_err();
    assert!(matches!(absent, IoError::Write { .. }));
    let long = SegyLayout::new(Shape::new([2, 3, 70_000]).unwrap());
    assert!(chain(&SegyWriter::create(&path, &long).unwrap_err()).contains("65535"));
}

#[test]
fn a_full_disk_is_an_error_with_its_cause() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("survey.sgy");
    std::os::unix::fs::symlink("/dev/full", folder.path().join("survey.sgy.partial")).unwrap();
    let layout = SegyLayout::new(Shape::new([2, 3, 4]).unwrap());
    let message = chain(&SegyWriter::create(&path, &layout).unwrap_err());
    assert!(message.contains("survey.sgy") && message.contains("No space left"), "{message}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_changed_file_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("survey.sgy");
    let volume = Dice::new(1).volume(Shape::new([2, 3, 4]).unwrap());
    write(&path, &volume);
    let descriptor = open(&path).descriptor();
    assert!(SegySource::from_descriptor(&descriptor).is_ok());
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend([0; 4]);
    fs::write(&path, &bytes).unwrap();
    let error = SegySource::from_descriptor(&descriptor).unwrap_err();
    assert!(matches!(error, IoError::Changed { .. }), "{}", chain(&error));
    fs::remove_file(&path).unwrap();
    let error = SegySource::from_descriptor(&descriptor).unwrap_err();
    assert!(matches!(error, IoError::Open { .. }), "{}", chain(&error));
}

#[test]
fn a_damaged_descriptor_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("survey.sgy");
    write(&path, &Dice::new(1).volume(Shape::new([2, 3, 4]).unwrap()));
    let whole = serde_json::to_value(open(&path).descriptor()).unwrap();
    for (field, value) in
        [("samples", 5_usize), ("count", 7), ("samples", usize::MAX), ("lead", usize::MAX)]
    {
        let mut damaged = whole.clone();
        damaged["records"][field] = value.into();
        let descriptor: SegyDescriptor = serde_json::from_value(damaged).unwrap();
        let error = SegySource::from_descriptor(&descriptor).unwrap_err();
        assert!(matches!(error, IoError::Descriptor { .. }), "{field}: {}", chain(&error));
    }
}

#[test]
fn the_size_law_names_all_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let volume = Dice::new(1).volume(Shape::new([5, 7, 11]).unwrap());
    let lines: Vec<_> = (0..5).flat_map(|i| (0..7).map(move |x| (i, x))).collect();
    let mut draft = Draft::new(11).with(&volume, &lines);
    draft.samples = 12;
    let path = draft.save(&folder);
    let message = chain(&SegySource::open(&path, &SegyOptions::default()).unwrap_err());
    let size = 3600 + 35 * (240 + 44);
    for part in [&*size.to_string(), "3600", "240", "12 samples", "4 bytes", "--samples 11"] {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
    let options = SegyOptions { samples: Some(11), ..SegyOptions::default() };
    assert_eq!(SegySource::open(&path, &options).unwrap().shape().extents(), [5, 7, 11]);
    let mut bytes = fs::read(&path).unwrap();
    bytes.truncate(3599);
    fs::write(&path, &bytes).unwrap();
    let message = chain(&SegySource::open(&path, &options).unwrap_err());
    assert!(message.contains("3599"), "{message}");
}

#[test]
fn intervals_that_disagree_are_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let volume = Dice::new(1).volume(Shape::new([1, 2, 3]).unwrap());
    let draft = |interval, fixed| {
        let draft = Draft { interval, fixed, ..Draft::new(3) };
        draft.with(&volume, &[(0, 0), (0, 1)]).save(&folder)
    };
    let default = SegyOptions::default();
    let path = draft([4000, 2000], 0);
    let message = chain(&SegySource::open(&path, &default).unwrap_err());
    assert!(message.contains("--dt-ms 4 or --dt-ms 2"), "{message}");
    let dt = SegyOptions { dt_us: Some(2500.0), ..SegyOptions::default() };
    assert_eq!(SegySource::open(&path, &dt).unwrap().axes()[2].values, [0.0, 2.5, 5.0]);
    let source = SegySource::open(&draft([4000, 2000], 1), &default).unwrap();
    assert_eq!(source.info().dt_us, Some(4000.0));
    assert_eq!(source.info().warnings.len(), 1);
    let source = SegySource::open(&draft([0, 2000], 0), &default).unwrap();
    assert_eq!(source.info().dt_us, Some(2000.0));
    let source = SegySource::open(&draft([0, -1], 0), &default).unwrap();
    assert_eq!((source.info().dt_us, &*source.axes()[2].name), (None, "sample"));
    assert_eq!(source.info().warnings.len(), 1);
}

#[test]
fn fields_of_revision_2_are_used_where_they_make_sense() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rev2.sgy");
    let volume = Dice::new(1).volume(Shape::new([2, 3, 5]).unwrap());
    let lines: Vec<_> = (0..2).flat_map(|i| (0..3).map(move |x| (i, x))).collect();
    for order in [ByteOrder::Big, ByteOrder::Little] {
        let draft = Draft { order, ..Draft::new(5) }.with(&volume, &lines);
        let mut bytes = draft.bytes();
        let put = |bytes: &mut [u8], position: usize, value: &[u8]| {
            let field = &mut bytes[position - 1..][..value.len()];
            field.copy_from_slice(value);
            if order == ByteOrder::Little {
                field.reverse();
            }
        };
        bytes[3500] = 2;
        put(&mut bytes, 3297, &0x0102_0304_u32.to_be_bytes());
        // The short count is wrong, the long one right; so is the long interval.
        put(&mut bytes, 3221, &9_u16.to_be_bytes());
        put(&mut bytes, 3269, &5_u32.to_be_bytes());
        put(&mut bytes, 3273, &1234.5_f64.to_be_bytes());
        // 100 bytes before the first trace, and more after the last.
        put(&mut bytes, 3521, &3700_u64.to_be_bytes());
        bytes.splice(3600..3600, [7; 100]);
        put(&mut bytes, 3513, &6_u64.to_be_bytes());
        bytes.extend([9; 77]);
        fs::write(&path, &bytes).unwrap();
        let source = open(&path);
        let turned = volume.slice(s![.., ..;-1, ..]);
        check_source(&source, turned, 8);
        let info = source.info();
        assert_eq!((info.byte_order, info.dt_us), (Some(order), Some(1234.5)));
        // Without a count the trailing bytes are an error, unless they are text records.
        put(&mut bytes, 3513, &u64::MAX.to_be_bytes());
        fs::write(&path, &bytes).unwrap();
        let error = SegySource::open(&path, &SegyOptions::default()).unwrap_err();
        assert!(chain(&error).contains("77 bytes more"), "{}", chain(&error));
        bytes.resize(bytes.len() - 77 + 3200, 0);
        put(&mut bytes, 3529, &1_u32.to_be_bytes());
        fs::write(&path, &bytes).unwrap();
        check_source(&open(&path), turned, 2);
    }
}

#[test]
fn extended_text_headers_may_end_with_a_stanza() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.sgy");
    let volume = Dice::new(1).volume(Shape::new([1, 2, 3]).unwrap());
    let mut bytes = Draft::new(3).with(&volume, &[(0, 0), (0, 1)]).bytes();
    bytes[3504..3506].copy_from_slice(&(-1_i16).to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    let error = SegySource::open(&path, &SegyOptions::default()).unwrap_err();
    assert!(chain(&error).contains("end stanza"), "{}", chain(&error));
    let mut text = vec![b' '; 6400];
    text[..20].copy_from_slice(b"((OGP: something)) x");
    text[3200..3216].copy_from_slice(b"((SEG: EndText))");
    bytes.splice(3600..3600, text);
    fs::write(&path, &bytes).unwrap();
    let source = open(&path);
    assert_eq!(source.info().extended_texts, Some(2));
    check_source(&source, volume.slice(s![.., ..;-1, ..]), 3);
}

#[test]
fn codes_that_are_not_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let volume = Dice::new(1).volume(Shape::new([1, 2, 3]).unwrap());
    let mut draft = Draft::new(3).with(&volume, &[(0, 0), (0, 1)]);
    for (format, words) in
        [(4, "fixed point"), (14, "reserved"), (0, "no sample format"), (300, "300")]
    {
        draft.format = format;
        let error = SegySource::open(&draft.save(&folder), &SegyOptions::default()).unwrap_err();
        assert!(chain(&error).contains(words), "{}", chain(&error));
        assert!(chain(&error).contains("--format"), "{}", chain(&error));
    }
    let options = SegyOptions { format: Some(SampleFormat::F32), ..SegyOptions::default() };
    assert!(SegySource::open(&draft.save(&folder), &options).is_ok());
    let little = Some(ByteOrder::Little);
    draft.format = 5;
    let order = SegyOptions { byte_order: little, ..SegyOptions::default() };
    let error = SegySource::open(&draft.save(&folder), &order).unwrap_err();
    assert!(chain(&error).contains("read as big it is 5"), "{}", chain(&error));
    let far = SegyOptions { il_byte: 238, ..SegyOptions::default() };
    let error = SegySource::open(&draft.save(&folder), &far).unwrap_err();
    assert!(chain(&error).contains("--il-byte 238"), "{}", chain(&error));
}

#[test]
fn duplicates_and_sparse_lines_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let volume = Dice::new(1).volume(Shape::new([60, 60, 2]).unwrap());
    let twice = Draft::new(2).with(&volume, &[(0, 0), (0, 1), (1, 0), (1, 1), (0, 1)]);
    let message =
        chain(&SegySource::open(&twice.save(&folder), &SegyOptions::default()).unwrap_err());
    for part in ["traces 1 and 4", "inline 100 and crossline 5", "100..103", "--il-byte"] {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
    let diagonal: Vec<_> = (0..60).map(|n| (n, n)).collect();
    let sparse = Draft::new(2).with(&volume, &diagonal);
    let message =
        chain(&SegySource::open(&sparse.save(&folder), &SegyOptions::default()).unwrap_err());
    for part in ["3600 places for 60 traces", "100..277 (60 different)", "189 and 193"] {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

/// Traces of a grid, in some order, some of them missing.
fn survey() -> impl Strategy<Value = ([usize; 3], Vec<(usize, usize)>, u64)> {
    (1..6_usize, 1..7_usize, 1..9_usize, 0..4_u8, any::<u64>(), 0..4_usize).prop_map(
        |(inlines, crosslines, samples, kind, seed, holes)| {
            let mut lines: Vec<_> =
                (0..inlines).flat_map(|i| (0..crosslines).map(move |x| (i, x))).collect();
            let mut dice = Dice::new(seed);
            match kind {
                1 => lines.sort_by_key(|&(i, x)| (x, i)),
                2 => lines.reverse(),
                3 => {
                    for last in (1..lines.len()).rev() {
                        lines.swap(last, dice.between(0, last));
                    }
                }
                _ => {}
            }
            for _ in 0..holes.min(lines.len() - 1) {
                lines.remove(dice.between(0, lines.len() - 1));
            }
            ([inlines, crosslines, samples], lines, seed)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_with_holes_reads_as_the_grid((shape, lines, seed) in survey(), little: bool) {
        let volume = Dice::new(seed).volume(Shape::new(shape).unwrap());
        let order = if little { ByteOrder::Little } else { ByteOrder::Big };
        let draft = Draft { order, ..Draft::new(shape[2]) }.with(&volume, &lines);
        let folder = tempfile::tempdir().unwrap();
        let options = SegyOptions { fill: Fill::Nan, ..SegyOptions::default() };
        let source = SegySource::open(&draft.save(&folder), &options).unwrap();

        // Crossline numbers fall with the index, so that axis is turned; lines without any trace go.
        let mut inlines: Vec<_> = lines.iter().map(|line| line.0).collect();
        let mut crosslines: Vec<_> = lines.iter().map(|line| line.1).collect();
        inlines.sort_unstable();
        inlines.dedup();
        crosslines.sort_unstable_by(|a, b| b.cmp(a));
        crosslines.dedup();
        let expected = Array3::from_shape_fn((inlines.len(), crosslines.len(), shape[2]), |(i, x, k)| {
            let line = (inlines[i], crosslines[x]);
            if lines.contains(&line) { volume[[line.0, line.1, k]] } else { f32::NAN }
        });
        check_source(&source, expected.view(), 10);
        prop_assert_eq!(source.missing_traces(), inlines.len() * crosslines.len() - lines.len());
        let live = source.live(0..inlines.len());
        prop_assert!(live.indexed_iter().all(|((i, x), live)| *live != expected[[i, x, 0]].is_nan()));
        let text = serde_json::to_string(&source.descriptor()).unwrap();
        let descriptor: SegyDescriptor = serde_json::from_str(&text).unwrap();
        check_source(&SegySource::from_descriptor(&descriptor).unwrap(), expected.view(), 3);
        let larger = source.shape().extents().map(|n| n + 1);
        prop_assert!(source.read_scratch(source.shape()) <= source.read_scratch(Shape::new(larger).unwrap()));
        prop_assert!(source.read_scratch(source.shape()).as_u64() <= 512 << 10);
        prop_assert!(source.shape()[Axis::Sample] == shape[2]);
    }
}

//! Readers and writers hold at most the heap bytes that they state.
//!
//! One test in a file of its own: a counting allocator counts for the whole process.

use std::path::Path;

use chunkfit_core::testing::Dice;
use chunkfit_core::{AxisLabel, ByteSize, ChunkGrid, OutputSpec, Shape, Sink, Source};
use chunkfit_io::segy::{SegyLayout, SegyWriter};
use chunkfit_io::zarr::{StoreSpec, ZarrSink, ZarrSource, create};
use chunkfit_io::{Input, InputOptions};
use ndarray::Array3;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// The largest number of heap bytes that `work` held at once.
fn peak(work: impl FnOnce()) -> ByteSize {
    let profiler = dhat::Profiler::builder().testing().build();
    work();
    let bytes = dhat::HeapStats::get().max_bytes;
    drop(profiler);
    ByteSize::of::<u8>(bytes)
}

fn check_source(source: &dyn Source, name: &str, slack: ByteSize) {
    for seed in 0..40 {
        let region = Dice::new(seed).region(source.shape());
        let mut out = Array3::zeros(region.shape().extents());
        let used = peak(|| {
            source.read(&region, out.view_mut()).expect("the region lies in the volume");
        });
        let stated = source.read_scratch(region.shape());
        assert!(used <= stated, "{name} {region}: used {used}, stated {stated}");
        assert!(stated <= used + slack, "{name} {region}: stated {stated}, used only {used}");
    }
}

fn input(path: &Path) -> Input {
    Input::open(path, &InputOptions::default()).expect("the file is valid")
}

#[test]
fn scratch_is_what_is_stated() {
    let folder = tempfile::tempdir().unwrap();
    let shape = Shape::new([19, 60, 70]).unwrap();
    let volume = Dice::new(1).volume(shape);

    let survey = folder.path().join("survey.sgy");
    let mut writer = SegyWriter::create(&survey, &SegyLayout::new(shape)).unwrap();
    let written = peak(|| {
        for (i, inline) in volume.outer_iter().enumerate() {
            writer.write_inline(i, inline).unwrap();
        }
    });
    writer.finish().unwrap();
    assert!(written <= ByteSize::kib(512), "writing SEG-Y held {written}");
    let opened = peak(|| drop(input(&survey)));
    assert!(opened <= ByteSize::kib(512), "opening SEG-Y held {opened}");
    check_source(&input(&survey), "SEG-Y", ByteSize::ZERO);

    let npy = folder.path().join("volume.npy");
    ndarray_npy::write_npy(&npy, &volume).unwrap();
    check_source(&input(&npy), "npy", ByteSize::ZERO);

    let store = folder.path().join("out.zarr");
    let [inlines, crosslines, samples] = shape.extents();
    let outputs = [OutputSpec { name: "dip".into(), unit: None, description: "A test".into() }];
    let spec = StoreSpec {
        volume: shape,
        chunk: Shape::new([8, 16, 32]).unwrap(),
        outputs: &outputs,
        axes: &[("inline", inlines), ("crossline", crosslines), ("time", samples)]
            .map(|(name, n)| AxisLabel::indices(name, n)),
        name: "PostStack3DTime",
        attributes: serde_json::Map::new(),
        coordinates: false,
    };
    create(&store, &spec).unwrap();
    let sink = ZarrSink::open(&store, "dip").unwrap();
    for core in ChunkGrid::new(shape, Shape::new([8, 32, 32]).unwrap()).iter() {
        let part = core.view(volume.view());
        let used = peak(|| sink.write(&core, part).unwrap());
        let stated = sink.write_scratch(core.shape());
        assert!(used <= stated, "sink {core}: used {used}, stated {stated}");
        assert!(stated <= used + ByteSize::kib(4), "sink {core}: stated {stated}, used {used}");
    }
    // No trace is live, so all of them are filled by the mask.
    check_source(&input(&store), "Zarr", ByteSize::kib(48));
    let plain = ZarrSource::open(&store, None).unwrap();
    check_source(&plain, "Zarr without the mask", ByteSize::kib(16));
}

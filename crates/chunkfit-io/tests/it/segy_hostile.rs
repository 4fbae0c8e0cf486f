//! Damaged and hostile files: an error or a volume that is no larger than the file allows, never a
//! panic.

use std::fs;

use chunkfit_core::testing::Dice;
use chunkfit_core::{Region, Shape, Source};
use chunkfit_io::segy::{SegyLayout, SegyOptions, SegyWriter};
use chunkfit_io::{Input, InputOptions};
use ndarray::Array3;
use proptest::prelude::*;

fn valid() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("valid.sgy");
    let shape = Shape::new([3, 4, 5]).unwrap();
    let volume = Dice::new(9).volume(shape);
    let mut writer = SegyWriter::create(&path, &SegyLayout::new(shape)).unwrap();
    for (i, inline) in volume.outer_iter().enumerate() {
        writer.write_inline(i, inline).unwrap();
    }
    writer.finish().unwrap();
    fs::read(&path).unwrap()
}

/// Opens `bytes`; a volume that comes of it is read whole and in part.
fn try_all(bytes: &[u8], options: SegyOptions) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.sgy");
    fs::write(&path, bytes).unwrap();
    let Ok(input) = Input::open(&path, &InputOptions { segy: options, variable: None }) else {
        return;
    };
    let shape = input.shape();
    // A grid has at most ten places per trace, and every trace takes its bytes.
    assert!(shape.voxels() <= 10 * bytes.len(), "{shape} from {} bytes", bytes.len());
    let region = Region::whole(shape);
    let mut out = Array3::zeros(shape.extents());
    input.read(&region, out.view_mut()).unwrap();
    assert_eq!(input.info().shape, shape.extents());
    let inlines = shape.extents()[0];
    assert_eq!(
        input.live(0..inlines).unwrap().iter().filter(|live| !**live).count(),
        input.missing_traces()
    );
    input.coordinates(0..inlines).unwrap();
    Input::from_descriptor(&input.descriptor()).unwrap();
}

/// Positions that decide something, and any position.
fn position(length: usize) -> impl Strategy<Value = usize> {
    prop_oneof![3200..3260_usize, 3260..3304_usize, 3500..3540_usize, 3600..3840_usize, 0..length,]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn changed_files_do_not_panic(
        changes in prop::collection::vec((position(6720), any::<u8>()), 1..8),
        cut in prop_oneof![Just(0_usize), 0..6720_usize],
    ) {
        let mut bytes = valid();
        let length = bytes.len();
        for (at, byte) in changes {
            bytes[at % length] = byte;
        }
        bytes.truncate(length - cut.min(length));
        try_all(&bytes, SegyOptions::default());
    }

    #[test]
    fn numbers_of_revision_2_are_not_trusted(
        words in prop::collection::vec((0..12_usize, any::<u32>()), 1..6),
        minor in 0..3_u8,
    ) {
        const FIELDS: [usize; 12] =
            [3221, 3269, 3273, 3277, 3297, 3505, 3507, 3513, 3517, 3521, 3525, 3529];
        let mut bytes = valid();
        bytes[3500..3502].copy_from_slice(&[2, minor]);
        for (field, word) in words {
            bytes[FIELDS[field] - 1..][..4].copy_from_slice(&word.to_be_bytes());
        }
        try_all(&bytes, SegyOptions::default());
    }

    #[test]
    fn random_bytes_do_not_panic(
        seed: u64,
        length in 0..9000_usize,
        samples in prop::option::of(any::<usize>()),
        offset in prop::option::of(any::<i32>()),
        il_byte in 0..300_usize,
    ) {
        let mut dice = Dice::new(seed);
        let bytes: Vec<u8> = (0..length).map(|_| dice.between(0, 255) as u8).collect();
        let format = chunkfit_io::segy::SampleFormat::try_from(dice.between(0, 16) as u16).ok();
        try_all(&bytes, SegyOptions { samples, offset, il_byte, format, ..SegyOptions::default() });
    }
}

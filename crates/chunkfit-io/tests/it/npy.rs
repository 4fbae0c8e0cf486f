//! npy files, made for the test and public.

use std::fs;

use chunkfit_core::testing::{Dice, check_source};
use chunkfit_core::{ByteSize, Shape, Source, StorageLayout};
use chunkfit_io::IoError;
use chunkfit_io::npy::NpySource;
use ndarray::{Array2, Array3};
use ndarray_npy::write_npy;
use proptest::prelude::*;

use crate::{chain, shared, whole};

#[test]
fn numbers_of_any_type_read_as_f32() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("volume.npy");
    let volume = Array3::from_shape_fn((5, 7, 11), |(i, x, k)| (i * 77 + x * 11 + k) as f32 / 4.0);
    write_npy(&path, &volume).unwrap();
    let source = NpySource::open(&path).unwrap();
    check_source(&source, volume.view(), 40);
    assert_eq!(source.layout(), StorageLayout::Contiguous { element_bytes: 4 });
    write_npy(&path, &volume.mapv(f64::from)).unwrap();
    check_source(&NpySource::open(&path).unwrap(), volume.view(), 10);
    let whole_numbers = volume.mapv(f32::floor);
    write_npy(&path, &whole_numbers.mapv(|v| v as i16)).unwrap();
    check_source(&NpySource::open(&path).unwrap(), whole_numbers.view(), 10);
    write_npy(&path, &whole_numbers.mapv(|v| v as u64)).unwrap();
    check_source(&NpySource::open(&path).unwrap(), whole_numbers.view(), 10);
}

#[test]
fn big_endian_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big.npy");
    let header = "{'descr': '>i4', 'fortran_order': False, 'shape': (1, 2, 3), }";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend((-2_i32..4).flat_map(i32::to_be_bytes));
    fs::write(&path, &bytes).unwrap();
    let source = NpySource::open(&path).unwrap();
    assert_eq!(whole(&source).into_raw_vec_and_offset().0, [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0]);
    bytes.pop();
    fs::write(&path, &bytes).unwrap();
    assert!(chain(&NpySource::open(&path).unwrap_err()).contains("truncated"));
}

#[test]
fn what_is_no_volume_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flat.npy");
    write_npy(&path, &Array2::<f32>::zeros((5, 7))).unwrap();
    assert!(chain(&NpySource::open(&path).unwrap_err()).contains("[5, 7]"));
    let fortran = Array3::<f32>::zeros((5, 7, 11)).reversed_axes();
    write_npy(&path, &fortran).unwrap();
    assert!(chain(&NpySource::open(&path).unwrap_err()).contains("ascontiguousarray"));
    assert!(matches!(
        NpySource::open(&folder.path().join("absent.npy")),
        Err(IoError::Open { .. })
    ));
    fs::write(&path, b"not npy at all").unwrap();
    assert!(matches!(NpySource::open(&path), Err(IoError::Npy { .. })));
}

#[test]
fn a_descriptor_opens_the_same_file_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("volume.npy");
    let volume = Dice::new(4).volume(Shape::new([5, 7, 11]).unwrap());
    write_npy(&path, &volume).unwrap();
    let descriptor = NpySource::open(&path).unwrap().descriptor();
    check_source(&NpySource::from_descriptor(&descriptor).unwrap(), volume.view(), 3);
    write_npy(&path, &Array3::<f32>::zeros((5, 7, 12))).unwrap();
    assert!(matches!(NpySource::from_descriptor(&descriptor), Err(IoError::Changed { .. })));
}

#[test]
fn a_public_cube_has_its_facts() {
    let Some(folder) = shared("npy") else { return };
    let source = NpySource::open(&folder.join("dasf_raw_100x100x100.npy")).unwrap();
    let volume = whole(&source);
    assert_eq!(volume.dim(), (100, 100, 100));
    let first: Vec<f32> = volume.iter().take(5).copied().collect();
    assert_eq!(first, [1440.0, -140.0, -2486.0, -3208.0, -732.0]);
    let mean = volume.iter().copied().map(f64::from).sum::<f64>() / volume.len() as f64;
    assert!((mean - 45.3249).abs() < 1e-4, "{mean}");
    assert_eq!(source.read_scratch(source.shape()), ByteSize::new(100 * 100 * 4));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Any header, and headers that were right once, open or are refused, without a panic.
    #[test]
    fn hostile_headers_are_refused(change in 0..90_usize, byte: u8, cut in 0..200_usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hostile.npy");
        write_npy(&path, &Array3::<f32>::zeros((2, 3, 4))).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes[change] = byte;
        bytes.truncate(bytes.len() - cut.saturating_sub(100));
        fs::write(&path, &bytes).unwrap();
        if let Ok(source) = NpySource::open(&path) {
            prop_assert!(source.shape().voxels() <= bytes.len());
            whole(&source);
        }
    }
}

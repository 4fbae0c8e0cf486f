//! Files that are damaged or made to do harm: an error, no panic, bounded memory.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use rmp::encode::*;
use traceq::prof::{Limits, ProfError, load, read, write};

use crate::prof::{fixture, sample};

fn packed(content: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(content).unwrap();
    packer.finish().unwrap()
}

fn error(content: &[u8]) -> ProfError {
    read(packed(content).as_slice(), small()).unwrap_err()
}

fn small() -> Limits {
    Limits { decompressed_bytes: 1 << 20, memory_bytes: 1 << 20 }
}

/// A file's content, with rows that a closure writes.
fn content(rows: u32, row: impl Fn(u32, &mut Vec<u8>)) -> Vec<u8> {
    let mut to = Vec::new();
    write_map_len(&mut to, 2).unwrap();
    write_str(&mut to, "metadata").unwrap();
    write_map_len(&mut to, 1).unwrap();
    write_str(&mut to, "unix_timestamp_unit").unwrap();
    write_str(&mut to, "ns").unwrap();
    write_str(&mut to, "data").unwrap();
    write_array_len(&mut to, rows).unwrap();
    (0..rows.min(100_000)).for_each(|i| row(i, &mut to));
    to
}

fn timed(to: &mut Vec<u8>, more: u32) {
    write_map_len(to, 1 + more).unwrap();
    write_str(to, "unix_timestamp").unwrap();
    write_uint(to, 1).unwrap();
}

#[test]
fn the_wrong_kind_of_file_is_told_from_a_damaged_one() {
    let plain = content(0, |_, _| ());
    let raw = read(plain.as_slice(), small()).unwrap_err();
    assert!(matches!(raw, ProfError::NotGzip { looks_unpacked: true, .. }), "{raw}");
    assert!(raw.to_string().contains("uncompressed"), "{raw}");
    let text = read(b"# a text".as_slice(), small()).unwrap_err();
    assert!(matches!(text, ProfError::NotGzip { looks_unpacked: false, .. }), "{text}");
    assert!(matches!(read(b"".as_slice(), small()), Err(ProfError::Truncated { .. })));
    assert!(matches!(error(b"\xa5hello"), ProfError::Unexpected { .. }));
    assert!(matches!(error(b"\x80"), ProfError::Missing { key: "data", .. }));
    assert!(matches!(load("/no/such", small()), Err(ProfError::File { action: "open", .. })));
    let mut twice = plain.clone();
    twice.push(0xc0);
    assert!(matches!(error(&twice), ProfError::Trailing { .. }));
}

#[test]
fn a_truncated_file_says_how_many_rows_it_had() {
    let bytes = std::fs::read(fixture("a.prof")).unwrap();
    for end in 0..bytes.len() {
        let error = read(&bytes[..end], small()).unwrap_err();
        let known = matches!(error, ProfError::Truncated { .. } | ProfError::Damaged { .. });
        assert!(known, "cut at {end}: {error}");
    }
    let mut whole = content(3, |_, to| timed(to, 0));
    whole.truncate(whole.len() - 5);
    assert!(matches!(error(&whole), ProfError::Truncated { rows: 2, .. }));
}

#[test]
fn a_bomb_is_stopped_by_its_limit() {
    let zeros = packed(&vec![0; 64 << 20]);
    assert!(zeros.len() < 1 << 20);
    let unexpected = read(zeros.as_slice(), small()).unwrap_err();
    assert!(matches!(unexpected, ProfError::Unexpected { .. }), "{unexpected}");

    // Text that is skipped, text that is kept, rows, columns: each ends at a limit.
    let mut skipped = b"\x81\xa4more\xdb\x04\x00\x00\x00".to_vec();
    skipped.resize(65 << 20, b' ');
    let TooLarge { option, .. } = too_large(&skipped);
    assert_eq!(option, "decompressed_bytes");
    let rows = content(100_000, |_, to| timed(to, 0));
    let roomy = Limits { decompressed_bytes: 1 << 30, ..small() };
    let full = read(packed(&rows).as_slice(), roomy).unwrap_err();
    assert!(matches!(full, ProfError::TooLarge { option: "memory_bytes", .. }), "{full}");
    let signed = content(3000, |i, to| {
        timed(to, 1);
        write_str(to, "signature").unwrap();
        write_str(to, &format!("{i:0>1000}")).unwrap();
    });
    let full = read(packed(&signed).as_slice(), roomy).unwrap_err();
    assert!(matches!(full, ProfError::TooLarge { option: "memory_bytes", .. }), "{full}");
    let columns = content(1, |_, to| {
        timed(to, 1000);
        for i in 0..1000 {
            write_str(to, &i.to_string()).unwrap();
            write_uint(to, i).unwrap();
        }
    });
    assert!(matches!(error(&columns), ProfError::TooManyColumns { limit: 256 }));
}

struct TooLarge {
    option: &'static str,
}

fn too_large(content: &[u8]) -> TooLarge {
    match error(content) {
        ProfError::TooLarge { option, .. } => TooLarge { option },
        other => panic!("{other}"),
    }
}

#[test]
fn declared_lengths_are_not_believed() {
    let rows = content(u32::MAX, |_, to| timed(to, 0));
    assert!(matches!(error(&rows[..200]), ProfError::Truncated { .. }));
    let mut deep = b"\x81\xa4more".to_vec();
    deep.resize(900_000, 0x91);
    assert!(matches!(error(&deep), ProfError::Truncated { .. }));
}

#[test]
fn values_that_are_no_bytes_are_refused_with_row_and_column() {
    for value in [f64::NAN, f64::INFINITY, -1.0, 1e30] {
        let bad = content(1, |_, to| {
            timed(to, 1);
            write_str(to, "kernel_memory_usage").unwrap();
            write_f64(to, value).unwrap();
        });
        let error = error(&bad);
        assert!(matches!(&error, ProfError::BadValue { row: 0, .. }), "{error}");
        assert!(error.to_string().contains("kernel_memory_usage of row 0"), "{error}");
    }
    let untimed = content(1, |_, to| {
        write_map_len(to, 0).unwrap();
    });
    assert!(error(&untimed).to_string().contains("\"unix_timestamp\" in row 0"));
    let twice = content(2, |_, to| {
        timed(to, 2);
        for value in [1, 2] {
            write_str(to, "x").unwrap();
            write_uint(to, value).unwrap();
        }
    });
    let read = read(packed(&twice).as_slice(), small()).unwrap();
    assert_eq!(read.column("x").unwrap().values(), [Some(2), Some(2)], "the last one counts");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = read(bytes.as_slice(), small());
        let _ = read(packed(&bytes).as_slice(), small());
    }

    #[test]
    fn mutated_files_do_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        pack in any::<bool>(),
    ) {
        let mut good = Vec::new();
        write(&sample(), "x", &mut good).unwrap();
        let mut bytes = if pack {
            let mut plain = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(good.as_slice()), &mut plain).unwrap();
            plain
        } else {
            good
        };
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes.truncate(cut.index(bytes.len() * 4).max(1).min(bytes.len()));
        let bytes = if pack { packed(&bytes) } else { bytes };
        if let Ok(profile) = read(bytes.as_slice(), small()) {
            let mut again = Vec::new();
            write(&profile, "x", &mut again).unwrap();
            let back = read(again.as_slice(), small()).unwrap();
            prop_assert_eq!(back.times_ns(), profile.times_ns());
        }
    }
}

//! Any bytes, packed or not: an error or a profile that is written and read again unchanged.

#![no_main]

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;
use traceq::prof::{Limits, read, write};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { decompressed_bytes: 1 << 20, memory_bytes: 1 << 20 };
    let _ = read(bytes, limits);
    let mut packer = GzEncoder::new(Vec::new(), Compression::none());
    packer.write_all(bytes).expect("memory takes all");
    let packed = packer.finish().expect("memory takes all");
    if let Ok(profile) = read(packed.as_slice(), limits) {
        let mut again = Vec::new();
        write(&profile, "fuzz", &mut again).expect("memory takes all");
        let back = read(again.as_slice(), Limits::default()).expect("what is written is read");
        assert_eq!(back.times_ns(), profile.times_ns());
    }
});

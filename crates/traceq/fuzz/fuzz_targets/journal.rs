//! Any bytes as a journal: an error or what can be recovered.

#![no_main]

use libfuzzer_sys::fuzz_target;
use traceq::prof::{Limits, recover_from};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { decompressed_bytes: 1 << 20, memory_bytes: 1 << 20 };
    let journal = [b"traceqJ1".as_slice(), bytes].concat();
    let _ = recover_from(bytes, limits);
    let _ = recover_from(journal.as_slice(), limits);
});

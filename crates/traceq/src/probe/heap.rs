//! The counting allocator as a backend.

use crate::{Kind, MemoryProbe, ProbeError, Reading, Scope, Source, heap};

fn installed(bytes: Option<u64>) -> Result<u64, ProbeError> {
    bytes.ok_or(ProbeError::Unavailable {
        counter: Source::Heap,
        why: "TraceqAlloc is not this program's #[global_allocator]",
    })
}

/// Live bytes of this process's Rust heap, as requested by the program.
#[derive(Clone, Copy, Debug)]
pub struct HeapLive(());

impl HeapLive {
    /// # Errors
    /// [`ProbeError::Unavailable`] where [`TraceqAlloc`](crate::TraceqAlloc) is not installed.
    pub fn open() -> Result<Self, ProbeError> {
        installed(heap::live_bytes()).map(|_| Self(()))
    }
}

impl MemoryProbe for HeapLive {
    fn read(&mut self) -> Result<Reading, ProbeError> {
        let bytes = installed(heap::live_bytes())?;
        Ok(Reading { bytes, scope: Scope::Heap, kind: Kind::Current, source: Source::Heap })
    }
}

/// Highest live bytes of this process's Rust heap since it began.
#[derive(Clone, Copy, Debug)]
pub struct HeapPeak(());

impl HeapPeak {
    /// # Errors
    /// [`ProbeError::Unavailable`] where [`TraceqAlloc`](crate::TraceqAlloc) is not installed.
    pub fn open() -> Result<Self, ProbeError> {
        installed(heap::peak_bytes()).map(|_| Self(()))
    }
}

impl MemoryProbe for HeapPeak {
    fn read(&mut self) -> Result<Reading, ProbeError> {
        let bytes = installed(heap::peak_bytes())?;
        Ok(Reading { bytes, scope: Scope::Heap, kind: Kind::Peak, source: Source::Heap })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_allocator_the_counter_is_absent_not_0() {
        let absent = HeapLive::open().unwrap_err();
        assert!(matches!(absent, ProbeError::Unavailable { counter: Source::Heap, .. }));
        assert!(HeapPeak::open().is_err());
    }
}

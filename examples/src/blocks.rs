//! Memory of a victim: mappings and allocated blocks, touched page by page.

#![expect(unsafe_code, reason = "the subject is raw memory")]

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc};
use std::fs::File;
use std::io;
use std::ptr::{NonNull, null_mut};

use rustix::mm::{self, MapFlags, ProtFlags};

use crate::schedule::{Advice, PageSize};

const PAGE: usize = 4096;

/// A piece of memory, resident only where it was touched. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Block {
    begin: NonNull<u8>,
    bytes: usize,
    origin: Origin,
}

#[derive(Debug)]
enum Origin {
    Mapping,
    Heap,
}

impl Block {
    pub(crate) fn map(bytes: usize, pages: PageSize) -> io::Result<Self> {
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: a new mapping at a place of the kernel's choice overlaps nothing.
        let begin = unsafe { mm::mmap_anonymous(null_mut(), bytes, access, flags)? };
        let block = Self::mapping(begin.cast(), bytes)?;
        match pages {
            PageSize::AsSet => {}
            // A kernel without huge pages refuses both, and behaves as if told to use small ones.
            PageSize::Small => drop(block.advise(mm::Advice::LinuxNoHugepage)),
            PageSize::Huge => drop(block.advise(mm::Advice::LinuxHugepage)),
        }
        Ok(block)
    }

    pub(crate) fn map_file(file: &File, bytes: usize) -> io::Result<Self> {
        // SAFETY: a new mapping at a place of the kernel's choice overlaps nothing; it is only read.
        let begin =
            unsafe { mm::mmap(null_mut(), bytes, ProtFlags::READ, MapFlags::PRIVATE, file, 0)? };
        Self::mapping(begin.cast(), bytes)
    }

    fn mapping(begin: *mut u8, bytes: usize) -> io::Result<Self> {
        let begin = NonNull::new(begin).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { begin, bytes, origin: Origin::Mapping })
    }

    /// From the program's allocator.
    pub(crate) fn request(bytes: usize, zeroed: bool) -> io::Result<Self> {
        let layout = layout(bytes)?;
        // SAFETY: the layout has a size above 0.
        let begin = unsafe { if zeroed { alloc_zeroed(layout) } else { alloc(layout) } };
        let begin = NonNull::new(begin).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { begin, bytes, origin: Origin::Heap })
    }

    /// Writes to every page of the first `bytes`.
    pub(crate) fn touch(&self, bytes: usize) {
        self.touch_from(0, bytes);
    }

    pub(crate) fn touch_from(&self, from: usize, to: usize) {
        for at in (from..to.min(self.bytes)).step_by(PAGE) {
            // SAFETY: inside the block, which is writable and ours alone.
            unsafe { self.begin.as_ptr().add(at).write_volatile(1) };
        }
    }

    /// Reads from every page of the first `bytes`.
    pub(crate) fn look(&self, bytes: usize) {
        for at in (0..bytes.min(self.bytes)).step_by(PAGE) {
            // SAFETY: inside the block; mappings are zero or file contents where nothing was written,
            // and this is only called for mappings.
            let _ = unsafe { self.begin.as_ptr().add(at).read_volatile() };
        }
    }

    pub(crate) fn give_up(&self, advice: Advice) -> io::Result<()> {
        self.advise(match advice {
            Advice::Free => mm::Advice::LinuxFree,
            Advice::DontNeed => mm::Advice::LinuxDontNeed,
        })
    }

    fn advise(&self, advice: mm::Advice) -> io::Result<()> {
        // SAFETY: the range is a mapping of ours, whose contents nobody relies on.
        unsafe { mm::madvise(self.begin.as_ptr().cast(), self.bytes, advice)? };
        Ok(())
    }
}

/// Brings the program's own text and data into memory, as far as they are mapped from files: which of
/// these pages are touched, and with how many neighbours, differs from run to run.
pub(crate) fn populate_program() -> io::Result<()> {
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    for line in maps.lines().filter(|line| line.contains('/')) {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        let parse = |text: &str| usize::from_str_radix(text, 16).ok();
        let Some((begin, end)) = range.and_then(|(a, b)| Some((parse(a)?, parse(b)?))) else {
            continue;
        };
        let begin = std::ptr::with_exposed_provenance_mut(begin);
        // SAFETY: reading pages in changes no content. Kernels before 5.14 and mappings that may not
        // be read refuse, and lose nothing.
        let _ = unsafe { mm::madvise(begin, end - begin.addr(), mm::Advice::LinuxPopulateRead) };
    }
    Ok(())
}

fn layout(bytes: usize) -> io::Result<Layout> {
    Layout::from_size_align(bytes.max(1), 16).map_err(io::Error::other)
}

impl Drop for Block {
    fn drop(&mut self) {
        match self.origin {
            Origin::Mapping => {
                // SAFETY: mapped with this length, and no reference into it was handed out.
                let _ = unsafe { mm::munmap(self.begin.as_ptr().cast(), self.bytes) };
            }
            Origin::Heap => {
                if let Ok(layout) = layout(self.bytes) {
                    // SAFETY: allocated with the same layout.
                    unsafe { dealloc(self.begin.as_ptr(), layout) };
                }
            }
        }
    }
}

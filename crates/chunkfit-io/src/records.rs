use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use ndarray::{ArrayViewMut2, Axis};
use serde::{Deserialize, Serialize};

use crate::ByteOrder;
use crate::element::Element;

/// Traces one after the other in a file, all of the same length: bytes that are no samples (the
/// trace header; none in npy), then the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Records {
    /// Where the first record begins.
    pub(crate) start: u64,
    /// Records in the file.
    pub(crate) count: u64,
    /// Bytes before the samples of each record.
    pub(crate) lead: usize,
    /// Samples of each record.
    pub(crate) samples: usize,
    pub(crate) element: Element,
    pub(crate) order: ByteOrder,
}

/// Bytes of the largest single read.
const BUFFER: usize = 512 << 10;

/// Bytes between two parts of a file that cost less to read than a second call: a call takes about
/// as long as copying this much.
const SKIP: usize = 16 << 10;

impl Records {
    /// Bytes of one record.
    pub(crate) const fn stride(&self) -> usize {
        self.lead + self.samples * self.element.bytes()
    }

    /// Where record `index` begins.
    pub(crate) const fn offset(&self, index: u64) -> u64 {
        self.start.saturating_add(index.saturating_mul(self.stride() as u64))
    }

    /// Bytes of the buffer that reading `samples` samples of up to `neighbours` neighbouring records
    /// takes. Never decreases in either.
    pub(crate) fn buffer_bytes(&self, neighbours: usize, samples: usize) -> usize {
        let wanted = samples.saturating_mul(self.element.bytes());
        let span = match neighbours.checked_sub(1) {
            Some(others) if self.joins(wanted) => {
                others.saturating_mul(self.stride()).saturating_add(wanted)
            }
            _ => wanted,
        };
        // At least one sample must fit.
        span.min(BUFFER - BUFFER % self.element.bytes())
    }

    /// Whether neighbouring records are read in one go when `wanted` bytes of each are needed.
    const fn joins(&self, wanted: usize) -> bool {
        self.stride().saturating_sub(wanted) <= SKIP
    }

    /// Reads samples `range` of the records `first`, `first + step`, …, one per row of `rows`,
    /// through `buffer`, which [`buffer_bytes`](Self::buffer_bytes) sizes. Returns the bytes fetched.
    pub(crate) fn read(
        &self,
        file: &File,
        first: u64,
        step: i64,
        range: Range<usize>,
        mut rows: ArrayViewMut2<'_, f32>,
        buffer: &mut [u8],
    ) -> io::Result<u64> {
        let wanted = range.len() * self.element.bytes();
        let together = if step.unsigned_abs() == 1 && self.joins(wanted) && wanted <= buffer.len() {
            1 + (buffer.len() - wanted) / self.stride()
        } else {
            1
        };
        let skip = (self.lead + range.start * self.element.bytes()) as u64;
        let mut fetched = 0;
        for (batch, mut rows) in rows.axis_chunks_iter_mut(Axis(0), together).enumerate() {
            let from = first.saturating_add_signed((batch * together) as i64 * step);
            let lowest = if step < 0 { from - (rows.nrows() - 1) as u64 } else { from };
            let at = self.offset(lowest) + skip;
            if wanted > buffer.len() {
                fetched += self.read_long(file, at, rows, buffer)?;
                continue;
            }
            let bytes = &mut buffer[..(rows.nrows() - 1) * self.stride() + wanted];
            file.read_exact_at(bytes, at)?;
            fetched += bytes.len() as u64;
            if step < 0 {
                rows.invert_axis(Axis(0));
            }
            for (row, record) in rows.rows_mut().into_iter().zip(bytes.chunks(self.stride())) {
                self.element.decode(self.order, &record[..wanted], row);
            }
        }
        Ok(fetched)
    }

    /// Reads one record piece by piece.
    fn read_long(
        &self,
        file: &File,
        at: u64,
        mut row: ArrayViewMut2<'_, f32>,
        buffer: &mut [u8],
    ) -> io::Result<u64> {
        let width = self.element.bytes();
        let mut fetched = 0;
        for mut piece in row.axis_chunks_iter_mut(Axis(1), buffer.len() / width) {
            let bytes = &mut buffer[..piece.len() * width];
            file.read_exact_at(bytes, at + fetched)?;
            fetched += bytes.len() as u64;
            self.element.decode(self.order, bytes, piece.row_mut(0));
        }
        Ok(fetched)
    }
}

use std::io::{Read, Write};

use chunkfit_core::{ByteSize, Shape};

use crate::{Disturbance, Dtype, Observation, Origin, Peak, Scope};

/// The columns of an observation file, in the order in which they are written.
pub const COLUMNS: [&str; 15] = [
    "inlines",
    "crosslines",
    "samples",
    "core_inlines",
    "core_crosslines",
    "core_samples",
    "dtype",
    "scope",
    "peak_bytes",
    "censored",
    "base_bytes",
    "machine",
    "allocator",
    "reclaim",
    "swap",
];

/// Why a file of observations cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The header lacks a column.
    #[error("the header has no column `{column}`; expected {}", COLUMNS.join(","))]
    MissingColumn {
        /// The column.
        column: &'static str,
    },
    /// A cell does not say what its column promises.
    #[error("line {line}: {column} is `{text}`; {expected}")]
    Cell {
        /// Line of the file, from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// The cell.
        text: String,
        /// What is expected.
        expected: String,
    },
    /// Extents that are no shape.
    #[error("line {line}: the {what} is no shape: {source}")]
    Shape {
        /// Line of the file, from 1.
        line: u64,
        /// Block or core.
        what: &'static str,
        /// What is wrong.
        source: chunkfit_core::ShapeError,
    },
    /// Broken quoting, a short line, or the file system.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// The file system.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Writes `observations` as CSV with a header.
///
/// # Errors
///
/// When `out` cannot be written.
pub fn write_csv<W: Write>(out: W, observations: &[Observation]) -> Result<(), TableError> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(COLUMNS)?;
    for seen in observations {
        let mut cells: Vec<String> =
            seen.block.extents().iter().chain(&seen.core.extents()).map(usize::to_string).collect();
        let flag = |set: bool| if set { "1" } else { "0" }.to_owned();
        cells.extend([
            seen.origin.dtype.to_string(),
            seen.origin.scope.to_string(),
            seen.peak.bytes().as_u64().to_string(),
            flag(matches!(seen.peak, Peak::AtLeast(_))),
            seen.base.map(|base| base.as_u64().to_string()).unwrap_or_default(),
            seen.origin.machine.clone(),
            seen.origin.allocator.clone(),
            flag(seen.disturbance.reclaim),
            flag(seen.disturbance.swap),
        ]);
        csv.write_record(cells)?;
    }
    csv.flush()?;
    Ok(())
}

/// Reads observations from CSV. Columns may stand in any order; others are ignored.
///
/// What [`write_csv`] wrote reads back equal.
///
/// # Errors
///
/// When a column is missing, or a cell is wrong: the message names line and column.
pub fn read_csv<R: Read>(input: R) -> Result<Vec<Observation>, TableError> {
    let mut csv = csv::Reader::from_reader(input);
    let header = csv.headers()?.clone();
    let mut positions = [0; COLUMNS.len()];
    for (position, column) in positions.iter_mut().zip(COLUMNS) {
        *position = header
            .iter()
            .position(|name| name.trim() == column)
            .ok_or(TableError::MissingColumn { column })?;
    }
    csv.records()
        .map(|record| {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            Line { line, record: &record, positions: &positions }.observation()
        })
        .collect()
}

struct Line<'a> {
    line: u64,
    record: &'a csv::StringRecord,
    positions: &'a [usize; COLUMNS.len()],
}

impl Line<'_> {
    fn observation(&self) -> Result<Observation, TableError> {
        let block = self.shape("block", [0, 1, 2])?;
        let core = self.shape("core", [3, 4, 5])?;
        let bytes = |column| self.number(column).map(ByteSize::new);
        let base = if self.text(10).is_empty() { None } else { Some(bytes(10)?) };
        let peak = bytes(8)?;
        Ok(Observation {
            block,
            core,
            peak: if self.flag(9)? { Peak::AtLeast(peak) } else { Peak::Measured(peak) },
            base,
            origin: Origin {
                dtype: self.choice(6, &Dtype::ALL, Dtype::name)?,
                scope: self.choice(7, &Scope::ALL, Scope::name)?,
                machine: self.text(11).to_owned(),
                allocator: self.text(12).to_owned(),
            },
            disturbance: Disturbance { reclaim: self.flag(13)?, swap: self.flag(14)? },
        })
    }

    fn text(&self, column: usize) -> &str {
        self.record.get(self.positions[column]).unwrap_or_default()
    }

    fn wrong(&self, column: usize, expected: impl Into<String>) -> TableError {
        let text = self.text(column).to_owned();
        TableError::Cell {
            line: self.line,
            column: COLUMNS[column],
            text,
            expected: expected.into(),
        }
    }

    fn number<N: std::str::FromStr>(&self, column: usize) -> Result<N, TableError> {
        let whole = |_| self.wrong(column, "write a whole number, not negative");
        self.text(column).trim().parse().map_err(whole)
    }

    fn shape(&self, what: &'static str, columns: [usize; 3]) -> Result<Shape, TableError> {
        let mut extents = [0; 3];
        for (extent, column) in extents.iter_mut().zip(columns) {
            *extent = self.number(column)?;
        }
        Shape::new(extents).map_err(|source| TableError::Shape { line: self.line, what, source })
    }

    fn flag(&self, column: usize) -> Result<bool, TableError> {
        match self.text(column).trim() {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(self.wrong(column, "write 0 or 1")),
        }
    }

    fn choice<C: Copy>(
        &self,
        column: usize,
        all: &[C],
        name: fn(C) -> &'static str,
    ) -> Result<C, TableError> {
        let text = self.text(column).trim();
        all.iter().copied().find(|&choice| name(choice) == text).ok_or_else(|| {
            let names: Vec<&str> = all.iter().copied().map(name).collect();
            self.wrong(column, format!("write one of {}", names.join(", ")))
        })
    }
}
